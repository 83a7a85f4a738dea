"""The control plane: what may be done with episodes, as one table of functions.

Each entry of the table is served twice, as `POST /farm/{function}` and as a tool at `/farm/mcp`: its arguments are
validated by its signature, its docstring is what a model reads. None of it is reachable from an actor's URL.

Functions run on the event loop. Opening an episode in a thread would make it wait for the interpreter's lock beside a
busy loop (2 ms instead of 0.04, measured); only the first episode over a world, which has to be drawn, holds others up.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, cast, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs

from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.errors import InvalidRequest, ServerError
from servers.runtime.farm.answers import (
    AllRows,
    Broken,
    Calls,
    Card,
    Changes,
    Found,
    Held,
    Kept,
    Listed,
    Nothing,
    Opened,
    Source,
    Stamp,
    State,
    Violations,
)
from servers.runtime.farm.asked import current_asked
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.crew import Crew
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.source import describe, source_of
from servers.runtime.farm.store import Store
from servers.runtime.world import Size, shared_world

Answer = Mapping[str, Any]
Row = dict[str, Any]
Forward = Callable[[str, dict[str, Any]], Awaitable[Answer]]
"""Calls a function of that name somewhere else, and gives its answer or raises its `Fault`."""

EpisodeId = Annotated[str, Field(description="The episode's id, as 'open' gave it.")]
EnvironmentName = Annotated[str, Field(description="The environment's name, such as 'airline'.")]
EnvironmentNames = Annotated[list[str], Field(min_length=1, max_length=16, description="Names of environments.")]
Seed = Annotated[int, Field(ge=0, lt=2**63, description="Seed of the world; equal seeds give equal worlds.")]
WorldSize = Annotated[Size, Field(description="How many rows the world has.")]
Scenarios = Annotated[
    dict[str, dict[str, list[Row]]] | None,
    Field(description="Starting rows, by environment and table, instead of those of the seed."),
]
SnapshotName = Annotated[str, Field(description="A snapshot's name, as 'snapshot' gave it.")]


class Control:
    """The functions of the control plane, over a catalogue of environments and a store of episodes."""

    def __init__(self, catalogue: Catalogue, store: Store, crew: Crew | None = None) -> None:
        self._catalogue = catalogue
        self._store = store
        self._crew = crew or Crew()

    def _episode(self, name: str) -> Episode:
        asked = current_asked.get()
        self._crew.check(name, asked.path, asked.host)
        return self._store.by_id(name)

    async def environments(self) -> Listed:
        """List the environments that episodes can be opened over, and those that don't load."""
        found: list[Card] = []
        broken: list[Broken] = []
        for name in self._catalogue.names:
            try:
                found.append(describe(self._catalogue.get(name)))
            except Fault as fault:
                broken.append({"name": name, "message": fault.message})
        return {"environments": found, "broken": broken} if broken else {"environments": found}

    async def source(self, *, environment: EnvironmentName) -> Source:
        """Give an environment's manifest, schema, phrases, policy, contracts with their SQL, and invariants."""
        return source_of(self._catalogue.get(environment))

    async def open(
        self, *, environments: EnvironmentNames, seed: Seed = 0, size: WorldSize = "small", scenarios: Scenarios = None
    ) -> Opened:
        """Open an episode: an isolated run over one or more environments, with one clock and one state."""
        self._store.check_room()
        chosen = [self._catalogue.get(name) for name in environments]
        return self._opened(self._store.open(chosen, seed=seed, size=size, scenarios=scenarios))

    async def state(self, *, episode: EpisodeId) -> State:
        """Give digests of the episode's state, as a whole and by environment, and its clock."""
        return _state(self._episode(episode))

    async def rows(self, *, episode: EpisodeId, environment: EnvironmentName) -> AllRows:
        """Give all rows of one environment of the episode, by table."""
        return {"rows": self._episode(episode).rows(environment)}

    async def query(
        self,
        *,
        episode: EpisodeId,
        environment: EnvironmentName,
        sql: Annotated[str, Field(description="One SELECT; :now and :today are bound.")],
        parameters: Annotated[dict[str, str | int | float | None], Field(description="Values of :names.")] = {},  # noqa: B006
    ) -> Found:
        """Answer a SELECT over one environment of the episode."""
        columns, rows = self._episode(episode).query(environment, sql, parameters)
        return {"columns": columns, "rows": rows}

    async def snapshot(self, *, episode: EpisodeId) -> Kept:
        """Keep the state of this moment, and give its name."""
        found = self._episode(episode)
        name = found.snapshot()
        self._store.grown(found)
        return {"snapshot": name}

    async def restore(self, *, episode: EpisodeId, snapshot: SnapshotName) -> State:
        """Go back to a snapshot, in all environments of the episode at once."""
        found = self._episode(episode)
        found.restore(snapshot)
        return _state(found)

    async def forget(self, *, episode: EpisodeId, snapshot: SnapshotName) -> Nothing:
        """Drop a snapshot that nobody goes back to."""
        found = self._episode(episode)
        found.forget(snapshot)
        self._store.grown(found)
        return {}

    async def hold(self, *, episode: EpisodeId) -> Held:
        """Note this moment as one that 'undo' goes back to; moments that are held lie within one another."""
        return {"held": self._episode(episode).hold()}

    async def undo(
        self, *, episode: EpisodeId, held: Annotated[str, Field(description="A moment's name, as 'hold' gave it.")]
    ) -> Nothing:
        """Go back to a moment that is held, in all environments at once; it and those held since are over."""
        self._episode(episode).undo(held)
        return {}

    async def fork(self, *, episode: EpisodeId) -> Opened:
        """Open a new episode that begins in the state of this one."""
        self._episode(episode)
        return self._opened(self._store.fork(episode))

    async def diff(
        self,
        *,
        episode: EpisodeId,
        since: Annotated[str | None, Field(description="A snapshot's name; the start if left out.")] = None,
    ) -> Changes:
        """Give the rows that were inserted, updated and deleted, by environment and table."""
        return cast("Changes", {"changes": self._episode(episode).diff(since)})

    async def reset(self, *, episode: EpisodeId) -> State:
        """Go back to the episode's start."""
        found = self._episode(episode)
        found.reset()
        return _state(found)

    async def advance(
        self, *, episode: EpisodeId, seconds: Annotated[int, Field(ge=0, description="How far the clock moves.")]
    ) -> State:
        """Move the episode's clock forward."""
        found = self._episode(episode)
        found.advance(seconds)
        return _state(found)

    async def calls(
        self,
        *,
        episode: EpisodeId,
        since: Annotated[int, Field(ge=0, description="How many calls to leave out at the beginning.")] = 0,
    ) -> Calls:
        """Give the calls that led to this state, in order: by whom, with which arguments, and what was answered."""
        return cast("Calls", {"calls": self._episode(episode).calls(since)})

    async def violations(self, *, episode: EpisodeId) -> Violations:
        """Give the rows that break invariants, by environment and invariant; empty while all hold."""
        return {"violations": self._episode(episode).violations()}

    async def close(self, *, episode: EpisodeId) -> Nothing:
        """Close the episode: its handles, state and snapshots are gone."""
        asked = current_asked.get()
        self._crew.check(episode, asked.path, asked.host)
        self._store.remove(episode).close()
        return {}

    def _opened(self, episode: Episode) -> Opened:
        opened = Opened(
            episode=episode.episode_id,
            agent=episode.agent_handle,
            user=episode.user_handle,
            now=episode.now,
            seed=episode.seed,
            size=episode.size,
            environments=[_stamp(episode, environment) for environment in episode.environments.values()],
            persona=persona_card(episode.seed, episode.size),
        )
        if (url := self._crew.url(self._crew.me, current_asked.get().host)) is not None:
            opened["url"] = url
        return opened


