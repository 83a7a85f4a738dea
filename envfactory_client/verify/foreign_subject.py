"""A server by other authors as a subject: calls over MCP and nothing else.

Its state is its own and outlives a session, so a session over it promises no fresh start: checks that need one are
skipped, and the others judge what they see at the moment. A server that ended or fell silent at a call is started anew
before the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from envfactory_client.episode import CallResult, Row, Rows, State
from envfactory_client.errors import ForeignServerError, VerifyError
from envfactory_client.foreign import ForeignServer, gone_by
from envfactory_client.tool import Tool
from envfactory_client.verify.example import Example
from envfactory_client.verify.subject import Ability, Changes, Facts


class ForeignSession:
    """Calls of one server, one after the other."""

    def __init__(self, subject: ForeignSubject) -> None:
        self._subject = subject

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """What the tool answers, errors of the protocol among it."""
        return await self._subject.call(tool, arguments)

    async def advance(self, seconds: int) -> None:
        """Not possible without a harness."""
        _no_harness(f"advance {seconds}")

    async def state(self) -> State:
        """Not possible without a harness."""
        _no_harness("state")

    async def snapshot(self) -> str:
        """Not possible without a harness."""
        _no_harness("snapshot")

    async def restore(self, snapshot: str) -> None:
        """Not possible without a harness."""
        _no_harness(f"restore {snapshot}")

    async def forget(self, snapshot: str) -> None:
        """Not possible without a harness."""
        _no_harness(f"forget {snapshot}")

    async def diff(self, since: str | None = None) -> Changes:
        """Not possible without a harness."""
        _no_harness(f"diff {since}")

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Not possible without a harness."""
        _no_harness(f"query {sql} {parameters}")

    async def rows(self) -> Rows:
        """Not possible without a harness."""
        _no_harness("rows")

    async def violations(self) -> Mapping[str, Sequence[Row]]:
        """Not possible without a harness."""
        _no_harness("violations")

    async def close(self) -> None:
        """End the session; the server keeps its state."""


def _no_harness(what: str) -> NoReturn:
    raise VerifyError(f"A server by other authors has no harness, so it can't be asked for '{what}'.")


class ForeignSubject:
    """An open server by other authors; only tools that claim to be reads are called, unless `writes` allows all."""

    def __init__(self, server: ForeignServer, target: str, tools: Sequence[Tool], *, writes: bool) -> None:
        self._server = server
        self.name = server.name
        self.target = target
        self.tools: Mapping[str, Tool] = {tool.name: tool for tool in tools if writes or tool.read_only}
        self.all_tools: Mapping[str, Tool] = {tool.name: tool for tool in tools}
        """With those that mustn't be called."""
        self.version = server.version
        self.words: Sequence[str] = () if isinstance(server.target, str) else tuple(server.target)
        """The command that started it; none if it is reached by a URL."""
        self._gone = False
        self.facts: Facts | None = None
        self.abilities: frozenset[Ability] = frozenset({"writes"}) if writes else frozenset()

    @classmethod
    async def of(cls, server: ForeignServer, target: str, *, writes: bool) -> ForeignSubject:
        """The server with the tools that it lists."""
        return cls(server, target, await server.tools(), writes=writes)

    async def open(self, example: Example) -> ForeignSession:
        """A session with the server as it is."""
        if example.edits:
            _no_harness("edits of its rows")
        return ForeignSession(self)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """What the tool answers; raises `ForeignServerError` only when no answer comes."""
        if self._gone:
            await self._server.restart()
            self._gone = False
        try:
            return await self._server.call(tool, **arguments)
        except ForeignServerError as error:
            if gone_by(error) is None:
                return CallResult(str(error), is_error=True)
            self._gone = True
            raise
