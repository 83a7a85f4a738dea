"""Arguments: what to call a tool with, from its published schema, the rows of a state and what was learnt so far."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from synthesis.battery.observed.lineage import Lineage, Place
from synthesis.battery.observed.sentinel import fits, is_fixed, plain, sentinel
from synthesis.battery.observed.stage import Book, Row, Stage
from synthesis.battery.observed.taint import Taint

Arguments = dict[str, Any]
_GIVE_OPTIONAL = 0.6
_FROM_ONE_ROW = 0.75
_STORED = 0.9
_STORED_NUMBER = 0.5
_ANOTHER = 0.3
_MOST_SWEPT = 12
_SWEEPS = 2
_LEAST_PART = 2
_VARY = 0.4
_MOST_KEPT = 8


class Hand:
    """Draws arguments for one tool."""

    def __init__(self, schema: Mapping[str, Any], taint: Taint, rng: random.Random) -> None:
        self._fields = {name: plain(field) for name, field in schema.get("properties", {}).items()}
        self._required = frozenset(schema.get("required", ()))
        self._taint = taint
        self._rng = rng
        self._guesses: dict[str, tuple[Place, ...]] = {}
        self._choices = {name: choices for name, field in self._fields.items() if (choices := _small_domain(field))}
        self._sweeps: dict[tuple[str, str], int] = {}
        self._sweep: list[Arguments] = []
        self._far: list[tuple[int, Arguments]] = []
        self._hosts: dict[tuple[tuple[Place, ...], ...], list[str]] = {}

    def sentinels(self, stage: Stage) -> Arguments:
        """Values that are nowhere in the state."""
        return {name: sentinel(field, self._rng, stage.today) for name, field in self._fields.items()}

    def draw(self, stage: Stage) -> Arguments:
        """Values of which most are in the state and often belong together, or those of a call that went far, varied."""
        if self._sweep:
            return self._sweep.pop()
        if self._far and self._rng.random() < _VARY:
            return self._varied(self._rng.choice(self._far)[1], stage)
        return self._drawn(stage)

    def praise(self, arguments: Arguments, reach: int, *, done: bool) -> None:
        """Keep the arguments of a call in mind if few have made the tool do as much.

        Where the call was done, the other choices of its small domains come next.
        """
        if done:
            for name, choices in self._choices.items():
                self._sweeps[name, str(arguments.get(name))] = _SWEEPS
                for choice in choices:
                    if (tried := self._sweeps.get((name, str(choice)), 0)) < _SWEEPS:
                        self._sweeps[name, str(choice)] = tried + 1
                        self._sweep.append({**arguments, name: choice})
        self._far.append((reach, arguments))
        self._far.sort(key=lambda pair: -pair[0])
        del self._far[_MOST_KEPT:]

    def forget(self) -> None:
        """Drop what went far in a state that is left."""
        self._far.clear()
        self._sweep.clear()
        self._sweeps.clear()

    def _varied(self, arguments: Arguments, stage: Stage) -> Arguments:
        other = self._drawn(stage)
        name = self._rng.choice(list(self._fields)) if self._fields else ""
        kept = {key: value for key, value in arguments.items() if key != name}
        return {**kept, name: other[name]} if name in other else {**arguments} if name in self._required else kept

    def _drawn(self, stage: Stage) -> Arguments:
        names = [name for name in self._fields if name in self._required or self._rng.random() < _GIVE_OPTIONAL]
        together = self._from_one_row(names, stage) if self._rng.random() < _FROM_ONE_ROW else {}
        return {name: together[name] if name in together else self._value(name, stage) for name in names}

    def _value(self, name: str, stage: Stage) -> Any:
        field = self._fields[name]
        if field.get("type") == "array":
            return [self._scalar(name, plain(field.get("items", {})), stage) for _ in range(self._rng.randint(1, 2))]
        return self._scalar(name, field, stage)

    def _scalar(self, name: str, field: Mapping[str, Any], stage: Stage) -> Any:
        if "enum" in field or self._rng.random() >= (_STORED if field.get("type") == "string" else _STORED_NUMBER):
            return sentinel(field, self._rng, stage.today)
        places = [place for place in self.places(name, stage) if stage.book.values(place)]
        if not places:
            return sentinel(field, self._rng, stage.today)
        values = stage.book.values(self._rng.choice(places))
        value = self._rng.choice(values)
        if self._is_searched(name) and isinstance(value, str):
            value = self._part(value)
        return value if fits(value, field) else sentinel(field, self._rng, stage.today)

    def _part(self, text: str) -> str:
        begin = self._rng.randrange(max(1, len(text) - _LEAST_PART))
        return text[begin : begin + self._rng.randint(_LEAST_PART, max(_LEAST_PART, len(text)))]

    def places(self, name: str, stage: Stage) -> tuple[Place, ...]:
        """The columns to take a parameter's values from: those it met, or else all whose values fit its pattern."""
        met = tuple(dict.fromkeys(use.place for use in self._taint.places(name)))
        if met:
            return met
        if name not in self._guesses:
            field = self._fields[name]
            self._guesses[name] = _fitting(field, stage) if is_fixed(field) else ()
        return self._guesses[name]

    def _from_one_row(self, names: Sequence[str], stage: Stage) -> Arguments:
        """Values for several parameters that stand together in one row, or in one much like it."""
        wanted = {name: self.places(name, stage) for name in names if "enum" not in self._fields[name]}
        hosts = self._hosts_of(tuple(places for places in wanted.values() if places), stage.lineage)
        rows = stage.book.rows(relation) if (relation := self._rng.choice(hosts) if hosts else "") else []
        if not rows:
            return {}
        row, taken, found = self._rng.choice(rows), set[str](), Arguments()
        for name, places in wanted.items():
            column = _column_for(places, relation, stage.lineage, taken)
            if column is not None and (not found or self._rng.random() >= _ANOTHER):
                taken.add(column)
                value = row[stage.lineage.relations[relation].index(column)]
            else:
                value = self._alike(_column_for(places, relation, stage.lineage), relation, row, stage)
            value = self._part(value) if self._is_searched(name) and isinstance(value, str) else value
            if value is not None and fits(value, self._fields[name]):
                found[name] = value
        return found

    def _hosts_of(self, wanted: tuple[tuple[Place, ...], ...], lineage: Lineage) -> list[str]:
        if wanted not in self._hosts:
            self._hosts[wanted] = _hosts(wanted, lineage)
        return self._hosts[wanted]

    def _is_searched(self, name: str) -> bool:
        return any(use.operator == "like" for use in self._taint.places(name))

    def _alike(self, column: str | None, relation: str, row: Row, stage: Stage) -> Any:
        return _alike(Place(relation, column), row, stage.book, stage.lineage, self._rng) if column else None


