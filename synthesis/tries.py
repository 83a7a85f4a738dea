"""Tries: one chance after another to ground a goal, until one of them can be made part of the draft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.stage import Stage


async def first_of_tries(stage: Stage, kind: GoalKind, most: int, make: Callable[[int], Awaitable[None]]) -> None:
    """Make a goal part of the draft by the first try that succeeds; each is told how many steps there are before it.

    What a failed one has looked up is left out of the draft. Raises `Drop` with the commonest reason where all fail.
    """
    reasons: list[str] = []
    for _ in range(most):
        mark = len(stage.draft.steps)
        try:
            await make(mark)
        except Drop as drop:
            del stage.draft.steps[mark:]
            reasons.append(drop.reason)
            continue
        return
    raise Drop(max(sorted(set(reasons)), key=reasons.count), str(kind))
