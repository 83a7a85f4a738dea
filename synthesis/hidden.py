"""The hidden rate: how many arguments the user never says, so that the agent has to find them out, and the aim at it.

While a draft is planned, an argument counts as said when the user says it outright and as hidden when it comes from an
earlier result; of what is kept, the words themselves are searched. A run aims at a rate: each round of jobs leans the
way that the data so far falls short of it, so what a job does depends on what was kept before its round and never on
who else works.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from envfactory_client import Trajectory
from envfactory_client.card.hidden import arguments
from synthesis.draft import Draft, DraftStep

SAID = frozenset({"explicit", "asked"})
USUAL = 0.55
"""The rate that a run aims at by default."""
_FIRM = 4.0
"""How strongly a shortfall of the data leans the next round."""
_WIDE, _NARROW = 0.16, 0.02
"""How far from the target a draft's own rate may lie on the side of which the data has enough: while it is about right,
and while it is off."""
_CLOSE, _OFF, _OUT_OF_REACH = 0.01, 0.02, 0.12
"""How far the data may be off until drafts are chosen, until that is done more strictly, and until it is seen to be in
vain."""
_NEUTRAL = 0.5
_SPAN = 0.2


@dataclass(frozen=True)
class Count:
    """How many arguments of the agent's calls there are, and how many of them are hidden."""

    arguments: int = 0
    hidden: int = 0

    @property
    def rate(self) -> float:
        """The share of hidden arguments; none of none is none."""
        return self.hidden / self.arguments if self.arguments else 0.0

    def __add__(self, other: Count) -> Count:
        return Count(self.arguments + other.arguments, self.hidden + other.hidden)


def of_draft(draft: Draft) -> Count:
    """Give the count over the calls of a draft."""
    said = [
        _is_said(step, name)
        for step in draft.steps
        if step.actor == "agent"
        for name, value in step.arguments.items()
        if value is not None
    ]
    return Count(len(said), said.count(False))


def _is_said(step: DraftStep, name: str) -> bool:
    """Whether the user says an argument, of a list every part."""
    parts = [origin for part, origin in step.origins.items() if part.partition("[")[0] == name]
    return all(origin.source in SAID for origin in parts)


def of_trajectories(trajectories: Iterable[Trajectory]) -> Count:
    """Give the count over trajectories, by what the messages say, as the report card counts it."""
    found = [argument.hidden for trajectory in trajectories for argument in arguments(trajectory)]
    return Count(len(found), sum(found))


@dataclass(frozen=True)
class Aim:
    """The rate at which a round of jobs aims, given what was kept before."""

    target: float = USUAL
    reached: Count = field(default_factory=Count)

    @property
    def shortfall(self) -> float:
        """How far the data so far is below the target; it says little while there is little data."""
        trust = min(1.0, self.reached.arguments / 200)
        return (self.target - self.reached.rate) * trust if self.reached.arguments else 0.0

    @property
    def lean(self) -> float:
        """From -1, say all that can be said, to 1, hide all that can be hidden."""
        wanted = self.target + _FIRM * self.shortfall
        return max(-1.0, min(1.0, (wanted - _NEUTRAL) / _SPAN))

    def hiding(self, usual: float) -> float:
        """Give the share of a choice that hides a value, where it is `usual` without an aim."""
        return usual + self.lean * (1 - usual) if self.lean > 0 else usual * (1 + self.lean)

    def saying(self, usual: float) -> float:
        """Give the share of a choice that says a value, where it is `usual` without an aim."""
        return usual * (1 - self.lean) if self.lean > 0 else usual - self.lean * (1 - usual)

    def takes(self, draft: Draft, *, leeway: float = 0.0) -> bool:
        """Whether a draft leads to the target: it isn't far on the side of which the data has enough.

        One that is still to grow is given some leeway.
        """
        if not self.reached.arguments or not _CLOSE < abs(self.shortfall) < _OUT_OF_REACH:
            return True
        over = of_draft(draft).rate - self.target
        width = leeway + (_NARROW if abs(self.shortfall) > _OFF else _WIDE)
        return over >= -width if self.shortfall > 0 else over <= width
