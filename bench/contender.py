"""A contender: one server of those that are compared, alone in a process: `python -m bench.contender NAME`.

It prints the port that it listens on, and serves until it is stopped. All run on uvicorn with uvloop and httptools.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import fastmcp
import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import ASGIApp, Receive, Scope, Send

import bench.noop.server
import bench.shop.server
from servers.runtime import Environment
from servers.runtime.discovery import Loader
from servers.runtime.farm import Limits, Options, create_app
from servers.runtime.farm.http import prepare_process
from servers.runtime.farm.surface import schemas_of, set_schema_lookup
from servers.runtime.standalone import listen

TOKEN = "bench"
ENVIRONMENTS: dict[str, Loader] = {"noop": lambda: bench.noop.server.env, "shop": lambda: bench.shop.server.env}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a POST with the JSON that it brought, which is the least that a server can do."""
    if scope["type"] != "http":
        return
    body = (await receive())["body"]
    content = json.dumps(json.loads(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _fastmcp(environment: Environment, *, hook: bool) -> ASGIApp:
    """Give FastMCP's own app over an environment; with `hook`, calls need no hidden listing."""
    server = environment.build_server()
    if hook:
        set_schema_lookup(server, schemas_of(environment))
    app: ASGIApp = server.http_app(path="/mcp", stateless_http=True, json_response=True)
    return app


def plain() -> fastmcp.FastMCP:
    """Give FastMCP's server with one plain tool that does nothing."""
    server = fastmcp.FastMCP("plain")

    def do_nothing() -> dict[str, bool]:
        return {"done": True}

    server.tool(do_nothing, run_in_thread=False)
    return server


def _plain() -> ASGIApp:
    app: ASGIApp = plain().http_app(path="/mcp", stateless_http=True, json_response=True)
    return app


def lowlevel() -> Server[Any]:
    """Give the SDK's low-level server with one tool that does nothing."""
    schema = {"type": "object", "properties": {}}
    tool = types.Tool(name="do_nothing", input_schema=schema)

    async def on_list(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def on_call(_context: Any, _params: Any) -> types.CallToolResult:
        text = types.TextContent(type="text", text='{"done":true}')
        return types.CallToolResult(content=[text], structured_content={"done": True})

    server: Server[Any] = Server("lowlevel", on_list_tools=on_list, on_call_tool=on_call)
    server.get_tool_input_schema = {"do_nothing": schema}.get
    return server


def _lowlevel() -> ASGIApp:
    manager = StreamableHTTPSessionManager(lowlevel(), json_response=True, stateless=True)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await manager.handle_request(scope, receive, send)
            return
        await receive()
        async with manager.run():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


def _farm() -> ASGIApp:
    app: ASGIApp = create_app(ENVIRONMENTS, token=TOKEN, options=Options(limits=Limits(episodes=100_000)))
    return app


CONTENDERS: dict[str, Callable[[], ASGIApp]] = {
    "echo": lambda: echo,
    "lowlevel": _lowlevel,
    "plain": _plain,
    "fastmcp": lambda: _fastmcp(ENVIRONMENTS["shop"](), hook=False),
    "fastmcp+hook": lambda: _fastmcp(ENVIRONMENTS["shop"](), hook=True),
    "farm": _farm,
}


def main(name: str) -> None:
    """Serve a contender on a free port, and print the port."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        CONTENDERS[name](),
        log_level="critical",
        access_log=False,
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=120,
        backlog=4096,
    )
    if name == "farm":
        prepare_process()
    server = uvicorn.Server(config)
    print(listening.getsockname()[1], flush=True)
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
