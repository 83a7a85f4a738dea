"""Canary: which columns a result shows, by where its values stand in the rows.

A result path can show a column only if each of its values was in that column: where the record, what it is part of or
the arguments name a row, in that row; otherwise anywhere. Every call leaves fewer columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthesis.battery.observed.lineage import Lineage, Place
from synthesis.battery.observed.sentinel import plain
from synthesis.battery.observed.stage import Book, Row, Seen

_FIRST_ITEMS = 4
Ids = frozenset[tuple[Place, str]]
"""Key columns with the values that name a row each."""


@dataclass(frozen=True)
class Part:
    """One record of a result, with what it names itself and what is named around it."""

    cells: Mapping[str, Any]
    """Scalar values by result path."""
    levels: tuple[Ids, ...]
    """What is named in the record, in those around it from near to far, and last in the arguments."""


@dataclass
class Shown:
    """What is known of one result path."""

    columns: set[Place] | None = None
    """The columns that it may show; None before it had a value."""
    values: set[Any] = field(default_factory=set)
    samples: int = 0


class Canary:
    """What was seen of the results of one tool."""

    def __init__(self, lineage: Lineage, relations: set[str]) -> None:
        self._lineage = lineage
        self._relations = relations
        """What the tool's statements name: nothing else can be shown."""
        self.paths: dict[str, Shown] = {}

    def watch(self, seen: Seen, before: Book) -> None:
        """Learn from one call that gave a result."""
        if seen.outcome.structured is None:
            return
        books = (before, seen.after) if seen.changed else (before,)
        named = _ids(seen.arguments.values(), books)
        for part in _parts(seen.outcome.structured, "", (named,), books):
            self._compare(part, books)

    def _compare(self, part: Part, books: Sequence[Book]) -> None:
        rows: dict[tuple[int, str], list[Row] | None] = {}
        for path, value in part.cells.items():
            shown = self.paths.setdefault(path, Shown())
            if value is None:
                continue
            shown.samples += 1
            shown.values.add(value)
            left = self._all() if shown.columns is None else shown.columns
            shown.columns = {place for place in left if self._is_in(place, value, part, books, rows)}

    def _all(self) -> set[Place]:
        return {Place(name, column) for name in self._relations for column in self._lineage.relations[name]}

    def _is_in(
        self,
        place: Place,
        value: Any,
        part: Part,
        books: Sequence[Book],
        rows: dict[tuple[int, str], list[Row] | None],
    ) -> bool:
        for number, book in enumerate(books):
            if number and not book.is_new(place.relation):
                continue
            key = (number, place.relation)
            if key not in rows:
                rows[key] = _named_rows(place.relation, part.levels, book, self._lineage)
            chosen = rows[key]
            if chosen is None:
                if value in book.by(place):
                    return True
            else:
                position = self._lineage.relations[place.relation].index(place.column)
                if any(row[position] == value for row in chosen):
                    return True
        return False


def leaf_paths(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The result paths of a published output schema, such as "flights[].fare_cents"."""
    for name, published in schema.get("properties", {}).items():
        inner, path = plain(published), f"{prefix}{name}"
        while inner.get("type") == "array":
            inner, path = plain(inner.get("items", {})), f"{path}[]"
        if "properties" in inner:
            yield from leaf_paths(inner, f"{path}.")
        else:
            yield path


def _parts(record: Mapping[str, Any], prefix: str, around: tuple[Ids, ...], books: Sequence[Book]) -> Iterator[Part]:
    cells = {f"{prefix}{name}": value for name, value in record.items() if not isinstance(value, dict | list)}
    levels = (_ids(cells.values(), books), *around)
    yield Part(cells, levels)
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _parts(value, f"{prefix}{name}.", levels, books)
        for item in value[:_FIRST_ITEMS] if isinstance(value, list) else ():
            if isinstance(item, dict):
                yield from _parts(item, f"{prefix}{name}[].", levels, books)
            else:
                yield Part({f"{prefix}{name}[]": item}, (_ids([item], books), *levels))


def _ids(values: Any, books: Sequence[Book]) -> Ids:
    return frozenset(
        (place, value)
        for value in values
        if isinstance(value, str)
        for book in books
        for place in book.identified.get(value, ())
    )


def _named_rows(relation: str, levels: Sequence[Ids], book: Book, lineage: Lineage) -> list[Row] | None:
    """The rows of a relation that are named best: by most of what the nearest levels name; None if none is named."""
    scores: dict[int, list[int]] = {}
    rows: dict[int, Row] = {}
    for depth, ids in enumerate(levels):
        for root, value in ids:
            named = {
                id(row): row
                for column in lineage.referring(relation, root)
                for row in book.by(Place(relation, column)).get(value, ())
            }
            for key, row in named.items():
                rows[key] = row
                scores.setdefault(key, [0] * len(levels))[depth] += 1
    best = max(scores.values(), default=None)
    return None if best is None else [rows[key] for key, score in scores.items() if score == best]
