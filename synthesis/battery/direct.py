"""An environment of this process as a subject: its tools called as functions, with no protocol between.

It is what the checks that look inside stand on, and what makes hundreds of mutants affordable. Everything that it
answers is what a farm answers; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envfactory_client import CallResult, State, Tool
from envfactory_client.episode import Row, Rows, TableDiff
from envfactory_client.farm import Source
from envfactory_client.verify.example import Example, Size
from envfactory_client.verify.farm_subject import edited
from envfactory_client.verify.subject import Ability, Changes, Facts
from servers.runtime import Environment, Episode
from servers.runtime.contract import CONTRACT_META
from servers.runtime.farm.source import source_of
from servers.runtime.template import Template
from servers.runtime.tool import Definition


class DirectSession:
    """An episode of the runtime, called without a protocol."""

    def __init__(self, environment: Environment, episode: Episode) -> None:
        self.environment = environment
        self.episode = episode

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """What the tool answers."""
        with self.episode.active():
            outcome = self.environment.call(self.environment.tools[tool], arguments)
        return CallResult(outcome.text, outcome.structured, outcome.is_error, outcome.refusal)

    async def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        self.episode.advance(seconds)

    async def state(self) -> State:
        """Digest of the rows, and the clock."""
        state = self.episode.state()
        return State.model_construct(digest=state.digest, digests=state.digests, now=state.now)

    async def snapshot(self) -> str:
        """The name of a snapshot of this moment."""
        return self.episode.snapshot()

    async def restore(self, snapshot: str) -> None:
        """Go back to a snapshot."""
        self.episode.restore(snapshot)

    async def forget(self, snapshot: str) -> None:
        """Drop a snapshot."""
        self.episode.forget(snapshot)

    async def diff(self, since: str | None = None) -> Changes:
        """What changed since a snapshot, or since the start."""
        changes = self.episode.diff(since).get(self.environment.name, {})
        return {table: TableDiff.model_validate(change) for table, change in changes.items()}

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of one SELECT."""
        columns, rows = self.episode.query(self.environment.name, sql, parameters or {})
        return [dict(zip(columns, row, strict=True)) for row in rows]

    async def rows(self) -> Rows:
        """All rows by table."""
        return self.episode.rows(self.environment.name)

    async def violations(self) -> Mapping[str, Sequence[Row]]:
        """Invariant to the rows that break it."""
        return self.episode.violations().get(self.environment.name, {})

    async def close(self) -> None:
        """Close the episode."""
        self.episode.close()


class DirectSubject:
    """An environment that is loaded in this process."""

    def __init__(self, environment: Environment, target: str = "") -> None:
        self.environment = environment
        self.name = environment.name
        self.target = target or environment.name
        self.tools: Mapping[str, Tool] = {
            name: Tool.from_wire(environment.name, _listed(definition))
            for name, definition in environment.tools.items()
        }
        self.facts: Facts | None = Facts(Source.model_validate(source_of(environment)))
        self.abilities: frozenset[Ability] = frozenset({"harness", "contracts", "writes", "inside", "folder"})

    async def open(self, example: Example) -> DirectSession:
        """A fresh episode at the example's start."""
        scenarios = None
        if example.edits:
            with_seed = Episode.open([self.environment], seed=example.seed, size=example.size)
            scenarios = {self.name: edited(with_seed.rows(self.name), example.edits)}
            with_seed.close()
        episode = Episode.open([self.environment], seed=example.seed, size=example.size, scenarios=scenarios)
        return DirectSession(self.environment, episode)

    def starts(self) -> Mapping[tuple[int, Size], Template]:
        """The starting states that were built by now, for another process."""
        return self.environment.templates()

    def know(self, starts: Any) -> None:
        """Take what `starts` gives in another process, so as not to build it anew."""
        self.environment.give(starts)


def _listed(definition: Definition) -> dict[str, Any]:
    """Give a tool as the protocol lists it."""
    return {
        "name": definition.name,
        "description": definition.description,
        "inputSchema": definition.input_schema,
        "outputSchema": definition.output_schema,
        "annotations": definition.annotations.model_dump(by_alias=True, exclude_none=True),
        "_meta": {CONTRACT_META: definition.contract.to_meta()},
    }
