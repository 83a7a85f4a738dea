"""A server by other authors: any MCP server, started by a command (stdio) or reached by a URL.

It goes through the official SDK's client, which knows every era of the protocol; the SDK is imported only here
and only when a server is opened.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from pydantic_core import from_json

from envfactory_client.episode import CallResult
from envfactory_client.errors import Closed, ForeignServerError, MissingExtra, Unreachable
from envfactory_client.tool import Tool

if TYPE_CHECKING:
    import mcp

_PAGED: Mapping[str, tuple[str, str, str]] = {
    "tools": ("tools", "list_tools", "tools"),
    "resources": ("resources", "list_resources", "resources"),
    "resourceTemplates": ("resources", "list_resource_templates", "resource_templates"),
    "prompts": ("prompts", "list_prompts", "prompts"),
}
"""Kind of list to the capability that it needs, the client's method and the page's attribute."""

Gone = Literal["ended", "silent"]
"""Why no answer comes: the connection has ended, or there was none in time."""
_GONE: Mapping[int, Gone] = {-32000: "ended", -32001: "silent"}
"""The JSON-RPC codes by which the SDK's client says so."""


class ForeignServer:
    """A connection to any MCP server; use it as `async with ForeignServer(["npx", "-y", "..."]) as server`."""

    def __init__(
        self,
        target: str | Sequence[str],
        *,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        call_timeout: float | None = None,
    ) -> None:
        self._target = target
        self._name = name
        self._env = dict(env or {})
        self._timeout = timeout
        self._call_timeout = call_timeout or timeout
        self._client: mcp.Client | None = None
        self._stderr: IO[str] | None = None

    async def __aenter__(self) -> ForeignServer:
        client = self._connect()
        try:
            await client.__aenter__()
        except BaseExceptionGroup as group:
            raise self._failure(_innermost(group)) from group
        except (OSError, RuntimeError, _sdk_error()) as error:
            raise self._failure(error) from error
        else:
            self._client = client
            return self
        finally:
            if self._client is None:
                self._forget_stderr()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            try:
                await client.__aexit__(kind, error, trace)
            except BaseExceptionGroup as group:
                if _innermost(group) is not error:
                    raise
            finally:
                self._forget_stderr()

    @property
    def target(self) -> str | Sequence[str]:
        """The URL, or the command that starts it."""
        return self._target

    async def restart(self) -> None:
        """End the connection and the process behind it, if any, and begin anew."""
        await self.__aexit__(None, None, None)
        await self.__aenter__()

    @property
    def name(self) -> str:
        """A short name for the server, as its tools' environment: given, or from what the server calls itself."""
        server = self._open.server_info
        said = self._name or (server.name if server else "") or self._shown
        return re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_") or "server"

    @property
    def title(self) -> str | None:
        """The server's title for people, if it says one."""
        server = self._open.server_info
        return server.title if server else None

    @property
    def version(self) -> str | None:
        """The server's own version, if it says one."""
        server = self._open.server_info
        return server.version if server else None

    @property
    def protocol(self) -> str:
        """The MCP version that was agreed on."""
        return self._open.protocol_version

    @property
    def instructions(self) -> str | None:
        """What the server tells every model about itself."""
        return self._open.instructions

    async def tools(self) -> tuple[Tool, ...]:
        """All tools of the server."""
        return tuple(Tool.from_wire(self.name, entry) for entry in await self.listing("tools"))

    async def listing(self, kind: str) -> list[dict[str, Any]]:
        """All entries of "tools", "resources", "resourceTemplates" or "prompts"; none if the server has no such."""
        capability, method, attribute = _PAGED[kind]
        if getattr(self._open.server_capabilities, capability) is None:
            return []
        entries: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._ask(getattr(self._open, method)(cursor=cursor))
            entries += [_wire(item) for item in getattr(page, attribute)]
            cursor = page.next_cursor
            if not cursor:
                return entries

    async def call(self, tool: str, /, **arguments: Any) -> CallResult:
        """What the tool answers; text that is JSON counts as the structured result if the server gives no other."""
        answer = await self._ask(self._open.call_tool(tool, arguments, self._call_timeout))
        result = CallResult.from_wire(_wire(answer))
        if result.structured is None and not result.is_error:
            return CallResult(result.text, _json_in(result.text), meta=result.meta)
        return result

    @property
    def _open(self) -> mcp.Client:
        if self._client is None:
            raise Closed("This server isn't open; use it inside `async with`.")
        return self._client

    @property
    def _shown(self) -> str:
        return self._target if isinstance(self._target, str) else " ".join(self._target)

    def _connect(self) -> mcp.Client:
        try:
            import mcp
            from mcp.client.stdio import stdio_client
        except ModuleNotFoundError as error:
            raise MissingExtra("A server by other authors", "mcp") from error
        if isinstance(self._target, str):
            if not self._target.startswith(("http://", "https://")):
                raise ForeignServerError(f"'{self._target}' isn't a URL; give a command as a list of words instead.")
            return mcp.Client(self._target, read_timeout_seconds=self._timeout)
        command, *arguments = self._target
        if shutil.which(command) is None and not Path(command).is_file():
            raise ForeignServerError(f"There is no command '{command}' on the PATH; install it or give its full path.")
        self._stderr = cast("IO[str]", tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))  # noqa: SIM115
        parameters = mcp.StdioServerParameters(command=command, args=arguments, env=self._env)
        transport = stdio_client(parameters, errlog=cast("Any", self._stderr))
        return mcp.Client(transport, read_timeout_seconds=self._timeout)

    async def _ask(self, request: Any) -> Any:
        try:
            return await request
        except _sdk_error() as error:
            raise ForeignServerError(f"'{self._shown}' answered with an error: {error}") from error

    def _failure(self, error: BaseException) -> Exception:
        if isinstance(self._target, str):
            why = str(error) or type(error).__name__
            return Unreachable(f"No MCP server answers at {self._target} ({why}); is the address right?")
        said = self._last_words()
        return ForeignServerError(f"'{self._shown}' didn't start as an MCP server: {said or error}")

    def _forget_stderr(self) -> None:
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _last_words(self) -> str:
        """The end of what the server wrote to its error stream."""
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        lines = [line.strip() for line in self._stderr.read().splitlines() if line.strip()]
        return " / ".join(lines[-3:])


def gone_by(error: ForeignServerError) -> Gone | None:
    """Why a call got no answer; None if the server answered with an error."""
    return _GONE.get(getattr(error.__cause__, "code", 0))


def _sdk_error() -> type[Exception]:
    from mcp import MCPError

    return MCPError


def _innermost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _wire(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _json_in(text: str) -> Any:
    try:
        found = from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None
