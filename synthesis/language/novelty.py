"""Novelty: what the last messages of a run have said, and how much of a new one was said in them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields
from typing import Any

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
"""Messages, each with its skeleton."""


def said_in(trajectories: Iterable[Trajectory]) -> Said:
    """Give the messages of the users, with their skeletons, in their order."""
    return tuple((turn.user, skeleton(turn.user, turn.spans)) for one in trajectories for turn in one.turns)


class Heard:
    """The last messages of a run, heard one after another; what is long ago is forgotten."""

    def __init__(self) -> None:
        self._fours: deque[list[tuple[str, ...]]] = deque()
        self._late: deque[_Runs] = deque()
        self._counts = tuple(Counter[Any]() for _ in fields(Recent))

    @property
    def recent(self) -> Recent:
        """What is remembered; it changes with what is heard."""
        return Recent(*(counts.keys() for counts in self._counts))

    def hear(self, said: Said) -> None:
        """Remember messages, the latest last."""
        fours, threes, skeletons, lately = self._counts
        for text, mask in said:
            found = words(text)
            one = _Runs(runs(found, 4), runs(found, 3), mask)
            self._fours.append(one.fours)
            self._late.append(one)
            fours.update(one.fours)
            threes.update(one.threes)
            skeletons.update([one.skeleton])
            lately.update(one.fours)
            if len(self._late) > LATELY:
                gone = self._late.popleft()
                _forget(threes, gone.threes)
                _forget(skeletons, [gone.skeleton])
                _forget(lately, gone.fours)
            if len(self._fours) > REMEMBERED:
                _forget(fours, self._fours.popleft())


@dataclass(frozen=True, slots=True)
class _Runs:
    """A message's runs of four and of three words, and its skeleton."""

    fours: list[tuple[str, ...]]
    threes: list[tuple[str, ...]]
    skeleton: str


def _forget(counts: Counter[Any], gone: Iterable[Any]) -> None:
    """Count each less by one; what was counted once isn't in it any more."""
    for one in gone:
        if counts[one] > 1:
            counts[one] -= 1
        else:
            del counts[one]
