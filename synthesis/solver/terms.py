"""Terms: what the words of a request stand for, found out by looking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from envfactory_client import Tool
from envfactory_client.logical_form import (
    Card,
    Condition,
    Derived,
    Field,
    Given,
    Operation,
    Row,
    Rows,
    Said,
    Same,
    Several,
    Term,
)
from synthesis.paths import places_at
from synthesis.solver.memory import Memory
from synthesis.solver.outcome import Stuck
from synthesis.solver.search import Search, stands
from synthesis.solver.sight import Found, Sight
from synthesis.solver.skill import Skill
from synthesis.solver.toolbox import Toolbox, last_part, parameter


def _day(moved: int) -> Callable[[Any, Any], str]:
    return lambda day, days: (date.fromisoformat(str(day)[:10]) + timedelta(days=moved * int(days))).isoformat()


def _days_between(later: Any, earlier: Any) -> int:
    return (date.fromisoformat(str(later)[:10]) - date.fromisoformat(str(earlier)[:10])).days


_DERIVED: Final[Mapping[Operation, Callable[..., Any]]] = {
    "count": len,
    "half": lambda value: value // 2,
    "double": lambda value: value * 2,
    "sum": lambda *values: sum(values[0] if isinstance(values[0], list) else values),
    "difference": lambda more, less: more - less,
    "days_between": _days_between,
    "days_later": _day(1),
    "days_earlier": _day(-1),
}


class Terms:
    """What terms stand for in one episode, as far as it has been seen."""

    def __init__(self, toolbox: Toolbox, sight: Sight, memory: Memory, skill: Skill) -> None:
        self.toolbox, self.sight, self.memory, self.skill = toolbox, sight, memory, skill
        self.search = Search(toolbox, sight, skill, memory.facts, self.value)
        self.named: list[Found] = []
        """Rows named inside other descriptions, since the last time that somebody asked."""
        self.turns_back = 0

    async def value(self, term: Term) -> Any:
        """Give the value of a term that stands inside another one."""
        match term:
            case Said():
                return term.value
            case Card():
                return self._fact(term.fact)
            case Row() | Same():
                row = await self.row(term)
                if not is_self(term):
                    self.named.append(row)
                return row.value
            case Rows():
                return [row.value for row in await self.search.all(term)]
            case Several():
                return [await self.value(part) for part in term.of]
            case Field():
                return await self.column(term.of, term.column)
            case Given():
                return self._given(term)
            case Derived():
                return _DERIVED[term.op](*[await self.value(part) for part in term.of])

    async def row(self, term: Term) -> Found:
        """Give the row that a term describes or points back to."""
        if isinstance(term, Row):
            return await self._described(term)
        if isinstance(term, Field):
            return await self._referred_to(term)
        if not isinstance(term, Same):
            raise Stuck(f"a term of kind {term.kind} is no row")
        if not self.skill.remembers:
            return await self.search.one(Row(environment=term.environment, entity=term.entity, mine=True))
        self.turns_back += 1
        return self.memory.same(term.environment, term.entity)

    async def _referred_to(self, term: Field) -> Found:
        """Give the row to which a field of another row refers, of which no more than the key is known yet."""
        environment = (await self.row(term.of)).environment
        entity = self.toolbox.entity_in(environment, term.column)
        return Found(environment, entity, await self.column(term.of, term.column), {}, {}, -1)

    async def column(self, term: Term, column: str) -> Any:
        """Give what a column says of a row, as it is now; of rows, what it says of each."""
        if isinstance(term, Rows):
            return [await self.shown(row, column) for row in await self.search.all(term)]
        row = await self.row(term)
        if isinstance(term, Row | Same) and not is_self(term):
            self.named.append(row)
        return await self.shown(row, column)

    async def shown(self, row: Found, column: str) -> Any:
        """Give a column of a row: as it was seen, if that is still true, or by another look-up."""
        if column in row.columns and row.seen_at == self.sight.age(row.environment):
            return row.record.get(row.columns[column])
        for tool, name, field in self.toolbox.details(row.environment, row.entity, column):
            arguments = self._with_facts(tool, {name: row.value})
            if arguments is not None:
                return next((value for _, value in places_at(await self.sight.look(tool, arguments), field)), None)
        return await self._listed(row, column)

    async def _listed(self, row: Found, column: str) -> Any:
        """Give a column of a row from a list of rows that shows it."""
        own = Rows(environment=row.environment, entity=row.entity, mine=True)
        for found in await self.search.all(own, shows=column):
            if found.value == row.value:
                return found.record.get(found.columns[column])
        raise Stuck(f"nothing shows {column} of {row.entity}")

    async def holds(self, condition: Condition) -> bool:
        """Whether a condition holds now."""
        return stands(await self.value(condition.of), condition.op, await self.value(condition.value))

    def fact_for(self, tool: Tool, name: str) -> Any:
        """Give the fact of the card that a parameter is, as far as it was told; None otherwise."""
        shared = parameter(tool, name).shared
        return self.memory.facts.get(last_part(shared)) if shared else None

    def _with_facts(self, tool: Tool, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Give arguments completed by the user's facts, or None when something else is needed."""
        rest = {name: self.fact_for(tool, name) for name in tool.required if name not in arguments}
        return None if None in rest.values() else {**rest, **arguments}

    def _fact(self, fact: str) -> Any:
        if fact not in self.memory.facts:
            raise Stuck(f"{fact} was not told")
        return self.memory.facts[fact]

    def _given(self, term: Given) -> Any:
        if not self.skill.remembers:
            raise Stuck("what was given before is forgotten")
        self.turns_back += 1
        return self.memory.given(term.type, term.column)

    async def _described(self, row: Row) -> Found:
        """Give the row of a description; without any search, the one word that it consists of."""
        if self.skill.hops:
            return await self.search.one(row)
        words = [part.value.value for part in row.properties if isinstance(part.value, Said)]
        if len(words) != 1 or len(row.properties) != 1 or row.extreme is not None:
            raise Stuck(f"{row.entity} can't be taken literally")
        return Found(row.environment, row.entity, words[0], {}, {}, -1)


def is_self(term: Term) -> bool:
    """Whether a term is the user's own only row, of which nobody would say "it"."""
    return isinstance(term, Row) and term.mine and not term.properties and term.extreme is None
