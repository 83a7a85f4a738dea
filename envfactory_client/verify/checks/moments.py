"""Moments: time alone breaks no promise, least of all at the very second at which something is due."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence

from envfactory_client.episode import Rows
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.checks.experiments import answers
from envfactory_client.verify.example import Example, wait
from envfactory_client.verify.mirror import seconds_between
from envfactory_client.verify.subject import Session, Subject

_DAY, _MOMENT = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MOST = 60
"""Moments that are gone to, spread over all that there are."""


class Moments(Experiment):
    """B18: invariants hold whenever it is."""

    id, name = "B18", "moments"
    sentence = "Every declared invariant holds at each stored moment and day, and a second before it, if nobody calls."
    needs = frozenset({"harness"})

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Go from moment to moment, and look at the invariants just before and at each."""
        start = Example(seed=bench.effort.seed)
        session = await bench.subject.open(start)
        try:
            begun = (await session.state()).now
            here = 0
            for moment in _chosen(_ahead(await session.rows(), begun)):
                for then in (moment - 1, moment):
                    if then > here:
                        await session.advance(then - here)
                        here = then
                    bench.tried(self)
                    if (sentence := await _broken(session)) is not None:
                        yield Broken(sentence, start.then(wait(here)), sentence.partition(":")[0])
        finally:
            await session.close()

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Wait as the example says, and look at the invariants."""
        session = await subject.open(example)
        try:
            await answers(session, example.steps)
            return await _broken(session)
        finally:
            await session.close()


async def _broken(session: Session) -> str | None:
    """The first invariant that doesn't hold, with a row that breaks it and when that is."""
    broken = await session.violations()
    if not broken:
        return None
    name = min(broken)
    return f"{name}: broken by {dict(broken[name][0])} at {(await session.state()).now}, by time alone"


def _ahead(rows: Rows, now: str) -> list[int]:
    """The seconds until each stored moment, and until each stored day begins and ends, that is still to come."""
    values = {value for entries in rows.values() for row in entries for value in row.values() if isinstance(value, str)}
    return sorted({seconds for value in values for seconds in _until(value, now) if seconds > 0})


def _until(value: str, now: str) -> Iterator[int]:
    if _MOMENT.fullmatch(value):
        yield seconds_between(now, value)
    elif _DAY.fullmatch(value):
        begins = seconds_between(now, f"{value}T00:00:00Z")
        yield from (begins, begins + 86_400)


def _chosen(moments: Sequence[int]) -> list[int]:
    """Some of many, evenly spread, the first among them."""
    every = -(-len(moments) // _MOST) or 1
    return list(moments[::every])


MOMENTS: tuple[Check, ...] = (Moments(),)
