"""Aside: a second process, which makes the walks by chance and some experiments while this one tries the rest.

What is made there knows nothing of what is made here, so the same effort finds the same on one processor and on many.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from envfactory_client.errors import VerifyError
from envfactory_client.verify.bench import Bench, Effort, random_walks
from envfactory_client.verify.check import Broken, Check, Experiment, Oracle
from envfactory_client.verify.example import Example
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.target import Opened, Way, targets
from envfactory_client.verify.walk import Walked

_T = TypeVar("_T")
MOST_VIOLATIONS = 5
"""How many different violations of one experiment are reported."""


@dataclass(frozen=True)
class Shown:
    """What the walks by chance have shown."""

    calls: int
    counts: Mapping[str, int]
    """Check to how many calls it judged."""
    reached: Mapping[tuple[str, str], int]
    successes: Mapping[str, Sequence[Example]]
    broken: Sequence[tuple[str, Broken]]
    """Id of an oracle and what it has against a call, once for each tool."""
    starts: Any = field(default=None, compare=False)
    """What the inner subject can say of the starting states that were built for them; None if nothing."""


@runtime_checkable
class Starting(Protocol):
    """A subject that can hand the starting states it has built to its like in another process."""

    def starts(self) -> Any:
        """What can be sent there."""

    def know(self, starts: Any) -> None:
        """Take what `starts` gave there, so as not to build it anew."""


@dataclass(frozen=True)
class Tried:
    """What an experiment has tried and found."""

    times: int
    broken: Sequence[Broken]


class Work(Generic[_T]):
    """Something that is done, or waits to be done, in the second process."""

    def __init__(self, future: Future[_T], words: str) -> None:
        self._future = future
        self._words = words

    def taken_back(self) -> bool:
        """Whether it could still be taken back, so that it is for others to do."""
        return self._future.cancel()

    @property
    def is_done(self) -> bool:
        """Whether it has come to an end."""
        return self._future.done()

    async def done(self) -> _T:
        """What came of it."""
        try:
            return await asyncio.wrap_future(self._future)
        except BrokenProcessPool as error:
            raise VerifyError(f"The process that tries {self._words} meanwhile has died: {error}.") from error


def start_method() -> Literal["fork", "spawn"]:
    """How a second process begins: with what this one has loaded, or anew where it might inherit a thread's locks."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


class Aside:
    """A second process for what words name on a command line; use it as `with Aside(words) as aside`."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._pool = ProcessPoolExecutor(1, mp_context=get_context(start_method()))
        self._queue = ThreadPoolExecutor(1)
        """Gives the process one piece of work at a time, where the pool would take the next one, too."""

    def __enter__(self) -> Aside:
        self._pool.submit(_open, self._words)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.shutdown(wait=error is None, cancel_futures=True)
        with suppress(BrokenProcessPool):  # then there is nothing to close
            self._pool.submit(_close, self._words)
        self._pool.shutdown(wait=error is None)

    def walks(self, effort: Effort, oracles: Collection[str]) -> Work[Shown]:
        """Make the walks of an effort, and let the oracles of these ids judge them."""
        return self._begun(_walks, effort, sorted(oracles))

    def experiment(self, effort: Effort, check: str) -> Work[Tried]:
        """Make the experiment of this id, which doesn't look back at walks."""
        return self._begun(_experiment, effort, check)

    def _begun(self, make: Callable[..., _T], *wanted: Any) -> Work[_T]:
        return Work(self._queue.submit(lambda: self._pool.submit(make, self._words, *wanted).result()), self._words)


def _walks(words: str, effort: Effort, oracles: Sequence[str]) -> Shown:
    return _kept(words).run(lambda opened: _walked(opened, effort, oracles))


def _experiment(words: str, effort: Effort, check: str) -> Tried:
    return _kept(words).run(lambda opened: _tried(opened, effort, check))


def _open(words: str) -> None:
    _kept(words)


def _close(words: str) -> None:
    _kept(words).close()


class _Kept:
    """What words name, opened for as long as this process lives."""

    def __init__(self, words: str) -> None:
        logging.getLogger("servers.runtime.tool").setLevel(logging.CRITICAL)  # whether tools may fail is what is judged
        self._runner = asyncio.Runner()
        self._opening = targets([words], Way())[0].open()
        self._opened = self._runner.run(_entered(self._opening))

    def run(self, make: Callable[[Opened], Awaitable[_T]]) -> _T:
        """Make something of what was opened."""

        async def made() -> _T:
            return await make(self._opened)

        return self._runner.run(made())

    def close(self) -> None:
        """Close it, with all that it keeps in files."""
        self._runner.run(_left(self._opening))
        self._runner.close()


_kept = cache(_Kept)


async def _entered(opening: AbstractAsyncContextManager[Opened]) -> Opened:
    return await opening.__aenter__()


async def _left(opening: AbstractAsyncContextManager[Opened]) -> None:
    await opening.__aexit__(None, None, None)


async def _walked(opened: Opened, effort: Effort, oracles: Sequence[str]) -> Shown:
    judges = [check for check in all_checks() if isinstance(check, Oracle) and check.id in oracles]
    bench = Bench(opened.subject, effort, opened.inner)
    broken: dict[tuple[str, str], Broken] = {}
    async for walked in random_walks(bench):
        bench.note(walked)
        for check in judges:
            if (found := verdict(bench, check, walked)) is not None:
                broken.setdefault((check.id, walked.seen.tool.name), found)
    return Shown(
        calls=bench.calls,
        counts=dict(bench.counts),
        reached=dict(bench.reached),
        successes=bench.successes,
        broken=[(check, found) for (check, _), found in broken.items()],
        starts=_starts(opened.inner),
    )


def _starts(inner: object) -> Any:
    return inner.starts() if isinstance(inner, Starting) else None


async def _tried(opened: Opened, effort: Effort, check: str) -> Tried:
    (experiment,) = (one for one in all_checks() if isinstance(one, Experiment) and one.id == check)
    bench = Bench(opened.subject, effort, opened.inner)
    broken: dict[str | None, Broken] = {}
    async for found in experiment.probe(bench):
        broken.setdefault(found.tool, found)
        if len(broken) >= MOST_VIOLATIONS:
            break
    return Tried(bench.counts[check], list(broken.values()))


def verdict(bench: Bench, check: Oracle, walked: Walked) -> Broken | None:
    """What an oracle has against a call, which counts as tried if it says anything of it."""
    if not check.concerns(walked.seen):
        return None
    bench.tried(check)
    sentence = check.verdict(walked.seen, bench.subject)
    return None if sentence is None else Broken(sentence, walked.example(), walked.seen.tool.name)


def merged(bench: Bench, shown: Shown) -> None:
    """Count what was shown aside as if this bench had seen it."""
    bench.calls += shown.calls
    bench.counts.update(Counter(shown.counts))
    bench.reached.update(Counter(shown.reached))
    for tool, examples in shown.successes.items():
        bench.keep(tool, examples)
    if shown.starts is not None and isinstance(bench.inner, Starting):
        bench.inner.know(shown.starts)


def chosen(shown: Shown, checks: Sequence[Check]) -> list[tuple[Check, Broken]]:
    """The findings with the checks that found them."""
    by_id = {check.id: check for check in checks}
    return [(by_id[name], broken) for name, broken in shown.broken]
