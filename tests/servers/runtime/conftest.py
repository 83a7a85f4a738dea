"""A farm over the library on a real port, and a plain HTTP client for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn

from servers.runtime import Environment
from servers.runtime.farm import FarmApp, Options, create_app
from servers.runtime.standalone import listen
from tests.fixtures.library.server import env as library_environment

TOKEN = "the token of the tests"
MODERN = "2026-07-28"


@dataclass
class RunningFarm:
    """A farm that listens, and what a test says to it."""

    url: str
    http: httpx.Client

    def control(self, function: str, arguments: Any = None, *, token: str = TOKEN) -> httpx.Response:
        """POST to a control function."""
        headers = {"authorization": f"Bearer {token}"}
        return self.http.post(f"/farm/{function}", json=arguments or {}, headers=headers)

    def ask(self, function: str, **arguments: Any) -> dict[str, Any]:
        """Give the answer of a control function that must succeed."""
        response = self.control(function, arguments)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def open(self, **arguments: Any) -> dict[str, Any]:
        """Open an episode over the library."""
        return self.ask("open", **({"environments": ["library"]} | arguments))

    def rpc(self, path: str, method: str, params: dict[str, Any], era: str = MODERN) -> httpx.Response:
        """POST one JSON-RPC request of an era."""
        body, headers = rpc_request(method, params, era)
        return self.http.post(path, json=body, headers=headers)

    def call(self, path: str, tool: str, era: str = MODERN, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and give the result whether it is an error or not."""
        response = self.rpc(path, "tools/call", {"name": tool, "arguments": arguments}, era)
        assert response.status_code == 200, response.text
        result: dict[str, Any] = response.json()["result"]
        return result


def rpc_request(method: str, params: dict[str, Any], era: str = MODERN) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the body and headers of a request of an era."""
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": era}
    if era == MODERN:
        envelope = {
            "io.modelcontextprotocol/protocolVersion": era,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {**params, "_meta": envelope}
        headers |= {"mcp-method": method} | ({"mcp-name": params["name"]} if "name" in params else {})
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, headers


def serve(app: FarmApp) -> Iterator[RunningFarm]:
    """Run an app on a free port of this machine until the generator is closed."""
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", timeout_keep_alive=60))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        with httpx.Client(base_url=url, timeout=30) as http:
            yield RunningFarm(url, http)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def library() -> Environment:
    return library_environment


@pytest.fixture(scope="session")
def farm(library: Environment) -> Iterator[RunningFarm]:
    yield from serve(create_app({"library": lambda: library}, token=TOKEN))


@pytest.fixture(scope="session")
def slow_farm(library: Environment) -> Iterator[RunningFarm]:
    """A farm whose every call is answered by FastMCP."""
    yield from serve(create_app({"library": lambda: library}, token=TOKEN, options=Options(hot=False)))
