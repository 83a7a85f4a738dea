"""A farm: the server of all environments and their episodes, over HTTP or inside this process."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field, field_validator
from pydantic_core import from_json

from envfactory_client import _protocol
from envfactory_client._transport import AsgiApp, AsgiTransport, Ended, HttpTransport, Transport
from envfactory_client.episode import Episode, Opening, Rows, Side, understood
from envfactory_client.errors import (
    FarmError,
    MissingExtra,
    ProtocolError,
    Unauthorized,
    UnknownEnvironment,
    UnknownEpisode,
    Unreachable,
)
from envfactory_client.tool import Frozen

Size = Literal["small", "medium", "large"]

_BY_CODE: Mapping[str, type[FarmError]] = {
    "unauthorized": Unauthorized,
    "unknown_environment": UnknownEnvironment,
    "unknown_episode": UnknownEpisode,
}


class EnvironmentCard(Frozen):
    """An environment in the farm's list."""

    name: str
    title: str
    domain: str
    summary: str
    version: str
    tools: tuple[str, ...] = ()

    @field_validator("tools", mode="before")
    @classmethod
    def _named(cls, tools: Any) -> Any:
        """The names of tools, whether the farm lists names or whole tools."""
        if not isinstance(tools, list | tuple):
            return tools
        return [tool.get("name") if isinstance(tool, Mapping) else tool for tool in tools]


class _Broken(Frozen):
    """An environment that doesn't load."""

    name: str
    message: str


class _Listing(Frozen):
    """What the farm answers to `environments`."""

    environments: tuple[EnvironmentCard, ...]
    broken: tuple[_Broken, ...] = ()


class Source(Frozen):
    """What an environment is made of: for synthesis and checks, never for an agent."""

    manifest: Mapping[str, Any]
    schema_sql: str = Field(alias="schema")
    phrases: str | None = None
    policy: str | None = None
    contracts: Mapping[str, Any] = Field(default_factory=dict)
    """Tool to contract, with `refuses`: code to SQL."""
    invariants: Mapping[str, str] = Field(default_factory=dict)


