"""Real parts for the client's tests: a farm over the library fixture, in process and over HTTP, and foreign servers."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import pytest
import uvicorn
from hypothesis import settings

from envfactory_client import Episode, Farm
from servers.runtime import Environment
from servers.runtime.farm import FarmApp, create_app

settings.register_profile("unhurried", deadline=None)  # how fast things are is measured in bench/
settings.load_profile("unhurried")

TOKEN = "a-token-for-tests"
FIXTURES = Path(__file__).parent.parent / "fixtures"

TICKETS = '''
"""A server by other authors: no contracts, some habits."""

import json
from typing_extensions import TypedDict

from fastmcp import FastMCP

mcp = FastMCP("Ticket Desk", version="3.1", instructions="Answer politely.")
USERS = [{"id": "u1", "name": "Ada"}, {"id": "u2", "name": "Grace"}]


class User(TypedDict):
    id: str
    name: str


class Users(TypedDict):
    results: list[User]


class Ticket(TypedDict):
    ticket_id: int
    userId: str


@mcp.tool(annotations={"readOnlyHint": True})
def list_users() -> Users:
    """List everybody.

    In the order in which they came.
    """
    return {"results": USERS}


@mcp.tool(annotations={"readOnlyHint": True})
def get_user(user_id: str) -> User:
    """Show one user."""
    return next(user for user in USERS if user["id"] == user_id)


@mcp.tool
def open_ticket(userId: str, subject: str) -> Ticket:
    """Open a ticket for a user."""
    return {"ticket_id": 41, "userId": userId}


@mcp.tool
def close_tickets(ticketIds: list[int]) -> str:
    """Close tickets."""
    return json.dumps({"closed": ticketIds})


@mcp.prompt
def greeting() -> str:
    """How to greet."""
    return "Good day."


@mcp.resource("desk://hours")
def hours() -> str:
    """When we are open."""
    return "9 to 5"


@mcp.resource("desk://user/{user_id}")
def about(user_id: str) -> str:
    """What we know of a user."""
    return user_id


if __name__ == "__main__":
    mcp.run(show_banner=False)
'''


@cache
def load_library() -> Environment:
    """The environment of the library fixture."""
    spec = importlib.util.spec_from_file_location("servers.library.server", FIXTURES / "library" / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    environment: Environment = module.env
    return environment


def library_app() -> FarmApp:
    """A farm that serves the library alone."""
    return create_app({"library": load_library}, token=TOKEN, allowed_hosts=["farm.local"])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def token() -> str:
    return TOKEN


@pytest.fixture(scope="session")
def farm_url() -> Iterator[str]:
    """A farm that listens on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(library_app(), log_level="error", ws="none", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


@pytest.fixture(params=["in process", "http"])
async def farm(request: pytest.FixtureRequest) -> AsyncIterator[Farm]:
    """The same farm both ways."""
    where = library_app() if request.param == "in process" else request.getfixturevalue("farm_url")
    async with Farm(where, token=TOKEN) as opened:
        yield opened


@pytest.fixture
async def embedded_farm() -> AsyncIterator[Farm]:
    """The farm in this process."""
    async with Farm(library_app(), token=TOKEN) as opened:
        yield opened


@pytest.fixture
async def episode(farm: Farm) -> AsyncIterator[Episode]:
    """An episode over the library, both ways."""
    async with await farm.open("library", seed=7) as opened:
        yield opened


@pytest.fixture(scope="session")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of a foreign server that has no contracts."""
    path = tmp_path_factory.mktemp("foreign") / "tickets.py"
    path.write_text(TICKETS, encoding="utf-8")
    return [sys.executable, str(path)]
