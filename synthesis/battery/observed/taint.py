"""Taint: where the value of a parameter arrives in SQL.

A slot of a statement belongs to a parameter when its value was the parameter's in every call in which the statement
ran, for several values. So small numbers and words that stand in statements anyway are told apart, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from servers.runtime.state import TableChanges
from synthesis.battery.observed.lineage import Place
from synthesis.battery.observed.stage import Seen
from synthesis.battery.observed.statement import Scalar, Statements, Use

_ENOUGH = 2
_DISTINCTIVE = 4
_LEAST_PART = 3
_MOST_KEPT = 8


class Slot(NamedTuple):
    """One place of one statement's shape, or the amount by which a call changes a column."""

    text: str
    position: int


class Likeness(NamedTuple):
    """How a slot's value is like a parameter's."""

    kind: str
    by: int = 0
    """Days between them, for dates that are shifted."""


SAME = Likeness("same")


@dataclass
class Clue:
    """What speaks for a parameter's value being in a slot in one way."""

    values: set[Any] = field(default_factory=set)
    """Values that were found there."""
    missed: int = 0
    """How often the statement had run, at most, in a refused call where none was found."""


class Taint:
    """What was seen of one tool's parameters."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._clues: dict[str, dict[Slot, dict[Likeness, Clue]]] = {}
        self._runs: dict[Slot, int] = {}
        """How often a statement ran in one call, at most."""
        self._given: dict[str, set[Any]] = {}
        self._granted: dict[str, set[Any]] = {}
        self._places: dict[str, tuple[Use, ...]] = {}
        """What `places` gave since the last call."""

    def copy(self) -> Taint:
        """The same knowledge, to go on from on its own."""
        other = Taint(self._statements)
        other._clues, other._runs = deepcopy((self._clues, self._runs))
        other._given, other._granted = deepcopy((self._given, self._granted))
        return other

    def watch(self, seen: Seen) -> None:
        """Learn from one call."""
        self._places.clear()
        values = {slot: found for slot, found in _slot_values(seen).items() if self.uses_of(slot)}
        for slot, found in values.items():
            self._runs[slot] = max(len(found), self._runs.get(slot, 0))
        for name, given in seen.arguments.items():
            if given is None:
                continue
            self._given.setdefault(name, set()).add(_frozen(given))
            if not seen.outcome.is_error:
                self._granted.setdefault(name, set()).add(_frozen(given))
            alone = not any(other == given for key, other in seen.arguments.items() if key != name)
            clues = self._clues.setdefault(name, {})
            for slot, found in values.items():
                if slot in clues and not clues[slot]:  # it was told apart for good
                    continue
                alike = {likeness for value in found for likeness in _likenesses(given, value)}
                _compare(clues, slot, alike, missed=len(found) if seen.outcome.is_error else 0)
                for likeness in alike if alone else ():
                    if likeness in clues[slot] and len(clues[slot][likeness].values) < _MOST_KEPT:
                        clues[slot][likeness].values.add(_frozen(given))

    def uses_of(self, slot: Slot) -> frozenset[Use]:
        """What is done with the value in a slot."""
        if slot.text.startswith("by "):
            return frozenset({Use(Place.of(slot.text.removeprefix("by ")), "sets", derived=True)})
        return self._statements.shape(slot.text).slots[slot.position]

    def uses(self, name: str) -> frozenset[Use]:
        """What is done with a parameter, as far as that is sure.

        Statements that differ in what is null in them have several shapes, so the values of all count together.
        """
        values: dict[tuple[Use, Likeness], set[Any]] = {}
        for slot, clues in self._clues.get(name, {}).items():
            for likeness, clue in clues.items():
                if clue.missed < self._runs[slot]:
                    for use in self.uses_of(slot):
                        values.setdefault((use, likeness), set()).update(clue.values)
        return frozenset(
            use._replace(derived=use.derived or likeness != SAME)
            for (use, likeness), found in values.items()
            if _is_sure(likeness, found)
        )

    def places(self, name: str) -> tuple[Use, ...]:
        """Columns whose values are worth giving, in a fixed order."""
        if name not in self._places:
            found = {
                use
                for slot, clues in self._clues.get(name, {}).items()
                if SAME in clues and clues[SAME].values
                for use in self.uses_of(slot)
            }
            self._places[name] = tuple(sorted(found))
        return self._places[name]

    def tries(self, name: str) -> int:
        """How many different values were given."""
        return len(self._given.get(name, ()))

    def successes(self, name: str) -> int:
        """How many different values were given in calls that gave a result."""
        return len(self._granted.get(name, ()))


def _compare(clues: dict[Slot, dict[Likeness, Clue]], slot: Slot, alike: set[Likeness], *, missed: int) -> None:
    """Keep the ways in which a slot is like a parameter each time.

    A refused call may have ended before a statement that runs several times came to this parameter, which is told by
    `missed`, the times that it ran; otherwise that is 0.
    """
    if slot not in clues:
        clues[slot] = {likeness: Clue() for likeness in (alike | {SAME} if missed else alike)}
    for likeness in [likeness for likeness in clues[slot] if likeness not in alike]:
        if missed:
            clues[slot][likeness].missed = max(missed, clues[slot][likeness].missed)
        else:
            del clues[slot][likeness]


def _slot_values(seen: Seen) -> dict[Slot, list[Scalar]]:
    found: dict[Slot, list[Scalar]] = {}
    for text, values in seen.statements:
        for position, value in enumerate(values):
            found.setdefault(Slot(text, position), []).append(value)
    for column, amount in _amounts(seen.changed):
        found.setdefault(Slot(f"by {column}", 0), []).append(amount)
    return found


def _amounts(changed: Mapping[str, TableChanges]) -> Iterator[tuple[Place, int]]:
    """By how much the numbers of rows changed."""
    for table, change in changed.items():
        for update in change["updated"]:
            for column, after in update["after"].items():
                before = update["before"][column]
                if isinstance(after, int) and isinstance(before, int):
                    yield Place(table, column), after - before


def _is_sure(likeness: Likeness, values: set[Any]) -> bool:
    if likeness.kind == "shifted":
        return len(values) > _ENOUGH
    if len(values) >= _ENOUGH:
        return True
    return likeness == SAME and any(len(str(value)) >= _DISTINCTIVE and not str(value).islower() for value in values)


def _likenesses(given: Any, value: Scalar) -> Iterator[Likeness]:
    """In which ways a value in SQL is like a given one."""
    if isinstance(given, list | tuple):
        if value in given or _is_spelled(given, value):
            yield Likeness("element")
    elif value == given:  # true and 1 are equal, as they are to SQLite
        yield SAME
    elif isinstance(given, int | float) and not isinstance(given, bool):
        if value == -given:
            yield Likeness("negated")
    elif isinstance(given, str) and isinstance(value, str):
        yield from _alike_texts(given, value)


def _alike_texts(given: str, value: str) -> Iterator[Likeness]:
    if value.casefold() == given.casefold():
        yield Likeness("recased")
    elif len(given) >= _LEAST_PART and given in value:
        yield Likeness("part")
    elif (days := _days_between(given, value)) is not None:
        yield Likeness("shifted", days)


def _is_spelled(given: Iterable[Any], value: Scalar) -> bool:
    if not (isinstance(value, str) and value.startswith("[")):
        return False
    try:
        return bool(json.loads(value) == list(given))
    except json.JSONDecodeError:
        return False


def _days_between(given: str, value: str) -> int | None:
    try:
        return (date.fromisoformat(value[:10]) - date.fromisoformat(given)).days
    except ValueError:
        return None


def _frozen(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
