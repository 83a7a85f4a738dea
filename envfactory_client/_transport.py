"""Ways to reach a server with one interface: POST to an ASGI app in this process, or over HTTP.

Plain http:// goes over thin connections of our own; TLS and proxies are left to httpx.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from urllib.request import getproxies, proxy_bypass

import httpx

from envfactory_client._answer import Answer
from envfactory_client._connection import NothingListens, Pool
from envfactory_client.errors import Closed, ProtocolError, Unreachable

Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_HIGHEST_PORT = 65535
_HOST = b"farm.local"
"""The host that an app in this process is asked for; farms know it as that of embedded callers."""


class Ended(Protocol):
    """How a tool call ended."""

    @property
    def text(self) -> str:
        """The result as text, or what is wrong."""

    @property
    def structured(self) -> dict[str, Any] | None:
        """The result; None for an error."""

    @property
    def refusal(self) -> str | None:
        """The code of a domain refusal."""


@runtime_checkable
class InProcess(Protocol):
    """A farm's app that answers who holds it without a request to be written and read."""

    async def ask(self, function: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and content of a control function's answer."""

    def call(self, handle: str, environment: str, tool: str, arguments: Mapping[str, Any]) -> Ended | None:
        """How a tool call ends; None where MCP would answer an error."""


class Transport(Protocol):
    """One open way to a server."""

    address: str

    async def start(self) -> None:
        """Get ready to post."""

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one body to a path and wait for the whole answer."""

    @property
    def inside(self) -> InProcess | None:
        """The server itself, where it is in this process and can be asked without requests."""

    async def close(self) -> None:
        """Give back what start took."""


class HttpTransport:
    """POST over HTTP with pooled connections."""

    inside: InProcess | None = None

    def __init__(self, url: str, *, timeout: float) -> None:
        self.address = url.rstrip("/")
        self._url = _parsed(url)
        self._timeout = timeout
        self._post: Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]] | None = None
        self._closing: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Open the pool; connections are made by the first calls."""
        url = self._url
        if url.scheme == "http" and not _proxied(url):
            pool = Pool(url.host, url.port or 80, authority=url.netloc.decode())
            prefix = url.path.rstrip("/")

            async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
                async with asyncio.timeout(self._timeout):
                    return await pool.post(prefix + path, headers, body)

            async def close() -> None:
                pool.close()

            self._post, self._closing = post, close
        else:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
            client = httpx.AsyncClient(base_url=self.address, timeout=self._timeout, limits=limits)

            async def post_by_httpx(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
                answer = await client.post(path, headers=dict(headers), content=body)
                return Answer(answer.status_code, answer.content)

            self._post, self._closing = post_by_httpx, client.aclose

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one body; failures of the network become Unreachable with the address in it."""
        if self._post is None:
            raise Closed(f"The farm at {self.address} isn't open; use it inside `async with`.")
        try:
            return await self._post(path, headers, body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unreachable(f"{self.address}{path} gave no answer within {self._timeout:g} s.") from error
        except (httpx.ConnectError, NothingListens) as error:
            raise Unreachable(
                f"Nothing listens at {self.address} ({error}); start a farm there with `envfactory serve`, "
                "or use the one inside this process: Farm.embedded()."
            ) from error
        except (OSError, httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"{self.address}{path} can't be reached: {why}.") from error
        except ValueError as error:
            raise _unaskable(self.address + path, error) from error

    async def close(self) -> None:
        """Close every pooled connection."""
        closing, self._post, self._closing = self._closing, None, None
        if closing is not None:
            await closing()


def _parsed(url: str) -> httpx.URL:
    """The parts of an address; Unreachable if it names no host and port."""
    try:
        parsed = httpx.URL(url.rstrip("/"))
        named, port = parsed.host, parsed.port or 0
    except (httpx.InvalidURL, ValueError) as error:
        raise Unreachable(f"{url!r} isn't an address ({error}); one looks like http://localhost:8000.") from error
    if not named:
        raise Unreachable(f"{url!r} names no host; an address looks like http://localhost:8000.")
    if port > _HIGHEST_PORT:
        raise Unreachable(f"{url!r} has a port above {_HIGHEST_PORT}; an address looks like http://localhost:8000.")
    return parsed


def _unaskable(address: str, error: ValueError) -> ProtocolError:
    """The error for a path or a header that HTTP can't carry."""
    return ProtocolError(f"{address!r} can't be asked ({error}); leave out line breaks and letters beyond Latin-1.")


def _proxied(url: httpx.URL) -> bool:
    """Whether the surroundings want this address to be reached through a proxy."""
    return "http" in getproxies() and not proxy_bypass(url.host)


@dataclass
class AsgiTransport:
    """POST to an ASGI app in this process, with no socket between.

    The app's lifespan runs in one task of its own from start to end, because what it opens has to be closed by
    the task that opened it.
    """

    app: AsgiApp
    address: str = "the embedded farm"
    _inbox: asyncio.Queue[Message] = field(default_factory=asyncio.Queue, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _started: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _failure: str | None = field(default=None, init=False)
    _state: dict[str, Any] = field(default_factory=dict, init=False)
    _inside: InProcess | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        app: object = self.app
        self._inside = app if isinstance(app, InProcess) else None

    async def start(self) -> None:
        """Run the app's startup and wait until it is complete."""
        self._inbox, self._started, self._failure = asyncio.Queue(), asyncio.Event(), None
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._live(), name="envfactory-lifespan")
        await self._started.wait()
        if self._failure is not None:
            await self._end()
            raise Unreachable(f"{self.address.capitalize()} didn't start: {self._failure}.")

    async def _live(self) -> None:
        scope: Message = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        try:
            await self.app(scope, self._inbox.get, self._hear)
        finally:
            self._started.set()  # an app that returns or raises here has no lifespan, which ASGI allows

    async def _hear(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            self._failure = str(message.get("message") or "its startup failed")
        self._started.set()

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Call the app with one request in this task."""
        if self._task is None:
            raise Closed(f"{self.address.capitalize()} isn't open; use it inside `async with`.")
        exchange = _Exchange(body)
        try:
            scope = _scope(path, headers, body) | {"state": self._state.copy()}
        except UnicodeEncodeError as error:
            raise _unaskable(self.address + path, error) from error
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as error:  # the app's own code runs here: over HTTP, what it raises would be a status 500
            raise ProtocolError(f"{path} failed in {self.address}: {type(error).__name__}: {error}") from error
        return Answer(exchange.status, b"".join(exchange.chunks))

    @property
    def inside(self) -> InProcess | None:
        """The app itself while it is open, if it can be asked without requests."""
        return self._inside if self._task is not None else None

    async def close(self) -> None:
        """Run the app's shutdown and wait until it is over."""
        if self._task is not None:
            self._inbox.put_nowait({"type": "lifespan.shutdown"})
            await self._end()

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            # Without a lifespan, the app's task raised at startup, which says nothing about its requests.
            await asyncio.wait([task])
            with contextlib.suppress(asyncio.CancelledError):
                task.exception()


@dataclass(slots=True)
class _Exchange:
    """One request's body going in, and its answer coming out."""

    body: bytes
    status: int = 500
    chunks: list[bytes] = field(default_factory=list)
    _sent: bool = False
    _complete: bool = False
    _done: asyncio.Event | None = None

    async def receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        if not self._complete:
            self._done = asyncio.Event()
            await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._complete and self._done is not None:
                self._done.set()


def _scope(path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw += [(b"host", _HOST), (b"content-length", str(len(body)).encode())]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 0),
        "server": (_HOST.decode(), 80),
    }
