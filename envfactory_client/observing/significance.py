"""Significance: whether values of one kind succeed more often than others by more than chance.

The test is Fisher's exact test, one-sided: under the hypothesis that success has nothing to do with the kind, the
number of successes of the kind is hypergeometric. It is exact for the few values that small servers have.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple


class Rate(NamedTuple):
    """How many of some distinct values succeeded."""

    successes: int
    trials: int


def chance_of(kind: Rate, others: Rate) -> float:
    """The probability of at least so many successes of the kind if they fell on all values alike."""
    successes, trials = kind.successes + others.successes, kind.trials + others.trials
    most = min(successes, kind.trials)
    ways = sum(
        comb(kind.trials, count) * comb(others.trials, successes - count)
        for count in range(kind.successes, most + 1)
        if successes - count <= others.trials
    )
    return ways / comb(trials, successes)


def controls_needed(kind: Rate, others: Rate, level: float, most: int) -> int:
    """How many failing controls beside the others make the kind differ at a level; 0 if not even `most` do."""
    for count in range(most + 1):
        if chance_of(kind, Rate(others.successes, others.trials + count)) <= level:
            return count
    return 0
