"""Boundaries: pairs of examples that differ in one thing, of which one must be refused with a code and the other not.

The declared SQL of a refusal says when it is due. Around a call that is refused with one code alone, each argument, the
clock and each cell of the rows that it speaks of are varied until the code is due no more; numbers, days and moments
are bisected, so that the pair stands on both sides of the exact boundary.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.draw import Drawer, fits, narrowed
from envfactory_client.verify.example import Edit, Example, Size, call, wait
from envfactory_client.verify.mirror import Mirror, later, seconds_between
from envfactory_client.verify.subject import Session, Subject

_HOUR, _DAY = 3600, 86_400
_WAITS = (60, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 45 * _DAY, 120 * _DAY)
_LEAPS = (-400 * _DAY, -30 * _DAY, -2 * _DAY, 2 * _DAY, 30 * _DAY, 400 * _DAY)
_AMOUNTS = (0, 1, 1000, 1_000_000, 100_000_000)
_CHILDREN = 3


@dataclass(frozen=True)
class Spot:
    """A call at a moment, over edited cells."""

    arguments: Mapping[str, Any]
    wait: int = 0
    edits: tuple[Edit, ...] = ()

    def example(self, tool: Tool, seed: int, size: Size) -> Example:
        """The example that makes the call."""
        waits = (wait(self.wait),) if self.wait else ()
        return Example(seed=seed, size=size, edits=self.edits, steps=(*waits, call(tool.name, self.arguments)))


@dataclass(frozen=True)
class Boundary:
    """A refused spot and one beside it that is not refused so; `across` says what differs."""

    code: str
    refused: Spot
    passing: Spot
    across: str


class Surveyor:
    """Finds spots for every outcome of a tool, and the boundaries between them, in a mirror."""

    def __init__(self, subject: Subject, mirror: Mirror, rng: random.Random) -> None:
        self.mirror = mirror
        self._drawer = Drawer(subject, _as_session(mirror), rng)
        self._rng = rng

    async def spots(self, tool: Tool, codes: frozenset[str], tries: int) -> dict[str, Spot]:
        """For each outcome (a code, or "" for none due) a spot at which it alone is due."""
        found: dict[str, Spot] = {}
        async for spot in self._candidates(tool, tries):
            with self.mirror.at(spot.wait, spot.edits):
                due = self.mirror.due(tool, spot.arguments)
            if len(due) <= 1:
                found.setdefault(next(iter(due), ""), spot)
            if found.keys() >= codes | {""}:
                break
        return found

    async def _candidates(self, tool: Tool, tries: int) -> AsyncIterator[Spot]:
        best: tuple[int, Spot] | None = None
        for turn in range(tries):
            arguments = await self._drawer.arguments(tool, odd=0.04)
            moment = 0 if turn < tries * 0.6 else self._rng.choice(_WAITS)
            if best is not None and self._rng.random() < 0.6:  # change one thing of what came nearest
                names = [name for name in arguments if name in best[1].arguments]
                kept = self._rng.choice(names) if names else ""
                arguments = {**best[1].arguments, **({kept: arguments[kept]} if kept else {})}
                moment = best[1].wait
            spot = Spot(arguments, moment)
            with self.mirror.at(moment):
                due = len(self.mirror.due(tool, arguments))
            if best is None or 0 < due <= best[0] or self._rng.random() < 0.08:
                best = (due, spot)
            yield spot

    def edited(self, tool: Tool, code: str, spots: list[Spot]) -> Spot | None:
        """A spot at which a code alone is due, made by editing one cell; None if no cell does it."""
        for spot in spots:
            for edit in self._edits(tool, spot.arguments):
                candidate = replace(spot, edits=(*spot.edits, edit))
                if self._due(tool, candidate) == frozenset({code}):
                    return candidate
        return None

    def boundaries(self, tool: Tool, code: str, spot: Spot) -> Iterator[Boundary]:
        """Boundaries of a code around a spot at which it is due."""
        for search in (self._by_argument, self._by_clock, self._by_cell, self._by_row):
            yield from search(tool, code, spot)

    def _by_argument(self, tool: Tool, code: str, spot: Spot) -> Iterator[Boundary]:
        for name, field in tool.input_schema.get("properties", {}).items():
            form = narrowed(field)
            here = spot.arguments.get(name, field.get("default"))

            def with_value(value: Any, name: str = name) -> Spot:
                return replace(spot, arguments={**spot.arguments, name: value})

            if form.get("type") == "integer" and isinstance(here, int):
                ends = [form.get("minimum", 0), form.get("maximum", 10**9)]
                found = self._bisected(tool, code, here, ends, with_value)
            elif form.get("format") == "date" and isinstance(here, str):
                day = date.fromisoformat(here).toordinal()
                ends = [day + leap // _DAY for leap in _LEAPS]
                found = self._bisected(
                    tool, code, day, ends, lambda value, of=with_value: of(date.fromordinal(value).isoformat())
                )
            else:
                found = self._neighbour(tool, code, form, here, with_value)
            if found is not None:
                yield Boundary(code, *found, across=f"argument {name}")

    def _neighbour(
        self, tool: Tool, code: str, form: Mapping[str, Any], here: Any, at: Callable[[Any], Spot]
    ) -> tuple[Spot, Spot] | None:
        options = list(form.get("enum", ())) or ([True, False] if form.get("type") == "boolean" else [])
        for value in options:
            if value != here and code not in (self._due(tool, at(value)) or {code}):
                return at(here), at(value)
        return None

    def _by_row(self, tool: Tool, code: str, spot: Spot) -> Iterator[Boundary]:
        """Another row in the place of one that the call names."""
        for name, field in tool.input_schema.get("properties", {}).items():
            contract = tool.contract.parameters.get(name) if tool.contract else None
            table, _, column = ((self._drawer.column(contract) if contract else None) or "").partition(".")
            form = narrowed(field)
            if not column or form.get("type") != "string" or form.get("format") == "date":
                continue
            sql = f"SELECT DISTINCT {column} AS v FROM {table} WHERE {column} IS NOT NULL ORDER BY 1 LIMIT 120"  # noqa: S608
            values = [row["v"] for row in self.mirror.select(sql, {}) if fits(row["v"], form)]
            sides = (replace(spot, arguments={**spot.arguments, name: value}) for value in values)
            passing = next((side for side in sides if self._due(tool, side) == frozenset()), None)
            if passing is not None:
                yield Boundary(code, spot, passing, across=f"the row of {name}")

    def _by_clock(self, tool: Tool, code: str, spot: Spot) -> Iterator[Boundary]:
        found = self._bisected(
            tool, code, spot.wait, [0, *(spot.wait + leap for leap in _WAITS)], lambda value: replace(spot, wait=value)
        )
        if found is not None:
            yield Boundary(code, *found, across="the clock")

    def _by_cell(self, tool: Tool, code: str, spot: Spot) -> Iterator[Boundary]:
        for table, row in self._rows_spoken_of(tool, spot.arguments):
            key = {name: row[name] for name in self.mirror.facts.layout.keys[table]}
            for column in self.mirror.facts.layout.tables[table]:
                if column.name in key:
                    continue
                found = self._cell_boundary(tool, code, spot, Edit(table=table, key=key, column=column.name), row)
                if found is not None:
                    yield Boundary(code, *found, across=f"{table}.{column.name}")

    def _cell_boundary(
        self, tool: Tool, code: str, spot: Spot, cell: Edit, row: Mapping[str, Any]
    ) -> tuple[Spot, Spot] | None:
        here = row[cell.column]

        def holding(value: Any) -> Spot:
            kept = tuple(edit for edit in spot.edits if (edit.table, edit.key, edit.column) != _place(cell))
            return replace(spot, edits=(*kept, cell.model_copy(update={"value": value})))

        if isinstance(here, int):
            return self._bisected(tool, code, here, list(_AMOUNTS), holding)
        if isinstance(here, str) and len(here) == 20 and here.endswith("Z"):
            ends = list(_LEAPS)
            return self._bisected(tool, code, 0, ends, lambda seconds: holding(later(here, seconds)))
        for value in self._values(cell.table, cell.column):
            if value != here and self._due(tool, holding(value)) == frozenset():
                return spot, holding(value)
        return None

    def _bisected(
        self, tool: Tool, code: str, here: int, ends: list[int], at: Callable[[int], Spot]
    ) -> tuple[Spot, Spot] | None:
        """The adjacent values between which a code stops being due: the refused one, then the other."""
        if code not in (self._due(tool, at(here)) or ()):
            return None
        for end in ends:
            due = self._due(tool, at(end)) if end != here else None
            if due is None or code in due:
                continue
            refused, passing = here, end
            while abs(refused - passing) > 1:
                middle = (refused + passing) // 2
                refused, passing = (
                    (middle, passing) if code in (self._due(tool, at(middle)) or {code}) else (refused, middle)
                )
            return at(refused), at(passing)
        return None

    def _due(self, tool: Tool, spot: Spot) -> frozenset[str] | None:
        """The codes that are due at a spot; None where no state can be so."""
        if spot.wait < 0 or not _fitting(tool, spot.arguments):
            return None
        with self.mirror.at(spot.wait, spot.edits) as possible:
            if not possible or (spot.edits and not self.mirror.sound()):
                return None
            return self.mirror.due(tool, spot.arguments)

    def _edits(self, tool: Tool, arguments: Mapping[str, Any]) -> Iterator[Edit]:
        for table, row in self._rows_spoken_of(tool, arguments):
            key = {name: row[name] for name in self.mirror.facts.layout.keys[table]}
            for column in self.mirror.facts.layout.tables[table]:
                if column.name not in key:
                    for value in self._other_values(table, column.name, row[column.name]):
                        yield Edit(table=table, key=key, column=column.name, value=value)

    def _other_values(self, table: str, column: str, here: Any) -> list[Any]:
        values = [value for value in self._values(table, column) if value != here]
        if isinstance(here, int):
            values += [value for value in (0, 1, 1_000_000) if value not in values]
        elif isinstance(here, str) and len(here) == 20 and here.endswith("Z"):
            near = seconds_between(here, self.mirror.start)
            values += [later(here, near + leap) for leap in (-_DAY, -_HOUR, _HOUR, _DAY)]
        return values

    def _values(self, table: str, column: str) -> list[Any]:
        sql = f"SELECT {column} AS v FROM {table} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 9"  # noqa: S608
        values = [row["v"] for row in self.mirror.select(sql, {})]
        return values if len(values) < 9 else []

    def _rows_spoken_of(self, tool: Tool, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows whose keys are arguments, then their parents and a few of their children."""
        layout = self.mirror.facts.layout
        own: list[tuple[str, Mapping[str, Any]]] = []
        for name, field in (tool.contract.parameters if tool.contract else {}).items():
            table, _, column = (field.key or "").partition(".")
            if table in layout.tables and isinstance(arguments.get(name), str):
                own += [(table, row) for row in self._where(table, column, arguments[name])]
        yield from own
        for table, row in own:
            for (child, column), (parent, key) in layout.links.items():
                if child == table and row[column] is not None:
                    yield from ((parent, found) for found in self._where(parent, key, row[column]))
                if parent == table:
                    yield from ((child, found) for found in self._where(child, column, row[key])[:_CHILDREN])

    def _where(self, table: str, column: str, value: Any) -> list[dict[str, Any]]:
        return self.mirror.select(f"SELECT * FROM {table} WHERE {column} IS :value LIMIT 5", {"value": value})  # noqa: S608


def _place(edit: Edit) -> tuple[str, Mapping[str, Any], str]:
    return edit.table, edit.key, edit.column


def _fitting(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments that are numbers or dates are within their bounds."""
    for name, value in arguments.items():
        form = narrowed(tool.input_schema.get("properties", {}).get(name, {}))
        if isinstance(value, int) and not isinstance(value, bool) and not fits(value, form):
            return False
    return True


def _as_session(mirror: Mirror) -> Session:
    from typing import cast

    return cast("Session", mirror)
