"""A memo: what a state has already answered, by the state's digest, so that no state is asked the same twice.

Look-ups and queries depend on nothing but the rows and the clock, which the digest stands for. Jobs that play in one
world begin in one state, and a plan's tries ask the same of it again and again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")
MOST_ANSWERS = 20_000


@dataclass
class Memo:
    """Answers by what was asked; the least recently used are forgotten first."""

    most: int = MOST_ANSWERS
    _answers: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)

    async def recall(self, question: Hashable, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Give the answer to a question, asked only when it isn't known."""
        if question in self._answers:
            self._answers.move_to_end(question)
        else:
            self._answers[question] = await ask()
            if len(self._answers) > self.most:
                self._answers.popitem(last=False)
        found: _Answer = self._answers[question]
        return found
