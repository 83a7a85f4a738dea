"""A surface: one FastMCP server as an HTTP app that answers every protocol era, started when first called.

The task that enters an app's lifespan must be the one that leaves it, so each surface has an owner task that does
both. Everything here belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from fastmcp import FastMCP

from servers.runtime.environment import Environment
from servers.runtime.farm.wire import Application, Receive, Scope, Send

SchemaLookup = Callable[[str], dict[str, Any] | None]


class Surface:
    """An HTTP app over a FastMCP server; `schemas` gives a tool's input schema by its name."""

    def __init__(self, server: FastMCP, schemas: SchemaLookup) -> None:
        set_schema_lookup(server, schemas)
        self.server = server
        self._app = server.http_app(path="/mcp", stateless_http=True, json_response=True, host_origin_protection=False)
        self._owner: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._stop = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, whatever its path."""
        if not self._started.is_set():
            await self._start()
        inner = {**scope, "path": "/mcp", "raw_path": b"/mcp", "root_path": "", "headers": trimmed(scope["headers"])}
        await self._app(inner, receive, send)

    async def close(self) -> None:
        """End the server's lifespan."""
        self._stop.set()
        if self._owner is not None:
            await self._owner

    async def _start(self) -> None:
        if self._owner is None:
            self._owner = asyncio.create_task(self._own(), context=Context())
        waiting = asyncio.create_task(self._started.wait())
        await asyncio.wait({waiting, self._owner}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self._owner.result()

    async def _own(self) -> None:
        async with self._app.router.lifespan_context(self._app):
            self._started.set()
            await self._stop.wait()


class Trimming:
    """An app before an app: headers reach it without blanks around their values."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a connection on."""
        inner = {**scope, "headers": trimmed(scope["headers"])} if scope["type"] == "http" else scope
        await self._app(inner, receive, send)


def trimmed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Give headers without the blanks around values, which some HTTP parsers leave at their ends."""
    return [(name, value.strip()) for name, value in headers]


def set_schema_lookup(server: FastMCP, schemas: SchemaLookup) -> None:
    """Spare each call a hidden tools/list, by telling the SDK's server where input schemas are.

    Builds of FastMCP that set the lookup themselves, and SDKs that have none, are left as they are.
    """
    inner = server._mcp_server  # noqa: SLF001  FastMCP gives no other way to its SDK server
    if getattr(inner, "get_tool_input_schema", schemas) is None:
        inner.get_tool_input_schema = schemas


def schemas_of(environment: Environment) -> SchemaLookup:
    """Give the lookup of the input schemas of an environment's tools."""

    def lookup(name: str) -> dict[str, Any] | None:
        definition = environment.tools.get(name)
        return definition.input_schema if definition is not None else None

    return lookup
