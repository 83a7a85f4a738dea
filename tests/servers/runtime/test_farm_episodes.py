"""Episodes never see each other, and an actor never sees more than its own tools."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from servers.runtime import Environment
from servers.runtime.farm.sandbox import Sandbox
from tests.servers.runtime.conftest import RunningFarm, rpc_request

USER_TOOLS = {"pay_fine"}
AGENT_TOOLS = {"search_books", "get_book", "find_member", "list_loans", "borrow_book", "return_book"}


def tools(farm: RunningFarm, path: str) -> set[str]:
    return {tool["name"] for tool in farm.rpc(path, "tools/list", {}).json()["result"]["tools"]}


def lendable(farm: RunningFarm, opened: dict[str, Any]) -> tuple[str, str]:
    """Give a book and a member between whom a loan is possible."""
    ask = {"episode": opened["episode"], "environment": "library"}
    book = farm.ask("query", **ask, sql="SELECT book_id FROM shelf WHERE available > 0 ORDER BY book_id LIMIT 1")
    member = farm.ask("query", **ask, sql="SELECT member_id FROM members WHERE fines_cents = 0 ORDER BY 1 LIMIT 1")
    return book["rows"][0][0], member["rows"][0][0]


def test_200_parallel_episodes_never_see_each_other(farm: RunningFarm) -> None:
    first = farm.open(seed=11)
    book_id, member_id = lendable(farm, first)
    copies = farm.call(f"/episodes/{first['agent']}/library/mcp", "get_book", book_id=book_id)
    available = copies["structuredContent"]["available"]

    async def live(number: int, http: httpx.AsyncClient, turn: asyncio.Semaphore) -> tuple[int, dict[str, Any]]:
        async def post(path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
            async with turn:
                return (await http.post(path, json=body, headers=headers)).json()

        bearer = {"authorization": "Bearer the token of the tests"}
        opened = await post("/farm/open", {"environments": ["library"], "seed": 11}, bearer)
        lent = 0
        for _ in range(number % 4):
            body, names = rpc_request(
                "tools/call",
                {"name": "library_borrow_book", "arguments": {"book_id": book_id, "member_id": member_id}},
                "2025-11-25" if number % 3 else "2026-07-28",
            )
            answer = await post(f"/episodes/{opened['agent']}/mcp", body, names)
            lent += not answer["result"]["isError"]
        diff = await post("/farm/diff", {"episode": opened["episode"]}, bearer)
        await post("/farm/close", {"episode": opened["episode"]}, bearer)
        return lent, diff["changes"]

    async def live_all() -> list[tuple[int, dict[str, Any]]]:
        turn = asyncio.Semaphore(16)
        async with httpx.AsyncClient(base_url=farm.url, timeout=60) as http:
            return await asyncio.gather(*(live(number, http, turn) for number in range(200)))

    for number, (lent, changes) in enumerate(asyncio.run(live_all())):
        assert lent == min(number % 4, available)
        assert len(changes.get("library", {}).get("loans", {}).get("inserted", [])) == lent
    assert farm.ask("diff", episode=first["episode"])["changes"] == {}


@pytest.mark.parametrize(("actor", "own"), [("agent", AGENT_TOOLS), ("user", USER_TOOLS)])
def test_a_handle_lists_only_the_tools_of_its_actor(farm: RunningFarm, actor: str, own: set[str]) -> None:
    handle = farm.open()[actor]
    assert tools(farm, f"/episodes/{handle}/library/mcp") == own
    assert tools(farm, f"/episodes/{handle}/mcp") == {f"library_{name}" for name in own}


@pytest.mark.parametrize(("actor", "foreign"), [("agent", "pay_fine"), ("user", "search_books")])
@pytest.mark.parametrize("era", ["2025-06-18", "2025-11-25", "2026-07-28"])
def test_a_handle_calls_only_the_tools_of_its_actor(farm: RunningFarm, actor: str, foreign: str, era: str) -> None:
    handle = farm.open()[actor]
    for path, name in ((f"/episodes/{handle}/library/mcp", foreign), (f"/episodes/{handle}/mcp", f"library_{foreign}")):
        answer = farm.call(path, name, era)
        assert answer["isError"]
        assert answer["content"][0]["text"] == f"Unknown tool: '{name}'"


def test_the_sandbox_offers_the_tools_of_both_actors(farm: RunningFarm) -> None:
    assert tools(farm, "/library/mcp") == AGENT_TOOLS | USER_TOOLS


def test_agent_and_user_act_on_one_state(farm: RunningFarm) -> None:
    opened = farm.open()
    ask = {"episode": opened["episode"], "environment": "library"}
    owing = farm.ask("query", **ask, sql="SELECT member_id FROM members WHERE fines_cents > 0 ORDER BY 1 LIMIT 1")
    member_id = owing["rows"][0][0]
    book_id, _ = lendable(farm, opened)
    agent, user = (f"/episodes/{opened[actor]}/library/mcp" for actor in ("agent", "user"))
    refused = farm.call(agent, "borrow_book", book_id=book_id, member_id=member_id)
    assert refused["_meta"]["io.github.envfactory/refusal"] == {"code": "fines_due"}
    assert farm.call(user, "pay_fine", member_id=member_id, amount_cents=250)["isError"] is False
    assert farm.call(agent, "borrow_book", book_id=book_id, member_id=member_id)["isError"] is False


def test_handles_tell_nothing_of_each_other_or_of_the_episode(farm: RunningFarm) -> None:
    opened = farm.open()
    names = [opened[name] for name in ("episode", "agent", "user")]
    assert len(set(names)) == 3
    assert len(opened["agent"]) == len(opened["user"]) == 24
    for handle in (opened["agent"], opened["user"]):
        for function in ("state", "reset", "close", "rows", "diff"):
            arguments = {"episode": handle} | ({"environment": "library"} if function == "rows" else {})
            assert farm.control(function, arguments).status_code == 404
    assert farm.rpc(f"/episodes/{opened['episode']}/mcp", "tools/list", {}).status_code == 404
    listing = farm.rpc(f"/episodes/{opened['agent']}/mcp", "tools/list", {}).text
    assert not any(name in listing for name in names)


def test_a_call_to_an_episode_that_is_not_open_says_what_to_do(farm: RunningFarm) -> None:
    opened = farm.open()
    farm.ask("close", episode=opened["episode"])
    answer = farm.rpc(f"/episodes/{opened['agent']}/library/mcp", "tools/list", {})
    assert answer.status_code == 404
    assert answer.json()["id"] == 1
    assert answer.json()["error"]["message"] == (
        "No open episode has this handle: it was closed, has expired, or never was;"
        " open one with POST /farm/open and use the URL of a handle that it returns."
    )


def test_an_environment_that_the_episode_lacks_is_named(farm: RunningFarm) -> None:
    answer = farm.rpc(f"/episodes/{farm.open()['agent']}/airline/mcp", "tools/list", {})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "This episode has no environment 'airline'; it has library."


def test_sandbox_and_episodes_are_apart(farm: RunningFarm) -> None:
    def sandbox_books() -> object:
        return farm.call("/library/mcp", "search_books", limit=50)["structuredContent"]

    opened = farm.open()
    book_id, member_id = lendable(farm, opened)
    before = sandbox_books()
    farm.call(f"/episodes/{opened['agent']}/library/mcp", "borrow_book", book_id=book_id, member_id=member_id)
    assert sandbox_books() == before


def test_a_sandbox_is_no_rehearsal_of_an_episode(library: Environment) -> None:
    seeds = {Sandbox().episode(library).seed for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.parametrize("path", ["/library/mcp", "/episodes/{agent}/mcp", "/episodes/{agent}/library/mcp"])
def test_bad_arguments_are_told_apart_from_refusals(farm: RunningFarm, path: str) -> None:
    path = path.format(agent=farm.open()["agent"])
    name = "library_get_book" if path.endswith("/mcp") and path.count("/") == 3 else "get_book"
    answer = farm.call(path, name, book_id="7", colour="red")
    assert answer["isError"]
    assert answer["content"][0]["text"].startswith("Invalid arguments for get_book: book_id: ")
    assert "io.github.envfactory/refusal" not in answer.get("_meta", {})
