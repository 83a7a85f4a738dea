"""Canonical changes: what an attempt did to the state, so that equal deeds are equal whatever ids they were given.

Volatile columns are left out. A new row goes by a colour instead of its generated ids: what it holds, refined by the
colours of the new rows that it refers to and that refer to it. New rows are then a multiset, and rows that were there
before keep their keys, so that deleting a row and making it again is not the same as leaving it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from envfactory_client.episode import Row, TableDiff
from envfactory_client.score.attempt import Changes
from envfactory_client.trajectory import RewardSpec, canonical_json

_LEAST_ID = 3
"""Ids shorter than this are only followed along declared links, since other values may equal them by chance."""
_GENERATED, _VOLATILE = "<generated>", "<volatile>"

Atom = tuple[Hashable, ...]
"""One thing that changed: a new row, a row that is gone, or one column of a row that was there."""


def atoms(changes: Changes, spec: RewardSpec) -> Counter[Atom]:
    """Everything that changed, each as often as it did."""
    names = _NewRows.of(changes, spec)
    return Counter(
        atom
        for environment, tables in changes.items()
        for table, change in tables.items()
        for atom in _table_atoms(_Place(environment, table), change, names)
    )


def numbers(changes: Changes) -> dict[tuple[str, str], tuple[int, int]]:
    """How many rows are new and gone in each table that has such; changes with other numbers have other atoms."""
    counted = {
        (environment, table): (len(change.inserted), len(change.deleted))
        for environment, tables in changes.items()
        for table, change in tables.items()
    }
    return {place: number for place, number in counted.items() if any(number)}


@dataclass(frozen=True)
class _Place:
    environment: str
    table: str

    @property
    def name(self) -> str:
        return f"{self.environment}.{self.table}"


def _table_atoms(place: _Place, change: TableDiff, names: _NewRows) -> Iterator[Atom]:
    for number in range(len(change.inserted)):
        yield "new", place.name, names.colours[place.name, number]
    for row in change.deleted:
        yield "gone", place.name, canonical_json(dict(row))
    for update in change.updated:
        key = canonical_json(dict(update.key))
        for column, value in update.after.items():
            if f"{place.name}.{column}" not in names.volatile:
                yield "set", place.name, key, column, names.plain(place, column, value)


@dataclass
class _NewRows:
    """The new rows of all tables, each under its table and number, and the colour that it goes by."""

    volatile: frozenset[str]
    generated: frozenset[str]
    links: Mapping[str, str]
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    ids: dict[Hashable, tuple[str, int]] = field(default_factory=dict)
    """A generated value, with its table where it is short, to the row that it names."""
    colours: dict[tuple[str, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: Changes, spec: RewardSpec) -> _NewRows:
        found = cls(frozenset(spec.volatile), frozenset(spec.generated), spec.links)
        for environment, tables in changes.items():
            for table, change in tables.items():
                for number, row in enumerate(change.inserted):
                    found._add(f"{environment}.{table}", number, row)
        found._refine()
        return found

    def plain(self, place: _Place, column: str, value: Any) -> str:
        """A value of a row that was there before, a new row's id as that row's colour."""
        target = self._target(place.name, column, value)
        return canonical_json(value) if target is None else self.colours[target]

    def _add(self, table: str, number: int, row: Row) -> None:
        self.rows[table, number] = row
        for column, value in row.items():
            if f"{table}.{column}" in self.generated and value is not None:
                self.ids[table, value] = table, number
                if isinstance(value, str) and len(value) >= _LEAST_ID:
                    self.ids[value] = table, number

    def _target(self, table: str, column: str, value: Any) -> tuple[str, int] | None:
        """The new row that a value names."""
        if isinstance(value, str) and value in self.ids:
            return self.ids[value]
        linked = self.links.get(f"{table}.{column}")
        return None if linked is None else self.ids.get((linked, value))

    def _refine(self) -> None:
        links = [
            (source, column, target)
            for source, row in self.rows.items()
            for column, value in row.items()
            if (target := self._target(source[0], column, value)) is not None and target != source
        ]
        self.colours = {place: _colour([place[0], self._content(place)]) for place in self.rows}
        for _ in range(min(len(self.rows), 8) if links else 0):
            beside: dict[tuple[str, int], list[list[str]]] = {place: [] for place in self.rows}
            for source, column, target in links:
                beside[source].append(["to", column, self.colours[target]])
                beside[target].append(["from", source[0], column, self.colours[source]])
            self.colours = {
                place: _colour([colour, sorted(beside[place])]) for place, colour in sorted(self.colours.items())
            }

    def _content(self, place: tuple[str, int]) -> list[list[Any]]:
        """What a new row holds by itself: its columns without ids that were generated for it or for other new rows."""
        return [[column, self._shown(place[0], column, value)] for column, value in sorted(self.rows[place].items())]

    def _shown(self, table: str, column: str, value: Any) -> Any:
        if f"{table}.{column}" in self.volatile:
            return _VOLATILE
        if f"{table}.{column}" in self.generated and value is not None:
            return _GENERATED
        target = self._target(table, column, value)
        return value if target is None else [_GENERATED, target[0]]


def _colour(value: Any) -> str:
    return blake2b(canonical_json(value).encode(), digest_size=8).hexdigest()