class Farm:
    """A farm at a URL, or the ASGI app of one; use it as `async with Farm("http://localhost:8000") as farm`."""

    def __init__(self, where: str | AsgiApp, *, token: str | None = None, timeout: float = 60.0) -> None:
        if not isinstance(where, str):
            self._transport: Transport = AsgiTransport(where)
        elif where.startswith(("http://", "https://")):
            self._transport = HttpTransport(where, timeout=timeout)
        else:
            raise Unreachable(f"'{where}' isn't the address of a farm; one looks like http://localhost:8000.")
        if token is not None and not (token.isascii() and token.isprintable()):
            raise Unauthorized(
                "The token has a line break or a letter beyond ASCII, which no header carries; strip it.",
                code="unauthorized",
            )
        self._token = token
        self._timeout = timeout
        self._workers: dict[str, Farm] = {}

    @classmethod
    def embedded(cls) -> Farm:
        """The farm inside this process, with no socket between; needs the extra 'farm'."""
        found = list(entry_points(group="envfactory.farms", name="embedded"))
        if not found:
            raise MissingExtra("The embedded farm", "farm")
        try:
            app, token = found[0].load()()
        except ModuleNotFoundError as error:
            raise MissingExtra("The embedded farm", "farm") from error
        return cls(app, token=token)

    async def __aenter__(self) -> Farm:
        await self._transport.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            await worker.__aexit__(kind, error, trace)
        self._workers.clear()
        await self._transport.close()

    @property
    def address(self) -> str:
        """Where the farm is: a URL, or words for the embedded one."""
        return self._transport.address

    @property
    def is_here(self) -> bool:
        """Whether it is in this process, so that nothing goes over a network."""
        return isinstance(self._transport, AsgiTransport)

    async def environments(self) -> tuple[EnvironmentCard, ...]:
        """The environments that can be opened, in the farm's order."""
        return understood(_Listing, await self.control("environments")).environments

    async def broken(self) -> Mapping[str, str]:
        """The environments that don't load, each with the reason."""
        listed = understood(_Listing, await self.control("environments")).broken
        return {entry.name: entry.message for entry in listed}

    async def source(self, environment: str) -> Source:
        """Manifest, schema, phrases, policy, contracts and invariants of one environment."""
        return understood(Source, await self.control("source", environment=environment))

    async def open(
        self,
        *environments: str,
        seed: int = 0,
        size: Size = "small",
        scenarios: Mapping[str, Rows] | None = None,
    ) -> Episode:
        """A new episode over these environments, from the seed or from given starting rows."""
        arguments: dict[str, Any] = {"environments": list(environments), "seed": seed, "size": size}
        opened = await self.control("open", **arguments, scenarios=scenarios)
        opening = understood(Opening, opened)
        return Episode(await self._at(opening.url), opening, scenario=scenarios)

    async def _at(self, url: str | None) -> Farm:
        """The process of this farm that an episode lives in; none is named where there is only one."""
        if url is None or url == self.address:
            return self
        if url not in self._workers:
            self._workers[url] = await Farm(url, token=self._token, timeout=self._timeout).__aenter__()
        return self._workers[url]

    def join(self, handle: str, *environments: str) -> Side:
        """An open episode as the actor whose handle this is sees it."""
        return Side(self, handle, "agent", environments)

    async def scenario(self, *environments: str, seed: int = 0, size: Size = "small") -> Mapping[str, Rows]:
        """The starting rows that a seed gives, by environment and table."""
        async with await self.open(*environments, seed=seed, size=size) as episode:
            return {name: await episode.rows(name) for name in environments}

    async def control(self, function: str, /, **arguments: Any) -> dict[str, Any]:
        """What a control function of the farm gives; its errors become the tree's."""
        if (inside := self._transport.inside) is not None and function.isidentifier() and is_plain(arguments):
            status, content = await inside.ask(function, arguments)
        else:
            status, content = await self._posted(_path(function), function, arguments)
        if status >= 400:
            raise _farm_error(content, status, f"{self.address}{_path(function)}")
        return content

    async def _posted(self, path: str, function: str, arguments: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and content of what the farm answers to a request."""
        headers = {"content-type": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        body = _protocol.encoded(arguments, of=f"'{function}'")
        answer = await self._transport.post(path, headers, body)
        try:
            content = from_json(answer.body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ProtocolError(f"{self.address}{path} answered HTTP {answer.status} without JSON; is it a farm?")
        return answer.status, content

    def ended(self, handle: str, environment: str, tool: str, arguments: dict[str, Any]) -> Ended | None:
        """How a tool call ends in a farm in this process, without a request; None when it takes one."""
        inside = self._transport.inside
        return inside.call(handle, environment, tool, arguments) if inside and is_plain(arguments) else None

    async def rpc(self, path: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one MCP request to a path of the farm."""
        headers, body = _protocol.request(method, params)
        answer = await self._transport.post(path, headers, body)
        try:
            return _protocol.result(answer.body, status=answer.status, where=f"{self.address}{path}")
        except ProtocolError as error:
            if (kind := _BY_CODE.get(error.fault or "")) is not None:
                raise kind(str(error), code=str(error.fault)) from error
            raise


def _path(function: str) -> str:
    return f"/farm/{quote(function, safe='', errors='replace')}"


def is_plain(value: Any) -> bool:
    """Whether a value comes back from JSON just as it is; numbers with a fraction are left to JSON to judge."""
    if type(value) is dict:
        return all(type(name) is str and is_plain(part) for name, part in value.items())
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, bool)


def _farm_error(content: Mapping[str, Any], status: int, where: str) -> FarmError:
    """The error of the tree for what the farm answered."""
    error = content.get("error")
    if not isinstance(error, Mapping):
        error = {"code": f"http_{status}", "message": f"{where} answered HTTP {status}: {content}"}
    code = str(error.get("code", f"http_{status}"))
    kind = Unauthorized if status in (401, 403) else _BY_CODE.get(code, FarmError)
    message = str(error.get("message", code))
    if kind is Unauthorized and "token" not in message.lower():
        message += " Give the farm's token: Farm(url, token=...)."
    return kind(message, code=code)
