"""Oracles: what every single call of an environment must fulfil."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envfactory_client.episode import TableDiff
from envfactory_client.verify.check import Oracle
from envfactory_client.verify.subject import Ability, Changes, Observation, Subject

_HARNESS: frozenset[Ability] = frozenset({"harness"})
_CONTRACTS: frozenset[Ability] = frozenset({"harness", "contracts"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT")


class Schemas(Oracle):
    """B1: results are what the output schema says."""

    id, name = "B1", "schemas"
    sentence = "A result fits the tool's output schema, and its text is the same as its structure."

    def concerns(self, seen: Observation) -> bool:
        """Look at successes."""
        return seen.succeeded

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002 - an oracle's signature
        """Compare the result with the schema and the text."""
        schema, structured = seen.tool.output_schema, seen.result.structured
        if schema is None:
            return None
        if structured is None:
            return f"{seen.tool.name} has an output schema and gives no structured result"
        if (problem := _misfit(schema, structured)) is not None:
            return f"{seen.tool.name} gives a result that its output schema rejects: {problem}"
        try:
            said = json.loads(seen.result.text)
        except ValueError:
            return None  # a text for people beside the structure
        if said == structured or _wraps(structured, said, seen.result.text):
            return None
        return f"the text of {seen.tool.name}'s result differs from its structure"


class Atomicity(Oracle):
    """B3: what fails leaves no trace."""

    id, name = "B3", "atomicity"
    sentence = "A call that ends in an error changes nothing."
    needs = _HARNESS

    def concerns(self, seen: Observation) -> bool:
        """Look at errors."""
        return not seen.succeeded

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002
        """Compare the state before and after."""
        if _digest(seen.before) == _digest(seen.after):
            return None
        return f"{seen.tool.name} fails ({seen.result.text:.120}) and still changes {_tables(seen.changes)}"


class HonestReads(Oracle):
    """B4: a read reads."""

    id, name = "B4", "honest_reads"
    sentence = "A tool that says it only reads changes nothing."
    needs = _HARNESS

    def concerns(self, seen: Observation) -> bool:
        """Look at tools that claim to be reads."""
        return seen.tool.read_only

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002
        """Compare the state before and after; the runtime's own guard speaks of a bug."""
        if _digest(seen.before) != _digest(seen.after):
            return f"{seen.tool.name} says it only reads and changes {_tables(seen.changes) or 'the state'}"
        return None


class Integrity(Oracle):
    """B5: invariants hold."""

    id, name = "B5", "integrity"
    sentence = "Every declared invariant holds after every call."
    needs = _HARNESS

    def concerns(self, seen: Observation) -> bool:
        """Look at calls that changed something."""
        return _digest(seen.before) != _digest(seen.after)

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002
        """Name the first invariant that is broken."""
        for invariant, rows in seen.broken.items():
            return f"after {seen.tool.name} the invariant '{invariant}' is broken, first by {_json(rows[0])}"
        return None


class Filters(Oracle):
    """B9: a list is complete."""

    id, name = "B9", "filters"
    sentence = "A list has exactly the rows that its filters and keys ask for, and says how many there are."
    needs = _CONTRACTS

    def concerns(self, seen: Observation) -> bool:
        """Look at successful reads."""
        return seen.succeeded and seen.tool.read_only

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002
        """Name the first list whose length is wrong."""
        return f"{seen.tool.name}: {seen.miscounts[0]}" if seen.miscounts else None


