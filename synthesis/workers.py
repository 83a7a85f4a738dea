"""Workers: processes that make jobs, each with a farm of its own in it or a connection of its own to a running one."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from types import TracebackType

from envfactory_client import Farm
from envfactory_client.garbage import look_seldom
from synthesis.engine import Engine, Job, Made
from synthesis.errors import RunError
from synthesis.view import News, View


@dataclass(frozen=True)
class Place:
    """Where a worker's farm is: at a URL, or in the worker's own process."""

    url: str | None = None
    token: str | None = None

    def farm(self) -> Farm:
        """Give a farm there, not yet entered."""
        return Farm(self.url, token=self.token) if self.url else Farm.embedded()


@dataclass(frozen=True)
class Round:
    """Jobs that are handed out together, after those of the rounds before."""

    jobs: tuple[Job, ...]
    news: News
    """What they see beside what those of the rounds before have seen."""


class Workers:
    """A pool of processes; use it as `with Workers(2, Place()) as workers`."""

    def __init__(self, count: int, place: Place) -> None:
        context = multiprocessing.get_context("spawn")
        self._pools = [
            ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(place,)) for _ in range(count)
        ]
        self._untold: list[list[News]] = [[] for _ in self._pools]
        """What each process is yet to be told."""

    def __enter__(self) -> Workers:
        for pool in self._pools:
            pool.submit(_get_ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def begin(self, here: Round) -> list[Future[Made]]:
        """Hand out a round's jobs; where worlds can be shared out evenly, each is drawn by one process alone."""
        for untold in self._untold:
            untold.append(here.news)
        return [self._hand_out(job, job.index % len(self._pools)) for job in here.jobs]

    def _hand_out(self, job: Job, place: int) -> Future[Made]:
        """Hand out a job, with the news that its process wasn't told yet."""
        news, self._untold[place] = self._untold[place], []
        return self._pools[place].submit(_make, job, news)

    async def result(self, future: Future[Made]) -> Made:
        """Give what comes of a job that was handed out."""
        try:
            return await asyncio.wrap_future(future)
        except BrokenProcessPool as error:
            raise RunError("A worker process ended by itself; add --resume to go on, with fewer --workers.") from error


class _Bench:
    """What one worker process holds for as long as it lives."""

    loop: asyncio.AbstractEventLoop
    engine: Engine
    view: View


def _begin(place: Place) -> None:
    look_seldom()
    _Bench.loop = asyncio.new_event_loop()
    farm = place.farm()
    _Bench.loop.run_until_complete(farm.__aenter__())
    _Bench.engine, _Bench.view = Engine(farm), View()


def _get_ready() -> None:
    """Do nothing: a process begins with the first thing it is given."""


def _make(job: Job, news: Sequence[News]) -> Made:
    for one in news:
        _Bench.view.learn(one)
    made = _Bench.loop.run_until_complete(_Bench.engine.make(job, _Bench.view))
    return replace(made, job=job)  # as it was handed out: the rows that it may have got since are kept packed
