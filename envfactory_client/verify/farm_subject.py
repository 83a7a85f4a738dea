"""An environment of a farm as a subject: called over MCP, with state, clock and SQL from the control plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envfactory_client.episode import CallResult, Episode, Row, Rows, State
from envfactory_client.errors import FarmError, VerifyError
from envfactory_client.farm import Farm
from envfactory_client.tool import Tool
from envfactory_client.verify.example import Edit, Example
from envfactory_client.verify.subject import Ability, Changes, Facts


class FarmSession:
    """One episode over one environment."""

    def __init__(self, episode: Episode, environment: str, tools: Mapping[str, Tool]) -> None:
        self._episode = episode
        self._environment = environment
        self._tools = tools

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """What the tool answers, called by the actor whose tool it is."""
        known = self._tools.get(tool)
        side = self._episode.user if known is not None and known.actor == "user" else self._episode.agent
        return await side.call(self._environment, tool, **arguments)

    async def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        await self._episode.advance(seconds)

    async def state(self) -> State:
        """Digest of the rows, and the clock."""
        return await self._episode.state()

    async def snapshot(self) -> str:
        """The name of a snapshot of this moment."""
        return await self._episode.snapshot()

    async def restore(self, snapshot: str) -> None:
        """Go back to a snapshot."""
        await self._episode.restore(snapshot)

    async def forget(self, snapshot: str) -> None:
        """Drop a snapshot."""
        await self._episode.forget(snapshot)

    async def diff(self, since: str | None = None) -> Changes:
        """What changed since a snapshot, or since the start."""
        return (await self._episode.diff(since)).changes.get(self._environment, {})

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of one SELECT."""
        found = await self._episode.query(self._environment, sql, parameters)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    async def rows(self) -> Rows:
        """All rows by table."""
        return await self._episode.rows(self._environment)

    async def violations(self) -> Mapping[str, Sequence[Row]]:
        """Invariant to the rows that break it."""
        return (await self._episode.violations()).get(self._environment, {})

    async def close(self) -> None:
        """End the episode."""
        await self._episode.close()


class FarmSubject:
    """An environment of an open farm."""

    def __init__(self, farm: Farm, name: str, tools: Mapping[str, Tool], facts: Facts, *, here: bool) -> None:
        self._farm = farm
        self.name = name
        self.target = name
        self.tools = tools
        self.facts: Facts | None = facts
        restart: frozenset[Ability] = frozenset({"restart"}) if here else frozenset()
        always: frozenset[Ability] = frozenset({"harness", "contracts", "writes"})
        self.abilities = always | restart

    @classmethod
    async def of(cls, farm: Farm, name: str, *, here: bool) -> FarmSubject:
        """The environment of that name; `here` says that the farm runs in this process."""
        facts = Facts(await farm.source(name))
        async with await farm.open(name) as episode:
            listed = (*await episode.agent.tools(name), *await episode.user.tools(name))
        return cls(farm, name, {tool.name: tool for tool in listed}, facts, here=here)

    async def open(self, example: Example) -> FarmSession:
        """A fresh episode at the example's start."""
        scenarios = None
        if example.edits:
            rows = await self._farm.scenario(self.name, seed=example.seed, size=example.size)
            scenarios = {self.name: edited(rows[self.name], example.edits)}
        try:
            episode = await self._farm.open(self.name, seed=example.seed, size=example.size, scenarios=scenarios)
        except FarmError as error:
            if error.code != "bad_scenario":
                raise
            raise VerifyError(f"The example can't begin: {error}") from error
        return FarmSession(episode, self.name, self.tools)


def edited(rows: Rows, edits: Sequence[Edit]) -> dict[str, list[dict[str, Any]]]:
    """Rows with cells set to other values; VerifyError when an edit's row isn't there."""
    changed = {table: [dict(row) for row in entries] for table, entries in rows.items()}
    for edit in edits:
        meant = [row for row in changed.get(edit.table, ()) if edit.key.items() <= row.items()]
        if not meant:
            raise VerifyError(f"{edit.table} has no row {dict(edit.key)}, so it can't be edited.")
        for row in meant:
            row[edit.column] = edit.value
    return changed
