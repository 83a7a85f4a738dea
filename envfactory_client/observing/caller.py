"""The caller: calls within bounds of number and time, each answer learned from.

A tool that ends the server or leaves it silent is called no more after a few such calls; the rest goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from envfactory_client.episode import CallResult
from envfactory_client.errors import ForeignServerError
from envfactory_client.fields import put_at
from envfactory_client.observing.pool import Answered, Pool
from envfactory_client.observing.reading import Scalar, cells, legible
from envfactory_client.verify.foreign_subject import ForeignSubject

_PATIENCE = 3
"""Calls without an answer after which a tool is left alone."""
_SAMPLES = 3
"""Results that are kept of each tool."""
Plain = Mapping[str, Any]
"""Arguments by parameter path, one value each."""


class Caller:
    """Calls one server's tools, as many and for as long as it may."""

    def __init__(self, subject: ForeignSubject, pool: Pool, *, calls: int, seconds: float, clock: Callable[[], float]):
        self._subject = subject
        self._pool = pool
        self._most = calls
        self._clock = clock
        self._end = clock() + seconds
        self._gone: Counter[str] = Counter()
        self._answers: dict[tuple[str, str], CallResult | None] = {}
        self.calls = 0
        self.learns = True
        """Whether answers are learned from; not once values have been stored where they don't belong."""
        self.successes: Counter[str] = Counter()
        """By tool, the calls that gave a result."""
        self.samples: dict[str, list[Any]] = {}
        """By tool, some results in which parts of texts have paths."""

    @property
    def spent(self) -> bool:
        """Whether the bounds are reached."""
        return self.calls >= self._most or self._clock() >= self._end

    @property
    def left_alone(self) -> Sequence[str]:
        """The tools that gave no answer so often that they aren't called any more."""
        return [tool for tool, count in self._gone.items() if count >= _PATIENCE]

    async def call(self, tool: str, plain: Plain) -> CallResult | None:
        """What the tool answers; None where it gives no answer or mustn't be called any more.

        The same call of a read is made once, for as long as nothing was written: its answer is remembered.
        """
        key = (tool, json.dumps(plain, sort_keys=True, default=str))
        if key in self._answers:
            return self._answers[key]
        if self.spent or self._gone[tool] >= _PATIENCE:
            return None
        self.calls += 1
        try:
            result = await self._subject.call(tool, nested(plain))
        except ForeignServerError:
            self._gone[tool] += 1
            return None
        if self._subject.tools[tool].read_only:
            self._answers[key] = result
        else:
            self._answers.clear()
        self.successes[tool] += not result.is_error
        if self.learns and not result.is_error:
            self._learn(tool, plain, result)
        return result

    def _learn(self, tool: str, plain: Plain, result: CallResult) -> None:
        value = legible(result)
        samples = self.samples.setdefault(tool, [])
        if len(samples) < _SAMPLES:
            samples.append(value)
        taken: dict[str, list[Scalar]] = {path: [given] for path, given in plain.items()}
        self._pool.learn(Answered(tool, taken, cells(value, plain.values())))


def nested(plain: Plain) -> dict[str, Any]:
    """Arguments as a call takes them, each list with one element."""
    arguments: dict[str, Any] = {}
    for path, value in plain.items():
        put_at(arguments, path, [value])
    return arguments