class Effects(Oracle):
    """B10: a write does what it declares, to the rows it was asked about."""

    id, name = "B10", "effects"
    sentence = (
        "A write changes tables and columns that it declares, stores what it is given, and touches no other rows."
    )
    needs = _CONTRACTS

    def concerns(self, seen: Observation) -> bool:
        """Look at successful writes of declared tools."""
        return seen.succeeded and seen.tool.contract is not None and seen.tool.contract.kind == "writes"

    def verdict(self, seen: Observation, subject: Subject) -> str | None:
        """Compare the diff with the contract."""
        return next(iter(self._wrong(seen, subject)), None)

    def _wrong(self, seen: Observation, subject: Subject) -> Iterator[str]:
        contract = seen.tool.contract
        assert contract is not None
        for table, change in seen.changes.items():
            declared = contract.operations(table)
            yield from (f"{seen.tool.name} {what}" for what in _undeclared(table, change, declared))
        yield from _unstored(seen)
        if subject.facts is not None:
            yield from (f"{seen.tool.name} {what}" for what in _out_of_reach(seen))


class Preconditions(Oracle):
    """B11: refusals come when they are declared."""

    id, name = "B11", "preconditions"
    sentence = (
        "A call is refused with a code exactly when that code's declared SQL holds, up to the second and the cent."
    )
    needs = _CONTRACTS

    def concerns(self, seen: Observation) -> bool:
        """Look at calls whose arguments were accepted."""
        return not seen.invalid

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002
        """Compare the outcome with the codes that were due."""
        tool, code = seen.tool, seen.result.refusal
        due = ", ".join(sorted(seen.due)) or "none"
        if code is None:
            return f"{tool.name} succeeds although a refusal is due: {due}" if seen.due else None
        declared = tool.contract.refusals if tool.contract else ()
        if code not in declared:
            return f"{tool.name} refuses with '{code}', which it doesn't declare"
        return None if code in seen.due else f"{tool.name} refuses with '{code}', but what is due is: {due}"


class Echo(Oracle):
    """B12: what a result shows is what is stored."""

    id, name = "B12", "echo"
    sentence = "A record in a result agrees with a row of its table, and that row with what the call asked for."
    needs = _CONTRACTS

    def concerns(self, seen: Observation) -> bool:
        """Look at successes."""
        return seen.succeeded

    def verdict(self, seen: Observation, subject: Subject) -> str | None:  # noqa: ARG002
        """Name the first record that no row agrees with."""
        return f"{seen.tool.name}: {seen.strays[0]}" if seen.strays else None


class NoBugs(Oracle):
    """B14: what is accepted is answered."""

    id, name = "B14", "robustness"
    sentence = (
        "Whatever the arguments, a call ends in a result, a refusal or a sentence about the arguments, never in a bug."
    )

    def verdict(self, seen: Observation, subject: Subject) -> str | None:
        """Tell a bug from an answer."""
        if seen.gone is not None:
            return f"{seen.tool.name} ends the server: {seen.result.text:.200}" if seen.gone == "ended" else None
        if not seen.invalid:
            return None
        if (sign := bug_in(seen.result.text)) is not None:
            return f"{seen.tool.name} fails like a bug ({sign}): {seen.result.text:.200}"
        fits = _misfit(seen.tool.input_schema, dict(seen.arguments)) is None
        if fits and "contracts" in subject.abilities:
            return f"{seen.tool.name} rejects arguments that its schema accepts: {seen.result.text:.200}"
        return None


ORACLES: tuple[Oracle, ...] = (
    Schemas(),
    Atomicity(),
    HonestReads(),
    Integrity(),
    Filters(),
    Effects(),
    Preconditions(),
    Echo(),
    NoBugs(),
)

_SIGNS = (
    "Internal error in",
    "Traceback (most recent call last)",
    "TypeError",
    "KeyError",
    "AttributeError",
    "IndexError",
    "ZeroDivisionError",
    "is not a function",
    "Cannot read properties of",
    "undefined is not",
    "object has no attribute",
    "NoneType",
    "sqlite3.",
    "UNIQUE constraint failed",
    "CHECK constraint failed",
    "FOREIGN KEY constraint failed",
    'near "',
)


def bug_in(text: str) -> str | None:
    """The sign by which an error's text betrays a bug rather than an answer."""
    return next((sign for sign in _SIGNS if sign in text), None)


