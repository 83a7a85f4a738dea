"""Workers: processes that make jobs, each with a farm of its own in it or a connection of its own to a running one."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from types import TracebackType

from envfactory_client import Farm
from synthesis.engine import Engine, Job, Made
from synthesis.errors import RunError
from synthesis.goals import GoalKind
from synthesis.language.novelty import Said


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
    """Jobs that are handed out together, and what they see of the data."""

    jobs: tuple[Job, ...]
    counts: Counter[GoalKind]
    """How often each kind of goal occurs, or was tried in vain."""
    taken: frozenset[str]
    """Keys of the trajectories."""
    said: Said
    """The last messages."""


class Workers:
    """A pool of processes; use it as `with Workers(2, Place()) as workers`."""

    def __init__(self, count: int, place: Place) -> None:
        context = multiprocessing.get_context("spawn")
        self._pools = [
            ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(place,)) for _ in range(count)
        ]

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def begin(self, here: Round) -> list[Future[Made]]:
        """Hand out a round's jobs; where worlds can be shared out evenly, each is drawn by one process alone."""
        return [
            self._pools[job.index % len(self._pools)].submit(_make, job, here.counts, here.taken, here.said)
            for job in here.jobs
        ]

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


def _begin(place: Place) -> None:
    _Bench.loop = asyncio.new_event_loop()
    farm = place.farm()
    _Bench.loop.run_until_complete(farm.__aenter__())
    _Bench.engine = Engine(farm)


def _make(job: Job, counts: Counter[GoalKind], taken: frozenset[str], said: Said) -> Made:
    made = _Bench.loop.run_until_complete(_Bench.engine.make(job, counts, taken, said))
    return replace(made, job=job)  # as it was handed out: the rows that it may have got since are kept packed