@lru_cache(maxsize=4096)
def persona_card(seed: int, size: Size) -> dict[str, Any]:
    """Give what there is to know of the person whose world it is."""
    persona = shared_world(seed, size).persona
    return {
        "person_id": persona.person_id,
        "name": persona.name,
        "given_name": persona.given_name,
        "family_name": persona.family_name,
        "email": persona.email,
        "phone": persona.phone,
        "born_on": persona.born_on.isoformat(),
        "home": persona.home.name,
    }


def _state(episode: Episode) -> State:
    state = episode.state()
    return {"digest": state.digest, "digests": state.digests, "now": state.now}


def _stamp(episode: Episode, environment: Environment) -> Stamp:
    return {
        "name": environment.name,
        "version": environment.manifest.version,
        "digest": episode.templates[environment.name].digest,
    }


@dataclass(frozen=True)
class Function:
    """One entry of the table: a function, what it does, and how its arguments are validated."""

    name: str
    description: str
    adapter: TypeAdapter[Any]
    result: dict[str, Any]
    """The JSON Schema of what it gives."""
    forward: Forward | None = None

    @classmethod
    def of(cls, method: Callable[..., Awaitable[Any]], forward: Forward | None = None) -> Function:
        """Give the entry for a method of `Control`."""
        config = ConfigDict(strict=True, arbitrary_types_allowed=True)
        adapter = TypeAdapter(cast("Any", method), config=config)
        result = TypeAdapter(get_type_hints(method)["return"]).json_schema()
        return cls(method.__name__, inspect.getdoc(method) or "", adapter, result, forward)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return self.adapter.json_schema()

    async def call(self, arguments: dict[str, Any]) -> Answer:
        """Call the function; whatever stands against it is raised as a `Fault`."""
        if self.forward is not None:
            return await self.forward(self.name, arguments)
        try:
            pending: Awaitable[Answer] = self.adapter.validate_python(ArgsKwargs((), arguments))
        except ValidationError as error:
            raise Fault.of(InvalidRequest(f"Invalid arguments for {self.name}: {_spelled(error)}.")) from error
        try:
            return await pending
        except ServerError as error:
            raise Fault.of(error) from error


def function_table(control: Control, forward: Forward | None = None) -> dict[str, Function]:
    """Give the table: every public coroutine of `Control` that takes and gives JSON; `forward` calls them elsewhere."""
    methods = (
        control.environments,
        control.source,
        control.open,
        control.state,
        control.rows,
        control.query,
        control.snapshot,
        control.restore,
        control.forget,
        control.hold,
        control.undo,
        control.fork,
        control.diff,
        control.reset,
        control.advance,
        control.calls,
        control.violations,
        control.close,
    )
    return {method.__name__: Function.of(method, forward) for method in methods}


_PLAINLY = {
    "missing_keyword_only_argument": "It is required",
    "unexpected_keyword_argument": "There is no such argument",
}


def _spelled(error: ValidationError) -> str:
    problems = (
        (".".join(str(part) for part in problem["loc"]), _PLAINLY.get(problem["type"], problem["msg"]))
        for problem in error.errors(include_url=False, include_context=False)
    )
    return "; ".join(f"{where}: {what}" for where, what in problems)
