"""The farm in the caller's own process: no port, no lifespan needed, any number of event loops."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from servers.runtime import Environment
from servers.runtime.farm import EMBEDDED_HOST, FarmApp, create_app, embedded
from tests.servers.runtime.conftest import rpc_request

BEARER = {"authorization": "Bearer t"}


@pytest.fixture
def app(library: Environment) -> FarmApp:
    return create_app({"library": lambda: library}, token="t", sandbox=False, allowed_hosts=[EMBEDDED_HOST])


def within(app: FarmApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{EMBEDDED_HOST}")


async def call(http: httpx.AsyncClient, path: str, tool: str, **arguments: Any) -> dict[str, Any]:
    body, headers = rpc_request("tools/call", {"name": tool, "arguments": arguments})
    result: dict[str, Any] = (await http.post(path, json=body, headers=headers)).json()["result"]
    return result


def test_it_is_made_with_a_token_of_its_own() -> None:
    (_, first), (_, second) = embedded(), embedded()
    assert len(first) >= 32
    assert first != second


def test_it_serves_one_event_loop_after_another(app: FarmApp) -> None:
    async def visit(path: str | None) -> str:
        async with within(app) as http:
            if path is None:
                arguments = {"environments": ["library"]}
                opened = (await http.post("/farm/open", json=arguments, headers=BEARER)).json()
                path = f"/episodes/{opened['agent']}/mcp"
            assert (await call(http, path, "library_search_books"))["structuredContent"]["total"] == 64
            return path

    path = asyncio.run(visit(None))
    assert asyncio.run(visit(path)) == path


def test_closing_it_closes_its_episodes(app: FarmApp) -> None:
    async def visit() -> httpx.Response:
        async with within(app) as http:
            opened = (await http.post("/farm/open", json={"environments": ["library"]}, headers=BEARER)).json()
            await call(http, f"/episodes/{opened['agent']}/library/mcp", "search_books")
            await app.close()
            return await http.post("/farm/state", json={"episode": opened["episode"]}, headers=BEARER)

    assert asyncio.run(visit()).status_code == 404


def test_it_can_be_closed_from_another_task_than_the_one_that_began(app: FarmApp) -> None:
    async def visit() -> None:
        async with within(app) as http:
            opened = (await http.post("/farm/open", json={"environments": ["library"]}, headers=BEARER)).json()
            path = f"/episodes/{opened['agent']}/library/mcp"
            await asyncio.gather(*(call(http, path, "search_books") for _ in range(20)))
            await asyncio.create_task(app.close())

    asyncio.run(visit())


def test_a_refused_call_logs_nothing(app: FarmApp, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[logging.LogRecord] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    ear = Ear(logging.WARNING)
    for name in ("fastmcp", "mcp", "servers"):
        logging.getLogger(name).addHandler(ear)

    async def visit() -> list[dict[str, Any]]:
        async with within(app) as http:
            opened = (await http.post("/farm/open", json={"environments": ["library"]}, headers=BEARER)).json()
            path = f"/episodes/{opened['agent']}/library/mcp"
            return [
                await call(http, path, "get_book", book_id="B0000"),
                await call(http, path, "get_book", book_id=7),
                await call(http, path, "get_bok"),
            ]

    try:
        answers = asyncio.run(visit())
    finally:
        for name in ("fastmcp", "mcp", "servers"):
            logging.getLogger(name).removeHandler(ear)
    assert all(answer["isError"] for answer in answers)
    assert heard == []
    assert caplog.records == []


def test_websockets_are_declined(app: FarmApp) -> None:
    sent: list[Any] = []

    async def visit() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app({"type": "websocket", "path": "/library/mcp", "headers": []}, receive, send)

    asyncio.run(visit())
    assert sent[0]["type"] == "websocket.close"
