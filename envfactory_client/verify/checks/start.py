"""Starting: an environment that is started alone is what it is in a farm, whichever way a client reaches it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from envfactory_client.errors import ForeignServerError, ProtocolError, VerifyError
from envfactory_client.foreign import ForeignServer
from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.draw import Drawer
from envfactory_client.verify.example import Example, Step, call
from envfactory_client.verify.subject import Ability, Session, Subject

ERAS = ("2025-06-18", "2025-11-25", "2026-07-28")
"""The versions of the protocol that are spoken."""
_MODERN = ERAS[-1]
_SOON = 30.0
"""Seconds within which a process must be there, or gone."""
_URL = re.compile(r"http://[^\s/]+/mcp")
_DRAWS = 20

Command = Callable[[Subject], Sequence[str]]


def module_of(subject: Subject) -> Sequence[str]:
    """The command that starts an environment of this installation."""
    return (sys.executable, "-m", f"servers.{subject.name}")


class Start(Experiment):
    """D1: alone it is what it is in a farm."""

    id, name = "D1", "start"
    lengthy = True
    sentence = (
        "Started alone over stdio or HTTP, it lists the farm's tools and gives its answer, in every protocol era."
    )
    needs: ClassVar[frozenset[Ability]] = frozenset({"restart"})

    def __init__(self, command: Command = module_of) -> None:
        self._command = command

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Start it in both ways, and ask for the listing and one read in every era."""
        step = await _read(bench)
        ways: list[dict[str, Any]] = [{"over": "stdio"}, *({"over": "http", "era": era} for era in ERAS)]
        examples = [Example(steps=(step,), twist=way) for way in ways]
        for example, sentence in zip(examples, await self._tried(bench.subject, examples), strict=True):
            bench.tried(self)
            if sentence is not None:
                yield Broken(sentence, example, " ".join(map(str, example.twist.values())))

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Start it in the example's way."""
        return (await self._tried(subject, [example]))[0]

    async def _tried(self, subject: Subject, examples: Sequence[Example]) -> list[str | None]:
        """What is wrong in each example; one process serves those over HTTP, beside the one over stdio."""
        expected = await _expected(subject, examples[0].last)
        eras = [str(example.twist["era"]) for example in examples if example.twist.get("over") == "http"]
        over_stdio, over_http = await asyncio.gather(
            _over_stdio(self._command(subject), expected) if len(eras) < len(examples) else _untried(),
            _over_http(self._command(subject), expected, eras) if eras else _untried(),
        )
        return [*over_stdio, *over_http]


START: tuple[Check, ...] = (Start(),)


@dataclass(frozen=True)
class _Expected:
    """What a lone server has to list and to answer."""

    tools: Mapping[str, Tool]
    step: Step
    answer: Any

    def unlike(self, tools: Sequence[Tool], answer: Any) -> str | None:
        """What differs, as a phrase."""
        listed = {tool.name: tool for tool in tools}
        if strange := sorted(listed.keys() ^ self.tools.keys()):
            return f"the tool {strange[0]} is listed in a farm or alone, but not in both"
        for name, tool in listed.items():
            known = self.tools[name]
            if _said(tool.to_wire()) != _said(known.to_wire()) or tool.contract != known.contract:
                return f"{name} is listed otherwise than in a farm"
        if answer != self.answer:
            return f"{self.step.tool} answers otherwise than in a farm: {answer!r:.200}"
        return None


def _said(value: Any) -> Any:
    """A listing without what is null, which not every way of listing keeps."""
    if isinstance(value, Mapping):
        return {name: _said(inner) for name, inner in value.items() if inner is not None}
    return [_said(inner) for inner in value] if isinstance(value, list) else value


async def _read(bench: Bench) -> Step:
    """A read of the agent that succeeds."""
    session = await bench.subject.open(Example())
    try:
        drawer = Drawer(bench.subject, session, bench.rng("start"))
        reads = [tool for tool in bench.subject.tools.values() if tool.read_only and tool.actor == "agent"]
        for tool in reads * _DRAWS:
            arguments = await drawer.arguments(tool, odd=0.0)
            if not (await session.call(tool.name, arguments)).is_error:
                return call(tool.name, arguments)
    finally:
        await session.close()
    raise VerifyError(f"No read of {bench.subject.name} succeeds, so a lone server can't be compared with the farm's.")


