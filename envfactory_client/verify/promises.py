"""Promises: what contracts and schemas say that a column's values are, with values that would break each.

A result that shows a column promises its values (an enum, a minimum, a form, a date, never null); a parameter that is a
key promises that the column tells rows apart; a shown key of another table promises that its row is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from envfactory_client.episode import Row, Rows
from envfactory_client.tool import FieldContract, Tool
from envfactory_client.verify.draw import is_date, narrowed
from envfactory_client.verify.layout import Layout

Kind = Literal["values", "least", "most", "form", "date", "time", "present", "unique", "link"]
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_GLOB_PART = re.compile(r"(?P<set>\[[^\]^]+\])(?:\{(?P<count>\d+)\})?|(?P<plain>[A-Za-z0-9_-])")


@dataclass(frozen=True)
class Promise:
    """What is said of the values of one column of a table."""

    column: str
    """Such as "loans.due_on"."""
    kind: Kind
    reason: str
    """Who says what, as a clause."""
    terms: Any = None
    """The values, the bound, the pattern, or the column that is referred to."""
    view: str | None = None
    """The column of a view that shows it, such as "shelf.genre"; None if the table's own is shown."""

    @property
    def name(self) -> str:
        """The column without its table."""
        return self.column.partition(".")[2]

    def bad_values(self, rows: Rows) -> list[Any]:
        """Values that break it, the plainest first."""
        return _BAD[self.kind](self, rows)

    def kept_by(self, rows: Rows) -> bool:
        """Whether the rows that are there keep it; else it speaks of some of them only."""
        entries = rows.get(self.column.partition(".")[0], ())
        if self.kind in ("unique", "link"):
            return True
        if self.kind == "present":
            return all(row[self.name] is not None for row in entries)
        values = (row[self.name] for row in entries if row[self.name] is not None)
        return not any(_BREAKS[self.kind](self.terms, value) for value in values)

    def broken_by(self, value: Any, rows: Sequence[Row], row: Row) -> bool:
        """Whether a value in the place of a row's own breaks it, among these rows of the table."""
        if value is None or self.kind == "present":
            return value is None and self.kind == "present"
        if self.kind == "unique":
            return row[self.name] != value and any(other[self.name] == value for other in rows)
        return row[self.name] != value and _BREAKS[self.kind](self.terms, value)

    @property
    def remedy(self) -> str:
        """What to write into the schema."""
        return f"add {_REMEDIES[self.kind](self.name, self.terms)}"


_BAD: Mapping[Kind, Callable[[Promise, Rows], list[Any]]] = {
    "values": lambda promise, _: _outside(promise.terms),
    "least": lambda promise, _: [promise.terms - 1],
    "most": lambda promise, _: [promise.terms + 1],
    "form": lambda promise, rows: _misshapen(promise.terms, _values(promise, rows)),
    "date": lambda *_: ["nonsense", "2026-02-30", "2026-3-2", "2026-03-02T09:00:00Z"],
    "time": lambda *_: [
        "nonsense",
        "2026-03-02T25:00:00Z",
        "2026-02-30T09:00:00Z",
        "2026-03-02 09:00:00",
        "2026-03-02",
    ],
    "present": lambda *_: [None],
    "unique": lambda promise, rows: _values(promise, rows)[:2],
    "link": lambda promise, rows: _unknown(promise.terms, rows),
}
_BREAKS: Mapping[Kind, Callable[[Any, Any], bool]] = {
    "values": lambda terms, value: value not in terms,
    "least": lambda terms, value: bool(value < terms),
    "most": lambda terms, value: bool(value > terms),
    "form": lambda terms, value: isinstance(value, str) and re.search(terms, value) is None,
    "date": lambda _, value: isinstance(value, str) and not is_date(value),
    "time": lambda _, value: isinstance(value, str) and not _is_time(value),
    "link": lambda *_: True,
}
_REMEDIES: Mapping[Kind, Callable[[str, Any], str]] = {
    "values": lambda name, terms: f"CHECK ({name} IN ({_listed(terms)}))",
    "least": lambda name, terms: f"CHECK ({name} >= {terms})",
    "most": lambda name, terms: f"CHECK ({name} <= {terms})",
    "form": lambda name, terms: f"CHECK ({name} GLOB '{_glob(terms)}')",
    "date": lambda name, _: f"CHECK ({name} IS date({name}, '+0 days'))",
    "time": lambda name, _: f"CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', {name}, '+0 days') IS {name})",
    "present": lambda *_: "NOT NULL",
    "unique": lambda *_: "UNIQUE",
    "link": lambda _, terms: f"REFERENCES {terms.partition('.')[0]}",
}


