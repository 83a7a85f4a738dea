"""Goals: which kind is tried first, by what the data has least of."""

from __future__ import annotations

from collections import Counter
from random import Random

from synthesis.goals import GoalKind, ranked

BROKEN = GoalKind("shop", "lend", "refuse", "broken")
BROKEN_TOO = GoalKind("shop", "sell", "refuse", "broken")
GONE = GoalKind("shop", "lend", "refuse", "gone")


def test_a_code_that_was_never_met_comes_before_a_tool_that_never_said_it() -> None:
    order = ranked([BROKEN, BROKEN_TOO, GONE], Counter({BROKEN: 5}), Random(1))
    assert order == [GONE, BROKEN_TOO, BROKEN]


def test_once_each_code_is_met_the_rarest_tool_comes_first() -> None:
    order = ranked([BROKEN, BROKEN_TOO, GONE], Counter({BROKEN: 5, GONE: 1}), Random(1))
    assert order == [BROKEN_TOO, GONE, BROKEN]
