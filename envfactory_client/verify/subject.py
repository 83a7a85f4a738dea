"""A subject: what the battery looks at, whichever way it is reached.

A farm's environment is reached over MCP and the control plane, a server by other authors over MCP alone; other packages
bring more ways. Every way gives the same sessions, and says what it can't do in `abilities`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from envfactory_client.episode import CallResult, Row, Rows, State, TableDiff
from envfactory_client.farm import Source
from envfactory_client.foreign import Gone
from envfactory_client.tool import Tool
from envfactory_client.verify.example import Example
from envfactory_client.verify.layout import Layout

Ability = Literal["harness", "contracts", "writes", "restart", "inside", "folder"]
"""What a subject allows: `harness` for state, clock and SQL; `contracts` for declarations beside the schemas; `writes`
for calls that may change something; `restart` for fresh processes; `inside` for the environment's own connection to
its database; `folder` for its source files."""

INSIDE: frozenset[Ability] = frozenset({"inside", "folder"})
"""What only a subject in this process allows."""

WHY_NOT: Mapping[Ability, str] = {
    "harness": "it needs state, clock and SQL of an episode, which MCP alone doesn't give",
    "contracts": "the server declares no contracts",
    "writes": "it calls tools that may change something; allow that with --allow-writes",
    "restart": "it starts fresh processes, which only works for environments of this installation",
    "inside": "it looks inside the server's process, which only works for environments of this installation",
    "folder": "it reads the environment's folder, which only works for environments of this installation",
}

Changes = Mapping[str, TableDiff]
"""Table to what changed in it."""


@dataclass(frozen=True)
class Facts:
    """What an environment declares, with what its schema implies."""

    source: Source

    @cached_property
    def layout(self) -> Layout:
        """The tables, views, columns, keys and links of the schema."""
        return Layout.of(self.source.schema_sql)

    def refuses(self, tool: str) -> Mapping[str, str]:
        """Refusal code to the SQL that holds when it is due."""
        found: Mapping[str, str] = self.source.contracts.get(tool, {}).get("refuses", {})
        return found


class Session(Protocol):
    """One run over one environment, from the start that an example says."""

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """What the tool answers, called by the actor whose tool it is."""

    async def advance(self, seconds: int) -> None:
        """Move the clock forward."""

    async def state(self) -> State:
        """Digest of the rows, and the clock."""

    async def snapshot(self) -> str:
        """The name of a snapshot of this moment."""

    async def restore(self, snapshot: str) -> None:
        """Go back to a snapshot."""

    async def forget(self, snapshot: str) -> None:
        """Drop a snapshot."""

    async def diff(self, since: str | None = None) -> Changes:
        """What changed since a snapshot, or since the start."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of one SELECT; :now and :today are bound."""

    async def rows(self) -> Rows:
        """All rows by table."""

    async def violations(self) -> Mapping[str, Sequence[Row]]:
        """Invariant to the rows that break it; empty while all hold."""

    async def close(self) -> None:
        """End the run."""


class Subject(Protocol):
    """Something to be verified, open for as long as the battery runs."""

    name: str
    target: str
    """How a command line names it."""
    tools: Mapping[str, Tool]
    """All tools of both actors, by name."""
    facts: Facts | None
    abilities: frozenset[Ability]

    async def open(self, example: Example) -> Session:
        """A fresh session at the example's start: its seed, size and edits; steps are left to the caller.

        Raises VerifyError when the edits don't fit the schema or an invariant.
        """


@dataclass(frozen=True)
class Observation:
    """One call and all there was to see of it."""

    tool: Tool
    arguments: Mapping[str, Any]
    result: CallResult
    before: State | None = None
    """None without a harness."""
    after: State | None = None
    changes: Changes = field(default_factory=dict)
    due: frozenset[str] = frozenset()
    """The refusal codes whose declared SQL held before the call."""
    broken: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """Invariants that don't hold after the call."""
    strays: tuple[str, ...] = ()
    """Records of the result that no row of their table agrees with, each as a sentence."""
    miscounts: tuple[str, ...] = ()
    """Lists of the result that have more or fewer records than rows match, each as a sentence."""
    gone: Gone | None = None
    """Why a server by other authors gave no answer, if it didn't."""

    @property
    def succeeded(self) -> bool:
        """Whether the call gave a result."""
        return not self.result.is_error

    @property
    def invalid(self) -> bool:
        """Whether the call was turned away for its arguments, before the domain was asked."""
        return self.result.is_error and self.result.refusal is None
