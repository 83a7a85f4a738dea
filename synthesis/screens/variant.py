"""A variant: another way to go about a task, and what the reward must say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from envfactory_client.score.attempt import Changes
from synthesis.screens.deeds import Deed

MOST_PAID: Final = 0.35
"""What a bad variant may get at the most."""

Wish = Literal["all", "little", "nothing", "what it changes"]
"""What the reward must be: 1, at most 0.35, 0, or 1 when the changes are the plan's and else at most 0.35."""


@dataclass(frozen=True)
class Variant:
    """One variant of an attempt at a task."""

    name: str
    deeds: tuple[Deed, ...]
    wish: Wish
    first: int = 0
    """The plan's step before which its live deeds begin; the ones before are as in the plan."""
    messages: tuple[str, ...] | Callable[[], tuple[str, ...]] | None = None
    """What the agent says instead of the plan's messages, turn by turn; or what makes them, where they are long."""
    changes: Changes | None = None
    """What it changed, when that is known without doing it."""
    altered: int | None = None
    """The plan's step in whose place another call stands."""
    argument: str = ""
    shows: Mapping[int, frozenset[Any]] = field(default_factory=dict)
    """What the results of deeds must show, by their number, or it is no such variant after all."""

    @property
    def said(self) -> tuple[str, ...] | None:
        """The messages, made."""
        return self.messages() if callable(self.messages) else self.messages

    def passes(self, reward: float, *, same: bool) -> bool:
        """Whether a reward is as it must be; `same` tells whether the changes are the plan's."""
        match self.wish:
            case "all":
                return reward == 1.0
            case "nothing":
                return reward == 0.0
            case "what it changes":
                return reward == 1.0 if same else reward <= MOST_PAID
        return reward <= MOST_PAID


def said(text: str, turns: Sequence[object]) -> tuple[str, ...]:
    """Give one text as the message of every turn."""
    return (text,) * len(turns)
