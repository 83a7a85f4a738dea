"""Aside: the walks by chance, made in a process of their own while this one tries the boundaries.

They know nothing of each other's calls, so the same effort finds the same on one processor and on many.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

from envfactory_client.errors import VerifyError
from envfactory_client.verify.bench import Bench, Effort, random_walks
from envfactory_client.verify.check import Broken, Check, Oracle
from envfactory_client.verify.example import Example
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.target import Opened, Way, targets
from envfactory_client.verify.walk import Walked


@dataclass(frozen=True)
class Aside:
    """What the walks by chance have shown."""

    calls: int
    counts: Mapping[str, int]
    """Check to how many calls it judged."""
    reached: Mapping[tuple[str, str], int]
    successes: Mapping[str, Sequence[Example]]
    broken: Sequence[tuple[str, Broken]]
    """Id of an oracle and what it has against a call, once for each tool."""


Walks = Callable[[Effort, Collection[str]], Awaitable[Aside]]
"""Makes the walks of an effort and lets the oracles of these ids judge them."""


def elsewhere(words: str) -> Walks:
    """Walks in a process of their own, over what the words name on a command line."""

    async def walks(effort: Effort, oracles: Collection[str]) -> Aside:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, _walks_of, words, effort, sorted(oracles))
            except BrokenProcessPool as error:
                raise VerifyError(f"The process that walks over {words} by chance has died: {error}.") from error

    return walks


def _walks_of(words: str, effort: Effort, oracles: Sequence[str]) -> Aside:
    logging.getLogger("servers.runtime.tool").setLevel(logging.CRITICAL)  # whether tools may fail is what is judged
    return asyncio.run(_walked(words, effort, oracles))


async def _walked(words: str, effort: Effort, oracles: Sequence[str]) -> Aside:
    judges = [check for check in all_checks() if isinstance(check, Oracle) and check.id in oracles]
    async with targets([words], Way())[0].open() as opened:
        return await _judged(opened, effort, judges)


async def _judged(opened: Opened, effort: Effort, judges: Sequence[Oracle]) -> Aside:
    bench = Bench(opened.subject, effort, opened.inner)
    broken: dict[tuple[str, str], Broken] = {}
    async for walked in random_walks(bench):
        bench.note(walked)
        for check in judges:
            if (found := verdict(bench, check, walked)) is not None:
                broken.setdefault((check.id, walked.seen.tool.name), found)
    return Aside(
        calls=bench.calls,
        counts=dict(bench.counts),
        reached=dict(bench.reached),
        successes=bench.successes,
        broken=[(check, found) for (check, _), found in broken.items()],
    )


def verdict(bench: Bench, check: Oracle, walked: Walked) -> Broken | None:
    """What an oracle has against a call, which counts as tried if it says anything of it."""
    if not check.concerns(walked.seen):
        return None
    bench.tried(check)
    sentence = check.verdict(walked.seen, bench.subject)
    return None if sentence is None else Broken(sentence, walked.example(), walked.seen.tool.name)


def merged(bench: Bench, aside: Aside) -> None:
    """Count what was shown aside as if this bench had seen it."""
    bench.calls += aside.calls
    bench.counts.update(Counter(aside.counts))
    bench.reached.update(Counter(aside.reached))
    for tool, examples in aside.successes.items():
        bench.keep(tool, examples)


def chosen(aside: Aside, checks: Sequence[Check]) -> list[tuple[Check, Broken]]:
    """The findings with the checks that found them."""
    by_id = {check.id: check for check in checks}
    return [(by_id[name], broken) for name, broken in aside.broken]
