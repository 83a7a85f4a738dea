"""The farm: one ASGI app that serves every environment, every open episode, and the control plane.

A request's path says whose it is. It is answered by the FastMCP server of that environment (or of the control plane)
on the episode that a context variable names, so no server object belongs to an episode.

    /{env}/mcp                       a sandbox: one episode that everybody shares
    /episodes/{handle}/mcp           all tools of an episode that the handle's actor has, as {env}_{tool}
    /episodes/{handle}/{env}/mcp     those of one environment
    /farm/{function}, /farm/mcp      the control plane, for who holds the token
    /farm/openapi.json               what its functions take and give
    /v0.1/servers…                   the registry
    /.well-known/ai-catalog.json     the catalog of server cards, which are at /{env}/mcp/server-card
    /healthz, /readyz, /metrics      a sign of life, whether episodes may be opened, and what is counted
"""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TextIO
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from pydantic_core import from_json

from servers.runtime.current import current_episode
from servers.runtime.discovery import Loader, discover
from servers.runtime.errors import ServerError
from servers.runtime.farm.archive import Archive
from servers.runtime.farm.asked import Asked, current_asked
from servers.runtime.farm.cards import answer_card, is_card, without_origin
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.control import Answer, Control, Forward, function_table
from servers.runtime.farm.crew import Crew
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.gate import Gate
from servers.runtime.farm.hot import HotCall
from servers.runtime.farm.limits import QUOTA, Limits
from servers.runtime.farm.meters import CONTENT_TYPE, Meters
from servers.runtime.farm.offer import Offers
from servers.runtime.farm.openapi import openapi
from servers.runtime.farm.reach import Reach, Reached, no_such_path
from servers.runtime.farm.registry import CORS, Registry, registry_path
from servers.runtime.farm.sandbox import Sandbox
from servers.runtime.farm.span import load_tracer_provider
from servers.runtime.farm.store import Store
from servers.runtime.farm.surface import Surface
from servers.runtime.farm.surfaces import Surfaces
from servers.runtime.farm.visit import AccessLog, current_visit, watched
from servers.runtime.farm.wire import (
    Receive,
    Scope,
    Send,
    check_depth,
    header,
    read_body,
    replay,
    send_bytes,
    send_json,
)
from servers.runtime.tool import Definition, Outcome

MCP_BODY_LIMIT = 1_048_576
CONTROL_BODY_LIMIT = 67_108_864

_FUNCTION = re.compile(r"/farm/(?P<function>[A-Za-z0-9_-]+)/?")


Health = Callable[[], Mapping[str, object]]


@dataclass(frozen=True)
class Destination:
    """The surface that answers a request, and what is active while it does."""

    surface: Surface
    active: tuple[AbstractContextManager[object], ...] = ()


@dataclass(frozen=True)
class Options:
    """How a farm is run, beside who may enter."""

    hot: bool = True
    """Without it, FastMCP answers every call, which takes many times as long and says the same."""
    limits: Limits = field(default_factory=lambda: Limits(quota=QUOTA))
    parking: Path | None = None
    """The folder for idle episodes when memory runs short; a temporary one otherwise."""
    durable: Path | None = None
    """A folder in which all episodes live; those that are there already are taken up where they were left."""
    crew: Crew = field(default_factory=Crew)
    access_log: TextIO | None = None
    forward: Forward | None = None
    """How the control plane's functions are called in the workers that hold the episodes; None to call them here."""
    health: Health | None = None
    """What else /healthz tells."""
    beside: AbstractAsyncContextManager[object] | None = None
    """What lives as long as the app does, such as its workers."""


