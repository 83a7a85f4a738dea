"""Boundaries: pairs of examples that differ in one thing, of which one must be refused with a code and the other not.

The declared SQL of a refusal says when it is due. Around a call that is refused with one code alone, each argument, the
clock and each cell of the rows that it speaks of are varied until the code is due no more; numbers, days and moments
are bisected, so that the pair stands on both sides of the exact boundary.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.draw import Drawer, fits, made_text, narrowed
from envfactory_client.verify.dues import Dues
from envfactory_client.verify.example import Edit
from envfactory_client.verify.mirror import Mirror, later
from envfactory_client.verify.spot import Spot
from envfactory_client.verify.stakes import Stakes
from envfactory_client.verify.subject import Session, Subject
from envfactory_client.verify.surroundings import MOST_RELATED, Surroundings
from envfactory_client.verify.walk import bound

_HOUR, _DAY = 3600, 86_400
_WAITS = (60, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 45 * _DAY, 120 * _DAY)
_LEAPS = (-400 * _DAY, -30 * _DAY, -2 * _DAY, 2 * _DAY, 30 * _DAY, 400 * _DAY)
_AMOUNTS = (0, 1, 1000, 1_000_000, 100_000_000)
_HOPS = 3
_ATTEMPTS = 8
_MOVES = 3
"""Moves by which a code may come to be due alone."""
_STARTS = 2
"""Spots of either side from which they are sought."""
_SUCCESSES = 12
_COMBINATIONS = 4000
_JOINT_STEPS = 3000
"""Thousands of instructions of SQLite's machine that one search may take."""


@dataclass(frozen=True)
class Boundary:
    """A refused spot and one beside it that is not refused so; `across` says what differs."""

    code: str
    refused: Spot
    passing: Spot
    across: str


_Pair = tuple[Spot, Spot]
"""The refused spot, then the passing one."""
_Search = Callable[[Tool, str, Spot], Iterator[tuple[str, _Pair | None]]]
"""Tries to find pairs around a spot, and says across what."""
_Moves = Callable[[Tool, Iterable[str], Spot], Iterator[Spot]]
"""Gives spots near one that may differ in whether any of some codes is due."""