async def _expected(subject: Subject, step: Step) -> _Expected:
    session: Session = await subject.open(Example())
    try:
        answer = await session.call(str(step.tool), step.arguments)
    finally:
        await session.close()
    return _Expected(subject.tools, step, answer.structured if answer.structured is not None else answer.text)


async def _untried() -> list[str | None]:
    return []


async def _over_stdio(command: Sequence[str], expected: _Expected) -> list[str | None]:
    try:
        async with ForeignServer(list(command), env=dict(os.environ), timeout=_SOON) as server:
            answer = await server.call(str(expected.step.tool), **expected.step.arguments)
            problem = expected.unlike(await server.tools(), answer.structured or answer.text)
    except ForeignServerError as error:
        return [f"over stdio: {error}"]
    return [None if problem is None else f"over stdio, {problem}"]


async def _over_http(command: Sequence[str], expected: _Expected, eras: Sequence[str]) -> list[str | None]:
    try:
        async with _serving(command) as url, httpx.AsyncClient(timeout=_SOON) as http:
            return [await _in_era(_Wire(http, url, era), expected) for era in eras]
    except ForeignServerError as error:
        return [f"over HTTP: {error}" for _ in eras]


async def _in_era(wire: _Wire, expected: _Expected) -> str | None:
    where = f"over HTTP in the era {wire.era}"
    try:
        if wire.era != _MODERN:
            client = {"name": "envfactory", "version": "0"}
            hello = {"protocolVersion": wire.era, "capabilities": {}, "clientInfo": client}
            if (agreed := (await wire.ask("initialize", hello)).get("protocolVersion")) != wire.era:
                return f"{where}, it agrees on {agreed} instead"
        listed = (await wire.ask("tools/list", {}))["tools"]
        params = {"name": str(expected.step.tool), "arguments": dict(expected.step.arguments)}
        answer = await wire.ask("tools/call", params)
    except (ProtocolError, httpx.HTTPError) as error:
        return f"{where}: {error}"
    tools = [Tool.from_wire("alone", entry) for entry in listed]
    problem = expected.unlike(tools, answer.get("structuredContent"))
    return None if problem is None else f"{where}, {problem}"


@dataclass(frozen=True)
class _Wire:
    """Plain requests of one era."""

    http: httpx.AsyncClient
    url: str
    era: str

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one request; ProtocolError if there is none."""
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": self.era}
        body = dict(params)
        if self.era == _MODERN:
            prefix = "io.modelcontextprotocol"
            body["_meta"] = {f"{prefix}/protocolVersion": self.era, f"{prefix}/clientCapabilities": {}}
            headers |= {"mcp-method": method} | ({"mcp-name": str(params["name"])} if "name" in params else {})
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": body}
        response = await self.http.post(self.url, json=message, headers=headers)
        try:
            result = response.json()["result"]
        except (ValueError, KeyError, TypeError) as error:
            said = response.text[:200]
            raise ProtocolError(f"{method} is answered with HTTP {response.status_code}: {said}") from error
        return dict(result)


@asynccontextmanager
async def _serving(command: Sequence[str]) -> AsyncIterator[str]:
    """The address of a server that a command starts over HTTP, ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        *command, "--http", "127.0.0.1:0", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        yield await _address(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), _SOON)


async def _address(process: Process) -> str:
    """The address that a server tells on its error stream."""
    assert process.stderr is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(_SOON):
            async for line in process.stderr:
                said.append(line.decode(errors="replace").strip())
                if (found := _URL.search(said[-1])) is not None:
                    return found[0]
    except TimeoutError as error:
        raise ForeignServerError(f"It tells no address within {_SOON:.0f} seconds.") from error
    raise ForeignServerError(f"It ends before it serves: {' / '.join(said[-3:]) or 'without a word'}")
