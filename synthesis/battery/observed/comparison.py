"""Comparison: what tools declare beside what was observed of them.

Only what was seen to be otherwise is a disagreement. What couldn't be seen, because a path was always null or a
statement never ran, is listed apart with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from servers.runtime import Environment
from servers.runtime.contract import FieldContract, ToolContract
from synthesis.battery.observed.lineage import Lineage, Origins, Place
from synthesis.battery.observed.observation import ObservedParameter, ObservedResult, ObservedTool, ObservedTypes
from synthesis.battery.observed.statement import Change, Use

Pair = tuple[str, str, str, str]
"""Producing tool, result path, consuming tool, parameter."""
_ENOUGH = 2


@dataclass(frozen=True)
class Disagreement:
    """Something that a tool declares and that was observed otherwise."""

    tool: str
    where: str
    """Parameter, result path or table; "" for the tool as a whole."""
    declared: str
    observed: str
    sentence: str


@dataclass(frozen=True)
class Unseen:
    """Something that a tool declares and that couldn't be observed."""

    tool: str
    where: str
    declared: str
    reason: str


@dataclass
class Agreement:
    """How what is declared and what was observed compare."""

    parameters: int = 0
    """Bindings of parameters that agree."""
    results: int = 0
    """Bindings of result paths that agree."""
    changes: int = 0
    """Changes that were declared and seen."""
    links: frozenset[Pair] = frozenset()
    """Links that were declared and observed."""
    unseen_links: frozenset[Pair] = frozenset()
    """Declared links of which an end couldn't be observed."""
    disagreements: list[Disagreement] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)


def compare(environment: Environment, observed: ObservedTypes) -> list[Disagreement]:
    """What the observed tools declare otherwise than they were observed."""
    return agreement(environment, observed).disagreements


def agreement(environment: Environment, observed: ObservedTypes) -> Agreement:
    """How the contracts of the observed tools compare with what was observed."""
    contracts = {name: definition.contract for name, definition in environment.tools.items()}
    return _Comparison(contracts, observed).run()


class _Comparison:
    def __init__(self, contracts: Mapping[str, ToolContract], observed: ObservedTypes) -> None:
        self._contracts = contracts
        self._observed = observed
        self._lineage = observed.lineage
        self._found = Agreement()

    def run(self) -> Agreement:
        for name, tool in self._observed.tools.items():
            contract = self._contracts[name]
            for parameter, entry in contract.parameters.items():
                self._parameter(name, parameter, entry, tool)
            for path, entry in contract.results.items():
                self._result(name, path, entry, tool.results.get(path))
            self._kind(name, contract, tool)
            self._changes(name, contract, tool)
        _Links(self._contracts, self._observed, self._facts).judge(self._found)
        return self._found

    @cached_property
    def _facts(self) -> Mapping[str, Origins]:
        """Fact of the world to what the columns stand for that are declared to hold it."""
        found: dict[str, Origins] = {}
        for contract in self._contracts.values():
            for entry in (*contract.parameters.values(), *contract.results.values()):
                column = entry.shows or (entry.filter.column if entry.filter else None)
                if entry.shared and column:
                    known = found.get(entry.shared, frozenset())
                    found[entry.shared] = known | self._lineage.sources(Place.of(column))
        return found

    def _parameter(self, tool: str, name: str, entry: FieldContract, seen: ObservedTool) -> None:
        observed = seen.parameters[name]
        for words, operators, sources in self._bindings(entry):
            if any(self._confirms(use, operators, sources) for use in observed.uses):
                self._found.parameters += 1
            elif observed.successes >= _ENOUGH:
                self._disagree(tool, name, words, _spelled_uses(observed))
            else:
                answers = ", ".join(code or "result" for code in sorted(seen.answers))
                reason = f"too few calls with it came to a result (answers: {answers})"
                self._found.unseen.append(Unseen(tool, name, words, reason))

    def _bindings(self, entry: FieldContract) -> Iterator[tuple[str, Collection[str], Origins]]:
        """What a parameter is bound to: in words, the operators that confirm it, and what the column stands for."""
        if entry.key:
            yield f"key of {entry.key}", ("=", "sets"), self._sources(entry.key)
        if entry.filter:
            column, operator = entry.filter.column, entry.filter.operator
            yield f"filter {column} {operator}", (operator,), self._sources(column)
        for role, column_set in (("sets", entry.sets), ("free text of", entry.free)):
            if column_set:
                yield f"{role} {column_set}", ("sets",), self._sources(column_set)
        if entry.shared and entry.shared in self._facts:
            yield f"fact {entry.shared}", ("=", "sets"), self._facts[entry.shared]

    def _sources(self, column: str) -> Origins:
        place = Place.of(column)
        return self._lineage.sources(place) | {place}

    def _confirms(self, use: Use, operators: Collection[str], sources: Origins) -> bool:
        return use.operator in operators and bool((self._lineage.sources(use.place) | {use.place}) & sources)

    def _result(self, tool: str, path: str, entry: FieldContract, observed: ObservedResult | None) -> None:
        column = entry.shows
        bindings = [(f"shows {column}", self._sources(column))] if column else []
        if entry.key:
            bindings.append((f"key of {entry.key}", self._sources(entry.key)))
        if entry.shared and entry.shared in self._facts:
            bindings.append((f"fact {entry.shared}", self._facts[entry.shared]))
        for words, sources in bindings:
            if observed is None or not observed.samples:
                self._found.unseen.append(Unseen(tool, path, words, "it was null, or its list empty, in every result"))
            elif any((self._lineage.sources(place) | {place}) & sources for place in observed.columns):
                self._found.results += 1
            else:
                self._disagree(tool, path, words, _spelled_columns(observed))

    def _kind(self, tool: str, contract: ToolContract, seen: ObservedTool) -> None:
        if seen.writes != (contract.kind == "writes"):
            if seen.writes or seen.successes >= _ENOUGH:
                self._disagree(tool, "", contract.kind, "writes" if seen.writes else "reads")
            else:
                self._found.unseen.append(Unseen(tool, "", contract.kind, "hardly any call came to a result"))

    def _changes(self, tool: str, contract: ToolContract, seen: ObservedTool) -> None:
        declared = frozenset(_declared_changes(contract))
        for change in sorted(seen.changes - declared):
            told = contract.changes.get(change[0], "nothing")
            self._disagree(tool, change[0], f"changes: {told}", _spelled_change(change))
        for change in sorted(declared - seen.changes - seen.attempts):
            unseen = Unseen(tool, change[0], _spelled_change(change), "no call that was made came to it")
            self._found.unseen.append(unseen)
        self._found.changes += len(declared & (seen.changes | seen.attempts))

    def _disagree(self, tool: str, where: str, declared: str, observed: str) -> None:
        self._found.disagreements.append(_disagreement(tool, where, declared, observed))


