"""A search: the look-ups by which the solver finds the rows that a description fits.

It is an AND-OR search over contracts: a row can be found by any look-up that shows its key beside the columns that
the description speaks of; each argument that the look-up needs must be a fact that was told, a property that was
said, or the key of another row that is found in the same way.
"""

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import log2
from typing import Any, Final

from envfactory_client.logical_form import Comparison, Extreme, Field, Property, Row, Rows, Same
from synthesis.paths import places_at
from synthesis.solver.outcome import Stuck, Unsettled
from synthesis.solver.sight import Found, Sight
from synthesis.solver.skill import Skill
from synthesis.solver.toolbox import LookUp, Toolbox, last_part, parameter

MOST_PARENTS: Final = 40
"""Rows of another entity that are gone through one by one."""
_LOOSE, _PARENT, _FAR_PARENT = 2, 1, 6
_SAYS: Final = frozenset({"=", "on"})
"""How a property stands to a value that a look-up may be given for it."""
_STANDS: Final[Mapping[Comparison, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "on": lambda seen, said: str(seen)[:10] == str(said)[:10],
    "at": lambda seen, said: str(seen)[11:16] == said,
    "before": lambda seen, said: str(seen)[11:16] < said,
    "after": lambda seen, said: str(seen)[11:16] > said,
}


def stands(seen: Any, op: Comparison, said: Any) -> bool:
    """Whether a value that was seen stands to one that was said as a comparison wants."""
    return seen is not None and _STANDS[op](seen, said)


@dataclass(frozen=True)
class _Parent:
    """An argument that has to be the key of a row of another entity, of which nothing is said."""

    entity: str


@dataclass(frozen=True)
class _Fact:
    """An argument that is a fact of the user's card."""

    value: Any


@dataclass(frozen=True)
class _Way:
    """One way to find a row: a look-up, where its arguments come from, and what it is expected to cost."""

    look_up: LookUp
    arguments: Mapping[str, Property | _Parent | _Fact]
    cost: int


@dataclass
class Search:
    """Finds rows; `value` gives what a term stands for."""

    toolbox: Toolbox
    sight: Sight
    skill: Skill
    facts: Mapping[str, Any]
    value: Callable[[Any], Awaitable[Any]]
    depth: int = 0
    deepest: int = 0
    distractors: float = 0.0
    most_rows: int = 1
    _hints: Sequence[Property] = field(default=())

    async def one(self, wanted: Row) -> Found:
        """Give the row that a description fits, or raise `Unsettled` when it isn't just one."""
        found = await self.all(wanted)
        if len(found) > 1 and self.skill.remembers:
            raise Unsettled(f"{len(found)} of {wanted.entity} fit")
        return found[0]

    async def all(self, wanted: Row | Rows, *, shows: str = "") -> list[Found]:
        """Give the rows that a description fits, at least one, by a look-up that shows a column if one is named."""
        if self.depth >= self.skill.hops:
            raise Stuck(f"{wanted.entity} is more than {self.skill.hops} look-ups away")
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        try:
            return await self._first_that_fits(wanted, shows)
        finally:
            self.depth -= 1

    async def _first_that_fits(self, wanted: Row | Rows, shows: str) -> list[Found]:
        reasons: list[str] = []
        for way in self._ways(wanted):
            if shows and shows not in way.look_up.columns:
                continue
            try:
                found = await self._go(way, wanted)
            except Stuck as stuck:
                reasons.append(f"{way.look_up.tool.name}: {stuck}")
                continue
            if found:
                return found
            reasons.append(f"{way.look_up.tool.name}: nothing fits")
        raise Stuck(f"no look-up leads to {wanted.entity} ({'; '.join(reasons) or 'none can be made'})")

    def _ways(self, wanted: Row | Rows) -> list[_Way]:
        look_ups = self.toolbox.look_ups(wanted.environment, wanted.entity)
        ways = [way for look_up in look_ups if (way := self._way(look_up, wanted)) is not None]
        return sorted(ways, key=lambda way: (way.cost, way.look_up.tool.name, way.look_up.item, way.look_up.field))

    def _way(self, look_up: LookUp, wanted: Row | Rows) -> _Way | None:
        arguments: dict[str, Property | _Parent | _Fact] = {}
        cost = len(look_up.tool.required)
        for name in look_up.tool.required:
            bound = self._bound(look_up, name, wanted)
            if bound is None:
                return None
            arguments[name], extra = bound
            cost += extra
        held = {id(part) for part in arguments.values()}
        spoken = [part.path for part in wanted.properties if id(part) not in held]
        if isinstance(wanted, Row) and wanted.extreme is not None:
            spoken.append(wanted.extreme.path)
        spoken += [part.path for part in wanted.prefers] if isinstance(wanted, Row) else []
        if any(look_up.field_of(path) is None for path in spoken):
            return None
        loose = sum(_LOOSE for path in spoken if path not in look_up.columns)
        return _Way(look_up, arguments, cost + loose)

    def _bound(self, look_up: LookUp, name: str, wanted: Row | Rows) -> tuple[Property | _Parent | _Fact, int] | None:
        """Give what an argument of a look-up can be, with what that costs; None when it can't be anything."""
        contract = parameter(look_up.tool, name)
        if contract.shared:
            fact = last_part(contract.shared)
            return (_Fact(self.facts[fact]), 0) if fact in self.facts else None
        column = contract.filter.column if contract.filter else ""
        said = [part for part in (*wanted.properties, *self._hints) if part.op in _SAYS]
        for part in said:
            if part.path == column or self._names(part, look_up.tool.environment, contract.key):
                return part, 0
        if contract.key:
            entity = contract.key.partition(".")[0]
            return (_Parent(entity), self._distance(wanted.environment, entity)) if entity != wanted.entity else None
        alike = [part for part in said if column and last_part(part.path) == last_part(column)]
        return (alike[0], _LOOSE) if alike else None

    @staticmethod
    def _names(part: Property, environment: str, key: str | None) -> bool:
        """Whether a property says which row of another entity it is, and that entity has a key."""
        inner = part.value
        if not key or last_part(part.path) != last_part(key):
            return False
        if isinstance(inner, Field):  # what another row refers to, such as the account of a card
            return isinstance(inner.of, Row) and inner.of.environment == environment
        if not isinstance(inner, Row | Same) or inner.environment != environment:
            return False
        return key.partition(".")[0] == inner.entity

    def _distance(self, environment: str, entity: str) -> int:
        """Give a small cost for what the user's facts alone lead to, and a large one for what must be gone through."""
        for look_up in self.toolbox.look_ups(environment, entity):
            known = [parameter(look_up.tool, name).shared for name in look_up.tool.required]
            if not look_up.item and all(known):
                return _PARENT
        return _FAR_PARENT

    async def _go(self, way: _Way, wanted: Row | Rows) -> list[Found]:
        """Make a way's look-ups and give the rows that fit."""
        look_up = way.look_up
        options = {name: await self._options(source, wanted) for name, source in way.arguments.items()}
        seen: dict[Any, Found] = {}
        for values in product(*options.values()):
            for record in await self._records(look_up, dict(zip(options, values, strict=True)), wanted):
                if (key := record.get(look_up.field)) is not None:
                    age = self.sight.age(wanted.environment)
                    found = Found(wanted.environment, wanted.entity, key, record, look_up.columns, age)
                    seen.setdefault(key, found)
        held = {id(part) for part in way.arguments.values()}
        fitting = await self._fitting(list(seen.values()), wanted.properties, look_up, held)
        for wish in wanted.prefers if isinstance(wanted, Row) else ():
            fitting = await self._fitting(fitting, [wish], look_up, set()) or fitting
        if isinstance(wanted, Row) and wanted.extreme is not None:
            fitting = _outermost(fitting, wanted.extreme, look_up)
        self.distractors += log2(len(seen)) if seen else 0
        self.most_rows = max(self.most_rows, len(fitting) if isinstance(wanted, Rows) else 1)
        return fitting

    async def _records(self, look_up: LookUp, arguments: dict[str, Any], wanted: Row | Rows) -> list[Any]:
        """Give the records of a look-up, of a list that is cut short those of a narrower and longer one."""
        result = await self.sight.look(look_up.tool, arguments)
        records = [record for _, record in places_at(result, look_up.item)]
        if not look_up.item or not isinstance(total := result.get("total"), int) or len(records) >= total:
            return records
        narrower = await self._narrowed(look_up, arguments, wanted)
        if narrower == arguments:
            return records
        result = await self.sight.look(look_up.tool, narrower)
        return [record for _, record in places_at(result, look_up.item)]

    async def _narrowed(self, look_up: LookUp, arguments: dict[str, Any], wanted: Row | Rows) -> dict[str, Any]:
        """Give arguments that leave out what the description doesn't fit, for as long a list as the tool gives."""
        found = dict(arguments)
        for name, schema in look_up.tool.input_schema.get("properties", {}).items():
            wants = parameter(look_up.tool, name).filter
            column = wants.column if wants is not None and wants.operator in ("=", "like") else None
            said = [part for part in wanted.properties if part.path == column and part.op in _SAYS]
            if said and name not in found:
                found[name] = await self.value(said[0].value)
            if name == "limit" and "maximum" in schema:
                found[name] = schema["maximum"]
        return found

    async def _options(self, source: Property | _Parent | _Fact, wanted: Row | Rows) -> list[Any]:
        if isinstance(source, _Fact):
            return [source.value]
        if isinstance(source, Property):
            return [await self.value(source.value)]
        before, self._hints = self._hints, wanted.properties
        try:
            parents = await self.all(Rows(environment=wanted.environment, entity=source.entity, mine=wanted.mine))
        finally:
            self._hints = before
        if len(parents) > MOST_PARENTS:
            raise Stuck(f"there are {len(parents)} of {source.entity} to go through")
        return [parent.value for parent in parents]

    async def _fitting(
        self, rows: list[Found], properties: Sequence[Property], look_up: LookUp, held: set[int]
    ) -> list[Found]:
        """Give the rows that have the properties; one that the look-up itself held needn't show."""
        for part in properties:
            field_name = look_up.field_of(part.path) if part.path in look_up.columns or id(part) not in held else None
            if field_name is not None and rows:
                said = await self.value(part.value)
                rows = [row for row in rows if stands(row.record.get(field_name), part.op, said)]
        return rows


def _outermost(rows: list[Found], extreme: Extreme, look_up: LookUp) -> list[Found]:
    """Give the row with the least or the most of a column, or those that share it."""
    name = str(look_up.field_of(extreme.path))
    values = [row.record[name] for row in rows if row.record.get(name) is not None]
    best = (min if extreme.function == "min" else max)(values, default=None)
    return [row for row in rows if best is not None and row.record.get(name) == best]
