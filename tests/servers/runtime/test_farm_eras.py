"""Every route answers every protocol era, to the clients that people use."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import fastmcp
import mcp
import pytest

from tests.servers.runtime.conftest import MODERN, RunningFarm

ERAS = ("2025-06-18", "2025-11-25", MODERN)
ROUTES = ("sandbox", "combined", "one environment")


def address(farm: RunningFarm, route: str, actor: str = "agent") -> tuple[str, str]:
    """Give a route's path and what its tools' names begin with."""
    if route == "sandbox":
        return "/library/mcp", ""
    handle = farm.open()[actor]
    return (f"/episodes/{handle}/mcp", "library_") if route == "combined" else (f"/episodes/{handle}/library/mcp", "")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_plain_request_of_each_era_is_answered(farm: RunningFarm, route: str, era: str) -> None:
    path, prefix = address(farm, route)
    if era != MODERN:
        hello = {"protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        greeted = farm.rpc(path, "initialize", hello, era).json()["result"]
        assert greeted["protocolVersion"] == era
        assert "library" in greeted["instructions"] or "Find books" in greeted["instructions"]
    listed = farm.rpc(path, "tools/list", {}, era).json()["result"]["tools"]
    assert f"{prefix}search_books" in {tool["name"] for tool in listed}
    found = farm.call(path, f"{prefix}search_books", era, limit=1)
    assert found["structuredContent"]["total"] == 64


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("route", ROUTES)
def test_the_fastmcp_client_is_served(farm: RunningFarm, route: str, mode: Literal["auto", "legacy"]) -> None:
    path, prefix = address(farm, route)

    async def visit() -> tuple[set[str], Any, bool]:
        async with fastmcp.Client(farm.url + path, mode=mode) as client:
            names = {tool.name for tool in await client.list_tools()}
            found = await client.call_tool(f"{prefix}search_books", {"genre": "poetry", "limit": 2})
            refused = await client.call_tool(f"{prefix}get_book", {"book_id": "B0000"}, raise_on_error=False)
            return names, found.structured_content, refused.is_error

    names, found, refused = asyncio.run(visit())
    assert f"{prefix}borrow_book" in names
    assert {book["genre"] for book in found["books"]} == {"poetry"}
    assert refused


@pytest.mark.parametrize("mode", ["auto", "legacy", MODERN])
@pytest.mark.parametrize("route", ROUTES)
def test_the_official_client_is_served(farm: RunningFarm, route: str, mode: Any) -> None:
    path, prefix = address(farm, route)

    async def visit() -> tuple[str, Any]:
        async with mcp.Client(farm.url + path, mode=mode) as client:
            result = await client.call_tool(f"{prefix}get_book", {"book_id": "B0000"})
            return client.protocol_version, result

    version, result = asyncio.run(visit())
    assert version == ("2025-11-25" if mode == "legacy" else MODERN)
    assert result.is_error
    assert result.content[0].text == "not_found: There is no book B0000; look it up first."
    assert result.meta is not None
    assert result.meta["io.github.envfactory/refusal"] == {"code": "not_found"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_is_told_that_its_episode_is_not_open(farm: RunningFarm, mode: Literal["auto", "legacy"]) -> None:
    async def visit() -> None:
        async with fastmcp.Client(farm.url + "/episodes/none/mcp", mode=mode):
            pass

    with pytest.raises(Exception, match="No open episode has this handle"):
        asyncio.run(visit())


@pytest.mark.parametrize("era", ERAS)
def test_the_control_plane_is_an_mcp_server_for_who_holds_the_token(farm: RunningFarm, era: str) -> None:
    assert farm.rpc("/farm/mcp", "tools/list", {}, era).status_code == 401
    farm.http.headers["authorization"] = "Bearer the token of the tests"
    try:
        names = [tool["name"] for tool in farm.rpc("/farm/mcp", "tools/list", {}, era).json()["result"]["tools"]]
        opened = farm.call("/farm/mcp", "open", era, environments=["library"])["structuredContent"]
        unknown = farm.call("/farm/mcp", "open", era, environments=["libary"])
    finally:
        del farm.http.headers["authorization"]
    assert len(names) == 17
    assert farm.ask("state", episode=opened["episode"])["now"] == opened["now"]
    assert unknown["isError"]
    assert unknown["content"][0]["text"] == (
        "unknown_environment: There is no environment 'libary'; did you mean 'library'?"
    )


def test_a_call_with_a_new_era_client_runs_no_hidden_listing(
    farm: RunningFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings: list[str] = []
    listing = fastmcp.FastMCP.list_tools

    async def noted(self: fastmcp.FastMCP, **options: Any) -> Any:
        listings.append(self.name)
        return await listing(self, **options)

    monkeypatch.setattr(fastmcp.FastMCP, "list_tools", noted)
    for route in ROUTES:
        path, prefix = address(farm, route)
        farm.call(path, f"{prefix}search_books", limit=1)
    assert listings == []


def test_the_sandbox_says_that_it_is_shared(farm: RunningFarm) -> None:
    told = farm.rpc("/library/mcp", "server/discover", {}).json()["result"]["instructions"]
    assert "everybody who connects to it shares one state" in told


def test_the_combined_server_tells_of_the_environments_of_its_episode(farm: RunningFarm) -> None:
    path, _ = address(farm, "combined")
    told = farm.rpc(path, "server/discover", {}).json()["result"]["instructions"]
    assert told == (
        "Tools are named {environment}_{tool}.\n"
        "library: Find books, lend them to members, and take them back. A loan lasts two weeks."
    )


@pytest.mark.parametrize(("route", "name"), [("combined", "library_policy"), ("one environment", "policy")])
def test_the_rules_of_an_environment_are_a_prompt(farm: RunningFarm, route: str, name: str) -> None:
    path, _ = address(farm, route)
    told = farm.rpc(path, "prompts/get", {"name": name}).json()["result"]
    assert "no_copies" in told["messages"][0]["content"]["text"]