class _Links:
    """The links that keys make, as declared and as observed."""

    def __init__(
        self, contracts: Mapping[str, ToolContract], observed: ObservedTypes, facts: Mapping[str, Origins]
    ) -> None:
        self._lineage: Lineage = observed.lineage
        self._facts = frozenset().union(*facts.values())
        self.declared: dict[bool, dict[tuple[str, str], Origins]] = {True: {}, False: {}}
        """For results (True) and parameters (False), the keys of each."""
        self.observed: dict[bool, dict[tuple[str, str], Origins]] = {True: {}, False: {}}
        self.unseen: set[tuple[bool, tuple[str, str]]] = set()
        for tool, contract in contracts.items():
            seen = observed.tools.get(tool)
            for path, entry in contract.results.items():
                self._note(True, (tool, path), entry, seen.results.get(path) if seen else None)
            for name, entry in contract.parameters.items():
                self._note(False, (tool, name), entry, seen.parameters.get(name) if seen else None)

    def _note(
        self, gives: bool, end: tuple[str, str], entry: FieldContract, seen: ObservedParameter | ObservedResult | None
    ) -> None:
        keys = frozenset(self._lineage.key_roots(Place.of(entry.key))) if entry.key else frozenset()
        self.declared[gives][end] = keys
        self.observed[gives][end] = keys if seen is None else seen.keys - (self._facts - keys)
        if seen is not None and keys and not (seen.keys or _is_seen(seen)):
            self.unseen.add((gives, end))
            self.observed[gives][end] = keys

    def judge(self, found: Agreement) -> None:
        """Note which links agree, and which ends make the others."""
        declared, observed = _pairs(self.declared), _pairs(self.observed)
        hidden = {end for gives, end in self.unseen if gives}, {end for gives, end in self.unseen if not gives}
        unseen = {pair for pair in declared if (pair[0], pair[1]) in hidden[0] or (pair[2], pair[3]) in hidden[1]}
        found.links = frozenset((declared & observed) - unseen)
        found.unseen_links = frozenset(unseen)
        for gives in (True, False):
            others = frozenset().union(*self.declared[not gives].values(), *self.observed[not gives].values())
            for end, keys in self.declared[gives].items():
                seen = self.observed[gives][end]
                if (keys ^ seen) & others:
                    told = _spelled_keys(keys)
                    found.disagreements.append(_disagreement(*end, f"link by {told}", f"link by {_spelled_keys(seen)}"))


def _is_seen(seen: ObservedParameter | ObservedResult) -> bool:
    return bool(seen.samples if isinstance(seen, ObservedResult) else seen.successes >= _ENOUGH)


def _pairs(keys: Mapping[bool, Mapping[tuple[str, str], Origins]]) -> set[Pair]:
    return {
        (*producer, *consumer)
        for producer, given in keys[True].items()
        for consumer, taken in keys[False].items()
        if given & taken
    }


def _declared_changes(contract: ToolContract) -> Iterator[Change]:
    for table, text in contract.changes.items():
        for operation in text.split(","):
            kind, *columns = operation.split()
            if kind != "others":  # which rows are meant is judged elsewhere
                yield from ((table, kind, column) for column in columns or [""])


def _disagreement(tool: str, where: str, declared: str, observed: str) -> Disagreement:
    what = f"{tool}, {where}" if where else tool
    return Disagreement(tool, where, declared, observed, f"{what}: declared is {declared}; observed was {observed}.")


def _spelled_uses(observed: ObservedParameter) -> str:
    return ", ".join(str(use) for use in sorted(observed.uses)) or "no use in SQL"


def _spelled_columns(observed: ObservedResult) -> str:
    columns = ", ".join(str(place) for place in sorted(observed.columns))
    return f"values of {columns}" if columns else f"{observed.samples} values that are together in no column"


def _spelled_keys(keys: Origins) -> str:
    return ", ".join(str(place) for place in sorted(keys)) or "no key"


def _spelled_change(change: Change) -> str:
    table, kind, column = change
    return f"{kind} {table}.{column}" if column else f"{kind} {table}"
