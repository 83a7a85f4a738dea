"""Answers: what calls have answered in an episode in which much is tried out from one start.

An environment answers the same call in the same state in the same way. A state is told by the writes that led to it
from the start, so no call needs to be made in it twice; a write whose answer is known is made again only once something
is asked, in the state after it, that isn't known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envfactory_client import CallResult, Episode, canonical_json
from envfactory_client.score.attempt import Changes
from envfactory_client.tool import Actor
from synthesis.errors import Drop


@dataclass(frozen=True)
class Asked:
    """A call: by whom, of which environment's which tool, with which arguments, and whether it may write."""

    actor: Actor
    environment: str
    tool: str
    arguments: Mapping[str, Any]
    writes: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return self.actor, self.environment, self.tool, canonical_json(self.arguments)

    async def on(self, episode: Episode) -> CallResult:
        """Give what the tool answers in an episode."""
        side = episode.user if self.actor == "user" else episode.agent
        return await side.probe(self.environment, self.tool, **self.arguments)


@dataclass
class Answers:
    """What is known, by state; 0 is the start."""

    _known: dict[tuple[int, tuple[str, ...]], tuple[CallResult, int]] = field(default_factory=dict)
    changes: dict[int, Changes] = field(default_factory=dict)
    """What has changed since the start."""
    _states: int = 1

    def get(self, state: int, key: tuple[str, ...]) -> tuple[CallResult, int] | None:
        """Give what a call answers in a state, and the state after it; None where that isn't known."""
        return self._known.get((state, key))

    def note(self, state: int, asked: Asked, result: CallResult) -> int:
        """Hear what a call has answered in a state, and give the state after it."""
        after = state
        if asked.writes and not result.is_error:
            after, self._states = self._states, self._states + 1
        self._known[state, asked.key] = result, after
        return after


@dataclass
class Asking:
    """One course of calls, in an episode that stands in a state."""

    episode: Episode
    answers: Answers = field(default_factory=Answers)
    state: int = 0
    _unmade: list[Asked] = field(default_factory=list)
    """Writes whose answers were known, in order."""

    async def call(self, asked: Asked) -> CallResult:
        """Give what a call answers, made only where that isn't known."""
        known = self.answers.get(self.state, asked.key)
        if known is not None:
            result, after = known
            if after != self.state:
                self._unmade.append(asked)
            self.state = after
            return result
        await self.settle()
        result = await asked.on(self.episode)
        self.state = self.answers.note(self.state, asked, result)
        return result

    async def settle(self) -> None:
        """Make the writes whose answers were known, so that the episode stands in the state."""
        while self._unmade:
            asked = self._unmade.pop(0)
            if (result := await asked.on(self.episode)).is_error:
                raise Drop("answers_differ", f"{asked.tool}: {result.text}")

    async def changes(self) -> Changes:
        """Give what has changed since the start."""
        if self.state not in self.answers.changes:
            await self.settle()
            self.answers.changes[self.state] = (await self.episode.diff()).changes
        return self.answers.changes[self.state]
