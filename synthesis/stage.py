"""The stage: a live episode in which a draft is planned, and what the user knows of themself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from envfactory_client import CallResult, Episode
from envfactory_client.card.links import LinkName, any_index
from envfactory_client.episode import QueryResult, Side
from envfactory_client.tool import Actor
from synthesis.catalogue import Catalogue
from synthesis.draft import Draft, DraftStep, Origin
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.hidden import Aim
from synthesis.memo import Memo
from synthesis.paths import places_at
from synthesis.wanted import Source, Taker, Wanted

Cells = list[tuple[Any, ...]]


@dataclass
class Stage:
    """An episode seen from one of its environments, the draft that grows on it, and the chance that it grows by."""

    episode: Episode
    catalogues: Mapping[str, Catalogue]
    environment: str
    rng: Random
    card: Mapping[str, Any]
    draft: Draft = field(default_factory=Draft)
    memo: Memo = field(default_factory=Memo)
    aim: Aim = field(default_factory=Aim)
    strict: bool = False
    """Whether a draft that leads away from the aim is given up."""
    wanted: Wanted = field(default_factory=Wanted)
    """Links that the data doesn't use yet."""
    quest: LinkName | None = None
    """The one of them that the plan has in view."""
    first: GoalKind | None = None
    """The kind of goal that is tried first."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the environment that the stage is seen from."""
        return self.catalogues[self.environment]

    def at(self, environment: str) -> Stage:
        """Give the same stage seen from another environment."""
        return self if environment == self.environment else replace(self, environment=environment)

    async def begin(self) -> None:
        """Note the state that everything starts from."""
        state = await self.episode.state()
        self.draft.states.append(state.digest)
        self.draft.locals = dict(state.digests)
        self.draft.starts = dict(state.digests)

    @property
    def state(self) -> str:
        """The digest of the present state."""
        return self.draft.states[-1]

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Cells:
        """Give the rows of a query; the user's own facts are bound as :persona_NAME."""
        own = {f"persona_{name}": value for name, value in self.card.items()}
        return list((await self._answer(sql, {**own, **(parameters or {})})).rows)

    async def _answer(self, sql: str, parameters: Mapping[str, Any]) -> QueryResult:
        bound = {name: _bindable(value) for name, value in parameters.items() if f":{name}" in sql}
        question = (self.environment, self.draft.locals[self.environment], sql, tuple(bound.items()))
        return await self.memo.recall(question, lambda: self.episode.query(self.environment, sql, bound))

    async def keys(self, table: str, where: str | None, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Give the keys of the rows within the user's scope that fulfil a condition, in order."""
        entity, key = self.catalogue.entity(table), self.catalogue.key(table)
        conditions = " AND ".join(f"({part})" for part in (entity.mine, where) if part) or "1"
        sql = f"SELECT {key} FROM {self.catalogue.view(table)} WHERE {conditions} ORDER BY {key}"  # noqa: S608
        return [row[0] for row in await self.query(sql, parameters)]

    async def row(self, table: str, value: Any) -> dict[str, Any]:
        """Give the row of a key as its view shows it, with the table's own columns beside."""
        key = self.catalogue.key(table)
        found: dict[str, Any] = {}
        for source in dict.fromkeys((table, self.catalogue.view(table))):
            sql = f"SELECT * FROM {source} WHERE {key} = :value"  # noqa: S608
            answer = await self._answer(sql, {"value": value})
            if answer.rows:
                found |= dict(zip(answer.columns, answer.rows[0], strict=True))
        return found | await self._attributes(table, value)

    async def _attributes(self, table: str, value: Any) -> dict[str, Any]:
        """Give what an entity says over foreign keys, by path."""
        paths = {path: self.catalogue.read_by(table, path) for path in self.catalogue.entity(table).say if "." in path}
        if not paths:
            return {}
        key, view = self.catalogue.key(table), self.catalogue.view(table)
        sql = f"SELECT {', '.join(paths.values())} FROM {view} WHERE {key} = :value"  # noqa: S608
        rows = await self.query(sql, {"value": value})
        return dict(zip(paths, rows[0], strict=True)) if rows else {}

    async def look(self, tool: str, arguments: Mapping[str, Any], origins: Mapping[str, Origin]) -> int:
        """Give the step in which the agent made this look-up; an earlier one serves while nothing was written since."""
        for place, step in enumerate(self.draft.steps):
            same = (step.environment, step.tool, step.arguments) == (self.environment, tool, arguments)
            if same and step.local == self.draft.locals[self.environment] and not step.refusal:
                return place
        place = await self.call(tool, arguments, origins)
        if self.draft.steps[place].result is None:
            raise Drop("look_up_failed", f"{tool}: {self.draft.steps[place].text}")
        return place

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        origins: Mapping[str, Origin],
        actor: Actor = "agent",
    ) -> int:
        """Make a call, add it to the draft and give its number."""
        environment = self.environment
        result = await self._called(tool, arguments, actor)
        if result.is_error and result.refusal is None:
            raise Drop("call_failed", f"{tool}: {result.text}")
        if not self.catalogue.tools[tool].read_only:
            await self._note_state()
        self.draft.steps.append(
            DraftStep(
                environment=environment,
                tool=tool,
                arguments=arguments,
                origins=origins,
                result=result.structured,
                text=result.text,
                refusal=result.refusal,
                state=self.state,
                local=self.draft.locals[environment],
                actor=actor,
            )
        )
        return len(self.draft.steps) - 1

    async def _called(self, tool: str, arguments: Mapping[str, Any], actor: Actor) -> CallResult:
        if self.catalogue.tools[tool].read_only:
            return await self.read(self.environment, tool, arguments, self.draft.locals[self.environment], actor)
        return await self._side(actor).probe(self.environment, tool, **arguments)

    async def read(
        self, environment: str, tool: str, arguments: Mapping[str, Any], local: str, actor: Actor
    ) -> CallResult:
        """Give what a look-up answers in an environment's present state, whose digest is `local`."""
        question = (environment, local, tool, json.dumps(arguments, sort_keys=True))
        return await self.memo.recall(question, lambda: self._side(actor).probe(environment, tool, **arguments))

    def _side(self, actor: Actor) -> Side:
        return self.episode.agent if actor == "agent" else self.episode.user

    async def _note_state(self) -> None:
        state = await self.episode.state()
        self.draft.locals = dict(state.digests)
        if state.digest != self.state:
            self.draft.states.append(state.digest)

    def earlier(self, key: str, value: Any, taker: Taker | None = None) -> Origin | None:
        """Give where an earlier result shows this key: the latest, or one that the data never took it from."""
        found = list(self._showing(key, value))
        sources = self.wanted.into(taker)
        new = (origin for origin, source in found if source in sources)
        return next(new, found[0][0] if found else None)

    def origins(self, key: str, value: Any) -> list[Origin]:
        """Give where earlier results show this key, latest first."""
        return [origin for origin, _ in self._showing(key, value)]

    def in_hand(self, taker: Taker) -> dict[Any, Origin]:
        """Give the values in earlier results from which an argument would come in a new way, each with the latest."""
        found: dict[Any, Origin] = {}
        sources = sorted(self.wanted.into(taker))
        for place in range(len(self.draft.steps) - 1, -1, -1) if sources else ():
            step = self.draft.steps[place]
            name = f"{step.environment}.{step.tool}"
            for path in [path for tool, path in sources if tool == name and step.actor == "agent"]:
                for where, value in places_at(step.result, path):
                    if value is not None:
                        found.setdefault(value, Origin("earlier", step=place, place=where))
        return found

    def _showing(self, key: str, value: Any) -> Iterator[tuple[Origin, Source]]:
        """Give where earlier results show a key, latest first, each with the tool and path."""
        for place in range(len(self.draft.steps) - 1, -1, -1):
            step = self.draft.steps[place]
            if step.environment != self.environment or step.result is None or step.actor == "user":
                continue
            contract = self.catalogue.tools[step.tool].contract
            if contract is None:
                continue
            for path, shown in contract.results.items():
                if shown.key == key:
                    for where, seen in places_at(step.result, path):
                        if seen == value:
                            yield Origin("earlier", step=place, place=where), (f"{step.environment}.{step.tool}", path)

    def is_new(self, origin: Origin, taker: Taker | None = None) -> bool:
        """Whether an argument, or any for None, comes from an origin in a way that the data lacks."""
        if origin.step is None or origin.place is None:
            return False
        step = self.draft.steps[origin.step]
        return (f"{step.environment}.{step.tool}", any_index(origin.place)) in self.wanted.into(taker)

    def pick(self, options: Sequence[Any]) -> Any:
        """Give one of some options by chance."""
        return options[self.rng.randrange(len(options))]

    def chance(self, share: float) -> bool:
        """Say yes in this share of cases."""
        return self.rng.random() < share


def _bindable(value: Any) -> Any:
    """Give a value as SQLite binds it: lists as JSON, as refusals read them with json_each."""
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, list | dict) else value
