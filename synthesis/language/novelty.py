"""Novelty: what the last messages of a run have said, and how much of a new one was said in them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from envfactory_client import Trajectory
from envfactory_client.card.wording import words
from synthesis.language.script import Spoken, skeleton

REMEMBERED = 500
"""How many messages back a run remembers."""
MOST_OVERLAP = 0.35
"""The share of a message's runs of four words that may have been said before."""


def runs(found: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """Give every run of so many words."""
    return [tuple(found[at : at + length]) for at in range(len(found) - length + 1)]


@dataclass(frozen=True)
class Recent:
    """The runs of three and four words, and the skeletons, of the last messages."""

    threes: Set[tuple[str, ...]] = frozenset()
    fours: Set[tuple[str, ...]] = frozenset()
    skeletons: Set[str] = frozenset()


class Memory:
    """What was said lately: the last messages of the run, and those of the task at hand."""

    def __init__(self, recent: Recent) -> None:
        self._known = (recent, Recent(set(), set(), set()))

    def overlap(self, text: str) -> float:
        """Give the share of a text's runs of four words that were said before; 0 for a shorter text."""
        return self._share(runs(words(text), 4), [one.fours for one in self._known])

    def worn(self, spoken: Spoken) -> float:
        """Give how worn a message is: its overlap in runs of four and of three words, more if its skeleton is known."""
        found = words(spoken.text)
        fours = self._share(runs(found, 4), [one.fours for one in self._known])
        threes = self._share(runs(found, 3), [one.threes for one in self._known])
        return fours + threes / 2 + any(spoken.skeleton in one.skeletons for one in self._known)

    def add(self, spoken: Spoken) -> None:
        """Remember a message of the task at hand."""
        found, own = words(spoken.text), self._known[1]
        self._known = (
            self._known[0],
            Recent(own.threes | {*runs(found, 3)}, own.fours | {*runs(found, 4)}, own.skeletons | {spoken.skeleton}),
        )

    @staticmethod
    def _share(found: Sequence[tuple[str, ...]], known: Sequence[Set[tuple[str, ...]]]) -> float:
        return sum(any(run in one for one in known) for run in found) / len(found) if found else 0.0


Said = tuple[tuple[str, str], ...]
"""Messages, each with its skeleton."""


def said_in(trajectories: Sequence[Trajectory]) -> Said:
    """Give the last messages of a run, the latest last."""
    found: list[tuple[str, str]] = []
    for trajectory in reversed(trajectories):
        if len(found) >= REMEMBERED:
            break
        found += [(turn.user, skeleton(turn.user, turn.spans)) for turn in reversed(trajectory.turns)]
    return tuple(reversed(found[:REMEMBERED]))


@lru_cache(maxsize=2)
def remembered(said: Said) -> Recent:
    """Give what is remembered of messages; worked out once for all jobs that share them."""
    found = [words(text) for text, _ in said]
    return Recent(
        frozenset(run for one in found for run in runs(one, 3)),
        frozenset(run for one in found for run in runs(one, 4)),
        frozenset(mask for _, mask in said),
    )
