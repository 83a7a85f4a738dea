"""Sight: what the solver has looked up, which serves as long as nothing was written since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envfactory_client import CallResult, Episode, Tool, canonical_json
from synthesis.solver.outcome import Stuck

MOST_CALLS = 150
"""Calls after which a search has lost its way."""


@dataclass(frozen=True)
class Found:
    """A row that the solver has seen: its key, and the record in which it stood."""

    environment: str
    entity: str
    value: Any
    record: Mapping[str, Any]
    columns: Mapping[str, str]
    """Column to the record's field that shows it."""
    seen_at: int
    """How many writes the environment had had."""


class Sight:
    """The calls of one solver in one episode."""

    def __init__(self, episode: Episode, *, keeps: bool, start: dict[tuple[str, str], Any]) -> None:
        self.episode = episode
        self.start = start
        """What look-ups show as long as nobody has written; solvers of the same task share it."""
        self.keeps = keeps
        """Whether it goes on trusting what it saw before a write."""
        self.writes: Counter[str] = Counter()
        self.calls = 0
        self._seen: dict[tuple[str, str, int], Any] = {}

    def age(self, environment: str) -> int:
        """Give the number by which what was seen before a write is told from what is seen now."""
        return 0 if self.keeps else self.writes[environment]

    async def look(self, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        """Give the result of a look-up, or raise `Stuck` when there is none."""
        call = (tool.full_name, canonical_json(arguments))
        key = (*call, self.age(tool.environment))
        if key not in self._seen:
            self._seen[key] = await self._shown(tool, arguments, call)
        if self._seen[key] is None:
            raise Stuck(f"{tool.full_name} shows nothing")
        return self._seen[key]

    async def _shown(self, tool: Tool, arguments: Mapping[str, Any], call: tuple[str, str]) -> Any:
        if self.writes:
            return (await self._call(tool, arguments)).structured
        if call not in self.start:
            self.start[call] = (await self._call(tool, arguments)).structured
        return self.start[call]

    async def act(self, tool: Tool, arguments: Mapping[str, Any]) -> CallResult:
        """Give what comes of a write, which makes what was seen before it old."""
        result = await self._call(tool, arguments)
        if not result.is_error:
            self.writes[tool.environment] += 1
        return result

    async def _call(self, tool: Tool, arguments: Mapping[str, Any]) -> CallResult:
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Stuck(f"{MOST_CALLS} calls have led nowhere")
        return await self.episode.agent.probe(tool.environment, tool.name, **arguments)