class Surveyor:
    """Finds spots for every outcome of a tool, and the boundaries between them, in a mirror."""

    def __init__(self, subject: Subject, mirror: Mirror, rng: random.Random) -> None:
        self.mirror = mirror
        self._surroundings = Surroundings(mirror)
        self._stakes = Stakes(mirror.facts)
        self._dues = Dues(mirror, self._stakes)
        self._drawer = Drawer(subject, _as_session(mirror), rng)
        self._rng = rng

    async def spots(self, tool: Tool, codes: frozenset[str], tries: int) -> dict[str, Spot]:
        """For each outcome (a code, or "" for none due) a spot at which it alone is due."""
        found: dict[str, Spot] = {}
        async for spot, due in self._candidates(tool, tries):
            if len(due) <= 1:
                found.setdefault(next(iter(due), ""), spot)
            if found.keys() >= codes | {""}:
                return found
        for outcome in sorted((codes | {""}) - found.keys()):
            joint = await self._joint(tool, outcome) or await self._beside_success(tool, outcome)
            if joint is not None:
                found[outcome] = joint
        return found

    async def _beside_success(self, tool: Tool, outcome: str) -> Spot | None:
        """A spot for an outcome about the same rows as a success, found among all values of what else is said."""
        for _ in range(_SUCCESSES if outcome else 0):
            fine = await self._joint(tool, "")
            joint = None if fine is None else await self._joint(tool, outcome, around=fine)
            if joint is not None:
                return joint
        return None

    async def _joint(self, tool: Tool, outcome: str, *, alone: bool = True, around: Spot | None = None) -> Spot | None:
        """A spot for an outcome, found by one query over all combinations of some values for each parameter.

        Unless it has to be due alone, others may be due as well. Around a spot, the rows that it is about stay.
        """
        refuses = self.mirror.facts.refuses(tool.name)
        names = [name for name in bound(tool, {}) if any(_speaks_of(sql, name) for sql in refuses.values())]
        names = [name for name in names if around is None or self._column(tool, name) is None]
        for attempt in range(_ATTEMPTS if around is None else 1):
            given = [name for name in names if attempt % 3 == 2 or name in tool.required]
            related = self._related({column for name in given if (column := self._near(tool, name))})
            options = {name: await self._options(tool, name, len(given), related) for name in given}
            if not options or not all(options.values()):
                continue
            asked = refuses if alone else {outcome: refuses[outcome]}
            sql, values = _combined(asked, options, outcome)
            rest = around.arguments if around is not None else await self._drawer.arguments(tool, odd=0.0)
            kept = {name: value for name, value in rest.items() if name in tool.required}
            moment = bound(tool, {name: value for name, value in kept.items() if name not in given})
            steps = _JOINT_STEPS if around is None else 4 * _JOINT_STEPS
            for row in self.mirror.select(sql, {**moment, **values}, steps=steps):
                spot = Spot({**kept, **_typed(tool, row)})
                if not alone or self._dues.only(tool, spot, outcome, due=bool(outcome)):
                    return spot
        return None

    def _column(self, tool: Tool, name: str) -> str | None:
        contract = tool.contract.parameters.get(name) if tool.contract else None
        return self._drawer.column(contract) if contract is not None else None

    def _near(self, tool: Tool, name: str) -> str | None:
        """The column that has values like those a parameter takes, if only because it is stored there."""
        contract = tool.contract.parameters.get(name) if tool.contract else None
        return self._column(tool, name) or (contract.sets if contract is not None else None)

    def _related(self, columns: set[str]) -> dict[str, list[Any]]:
        """Values of some columns in the rows around one row by chance, along foreign keys both ways."""
        layout = self.mirror.facts.layout
        tables = sorted({column.partition(".")[0] for column in columns} & set(layout.tables))
        if not tables:
            return {}
        table = self._rng.choice(tables)
        count = self.mirror.select(f"SELECT count(*) AS n FROM {table}", {})[0]["n"]  # noqa: S608
        place = self._rng.randrange(max(1, count))
        rows = self.mirror.select(f"SELECT * FROM {table} LIMIT 1 OFFSET {place}", {})  # noqa: S608
        front: list[tuple[str, Mapping[str, Any]]] = [(table, row) for row in rows]
        seen = list(front)
        for _ in range(_HOPS):
            front = [
                found for table, row in front for found in self._surroundings.linked(table, row) if found not in seen
            ]
            seen += front[:MOST_RELATED]
            front = front[:MOST_RELATED]
        values: dict[str, list[Any]] = {}
        for table, row in seen:
            for column in columns & {f"{table}.{name}" for name in row}:
                value = row[column.partition(".")[2]]
                if value is not None and value not in values.setdefault(column, []):
                    values[column].append(value)
        return values

    async def _options(self, tool: Tool, name: str, among: int, related: Mapping[str, Sequence[Any]]) -> list[Any]:
        """Some values for a parameter, the fewer the more parameters there are."""
        form = narrowed(tool.input_schema["properties"][name])
        most = max(3, round(_COMBINATIONS ** (1 / max(1, among))))
        if "enum" in form:
            return list(form["enum"])
        if form.get("type") in ("array", "object"):
            return []
        column = self._column(tool, name)
        near = [value for value in related.get(self._near(tool, name) or "", ()) if fits(value, form)][: most - 2]
        values = [value for value in await self._drawer.stored(column) if fits(value, form) and value not in near]
        values = near + self._rng.sample(values, max(0, min(len(values), most - 1 - len(near))))
        if column is not None and fits(made := made_text(form, self._rng), form):
            values.append(made)  # which no row has
        if len(values) < most and form.get("type") in ("integer", "boolean"):
            plain = [form.get("minimum"), form.get("maximum"), True, False, 1]
            values += [value for value in plain if fits(value, form) and value not in values]
        if form.get("format") == "date":
            today = date.fromisoformat(self.mirror.start[:10]).toordinal()
            drawn = [date.fromordinal(today + days).isoformat() for days in (-1, 1, 40, 400)]
            stored = [value for value in await self._drawer.stored(self._near(tool, name)) if fits(value, form)]
            values = [*near, *self._rng.sample(drawn, min(4, max(2, most // 2)))]
            return values + self._rng.sample(stored, max(0, min(len(stored), most - len(values))))
        if not values:
            others = [await self._drawer.value(tool, name, form) for _ in range(min(most, 6))]
            values = [value for value in others if isinstance(value, str | int)]
        return values[:most]

    async def _candidates(self, tool: Tool, tries: int) -> AsyncIterator[tuple[Spot, frozenset[str]]]:
        """Spots by chance, with what is due there."""
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
                due = self.mirror.due(tool, arguments)
            if best is None or 0 < len(due) <= best[0] or self._rng.random() < 0.08:
                best = (len(due), spot)
            yield spot, due

    async def edited(self, tool: Tool, code: str, spots: list[Spot]) -> Spot | None:
        """A spot at which a code alone is due, made by editing cells or waiting; None if that doesn't do it."""
        due = [await self._joint(tool, code, alone=False) for _ in range(_STARTS)]
        fine = [await self._joint(tool, "") for _ in range(_STARTS)]
        starts = [spot for spot in (*due, *spots, *fine) if spot is not None]
        tried = (self._rid_of_others(tool, code, spot, by) for by in (self._moves, self._borrowings) for spot in starts)
        return next((found for found in tried if found is not None), None)

    def _rid_of_others(self, tool: Tool, code: str, spot: Spot, by: _Moves) -> Spot | None:
        """A spot at which a code alone is due, reached from one in a few moves that each leave fewer things amiss."""
        wanted = frozenset({code})
        here = self._dues.at(tool, spot) or frozenset()
        for _ in range(_MOVES):
            amiss = here ^ wanted
            moves = ((other, self._dues.at(tool, other)) for other in by(tool, amiss, spot))
            better = (
                (other, due)
                for other, due in moves
                if due is not None and len(due ^ wanted) < len(amiss) and self._dues.sound(other)
            )
            spot, here = next(better, (spot, here))
            if here == wanted:
                return spot
            if len(here ^ wanted) == len(amiss):
                return None
        return None

    def _moves(self, tool: Tool, codes: Iterable[str], spot: Spot) -> Iterator[Spot]:
        """Spots that differ from one by a wait or by one cell, if that may matter to any of the codes."""
        if any(self._stakes.of_clock(tool.name, code) for code in codes):
            yield from (spot.with_wait(moment) for moment in (0, *_WAITS) if moment != spot.wait)
        for table, row, column in self._surroundings.cells(tool, spot.arguments, far=True):
            if any(self._stakes.of_cell(tool.name, code, f"{table}.{column}") for code in codes):
                for value in self._surroundings.other_values(table, column, row[column]):
                    yield spot.with_cell(self._cell(table, row, column), value)

    def _borrowings(self, tool: Tool, codes: Iterable[str], spot: Spot) -> Iterator[Spot]:
        """Spots with one cell as it stands in another row, and one more of that row where the schema ties it to that.

        So a cell that is empty is filled, and a moment goes past another that has to come later.
        """
        for table, row, column in self._surroundings.cells(tool, spot.arguments, far=False):
            if not any(self._stakes.of_cell(tool.name, code, f"{table}.{column}") for code in codes):
                continue
            cell = self._cell(table, row, column)
            for lender in self._surroundings.lenders(table, column, row[column]):
                alone = spot.with_cell(cell, lender[column])
                if self._dues.at(tool, alone) is not None:
                    yield alone
                    continue
                for name in row:
                    if name not in (column, *self.mirror.facts.layout.keys[table]) and lender[name] != row[name]:
                        first = spot.with_cell(self._cell(table, row, name), lender[name])
                        yield first.with_cell(cell, lender[column])

    def _cell(self, table: str, row: Mapping[str, Any], column: str) -> Edit:
        return Edit(table=table, key={name: row[name] for name in self.mirror.facts.layout.keys[table]}, column=column)

    def boundaries(self, tool: Tool, code: str, spots: Sequence[Spot]) -> Iterator[Boundary]:
        """Boundaries of a code around spots at which it is due or none is; far from them if there are none near."""
        near = (self._by_argument, self._by_clock, self._by_cell, self._by_row)
        found = False
        for boundary in (boundary for spot in spots for boundary in self._around(tool, code, spot, near)):
            found = True
            yield boundary
        for spot in spots if not found else ():
            yield from self._around(tool, code, spot, (partial(self._by_cell, far=True),))

    def _around(self, tool: Tool, code: str, spot: Spot, searches: Iterable[_Search]) -> Iterator[Boundary]:
        for search in searches:
            for across, pair in search(tool, code, spot):
                if pair is not None:
                    yield Boundary(code, *pair, across=across)

    def _by_argument(self, tool: Tool, code: str, spot: Spot) -> Iterator[tuple[str, _Pair | None]]:
        for name, field in tool.input_schema.get("properties", {}).items():
            if not self._stakes.of_argument(tool.name, code, name):
                continue
            form = narrowed(field)
            here = spot.arguments.get(name, field.get("default"))
            at = partial(spot.with_argument, name)
            if form.get("type") == "integer" and isinstance(here, int):
                ends = [form.get("minimum", 0), form.get("maximum", 10**9)]
                yield f"argument {name}", self._bisected(tool, code, here, ends, at)
            elif form.get("format") == "date" and isinstance(here, str):
                day = date.fromisoformat(here).toordinal()
                ends = [day + leap // _DAY for leap in _LEAPS]
                yield f"argument {name}", self._bisected(tool, code, day, ends, partial(spot.with_day, name))
            else:
                options = list(form.get("enum", ())) or ([True, False] if form.get("type") == "boolean" else [])
                others = [at(value) for value in options if value != here]
                yield f"argument {name}", self._beside(tool, code, spot, others)

    def _by_row(self, tool: Tool, code: str, spot: Spot) -> Iterator[tuple[str, _Pair | None]]:
        """Another row, or none, in the place of one that the call names."""
        for name, field in tool.input_schema.get("properties", {}).items():
            table, _, column = (self._near(tool, name) or "").partition(".")
            form = narrowed(field)
            if not column or form.get("type") != "string" or form.get("format") == "date":
                continue
            made = made_text(form, self._rng)  # also where nothing is at stake, or all that is drawn later would differ
            if not self._stakes.of_argument(tool.name, code, name):
                continue
            sql = f"SELECT DISTINCT {column} AS v FROM {table} WHERE {column} IS NOT NULL ORDER BY 1 LIMIT 150"  # noqa: S608
            values = [row["v"] for row in self.mirror.select(sql, {}) if fits(row["v"], form)]
            others = [spot.with_argument(name, value) for value in ([made] if fits(made, form) else []) + values]
            yield f"the row of {name}", self._beside(tool, code, spot, others)

    def _by_clock(self, tool: Tool, code: str, spot: Spot) -> Iterator[tuple[str, _Pair | None]]:
        if self._stakes.of_clock(tool.name, code):
            ends = [0, *(spot.wait + leap for leap in _WAITS)]
            yield "the clock", self._bisected(tool, code, spot.wait, ends, spot.with_wait)

    def _by_cell(self, tool: Tool, code: str, spot: Spot, *, far: bool = False) -> Iterator[tuple[str, _Pair | None]]:
        for table, row, column in self._surroundings.cells(tool, spot.arguments, far=far):
            if self._stakes.of_cell(tool.name, code, f"{table}.{column}"):
                cell = self._cell(table, row, column)
                yield f"{table}.{column}", self._by_one_cell(tool, code, spot, cell, row[column])

    def _by_one_cell(self, tool: Tool, code: str, spot: Spot, cell: Edit, here: Any) -> _Pair | None:
        holding = partial(spot.with_cell, cell)
        if isinstance(here, int):
            return self._bisected(tool, code, here, list(_AMOUNTS), holding)
        if isinstance(here, str) and len(here) == 20 and here.endswith("Z"):
            return self._bisected(tool, code, 0, list(_LEAPS), lambda seconds: holding(later(here, seconds)))
        others = [holding(value) for value in self._surroundings.values(cell.table, cell.column) if value != here]
        return self._beside(tool, code, spot, others)

    def _beside(self, tool: Tool, code: str, spot: Spot, others: Sequence[Spot]) -> _Pair | None:
        """A spot and the first of others such that the code is due, alone, at one of them and nothing at the other."""
        refused_here = self._dues.has(tool, spot, code)
        wanted = (one for one in others if self._dues.only(tool, one, code, due=not refused_here))
        other = next((one for one in wanted if self._dues.sound(one)), None)
        if other is None:
            return None
        return (spot, other) if refused_here else (other, spot)

    def _bisected(
        self, tool: Tool, code: str, here: int, ends: Sequence[int], at: Callable[[int], Spot]
    ) -> _Pair | None:
        """The adjacent values between which a code begins or stops being due: the refused one, then the other."""
        due_here = self._dues.has(tool, at(here), code)
        if due_here is None:
            return None
        for end in ends:
            due = self._dues.has(tool, at(end), code) if end != here else None
            if due is None or due == due_here:
                continue
            refused, passing = (here, end) if due_here else (end, here)
            while abs(refused - passing) > 1:
                middle = (refused + passing) // 2
                blocked = self._dues.has(tool, at(middle), code) is not False
                refused, passing = (middle, passing) if blocked else (refused, middle)
            pair = at(refused), at(passing)
            return pair if all(map(self._dues.sound, pair)) else None
        return None


def _speaks_of(sql: str, name: str) -> bool:
    return re.search(rf":{name}\b", sql) is not None


def _combined(
    refuses: Mapping[str, str], options: Mapping[str, Sequence[Any]], outcome: str
) -> tuple[str, dict[str, Any]]:
    """A query for the combinations of values at which an outcome's refusal alone is due, and its parameters."""
    values: dict[str, Any] = {}
    lists = []
    for name, choices in options.items():
        marks = []
        for place, value in enumerate(choices):
            values[f"{name}__{place}"] = value
            marks.append(f"(:{name}__{place})")
        lists.append(f"p_{name}({name}) AS (VALUES {', '.join(marks)})")
    conditions = []
    for code, sql in sorted(refuses.items(), key=lambda entry: entry[0] != outcome):
        asked = re.sub(r":(\w+)\b", lambda found: _column(found[1], options), sql)
        conditions.append(f"{'' if code == outcome else 'NOT '}EXISTS ({asked})")
    columns = ", ".join(f"p_{name}.{name} AS {name}" for name in options)
    sources = ", ".join(f"p_{name}" for name in options)
    return (
        f"WITH {', '.join(lists)} SELECT {columns} FROM {sources} WHERE {' AND '.join(conditions)} LIMIT 4",  # noqa: S608
        values,
    )


def _column(name: str, options: Mapping[str, Sequence[Any]]) -> str:
    return f"p_{name}.{name}" if name in options else f":{name}"


def _typed(tool: Tool, row: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments from a row of a database, which knows no booleans."""
    forms = {name: narrowed(tool.input_schema["properties"][name]) for name in row}
    return {name: bool(value) if forms[name].get("type") == "boolean" else value for name, value in row.items()}


def _as_session(mirror: Mirror) -> Session:
    from typing import cast

    return cast("Session", mirror)
