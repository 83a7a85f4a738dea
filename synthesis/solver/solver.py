"""A solver: it hears the logical form of one message after another and does what is wanted, as far as it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from envfactory_client import Episode, Tool
from envfactory_client.logical_form import Intent, Row, Rows, Same, Term
from synthesis.paths import places_at
from synthesis.solver.memory import Memory, Topic
from synthesis.solver.outcome import Missing, Outcome, Stuck, Unsettled
from synthesis.solver.sight import Found, Sight
from synthesis.solver.skill import BLIND, Skill
from synthesis.solver.terms import Terms, is_self
from synthesis.solver.toolbox import Toolbox, columns_beside, filtered, last_part, parameter

CONFIRMATION = "confirmation"
NO_TOOL = "no_tool"


class Solver:
    """One assistant in one conversation."""

    def __init__(
        self,
        episode: Episode,
        toolbox: Toolbox,
        skill: Skill = BLIND,
        *,
        start: dict[tuple[str, str], Any] | None = None,
    ) -> None:
        self.toolbox, self.skill = toolbox, skill
        self.memory = Memory()
        self.sight = Sight(episode, keeps=not skill.remembers, start={} if start is None else start)
        self.terms = Terms(toolbox, self.sight, self.memory, skill)

    async def hear(
        self, intents: Sequence[Intent], facts: Mapping[str, Any], *, waits: bool = False
    ) -> tuple[Outcome, ...]:
        """Give what comes of each intent of a message that tells these facts.

        The assistant asks before each write; `waits` says that the user lets it wait for their next message.
        """
        self.memory.facts.update(facts)
        if facts and self.skill.hops:
            await self._get_to_know()
        unwanted = {place for place, intent in enumerate(intents) if not await self._seems_wanted(intent)}
        left = {place: await self._about(intents[place]) for place in sorted(unwanted)}
        outcomes: list[Outcome] = []
        for place, intent in enumerate(intents):
            if place in left:
                outcomes.append(self._leave(left[place], joined=place > 0 or intent.reply))
            else:
                outcomes.append(await self._meet(intent, place, waits=waits))
        if len(unwanted) == len(intents):
            self.memory.gave = None
        return tuple(outcomes)

    async def _seems_wanted(self, intent: Intent) -> bool:
        """Whether an act is wanted as things stand when the message comes; where that can't be seen, it is tried."""
        try:
            return await self._is_wanted(intent)
        except (Stuck, Unsettled):
            return True

    async def _about(self, intent: Intent) -> Topic | Outcome:
        """Give the rows that an act is about which isn't wanted, as things stand when the message comes."""
        try:
            for name, term in intent.terms.items():
                if isinstance(term, Row | Same):
                    await self._head(term, name)
            return self.memory.fresh
        except (Missing, Stuck) as error:
            return Outcome("stuck", str(error))
        finally:
            self.memory.fresh = Topic()

    def _leave(self, about: Topic | Outcome, *, joined: bool) -> Outcome:
        """Leave an act undone, with the rows that were spoken of kept in mind."""
        if isinstance(about, Outcome):
            return about
        self.memory.fresh = about
        self.memory.pass_on(joined=joined)
        return Outcome("left")

    async def _get_to_know(self) -> None:
        """Find out more facts of the user where a look-up by one that they told shows a single record with others."""
        for tool, name, shown in self.toolbox.directories(self.memory.facts):
            result = await self.sight.look(tool, {name: self.memory.facts[last_part(filtered(tool, name))]})
            for fact, path in shown.items():
                values = [value for _, value in places_at(result, path)]
                if fact not in self.memory.facts and len(values) == 1:
                    self.memory.facts[fact] = values[0]

    async def _meet(self, intent: Intent, place: int, *, waits: bool) -> Outcome:
        if not self.skill.acts:
            return Outcome("stuck", "it does nothing")
        whole = intent
        try:
            whole = self._whole(intent)
            if whole.change is not None:
                return await self._decline(whole)
            if whole.wants is not None or whole.sought is not None:
                return await self._answer(whole)
            return await self._act(whole, waits=waits and not intent.reply)
        except Missing as missing:
            self.memory.pending = whole
            return Outcome("ask", missing.parameter)
        except (Stuck, Unsettled) as error:
            return Outcome("stuck", str(error))
        finally:
            self.memory.pass_on(joined=place > 0 or intent.reply)

    def _whole(self, intent: Intent) -> Intent:
        """Give a reply together with what it completes."""
        if not intent.reply:
            return intent
        pending, self.memory.pending = self.memory.pending, None
        if pending is None or not self.skill.remembers:
            raise Stuck("a reply comes to no question")
        self.terms.turns_back += 1
        terms, about = dict(pending.terms), pending.about
        for name, said in intent.terms.items():
            if name in terms or about is None:
                terms[name] = _narrowed(terms.get(name), said)
            else:
                about = _narrowed(about, said)
        return pending.model_copy(update={"terms": terms, "about": about})

    async def _decline(self, intent: Intent) -> Outcome:
        """Find what a wish is about, and say that no tool meets it, if none does."""
        makers = self.toolbox.makers(str(intent.change))
        if makers:
            raise Stuck(f"{makers[0]} would do {intent.change}")
        for name, term in intent.terms.items():
            await self._head(term, name)
        self.memory.gave = None
        return Outcome("refuse", NO_TOOL)

    async def _act(self, intent: Intent, *, waits: bool) -> Outcome:
        tool = self.toolbox.tool(str(intent.act))
        arguments = await self._arguments(tool, intent)
        if waits:
            raise Missing(CONFIRMATION)
        for chosen in _one_by_one(tool, arguments):
            result = await self.sight.act(tool, chosen)
            if result.refusal is not None:
                return Outcome("refuse", result.refusal)
            if result.is_error:
                raise Stuck(f"{tool.full_name}: {result.text}")
            self._remember(tool, result.structured)
        return Outcome("done")

    async def _is_wanted(self, intent: Intent) -> bool:
        """Whether the conditions under which the user wants the act are as they should be."""
        if intent.when is not None and not await self.terms.holds(intent.when):
            return False
        return intent.unless is None or not await self.terms.holds(intent.unless)

    async def _answer(self, intent: Intent) -> Outcome:
        if intent.sought is not None:
            value = await self.terms.value(intent.sought)
            self.memory.gave = None
            return Outcome("answer", value=value)
        environment, source, column = str(intent.wants).split(".")
        full_name = f"{environment}.{source}"
        if intent.about is None:
            tool = self.toolbox.tool(full_name)
            arguments = await self._arguments(tool, intent)
            value = (await self.sight.look(tool, arguments)).get(column)
        else:
            row = await self._head(intent.about, self.toolbox.key(environment, _entity(intent.about)))
            value = await self.terms.shown(row, f"{source}.{column}")
        self.memory.gave = None
        return Outcome("answer", value=value)

    async def _arguments(self, tool: Tool, intent: Intent) -> dict[str, Any]:
        """Give the arguments of a call, or raise `Missing` for the first that has to be asked for."""
        found: dict[str, Any] = {}
        for name in tool.input_schema.get("properties", {}):
            if name in intent.terms:
                found[name] = await self._argument(name, intent.terms[name])
            elif name in tool.required:
                found[name] = await self._unsaid(tool, name)
        return found

    async def _argument(self, name: str, term: Term) -> Any:
        if isinstance(term, Row | Same):
            return (await self._head(term, name)).value
        self.terms.named.clear()
        value = await self.terms.value(term)
        self.memory.fresh.nested += self.terms.named
        return value

    async def _head(self, term: Term, parameter_name: str) -> Found:
        """Give a row that a request is about, and keep it in mind with the rows named in its description."""
        self.terms.named.clear()
        try:
            row = await self.terms.row(term)
        except Unsettled as error:
            raise Missing(last_part(parameter_name)) from error
        if not is_self(term):
            self.memory.fresh.heads.append(row)
        self.memory.fresh.nested += self.terms.named
        return row

    async def _unsaid(self, tool: Tool, name: str) -> Any:
        """Give an argument that nobody speaks of: a fact that was told, or the key of the user's own only row."""
        fact, key = self.terms.fact_for(tool, name), parameter(tool, name).key
        if fact is not None:
            return fact
        if not key:
            raise Missing(name)
        own = Row(environment=tool.environment, entity=key.partition(".")[0], mine=True)
        try:
            return (await self.terms.search.one(own)).value
        except (Stuck, Unsettled) as error:
            raise Missing(name) from error

    def _remember(self, tool: Tool, result: Any) -> None:
        """Keep in mind what a write gave, and the rows that it made or changed."""
        self.memory.gave = (tool, result)
        if tool.contract is None or result is None:
            return
        columns, age = columns_beside(tool, ""), self.sight.age(tool.environment)
        for path, shown in tool.contract.results.items():
            if "[" in path or not shown.key or result.get(path) is None:
                continue
            entity = shown.key.partition(".")[0]
            if shown.key == self.toolbox.key(tool.environment, entity):
                self.memory.fresh.heads.append(Found(tool.environment, entity, result[path], result, columns, age))


def _narrowed(before: Term | None, said: Term) -> Term:
    """Give a description together with what a reply adds to it, or the reply alone."""
    if isinstance(before, Row) and isinstance(said, Row) and before.entity == said.entity:
        return before.model_copy(update={"properties": (*before.properties, *said.properties)})
    return said


def _entity(term: Term) -> str:
    return term.entity if isinstance(term, Row | Same | Rows) else ""


def _one_by_one(tool: Tool, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the calls that a set of rows makes of one act: one for each row, unless the parameter takes a list."""
    schemas = tool.input_schema.get("properties", {})
    options = {
        name: value if isinstance(value, list) and schemas[name].get("type") != "array" else [value]
        for name, value in arguments.items()
    }
    return [dict(zip(options, chosen, strict=True)) for chosen in product(*options.values())]