def promises(tools: Iterable[Tool], layout: Layout) -> list[Promise]:
    """What tools promise of the columns of tables, each once, by column.

    Where tools differ, the weakest counts: what one of them shows as null may be null, and values add up.
    """
    known = list(tools)
    found: dict[tuple[str, ...], Promise] = {}
    for promise in (*(one for tool in known for one in _of_tool(tool, layout)), *_of_names(layout)):
        place = (promise.column, promise.kind, promise.view or "", _apart_by(promise))
        found[place] = _weaker(found[place], promise) if place in found else promise
    nullable = {column for tool in known for column in _shown_as_null(tool, layout)}
    kept = (promise for _, promise in sorted(found.items()))
    return [promise for promise in kept if promise.kind != "present" or promise.column not in nullable]


def _apart_by(promise: Promise) -> str:
    """What keeps two promises of one kind apart: others are made into one."""
    return "" if promise.kind in ("values", "least", "most") else str(promise.terms)


def _weaker(one: Promise, other: Promise) -> Promise:
    match one.kind:
        case "values":
            return replace(one, terms=(*one.terms, *(value for value in other.terms if value not in one.terms)))
        case "least":
            return one if one.terms <= other.terms else other
        case "most":
            return one if one.terms >= other.terms else other
        case _:
            return one


def _shown_as_null(tool: Tool, layout: Layout) -> Iterator[str]:
    for path, contract in tool.contract.results.items() if tool.contract else ():
        form = form_at(tool.output_schema or {}, path)
        if contract.shows is not None and form is not None and _nullable(form):
            yield from (column for column, _ in _bases(contract.shows, layout))


def _of_tool(tool: Tool, layout: Layout) -> Iterator[Promise]:
    if tool.contract is None:
        return
    for path, contract in tool.contract.results.items():
        form = form_at(tool.output_schema or {}, path)
        if contract.shows is not None and form is not None:
            for column, view in _bases(contract.shows, layout):
                yield from _of_result(f"{tool.name} shows", path, contract, form, column, view, layout)
    for name, contract in tool.contract.parameters.items():
        form = tool.input_schema.get("properties", {}).get(name)
        if form is not None:
            yield from _of_parameter(tool.name, name, contract, narrowed(form), layout)


def _of_result(  # noqa: PLR0913, PLR0917 - where it stands, and what is said of it
    who: str,
    path: str,
    contract: FieldContract,
    form: Mapping[str, Any],
    column: str,
    view: str | None,
    layout: Layout,
) -> Iterator[Promise]:
    plain = narrowed(form)
    says = f"{who} it as {path}"
    if not _nullable(form):
        yield Promise(column, "present", f"{says}, which is never null", view=view)
    if "enum" in plain:
        yield Promise(column, "values", f"{says}, one of a few values", tuple(plain["enum"]), view)
    elif plain.get("type") == "boolean":
        yield Promise(column, "values", f"{says}, true or false", (0, 1), view)
    technical = contract.type == "money"  # whose largest amount is the vocabulary's, not the domain's
    if "minimum" in plain and (plain["minimum"] == 0 or not technical):
        yield Promise(column, "least", f"{says}, at least {plain['minimum']}", plain["minimum"], view)
    if "maximum" in plain and not technical:
        yield Promise(column, "most", f"{says}, at most {plain['maximum']}", plain["maximum"], view)
    yield from _of_text(says, plain, column, view)
    if contract.key is not None and contract.key != column and _apart(contract.key, column, layout):
        yield Promise(column, "link", f"{says}, the key of a row of {contract.key}", contract.key, view)


def _of_text(says: str, plain: Mapping[str, Any], column: str, view: str | None) -> Iterator[Promise]:
    if plain.get("format") == "date":
        yield Promise(column, "date", f"{says}, a date", view=view)
    elif plain.get("format") == "date-time":
        yield Promise(column, "time", f"{says}, a time in UTC", view=view)
    elif "pattern" in plain:
        yield Promise(column, "form", f"{says}, of the form {plain['pattern']}", plain["pattern"], view)