def _misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    from envfactory_client.verify.published import misfit

    return misfit(schema, value)


def _wraps(structured: Any, said: Any, text: str) -> bool:
    """Whether a structure is all that the text says under one name, as tools without records give it."""
    return isinstance(structured, Mapping) and list(structured.values()) in ([said], [text])


def _digest(state: Any) -> str | None:
    return None if state is None else state.digest


def _tables(changes: Changes) -> str:
    return ", ".join(sorted(changes))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=dict)[:200]


def _undeclared(table: str, change: TableDiff, declared: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if change.inserted and "insert" not in declared:
        yield f"inserts into {table}, which it doesn't declare"
    if change.deleted and "delete" not in declared:
        yield f"deletes from {table}, which it doesn't declare"
    for row in change.updated:
        if strange := sorted(set(row.after) - set(declared.get("update", ()))):
            yield f"updates {table}.{strange[0]}, which it doesn't declare"


def _unstored(seen: Observation) -> Iterator[str]:
    contract = seen.tool.contract
    assert contract is not None
    if not seen.changes:
        return
    for name, field in contract.parameters.items():
        value = seen.arguments.get(name)
        column = field.sets or field.free
        if value is None or column is None or isinstance(value, list | dict):
            continue
        table, _, stored = column.partition(".")
        change = seen.changes.get(table)
        held = change is not None and any(_holds(row, stored, value) for row in _news(change))
        if not held and not _was_so(seen, table, stored):
            yield f"{seen.tool.name} says it stores {name} in {column}, and no changed row has {value!r} there"


def _news(change: TableDiff) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    yield from ((row, {}) for row in change.inserted)
    yield from ((row.after, row.before) for row in change.updated)


def _holds(row: tuple[Mapping[str, Any], Mapping[str, Any]], column: str, value: Any) -> bool:
    """Whether a changed row has a value, or differs from before by it."""
    after, before = row
    if column not in after:
        return False
    now, then = after[column], before.get(column)
    if isinstance(value, int) and isinstance(now, int) and isinstance(then, int) and abs(now - then) == abs(value):
        return True
    if isinstance(value, str) and isinstance(now, str) and _MOMENT.match(now):
        return value in now  # a day or a time of day may be stored as part of a moment
    return bool(now == value)


def _was_so(seen: Observation, table: str, column: str) -> bool:
    """Whether the row may have had the value before: it was updated, or left, without this column in the diff."""
    change = seen.changes.get(table)
    return change is None or (not change.inserted and all(column not in row.after for row in change.updated))


def _out_of_reach(seen: Observation) -> Iterator[str]:
    """Rows of a table that the call names rows of, where it changes one that it neither names nor declares."""
    contract = seen.tool.contract
    assert contract is not None
    for table, (column, named) in _named(seen).items():
        change = seen.changes.get(table, TableDiff())
        keys = [row.key for row in change.updated] + list(change.deleted)
        others = sorted(str(key[column]) for key in keys if column in key and key[column] not in named)
        if others and "others" not in contract.operations(table):
            beside = "" if len(others) == 1 else f" and {len(others) - 1} more"
            yield f"is asked about {table} {' and '.join(sorted(named))} and changes {others[0]}{beside}"


def _named(seen: Observation) -> dict[str, tuple[str, set[str]]]:
    """Table to its key column and the keys that a call names; without tables of which it leaves a key to the tool."""
    found: dict[str, tuple[str, set[str]]] = {}
    unsaid: set[str] = set()
    for name, field in (seen.tool.contract.parameters if seen.tool.contract else {}).items():
        table, _, column = (field.key or "").partition(".")
        value = seen.arguments.get(name)
        values = value if isinstance(value, list) else [value]
        known, named = found.setdefault(table, (column, set()))
        named.update(one for one in values if isinstance(one, str))
        if value is None or known != column:
            unsaid.add(table)
    return {table: named for table, named in found.items() if table and table not in unsaid}
