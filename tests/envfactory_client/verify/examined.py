"""Small subjects for single checks: the library with planted flaws, and foreign servers written for the purpose."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from envfactory_client import ForeignServer
from envfactory_client.episode import Rows
from envfactory_client.verify.battery import Verified, verify
from envfactory_client.verify.bench import Bench, Effort
from envfactory_client.verify.check import Broken, Experiment
from envfactory_client.verify.example import Example
from envfactory_client.verify.foreign_subject import ForeignSubject
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.report import Report
from envfactory_client.verify.subject import Subject
from servers.runtime import Episode
from synthesis.battery.direct import DirectSession, DirectSubject
from synthesis.battery.loading import environment_in

LIBRARY = Path(__file__).resolve().parents[2] / "fixtures" / "library"
FOREIGN = """
from typing import Annotated, Any, Literal

from fastmcp import FastMCP
from fastmcp.tools import Tool
from pydantic import Field

mcp = FastMCP("Desk")

{tools}

mcp.run(show_banner=False)
"""


class LoadingSubject(DirectSubject):
    """The library, able to open any rows."""

    async def load(self, rows: Rows, example: Example) -> DirectSession:
        """A session over these rows."""
        scenarios = {self.name: {table: [dict(row) for row in entries] for table, entries in rows.items()}}
        episode = Episode.open([self.environment], seed=example.seed, size=example.size, scenarios=scenarios)
        return DirectSession(self.environment, episode)


def library(folder: Path, file: str = "", find: str = "", replace: str = "") -> LoadingSubject:
    """The library in a folder of its own, with one passage of one file replaced."""
    place = folder / "library"
    shutil.copytree(LIBRARY, place, ignore=shutil.ignore_patterns("__pycache__"))
    if file:
        text = (place / file).read_text(encoding="utf-8")
        assert text.count(find) == 1, find
        (place / file).write_text(text.replace(find, replace), encoding="utf-8")
    return LoadingSubject(environment_in(place))


async def found(check: Experiment, subject: Subject, again: int = 9) -> list[Broken]:
    """What a check finds, the first of it seen again by its example alone."""
    bench = Bench(subject, Effort())
    broken = [one async for one in check.probe(bench)]
    assert bench.counts[check.id]
    for one in broken[:again]:
        assert await check.judge(subject, Example.from_text(one.example.to_text())) is not None
    return broken


def sentences(check: Experiment, subject: Subject) -> list[str]:
    """The sentences of what a check finds."""
    return [one.sentence for one in asyncio.run(found(check, subject))]


def report_on_foreign(folder: Path, tools: str, *checks: str) -> Report:
    """What these checks say of a server with these tools, started over stdio and given little time for a call."""
    command = desk(folder, tools)

    async def visit() -> Report:
        async with ForeignServer(command, timeout=20, call_timeout=1.5) as server:
            subject = await ForeignSubject.of(server, f"-- {shlex.join(command)}", writes=False)
            chosen = [check for check in all_checks() if check.id in checks]
            events = [event async for event in verify(subject, Effort(calls=40, walks=1, short=5), chosen)]
            assert isinstance(events[-1], Verified)
            return events[-1].report

    return asyncio.run(visit())


def desk(folder: Path, tools: str) -> list[str]:
    """The command that starts a server with these tools."""
    script = folder / "desk.py"
    script.write_text(FOREIGN.replace("{tools}", tools), encoding="utf-8")
    return [sys.executable, str(script)]


def said_of_foreign(checks: Sequence[Experiment], folder: Path, tools: str) -> list[list[str]]:
    """What each check finds in a server with these tools, started over stdio."""
    command = desk(folder, tools)

    async def visit() -> list[list[str]]:
        async with ForeignServer(command, timeout=20) as server:
            subject = await ForeignSubject.of(server, "-- desk", writes=False)
            return [[one.sentence for one in await found(check, subject)] for check in checks]

    return asyncio.run(visit())
