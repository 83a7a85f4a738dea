"""Novelty: what the last messages of a run have said, and how much of a new one was said in them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from envfactory_client import Trajectory
from envfactory_client.card.wording import words
from synthesis.language.script import Spoken, skeleton

REMEMBERED = 3000
"""How many messages back a run remembers, so as to choose what was said least."""
LATELY = 500
"""How many of them count as said lately."""
MOST_OVERLAP = 0.32
"""The share of a message's runs of four words that may have been said lately."""


def runs(found: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """Give every run of so many words."""
    return [tuple(found[at : at + length]) for at in range(len(found) - length + 1)]


@dataclass(frozen=True)
class Recent:
    """The runs of four words of the last messages; of those said lately, the runs of three and the skeletons too."""

    fours: Set[tuple[str, ...]] = frozenset()
    threes: Set[tuple[str, ...]] = frozenset()
    skeletons: Set[str] = frozenset()
    lately: Set[tuple[str, ...]] = frozenset()
    """The runs of four words that were said lately."""


class Memory:
    """What was said lately: the last messages of the run, and those of the task at hand."""

    def __init__(self, recent: Recent) -> None:
        self._known = (recent, Recent())

    def overlap(self, text: str) -> float:
        """Give the share of a text's runs of four words that were said lately; 0 for a shorter text."""
        return self._share(runs(words(text), 4), [one.lately for one in self._known])

    def worn(self, spoken: Spoken) -> float:
        """Give how worn a message is: its overlap in runs of four and of three words.

        It is worn far more if its skeleton is known, or if so much of it was said lately that it is to be refused.
        """
        found = words(spoken.text)
        four = runs(found, 4)
        fours = self._share(four, [one.fours for one in self._known])
        threes = self._share(runs(found, 3), [one.threes for one in self._known])
        refused = fours > MOST_OVERLAP and self._share(four, [one.lately for one in self._known]) > MOST_OVERLAP
        return fours + threes / 2 + refused + any(spoken.skeleton in one.skeletons for one in self._known)

    def add(self, spoken: Spoken) -> None:
        """Remember a message of the task at hand."""
        found, own = words(spoken.text), self._known[1]
        threes, fours = own.threes | {*runs(found, 3)}, own.fours | {*runs(found, 4)}
        self._known = (self._known[0], Recent(fours, threes, own.skeletons | {spoken.skeleton}, fours))

    @staticmethod
    def _share(found: Sequence[tuple[str, ...]], known: Sequence[Set[tuple[str, ...]]]) -> float:
        of_run, of_task = known
        return sum(run in of_run or run in of_task for run in found) / len(found) if found else 0.0


Said = tuple[tuple[str, str], ...]
"""Messages, each with its skeleton; without one if it wasn't said lately."""


def said_in(trajectories: Sequence[Trajectory]) -> Said:
    """Give the last messages of a run, the latest last."""
    found: list[tuple[str, str]] = []
    for trajectory in reversed(trajectories):
        if len(found) >= REMEMBERED:
            break
        masked = len(found) < LATELY
        found += [(turn.user, skeleton(turn.user, turn.spans) if masked else "") for turn in reversed(trajectory.turns)]
    return tuple(reversed(found[:REMEMBERED]))


@lru_cache(maxsize=2)
def remembered(said: Said) -> Recent:
    """Give what is remembered of messages; worked out once for all jobs that share them."""
    found = [_runs_of(text) for text, _ in said]
    return Recent(
        frozenset().union(*(fours for fours, _ in found)),
        frozenset().union(*(threes for _, threes in found[-LATELY:])),
        frozenset(mask for _, mask in said if mask),
        frozenset().union(*(fours for fours, _ in found[-LATELY:])),
    )


@lru_cache(maxsize=2 * REMEMBERED)
def _runs_of(text: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Give a message's runs of four and of three words."""
    found = words(text)
    return runs(found, 4), runs(found, 3)
