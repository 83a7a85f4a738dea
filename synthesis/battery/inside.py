"""Checks that look inside: faults planted under a running tool, and rows that lie in another order."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.checks.experiments import answers, walk_of
from envfactory_client.verify.example import Example, Step
from envfactory_client.verify.subject import Ability, Subject
from servers.runtime import Episode
from servers.runtime.database import Database
from synthesis.battery.direct import DirectSession, DirectSubject
from synthesis.battery.observed.checks import Links
from synthesis.battery.phrases_check import PHRASES

_INSIDE: frozenset[Ability] = frozenset({"inside"})
_MOST_STATEMENTS = 40


class Faults(Experiment):
    """D10: whatever breaks in the middle of a call, nothing of it stays."""

    id, name = "D10", "faults"
    sentence = "A call whose k-th statement fails leaves no trace, whichever statement that is."
    needs = _INSIDE
    looks_back = True

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Break each statement of each write in turn."""
        for tool, examples in bench.examples():
            for example in examples[:2] if not tool.read_only else ():
                async for broken in self._in_turn(bench, tool, example):
                    yield broken

    async def _in_turn(self, bench: Bench, tool: Tool, example: Example) -> AsyncIterator[Broken]:
        async with _before_last(bench.inner, example) as session:
            mark = await session.snapshot()
            for k in range(1, _MOST_STATEMENTS):
                bench.tried(self)
                reached, sentence = await self._broken_at(session, example.last, k)
                if sentence is not None:
                    yield Broken(sentence, example.then(fault=k), tool.name)
                if not reached:
                    break
                await session.restore(mark)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the last call with a fault at the statement that the twist says."""
        async with _before_last(subject, example) as session:
            return (await self._broken_at(session, example.last, int(example.twist["fault"])))[1]

    async def _broken_at(self, session: DirectSession, step: Step, k: int) -> tuple[bool, str | None]:
        """Whether a call comes as far as its k-th statement, and what it leaves behind when that fails."""
        before = await session.state()
        with failing(session.episode.databases[session.environment.name], k) as seen:
            result = await session.call(str(step.tool), step.arguments)
        if len(seen) < k:
            return False, None
        if before.digest != (await session.state()).digest:
            return True, f"{step.tool} leaves a trace when its statement {k} fails: {seen[-1]:.120}"
        if not result.is_error:
            return True, f"{step.tool} answers as if nothing was wrong when its statement {k} fails"
        return True, None


class RowOrder(Experiment):
    """D9: the order in which rows lie in a file means nothing."""

    id, name = "D9", "row_order"
    sentence = "Answers and states don't depend on the order in which rows were stored, or in which SQLite finds them."
    needs = _INSIDE

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Make walks over rows as they come, and over the same rows in reverse."""
        for number in range(2):
            length = min(80, bench.effort.calls)
            example = await walk_of(bench, Example(seed=bench.effort.seed + number), length, "row order")
            bench.tried(self, len(example.steps))
            if (sentence := await self.judge(bench.inner, example)) is not None:
                yield Broken(sentence, example)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Compare the answers over both orders."""
        ends = []
        for turned in (False, True):
            session = _opened(_direct(subject), example, turned=turned)
            ends.append((await answers(session, example.steps), (await session.state()).digests))
            await session.close()
        for step, first, second in zip(_calls(example), *(texts for texts, _ in ends), strict=True):
            if first != second:
                return f"{step} answers {second:.150} when rows lie in reverse, and {first:.150} otherwise"
        return None if ends[0][1] == ends[1][1] else "the state after the same calls differs when rows lie in reverse"


INSIDE: tuple[Check, ...] = (Faults(), RowOrder(), Links(), *PHRASES)


@asynccontextmanager
async def _before_last(subject: Subject, example: Example) -> AsyncIterator[DirectSession]:
    """A session in which all of an example but its last call has been made."""
    session = await _direct(subject).open(example)
    try:
        await answers(session, example.steps[:-1])
        yield session
    finally:
        await session.close()


@contextmanager
def failing(database: Database, k: int) -> Iterator[list[str]]:
    """Let the k-th statement that tool code executes fail; gives the statements up to that one."""
    real = database.execute
    seen: list[str] = []

    def execute(sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if database.guarded and len(seen) < k:
            seen.append(sql)
            if len(seen) == k:
                raise sqlite3.OperationalError("disk I/O error")
        return real(sql, parameters)

    database.execute = execute  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        del database.execute


def _opened(subject: DirectSubject, example: Example, *, turned: bool) -> DirectSession:
    episode = Episode.open([subject.environment], seed=example.seed, size=example.size)
    if not turned:
        return DirectSession(subject.environment, episode)
    rows = {table: list(reversed(entries)) for table, entries in episode.rows(subject.name).items()}
    episode.close()
    turned_episode = Episode.open(
        [subject.environment], seed=example.seed, size=example.size, scenarios={subject.name: rows}
    )
    turned_episode.databases[subject.name].execute("PRAGMA reverse_unordered_selects = ON")
    return DirectSession(subject.environment, turned_episode)


def _calls(example: Example) -> list[str]:
    return [step.tool for step in example.steps if step.tool is not None]


def _direct(subject: Subject) -> DirectSubject:
    assert isinstance(subject, DirectSubject)
    return subject
