"""Serving: a farm on a port, by one process or by a front and its workers, until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from servers.runtime.errors import InvalidRequest
from servers.runtime.farm.app import FarmApp
from servers.runtime.farm.crew import WORKER_NAME
from servers.runtime.farm.http import prepare_process, server_of
from servers.runtime.farm.plan import Plan
from servers.runtime.farm.workers import Workers
from servers.runtime.standalone import listen

Tell = Callable[[str], None]


def serve_alone(plan: Plan, token: str, address: tuple[str, int], tell: Tell) -> None:
    """Serve a farm of one process until it is told to stop; `tell` hears where it is."""
    listening = listen(*address)
    app = plan.app(token)
    tell(_greeting(app, _url(listening), sandbox=plan.sandbox))
    _run(app, listening)


def serve_crew(plan: Plan, token: str, address: tuple[str, int], names: tuple[str, ...], tell: Tell) -> None:
    """Serve a farm of workers with these names until it is told to stop."""
    if not all(WORKER_NAME.fullmatch(name) for name in names):
        raise InvalidRequest(f"{names[0]!r} can't be a worker's name; take a few small letters, such as w.")
    listening = listen(*address)
    workers = Workers(plan, token, address[0], names, listening.getsockname()[1] + 1 if address[1] else 0)
    plan = workers.bind()

    @asynccontextmanager
    async def crew() -> AsyncIterator[None]:
        async with workers:
            where = [f"worker          {name} on port {port}" for name, port in plan.ports.items()]
            tell("\n".join([_greeting(app, _url(listening), sandbox=plan.sandbox), *where]))
            yield

    app = plan.app(token, forward=workers.forward, health=workers.health, beside=crew())
    _run(app, listening)


def _run(app: FarmApp, listening: socket.socket) -> None:
    prepare_process()
    with suppress(KeyboardInterrupt):
        server_of(app).run(sockets=[listening])


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _greeting(app: FarmApp, url: str, *, sandbox: bool) -> str:
    lines = [
        f"EnvFactory farm at {url} (Ctrl+C ends it)",
        f"environments    {', '.join(app.names) or 'none'}",
        f"control plane   POST {url}/farm/{{function}}, MCP at {url}/farm/mcp",
        f"episodes        {url}/episodes/{{handle}}/mcp",
        f"registry        {url}/v0.1/servers",
    ]
    return "\n".join([*lines, f"sandboxes       {url}/{{env}}/mcp"] if sandbox else lines)
