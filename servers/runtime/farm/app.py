"""The farm: one ASGI app that serves every environment, every open episode, and the control plane.

A request's path says whose it is. It is answered by the FastMCP server of that environment (or of the control plane)
on the episode that a context variable names, so no server object belongs to an episode.

    /{env}/mcp                       a sandbox: one episode that everybody shares
    /episodes/{handle}/mcp           all tools of an episode that the handle's actor has, as {env}_{tool}
    /episodes/{handle}/{env}/mcp     those of one environment
    /farm/{function}, /farm/mcp      the control plane, for who holds the token
    /v0.1/servers…, /healthz         the registry, and a sign of life
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from pydantic_core import from_json

from servers.runtime.discovery import Loader, discover
from servers.runtime.errors import ServerError
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.control import Control, function_table
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.gate import Gate
from servers.runtime.farm.hot import HotCall
from servers.runtime.farm.registry import CORS, Registry, registry_path
from servers.runtime.farm.sandbox import Sandbox
from servers.runtime.farm.store import Store
from servers.runtime.farm.surface import Surface
from servers.runtime.farm.surfaces import Surfaces
from servers.runtime.farm.wire import Receive, Scope, Send, read_body, replay, send_json
from servers.runtime.tool import Outcome

MCP_BODY_LIMIT = 1_048_576
CONTROL_BODY_LIMIT = 67_108_864

_EPISODE = re.compile(r"/episodes/(?P<handle>[A-Za-z0-9_-]{1,64})(?:/(?P<environment>[a-z][a-z0-9_]*))?/mcp/?")
_SANDBOX = re.compile(r"/(?P<environment>[a-z][a-z0-9_]*)/mcp/?")
_FUNCTION = re.compile(r"/farm/(?P<function>[A-Za-z0-9_-]+)/?")


@dataclass(frozen=True)
class Destination:
    """The surface that answers a request, and what is active while it does."""

    surface: Surface
    active: tuple[AbstractContextManager[object], ...] = ()


class FarmApp:
    """The ASGI app; `create_app` makes it."""

    def __init__(
        self, catalogue: Catalogue, store: Store, gate: Gate, *, sandbox: bool, registry: Registry | None = None
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._gate = gate
        self._registry = registry or Registry(registry_path())
        self._control = Control(catalogue, store)
        self._table = function_table(self._control)
        self._sandbox = Sandbox() if sandbox else None
        self._surfaces: WeakKeyDictionary[asyncio.AbstractEventLoop, Surfaces] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": "This server speaks HTTP only."})
        else:
            await self._answer(scope, receive, send)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the environments that are served."""
        return self._catalogue.names

    async def close(self) -> None:
        """Close every episode, and every server of this event loop."""
        surfaces = self._surfaces.pop(asyncio.get_running_loop(), None)
        if surfaces is not None:
            await surfaces.close()
        self._store.close()
        if self._sandbox is not None:
            self._sandbox.close()

    async def ask(self, function: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer a control function as the control plane would, as status and content, to who holds the app itself."""
        try:
            if function not in self._table:
                raise Fault(404, "unknown_function", _nearest("function", function, self._table))
            return 200, await self._table[function].call(arguments)
        except Fault as fault:
            return fault.status, fault.to_json()

    def call(self, handle: str, environment: str, tool: str, arguments: Mapping[str, Any]) -> Outcome | None:
        """Call a tool on a handle's episode, for who holds the app itself; None where MCP would answer an error."""
        try:
            seat = self._store.seat(handle)
        except (Fault, ServerError):
            return None
        found = seat.episode.environments.get(environment)
        definition = found.tools.get(tool) if found is not None else None
        if found is None or definition is None or definition.contract.actor != seat.actor:
            return None
        with seat.episode.active():
            return found.call(definition, arguments)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        try:
            if path == "/healthz":
                await send_json(send, 200, {"status": "ok", "episodes": len(self._store)})
            elif path.startswith("/v0.1/"):
                await self._answer_registry(scope, send)
            elif path.rstrip("/").endswith("/mcp"):
                await self._answer_mcp(scope, receive, send)
            else:
                await self._answer_control(scope, receive, send)
        except Fault as fault:
            await send_json(send, fault.status, fault.to_json(), fault.headers)

    async def _answer_registry(self, scope: Scope, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await send_json(send, 200, {}, CORS)
            return
        _check_method(scope, "GET")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        try:
            await send_json(send, 200, self._registry.answer(scope["path"].rstrip("/"), query), CORS)
        except Fault as fault:
            await send_json(send, fault.status, fault.to_json(), CORS)

    async def _answer_control(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate.check_names(scope)
        named = _FUNCTION.fullmatch(scope["path"])
        if named is None:
            raise _no_such_path(scope["path"])
        self._gate.check_token(scope)
        _check_method(scope, "POST")
        function = self._table.get(named["function"])
        if function is None:
            raise Fault(404, "unknown_function", _nearest("function", named["function"], self._table))
        arguments = _json_object(await read_body(scope, receive, CONTROL_BODY_LIMIT))
        await send_json(send, 200, await function.call(arguments))

    async def _answer_mcp(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        try:
            self._gate.check_names(scope)
            is_control = scope["path"].rstrip("/") == "/farm/mcp"
            if is_control:
                self._gate.check_token(scope)
            body = await read_body(scope, receive, CONTROL_BODY_LIMIT if is_control else MCP_BODY_LIMIT)
            if (answer := self._at_once(scope, body)) is not None:
                await send_json(send, 200, answer)
                return
            destination = Destination(self._here().control()) if is_control else await self._destination(scope["path"])
        except ServerError as error:
            fault = Fault.of(error)
            await send_json(send, fault.status, fault.to_rpc(body))
        except Fault as fault:
            await send_json(send, fault.status, fault.to_rpc(body), fault.headers)
        else:
            with ExitStack() as stack:
                for context in destination.active:
                    stack.enter_context(context)
                await destination.surface(scope, replay(body, receive), send)

    def _at_once(self, scope: Scope, body: bytes) -> dict[str, Any] | None:
        """Give the answer to a call that the hot path takes, or None."""
        named = _EPISODE.fullmatch(scope["path"])
        if named is None or named["environment"] is None or (call := HotCall.of(scope, body)) is None:
            return None
        seat = self._store.seat(named["handle"])
        environment = seat.episode.environments.get(named["environment"])
        if environment is None:
            return None
        with seat.episode.active():
            return call.on(environment, seat.actor)

    async def _destination(self, path: str) -> Destination:
        if named := _EPISODE.fullmatch(path):
            return await self._of_episode(named["handle"], named["environment"])
        if named := _SANDBOX.fullmatch(path):
            return self._of_sandbox(named["environment"])
        raise _no_such_path(path)

    async def _of_episode(self, handle: str, environment: str | None) -> Destination:
        seat = self._store.seat(handle)
        if environment is None:
            shelf = await self._here().shelf(seat.episode, seat.actor)
            return Destination(self._here().combined(), (seat.episode.active(), shelf.active()))
        if environment not in seat.episode.environments:
            known = ", ".join(seat.episode.environments)
            raise Fault(404, "unknown_environment", f"This episode has no environment '{environment}'; it has {known}.")
        surface = self._here().of_actor(seat.episode.environments[environment], seat.actor)
        return Destination(surface, (seat.episode.active(),))

    def _of_sandbox(self, name: str) -> Destination:
        environment = self._catalogue.get(name)
        if self._sandbox is None:
            raise Fault(404, "no_sandbox", f"There are no sandboxes here; open an episode over '{name}' at /farm/open.")
        episode = self._sandbox.episode(environment)
        return Destination(self._here().of_sandbox(environment), (episode.active(),))

    def _here(self) -> Surfaces:
        loop = asyncio.get_running_loop()
        if loop not in self._surfaces:
            self._surfaces[loop] = Surfaces(self._table)
        return self._surfaces[loop]


def create_app(
    environments: Mapping[str, Loader] | None = None,
    *,
    token: str,
    sandbox: bool = True,
    allowed_hosts: Iterable[str] = (),
    registry: Path | None = None,
) -> FarmApp:
    """Give the farm over these environments (all that are found, unless given); `token` opens the control plane."""
    catalogue = Catalogue(discover() if environments is None else environments)
    return FarmApp(
        catalogue, Store(), Gate(allowed_hosts, token), sandbox=sandbox, registry=Registry(registry or registry_path())
    )


def _check_method(scope: Scope, method: str) -> None:
    if scope["method"] != method:
        message = f"{scope['path']} answers {method}, not {scope['method']}."
        raise Fault(405, "method_not_allowed", message, {"allow": method})


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = from_json(body or b"{}", allow_inf_nan=False)
    except ValueError as error:
        raise Fault(400, "invalid_request", f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Fault(400, "invalid_request", "The body must be a JSON object with the function's arguments.")
    return value


def _nearest(kind: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}."
    return f"There is no {kind} '{name}'; {hint}"


def _no_such_path(path: str) -> Fault:
    served = "/{env}/mcp, /episodes/{handle}/mcp, /episodes/{handle}/{env}/mcp, /farm/{function}, /farm/mcp"
    return Fault(404, "not_found", f"Nothing is served at {path}; there are {served}, /v0.1/servers and /healthz.")