def _of_parameter(
    tool: str, name: str, contract: FieldContract, form: Mapping[str, Any], layout: Layout
) -> Iterator[Promise]:
    plain = narrowed(form["items"]) if form.get("type") == "array" and "items" in form else form
    if contract.key is not None and _is_column(contract.key, layout):
        says = f"{tool} takes it as {name}"
        yield Promise(contract.key, "unique", f"{says}, the key of one row")
        yield from _of_text(says, plain, contract.key, None)
    stored = contract.sets or (contract.filter.column if contract.filter else None)
    if stored is not None and _is_column(stored, layout) and plain.get("format") in ("date", "date-time"):
        yield from _of_text(f"{tool} compares or stores it as {name}", plain, stored, None)


def _of_names(layout: Layout) -> Iterator[Promise]:
    """A column that has the name of another table's only key speaks of its rows."""
    owners: dict[str, list[str]] = {}
    for table, key in layout.keys.items():
        if len(key) == 1 and key[0].endswith("_id"):
            owners.setdefault(key[0], []).append(table)
    for table, columns in layout.tables.items():
        for column in columns:
            owner = owners.get(column.name, [])
            if len(owner) == 1 and owner[0] != table:
                target = f"{owner[0]}.{column.name}"
                yield Promise(f"{table}.{column.name}", "link", f"its name says the key of a row of {target}", target)


def form_at(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The schema at a result path such as "bookings[].status"; None if it isn't there."""
    form: Mapping[str, Any] = schema
    for part in path.split("."):
        form = narrowed(form).get("properties", {}).get(part.removesuffix("[]"), {})
        if part.endswith("[]"):
            form = narrowed(form).get("items", {})
        if not form:
            return None
    return form


def _bases(shown: str, layout: Layout) -> Iterator[tuple[str, str | None]]:
    """The columns of tables that a shown column may stand for, each with the view through which it is seen."""
    source, _, column = shown.partition(".")
    if source in layout.tables:
        yield shown, None
        return
    for table in layout.tables:
        if column in layout.columns(table):
            yield f"{table}.{column}", shown


def _is_column(column: str, layout: Layout) -> bool:
    table, _, name = column.partition(".")
    return table in layout.tables and name in layout.columns(table)


def _apart(key: str, column: str, layout: Layout) -> bool:
    """Whether a key is that of a table other than the one that a column is of."""
    return _is_column(key, layout) and key.partition(".")[0] != column.partition(".")[0]


def _nullable(form: Mapping[str, Any]) -> bool:
    kinds = form.get("type")
    either = isinstance(kinds, list) and "null" in kinds
    return either or any(option.get("type") == "null" for option in form.get("anyOf", ()))


def _values(promise: Promise, rows: Rows) -> list[Any]:
    """What the column holds."""
    values = (row[promise.name] for row in rows.get(promise.column.partition(".")[0], ()))
    return [value for value in values if value is not None]


def _outside(values: Sequence[Any]) -> list[Any]:
    if all(isinstance(value, int) for value in values):
        return [max(values) + 1, min(values) - 1]
    return ["nonsense", "", *(str(value).upper() for value in values[:1] if str(value).upper() not in values)]


def _misshapen(pattern: str, values: Sequence[Any]) -> list[Any]:
    near = [f"{value}0" for value in values[:1]] + [str(value).lower() for value in values[:1]]
    return [value for value in ("nonsense", "", *near) if re.search(pattern, value) is None]


def _unknown(target: str, rows: Rows) -> list[Any]:
    """An id of the form of those that are there, and that isn't there."""
    table, _, column = target.partition(".")
    known = {row[column] for row in rows.get(table, ())}
    for value in sorted(known, key=str)[:1]:
        if isinstance(value, int):
            return [max(known) + 1]
        shuffled = (re.sub(r"\d", str(digit), str(value)) for digit in range(9, -1, -1))
        return [text for text in (*shuffled, str(value)[::-1], "nonsense") if text not in known][:2]
    return []


def _is_time(value: str) -> bool:
    if _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return False
    return True


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) if isinstance(value, int) else f"'{value}'" for value in values)


def _glob(pattern: str) -> str:
    """The pattern of SQLite's GLOB for a simple regular expression, or dots for what there is to think of."""
    body, place, text = pattern.removeprefix("^").removesuffix("$"), 0, ""
    while place < len(body):
        part = _GLOB_PART.match(body, place)
        if part is None:
            return "..."
        text += part["plain"] or part["set"] * int(part["count"] or 1)
        place = part.end()
    return text
