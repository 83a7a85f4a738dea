"""Exploring our environments and servers by other authors."""

from __future__ import annotations

import json
import sys

import pytest

import envfactory_client as ef

pytestmark = pytest.mark.anyio


async def test_an_environment_is_explored_with_both_sides_tools(farm: ef.Farm) -> None:
    found = await ef.explore(farm, "library")
    assert (found.name, found.protocol) == ("library", "2026-07-28")
    assert found.instructions is not None
    assert {tool.actor for tool in found.tools} == {"agent", "user"}
    assert [prompt["name"] for prompt in found.prompts] == ["policy"]
    assert ef.Exploration.model_validate(json.loads(json.dumps(found.to_json()))) == found


async def test_a_foreign_server_is_explored_over_stdio(tickets: list[str]) -> None:
    found = await ef.explore(tickets)
    assert (found.name, found.version, found.instructions) == ("ticket_desk", "3.1", "Answer politely.")
    assert [tool.name for tool in found.tools] == ["list_users", "get_user", "open_ticket", "close_tickets"]
    assert found.tools[0].contract is None
    assert found.tools[0].read_only
    assert [prompt["name"] for prompt in found.prompts] == ["greeting"]
    assert [str(resource["uri"]) for resource in found.resources] == ["desk://hours"]
    assert [template["uriTemplate"] for template in found.resource_templates] == ["desk://user/{user_id}"]


async def test_a_farms_url_is_explored_as_any_mcp_server(farm_url: str) -> None:
    found = await ef.explore(f"{farm_url}/library/mcp")
    assert "borrow_book" in {tool.name for tool in found.tools}


async def test_a_foreign_chain_runs_along_links_that_the_graph_found(tickets: list[str]) -> None:
    async with ef.ForeignServer(tickets, name="desk") as server:
        graph = ef.ToolGraph.build(await server.tools())
        assert {str(link) for link in graph.links if not link.echo} == {
            "desk.list_users:results[].id -> desk.get_user(user_id) [name user_id]",
            "desk.list_users:results[].id -> desk.open_ticket(userId) [name user_id]",
            "desk.open_ticket:ticket_id -> desk.close_tickets(ticketIds[]) [name ticket_id]",
        }
        chain = ef.sample(graph, "desk.close_tickets")
        assert chain.tools == ("desk.list_users", "desk.open_ticket", "desk.close_tickets")
        users = (await server.call("list_users")).require()
        user = ef.values_at(users, "results[].id")[1]
        ticket = (await server.call("open_ticket", userId=user, subject="Help")).require()
        closed = await server.call("close_tickets", ticketIds=ef.values_at(ticket, "ticket_id"))
        assert "[41]" in closed.text


async def test_graphs_over_mcp_alone_and_over_the_farm_are_the_same(farm: ef.Farm, farm_url: str) -> None:
    ours = ef.ToolGraph.build((await ef.explore(farm, "library")).tools)
    async with ef.ForeignServer(f"{farm_url}/library/mcp", name="library") as server:
        theirs = ef.ToolGraph.build(await server.tools())
    assert set(ours.links) == set(theirs.links)
    assert ours.links


async def test_a_command_that_isnt_there_is_said() -> None:
    with pytest.raises(ef.ForeignServerError, match="no command 'no-such-server'"):
        await ef.explore(["no-such-server"])


async def test_a_server_that_ends_at_once_is_quoted() -> None:
    with pytest.raises(ef.ForeignServerError, match="give me a database"):
        await ef.explore([sys.executable, "-c", "import sys; sys.exit('give me a database')"])


async def test_a_url_where_nothing_listens_is_said() -> None:
    with pytest.raises(ef.Unreachable, match=r"No MCP server answers at http://127\.0\.0\.1:9"):
        await ef.explore("http://127.0.0.1:9/mcp")


async def test_an_error_in_a_foreign_tool_is_an_answer(tickets: list[str]) -> None:
    async with ef.ForeignServer(tickets) as server:
        assert (await server.call("get_user")).is_error
        assert (await server.call("get_user", user_id="nobody")).is_error
    with pytest.raises(ef.Closed):
        await server.tools()
