"""The hot path: it answers as the environment's own MCP server does, and leaves everything else to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from servers.runtime.farm.hot import HotCall
from tests.servers.runtime.conftest import MODERN, RunningFarm

META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HOT, SLOW = "application/json, text/event-stream", "text/event-stream, application/json"
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_books", {}),
    ("search_books", {"title": "é\u2028\ud83d\ude00"}),
    ("search_books", {"titel": "x"}),
    ("search_books", {"title": 7}),
    ("get_book", {"book_id": "BOOK"}),
    ("get_book", {"book_id": "B0000"}),
    ("get_book", {"book_id": "B1"}),
    ("borrow_book", {"book_id": "BOOK", "member_id": "MEMBER"}),
    ("borrow_book", {"book_id": "BOOK", "member_id": "MEMBER"}),
    ("borrow_book", {"book_id": "BOOK"}),
    ("no_such_tool", {}),
]


def request(tool: str, arguments: dict[str, Any], accept: str = HOT, **more: Any) -> tuple[bytes, dict[str, str]]:
    """Give body and headers of a call such as our client makes it."""
    params = {"name": tool, "arguments": arguments, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params} | more).encode()
    headers = {
        "content-type": "application/json",
        "accept": accept,
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    return body, headers


def answers(farm: RunningFarm, accept: str) -> list[tuple[int, Any]]:
    """Give the answers to all calls, made one after another on a fresh episode."""
    opened = farm.open(seed=3)
    path = f"/episodes/{opened['agent']}/library/mcp"
    sql = "SELECT (SELECT max(book_id) FROM shelf WHERE available = 1), (SELECT min(member_id) FROM members)"
    [book, member] = farm.ask("query", episode=opened["episode"], environment="library", sql=sql)["rows"][0]
    known = {"BOOK": book, "MEMBER": member}
    found = []
    for tool, given in CALLS:
        arguments = {name: known.get(value, value) for name, value in given.items()}
        body, headers = request(tool, arguments, accept)
        response = farm.http.post(path, content=body, headers=headers)
        found.append((response.status_code, response.json()))
    return found


def scope(headers: dict[str, str]) -> dict[str, Any]:
    """Give the ASGI scope of a POST with these headers."""
    return {"method": "POST", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


def test_it_answers_as_the_server_of_the_environment_does(farm: RunningFarm) -> None:
    hot = answers(farm, HOT)
    assert hot == answers(farm, SLOW)
    assert {answer["result"]["isError"] for _, answer in hot} == {True, False}
    assert "no_copies" in str(hot)


def test_it_takes_a_call_of_todays_protocol() -> None:
    body, headers = request("get_book", {"book_id": "BOOK"})
    assert HotCall.of(scope(headers), body) == HotCall(1, "get_book", {"book_id": "BOOK"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-name", "search_books"),
        ("mcp-method", "tools/list"),
        ("content-type", "text/plain"),
        ("accept", SLOW),
    ],
)
def test_it_leaves_other_headers_to_the_server(name: str, value: str) -> None:
    body, headers = request("get_book", {})
    assert HotCall.of(scope(headers | {name: value}), body) is None


@pytest.mark.parametrize(
    "more", [{"id": None}, {"id": True}, {"jsonrpc": "1.0"}, {"method": "ping"}, {"params": []}, {"extra": 1}]
)
def test_it_leaves_other_messages_to_the_server(more: dict[str, Any]) -> None:
    body, headers = request("get_book", {}, **more)
    assert HotCall.of(scope(headers), body) is None
    assert HotCall.of(scope(headers), b"{") is None