class FarmApp:
    """The ASGI app; `create_app` makes it."""

    def __init__(
        self,
        catalogue: Catalogue,
        gate: Gate,
        *,
        sandbox: bool,
        options: Options | None = None,
        registry: Registry | None = None,
    ) -> None:
        self._options = options = options or Options()
        self._limits = options.limits
        self._catalogue = catalogue
        self._gate = gate
        self._registry = registry or Registry(registry_path())
        archive = Archive(options.durable, options.limits.quota) if options.durable is not None else None
        self._store = Store(options.limits, parking=options.parking, archive=archive, prefix=options.crew.prefix)
        self._meters = Meters(self._store)
        self._store.observer = self._called_tool
        self._sandbox = Sandbox(options.limits, observer=self._called_tool) if sandbox else None
        self._table = function_table(Control(catalogue, self._store, options.crew), options.forward)
        self._reach = Reach(catalogue, self._store, self._sandbox, options.crew)
        self._offers = Offers()
        self._access = AccessLog(options.access_log) if options.access_log is not None else None
        self._surfaces: WeakKeyDictionary[asyncio.AbstractEventLoop, Surfaces] = WeakKeyDictionary()
        self._under_way = 0
        self._closing = False
        self._store.restore(catalogue)
        load_tracer_provider()

    def _called_tool(self, environment: str, definition: Definition, outcome: Outcome, seconds: float) -> None:
        self._meters.call(environment, definition, outcome, seconds)
        if (visit := current_visit.get()) is not None:
            end = "result" if not outcome.is_error else outcome.refusal or "error"
            names = {"environment": environment, "tool": definition.name, "outcome": end}
            visit.details |= {"episode": current_episode.get().episode_id, **names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": "This server speaks HTTP only."})
        elif self._access is not None:
            await self._answer_visibly(self._access, scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the environments that are served."""
        return self._catalogue.names

    async def close(self) -> None:
        """Close every episode, and every server of this event loop."""
        self._closing = True
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
                if _FUNCTION.fullmatch(f"/farm/{function}") is None:
                    raise no_such_path(f"/farm/{function}")
                raise Fault(404, "unknown_function", _nearest("function", function, self._table))
            return 200, dict(await self._table[function].call(arguments))
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
        async with self._options.beside or nullcontext():
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer_visibly(self, log: AccessLog, scope: Scope, receive: Receive, send: Send) -> None:
        visit = log.begin(scope)

        def heard(status: int, size: int) -> None:
            visit.status = status
            visit.bytes += size

        token = current_visit.set(visit)
        try:
            await self._answer(scope, receive, watched(send, heard))
        finally:
            current_visit.reset(token)
            log.end(visit)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = _route(scope["path"])
        if self._under_way >= self._limits.requests and route not in _ALWAYS:
            fault = Fault(503, "too_busy", "Too many requests are under way here; try again.", {"retry-after": "1"})
            await send_json(send, fault.status, fault.to_json(), fault.headers)
            return
        self._under_way += 1
        try:
            await self._routes[route](self, scope, receive, send)
        except Fault as fault:
            self._meters.request(route, fault.status)
            await send_json(send, fault.status, fault.to_json(), fault.headers)
        finally:
            self._under_way -= 1
            if (visit := current_visit.get()) is not None:
                visit.route = route

    async def _answer_health(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        more = self._options.health() if self._options.health is not None else {}
        await send_json(send, 200, {"status": "ok", "episodes": len(self._store), **more})

    async def _answer_readiness(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        if self._closing:
            raise Fault(503, "closing", "This farm is about to end.")
        self._store.check_room()
        await send_json(send, 200, {"status": "ready", "environments": len(self.names)})

    async def _answer_metrics(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self._gate.check_names(scope)
        _check_method(scope, "GET")
        await send_bytes(send, 200, self._meters.text(), kind=CONTENT_TYPE)

    async def _answer_card(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self._gate.check_names(without_origin(scope))
        await answer_card(scope, send, self._registry, self.names if self._sandbox else ())

    async def _answer_registry(self, scope: Scope, _receive: Receive, send: Send) -> None:
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
        path = self._options.crew.own_path(scope["path"])
        if path == "/farm/openapi.json":
            await send_json(send, 200, openapi(self._table))
            return
        named = _FUNCTION.fullmatch(path)
        if named is None:
            raise no_such_path(path)
        self._gate.check_token(scope)
        _check_method(scope, "POST")
        function = self._table.get(named["function"])
        if function is None:
            raise Fault(404, "unknown_function", _nearest("function", named["function"], self._table))
        body = await read_body(scope, receive, CONTROL_BODY_LIMIT)
        check_depth(body, self._limits.depth)
        current_asked.set(Asked(header(scope, b"host") or "", path))
        await send_json(send, 200, await self._called(function.name, _json_object(body)))
        self._meters.request("control", 200)

    async def _called(self, name: str, arguments: dict[str, object]) -> Answer:
        began, outcome = time.perf_counter(), "error"
        try:
            answer = await self._table[name].call(arguments)
            outcome = "result"
            return answer
        except Fault as fault:
            outcome = fault.code
            raise
        finally:
            self._meters.control(name, outcome, time.perf_counter() - began)

    async def _answer_mcp(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        path = self._options.crew.own_path(scope["path"])
        try:
            self._gate.check_names(scope)
            if self._options.crew.ports or self._options.crew.public_url:
                current_asked.set(Asked(header(scope, b"host") or "", path))
            if path.rstrip("/") == "/farm/mcp":
                self._gate.check_token(scope)
                body = await read_body(scope, receive, CONTROL_BODY_LIMIT)
                check_depth(body, self._limits.depth)
                destination = Destination(self._here().control())
            else:
                body = await read_body(scope, receive, MCP_BODY_LIMIT)
                check_depth(body, self._limits.depth)
                reached = self._reach.find(path)
                if (answer := self._at_once(reached, scope, body)) is not None:
                    self._meters.request("mcp", 200)
                    await send_bytes(send, 200, answer)
                    return
                destination = await self._destination(reached)
        except (ServerError, Fault) as error:
            fault = error if isinstance(error, Fault) else Fault.of(error)
            self._meters.request("mcp", fault.status)
            await send_json(send, fault.status, fault.to_rpc(body), fault.headers)
        else:
            with ExitStack() as stack:
                for context in destination.active:
                    stack.enter_context(context)
                await destination.surface(scope, replay(body, receive), watched(send, self._counted))

    def _counted(self, status: int, size: int) -> None:
        if size == 0:
            self._meters.request("mcp", status)

    def _at_once(self, reached: Reached, scope: Scope, body: bytes) -> bytes | None:
        """Give the answer to a call that the hot path takes, or None."""
        if not self._options.hot or (call := HotCall.of(scope, body)) is None:
            return None
        offer = self._offers.of(reached)
        found = offer.tools.get(call.tool)
        if found is None:
            return None
        token = current_episode.set(reached.episode)
        try:
            return call.answer(offer, found)
        finally:
            current_episode.reset(token)

    async def _destination(self, reached: Reached) -> Destination:
        here, episode, environment, actor = self._here(), reached.episode, reached.environment, reached.actor
        if environment is None:
            assert actor is not None
            shelf = await here.shelf(episode, actor)
            return Destination(here.combined(), (episode.active(), shelf.active()))
        surface = here.of_sandbox(environment) if actor is None else here.of_actor(environment, actor)
        return Destination(surface, (episode.active(),))

    def _here(self) -> Surfaces:
        loop = asyncio.get_running_loop()
        if loop not in self._surfaces:
            self._surfaces[loop] = Surfaces(self._table)
        return self._surfaces[loop]

    _routes: ClassVar[Mapping[str, Callable[[FarmApp, Scope, Receive, Send], Awaitable[None]]]] = {
        "mcp": _answer_mcp,
        "control": _answer_control,
        "registry": _answer_registry,
        "card": _answer_card,
        "healthz": _answer_health,
        "readyz": _answer_readiness,
        "metrics": _answer_metrics,
    }


_PROBES = {"/healthz": "healthz", "/readyz": "readyz", "/metrics": "metrics"}
_ALWAYS = frozenset(_PROBES.values())
"""What is answered however busy a farm is."""


def _route(path: str) -> str:
    if path.endswith(("/mcp", "/mcp/")):
        return "mcp"
    if path.startswith("/v0.1/"):
        return "registry"
    if is_card(path):
        return "card"
    return _PROBES.get(path, "control")


def create_app(  # noqa: PLR0913 - an app's options
    environments: Mapping[str, Loader] | None = None,
    *,
    token: str,
    sandbox: bool = True,
    allowed_hosts: Iterable[str] = (),
    registry: Path | None = None,
    options: Options | None = None,
) -> FarmApp:
    """Give the farm over these environments (all that are found, unless given); `token` opens the control plane."""
    catalogue = Catalogue(discover() if environments is None else environments)
    known = Registry(registry or registry_path())
    return FarmApp(catalogue, Gate(allowed_hosts, token), sandbox=sandbox, options=options, registry=known)


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