def _small_domain(field: Mapping[str, Any]) -> Sequence[Any]:
    """All values of a field, if there are only a few."""
    if "enum" in field:
        return tuple(field["enum"]) if len(field["enum"]) <= _MOST_SWEPT else ()
    if field.get("type") == "boolean":
        return (False, True)
    low, high = field.get("minimum"), field.get("maximum")
    if field.get("type") == "integer" and low is not None and high is not None and high - low < _MOST_SWEPT:
        return range(low, high + 1)
    return ()


def _fitting(field: Mapping[str, Any], stage: Stage) -> tuple[Place, ...]:
    """The stored columns all of whose values fit a field."""
    found = []
    for table in stage.lineage.layout.tables:
        for column in stage.lineage.relations[table]:
            values = stage.book.values(Place(table, column))
            if values and all(fits(value, field) for value in values):
                found.append(Place(table, column))
    return tuple(found)


def _hosts(wanted: Sequence[tuple[Place, ...]], lineage: Lineage) -> list[str]:
    """The relations that have columns for the most parameters, or for one less."""
    counts = {
        relation: sum(1 for places in wanted if _column_for(places, relation, lineage))
        for relation in lineage.relations
    }
    most = max(counts.values(), default=0)
    return [relation for relation, count in counts.items() if count and count >= max(1, most - 1)]


def _column_for(places: Sequence[Place], relation: str, lineage: Lineage, taken: Collection[str] = ()) -> str | None:
    """The column of a relation that means what one of these places means."""
    named = (place.column for place in places if place.relation == relation)
    meant = (
        column for place in places for source in lineage.sources(place) for column in lineage.meaning(relation, source)
    )
    return next((column for column in chain(named, meant) if column not in taken), None)


def _alike(place: Place, row: Row, book: Book, lineage: Lineage, rng: random.Random) -> Any:
    """Another value of a key, of a row that is as much like the row's own as there are."""
    roots = sorted(lineage.key_roots(place))
    own = row[lineage.relations[place.relation].index(place.column)]
    if not roots or not (mine := book.by(roots[0]).get(own)):
        return None
    others = [other for other in book.rows(roots[0].relation) if other is not mine[0]]
    scores = [sum(1 for left, right in zip(mine[0], other, strict=True) if left == right) for other in others]
    best = max(scores, default=0)
    close = [other for other, score in zip(others, scores, strict=True) if score >= best - 1]
    position = lineage.relations[roots[0].relation].index(roots[0].column)
    return rng.choice(close)[position] if close else None
