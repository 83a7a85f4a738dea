"""Farms and episodes, in process and over HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

import envfactory_client as ef
from envfactory_client._transport import Message
from envfactory_client.episode import Opening

pytestmark = pytest.mark.anyio


async def test_a_farm_lists_its_environments(farm: ef.Farm) -> None:
    (library,) = await farm.environments()
    assert (library.name, library.domain) == ("library", "leisure")
    assert "borrow_book" in library.tools


async def test_a_source_tells_the_sql_behind_an_environment(farm: ef.Farm) -> None:
    source = await farm.source("library")
    assert "CREATE TABLE books" in source.schema_sql
    assert "no_copies" in source.contracts["borrow_book"]["refuses"]
    assert "no_copy_lent_twice" in source.invariants


async def test_an_unknown_environment_is_named_with_the_nearest(farm: ef.Farm) -> None:
    with pytest.raises(ef.UnknownEnvironment, match="'libary'; did you mean 'library'"):
        await farm.open("libary")


async def test_a_wrong_token_is_said(farm_url: str) -> None:
    async with ef.Farm(farm_url, token="wrong") as farm:
        with pytest.raises(ef.Unauthorized, match="token"):
            await farm.environments()


async def test_bad_arguments_of_the_control_plane_are_farm_errors(farm: ef.Farm) -> None:
    with pytest.raises(ef.FarmError, match="seed") as caught:
        await farm.open("library", seed=-1)
    assert caught.value.code == "invalid_request"


async def test_nothing_listening_is_one_sentence_with_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with ef.Farm(url) as farm:
            with pytest.raises(ef.Unreachable, match=f"Nothing listens at {url}.*envfactory serve"):
                await farm.environments()


async def test_a_server_that_is_no_farm_is_recognised(farm_url: str) -> None:
    async with ef.Farm(f"{farm_url}/v0.1") as farm:
        with pytest.raises(ef.EnvFactoryError, match=r"v0\.1"):
            await farm.environments()


async def test_an_address_without_a_scheme_is_refused_at_once() -> None:
    with pytest.raises(ef.Unreachable, match="http://localhost:8000"):
        ef.Farm("localhost:8000")


async def test_a_farm_outside_its_block_says_so(farm_url: str) -> None:
    with pytest.raises(ef.Closed, match="async with"):
        await ef.Farm(farm_url).environments()


async def test_calls_answer_with_structured_results(episode: ef.Episode) -> None:
    member = await episode.call("library", "find_member", email=episode.persona["email"])
    assert not member.is_error
    assert member["name"] == episode.persona["name"]
    assert member.require() == member.structured


async def test_a_refusal_is_an_answer_with_a_code(episode: ef.Episode) -> None:
    out = await episode.query("library", "SELECT book_id FROM shelf WHERE available = 0 ORDER BY book_id LIMIT 1")
    member = await episode.call("library", "find_member", email=episode.persona["email"])
    result = await episode.call("library", "borrow_book", book_id=out.rows[0][0], member_id=member["member_id"])
    assert result.refusal == "no_copies"
    assert result.text.startswith("no_copies: ")
    with pytest.raises(ef.Refused) as caught:
        result.require()
    assert caught.value.result is result


async def test_bad_arguments_are_an_answer_without_a_code(episode: ef.Episode) -> None:
    result = await episode.call("library", "get_book", book_id="nonsense")
    assert result.is_error
    assert result.refusal is None
    with pytest.raises(ef.CallFailed, match="book_id"):
        _ = result["title"]


async def test_each_side_has_its_own_tools(episode: ef.Episode) -> None:
    agents = {tool.name for tool in await episode.tools()}
    users = {tool.name for tool in await episode.user.tools()}
    assert users == {"pay_fine"}
    assert not agents & users
    member = await episode.call("library", "find_member", email=episode.persona["email"])
    paid = {"member_id": member["member_id"], "amount_cents": 100}
    assert (await episode.call("library", "pay_fine", **paid)).is_error
    assert (await episode.user.call("library", "pay_fine", **paid)).refusal == "too_much"


async def test_tools_carry_their_contracts(episode: ef.Episode) -> None:
    tools = {tool.name: tool for tool in await episode.tools("library")}
    borrow = tools["borrow_book"]
    assert borrow.full_name == "library.borrow_book"
    assert borrow.contract is not None
    assert borrow.contract.parameters["book_id"].key == "books.book_id"
    assert borrow.contract.changes == {"loans": "insert"}
    assert tools["get_book"].read_only
    assert "_meta" not in borrow.to_wire()


async def _borrow(episode: ef.Episode) -> ef.CallResult:
    found = await episode.query("library", "SELECT book_id FROM shelf WHERE available > 0 ORDER BY book_id LIMIT 1")
    member = await episode.call("library", "find_member", email=episode.persona["email"])
    return await episode.call("library", "borrow_book", book_id=found.rows[0][0], member_id=member["member_id"])


async def test_snapshot_diff_and_restore_go_together(episode: ef.Episode) -> None:
    start = await episode.state()
    before = await episode.snapshot()
    loan = await _borrow(episode)
    assert (await episode.state()).digest != start.digest
    diff = await episode.diff(before)
    assert diff
    (inserted,) = diff.changes["library"]["loans"].inserted
    assert inserted["loan_id"] == loan["loan_id"]
    assert (await episode.restore(before)).digest == start.digest
    assert not await episode.diff()


async def test_whatever_a_trial_does_is_undone(episode: ef.Episode) -> None:
    start = await episode.state()
    async with episode.trial() as outer:
        await _borrow(outer)
        borrowed = await episode.state()
        async with episode.trial():
            await episode.advance(60)
            assert await episode.state() != borrowed
        assert await episode.state() == borrowed
    assert await episode.state() == start


async def test_a_fork_begins_where_its_origin_is_and_goes_its_own_way(episode: ef.Episode) -> None:
    await _borrow(episode)
    async with await episode.fork() as fork:
        assert (await fork.state()).digest == (await episode.state()).digest
        assert fork.agent.handle != episode.agent.handle
        await _borrow(fork)
        assert (await fork.state()).digest != (await episode.state()).digest


async def test_reset_and_advance(episode: ef.Episode) -> None:
    start = await episode.state()
    assert start.now == episode.opened_at
    await _borrow(episode)
    later = await episode.advance(3600)
    assert later.now > start.now
    assert await episode.reset() == start


async def test_rows_are_a_scenario_that_opens_again(farm: ef.Farm, episode: ef.Episode) -> None:
    rows = await episode.rows("library")
    async with await farm.open("library", seed=7, scenarios={"library": rows}) as copy:
        assert await copy.state() == await episode.state()
        assert copy.scenario == {"library": rows}
        assert (await _borrow(copy)).structured == (await _borrow(episode)).structured
        assert await copy.state() == await episode.state()


async def test_the_seed_gives_the_scenario(farm: ef.Farm, episode: ef.Episode) -> None:
    assert (await farm.scenario("library", seed=7))["library"] == await episode.rows("library")


async def test_invariants_hold_at_the_start(episode: ef.Episode) -> None:
    assert await episode.violations() == {}


async def test_a_query_may_only_read(episode: ef.Episode) -> None:
    with pytest.raises(ef.FarmError):
        await episode.query("library", "DELETE FROM loans")


async def test_a_closed_episode_answers_nobody(farm: ef.Farm) -> None:
    episode = await farm.open("library")
    await episode.close()
    await episode.close()
    with pytest.raises(ef.Closed):
        await episode.call("library", "search_books")
    with pytest.raises(ef.Closed):
        await episode.state()
    with pytest.raises(ef.UnknownEpisode):
        await farm.join(episode.agent.handle, "library").call("library", "search_books")


async def test_an_environment_outside_the_episode_is_named(episode: ef.Episode) -> None:
    with pytest.raises(ef.UnknownEnvironment, match="'libary'; did you mean 'library'"):
        await episode.call("libary", "search_books")


async def test_a_handle_is_enough_to_join(farm: ef.Farm, episode: ef.Episode) -> None:
    joined = farm.join(episode.agent.handle, "library")
    assert (await joined.call("library", "search_books", limit=1))["total"] > 0
    assert episode.agent.url("library").endswith(f"/episodes/{episode.agent.handle}/library/mcp")


async def test_many_episodes_run_side_by_side(farm: ef.Farm) -> None:
    async def run(seed: int) -> str:
        async with await farm.open("library", seed=seed) as episode:
            await _borrow(episode)
            return (await episode.state()).digest

    first = await asyncio.gather(*(run(seed) for seed in range(8)))
    again = await asyncio.gather(*(run(seed) for seed in range(8)))
    assert first == again
    assert len(set(first)) == len(first)


async def test_half_a_letter_ends_in_an_answer_or_an_error_of_ours(episode: ef.Episode) -> None:
    try:
        result = await episode.call("library", "search_books", title="\ud83d")
    except ef.ProtocolError:
        return
    assert result.is_error or result["total"] == 0


NOT_JSON = [object(), b"text", b"\xff", float("nan"), float("inf"), {("a", "b"): 1}, (title for title in "ab")]


@pytest.mark.parametrize("value", NOT_JSON, ids=lambda value: repr(value)[:12])
async def test_what_is_sent_must_be_json(farm: ef.Farm, episode: ef.Episode, value: object) -> None:
    with pytest.raises(ef.ProtocolError, match=r"tools/call of 'search_books' isn't JSON \(.*\); give only texts"):
        await episode.call("library", "search_books", title=value)
    with pytest.raises(ef.ProtocolError, match="sent with 'query' isn't JSON"):
        await episode.query("library", "SELECT :x", {"x": value})
    with pytest.raises(ef.ProtocolError, match="sent with 'open' isn't JSON"):
        await farm.open("library", scenarios={"library": {"books": [{"title": value}]}})


async def test_half_a_letter_in_a_name_or_a_handle_is_an_error_of_ours(farm: ef.Farm, episode: ef.Episode) -> None:
    with pytest.raises(ef.ProtocolError, match=r"'\\ud83d' can't be asked for by name"):
        await episode.call("library", "\ud83d")
    with pytest.raises(ef.ProtocolError, match="Nothing is served at"):
        await farm.join("\ud83d", "library").tools()


@pytest.mark.parametrize("token", ["a-token\n", "tök€n"])
def test_a_token_that_no_header_carries_is_said_at_once(token: str) -> None:
    with pytest.raises(ef.Unauthorized, match="strip it"):
        ef.Farm("http://localhost:8000", token=token)


@pytest.mark.parametrize("function", ["../x", "a\r\nb", "\ud83d"])
async def test_a_control_function_that_is_none_is_a_farm_error(farm: ef.Farm, function: str) -> None:
    with pytest.raises(ef.FarmError, match="/farm/"):
        await farm.control(function)


def answering(content: str) -> ef.Farm:
    """A server that answers every request with this."""

    async def app(scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": content.encode()})

    return ef.Farm(app)


@pytest.mark.parametrize(
    "content",
    ["{}", '{"environments": null}', '{"environments": [1]}', '{"environments": [{"tools": [{}]}]}', '{"broken": 1}'],
)
async def test_a_list_of_environments_that_is_none_is_a_protocol_error(content: str) -> None:
    async with answering(content) as farm:
        for ask in (farm.environments, farm.broken):
            with pytest.raises(ef.ProtocolError, match=r"^The farm's answer isn't understood \(.*\); are client and"):
                await ask()


def opened(farm: ef.Farm) -> ef.Episode:
    """An episode whose every later answer is the farm's only one."""
    opening = {"episode": "e", "agent": "a", "user": "u", "now": "", "size": "small", "seed": 0}
    return ef.Episode(farm, Opening.model_validate({**opening, "environments": []}))


@pytest.mark.parametrize("content", ["{}", '{"columns": ["a"], "rows": [{"b": 1}]}', '{"rows": 1, "violations": []}'])
async def test_an_answer_about_an_episode_that_is_none_is_a_protocol_error(content: str) -> None:
    async with answering(content) as farm:
        episode = opened(farm)
        asked = (
            episode.snapshot(),
            episode.query("library", "SELECT 1"),
            episode.rows("library"),
            episode.violations(),
            episode.state(),
            episode.fork(),
        )
        for ask in asked:
            with pytest.raises(ef.ProtocolError, match="The farm's answer isn't understood"):
                await ask


@pytest.mark.parametrize(
    "result",
    [
        '{"content": [1], "tools": 1}',
        '{"content": [{"type": "text"}], "tools": [{}]}',
        '{"_meta": [1], "tools": null}',
        '{"content": 1, "tools": [{"name": 1}]}',
    ],
)
async def test_a_result_or_a_list_of_tools_that_is_none_is_a_protocol_error(result: str) -> None:
    async with answering(f'{{"result": {result}}}') as farm:
        side = farm.join("handle", "library")
        for ask in (side.call("library", "search_books"), side.tools()):
            with pytest.raises(ef.ProtocolError, match=r"isn't understood \(.*\); is it an MCP server\?"):
                await ask


async def test_a_fault_that_is_no_word_is_still_a_protocol_error() -> None:
    async with answering('{"error": {"data": {"code": []}}}') as farm:
        with pytest.raises(ef.ProtocolError, match="no message"):
            await farm.join("handle", "library").call("library", "search_books")


async def test_letters_of_every_script_travel(episode: ef.Episode) -> None:
    result = await episode.call("library", "search_books", title="Łódź 東京 🚂")
    assert result["total"] == 0


async def test_the_calls_that_a_farm_noted_are_those_of_the_episode(farm: ef.Farm) -> None:
    async with await farm.open("library", seed=3) as episode:
        await episode.call("library", "search_books", limit=1)
        refused = await episode.call("library", "get_book", book_id="B0000")
        first, second = await episode.calls()
        assert (first.full_name, first.arguments, first.actor) == ("library.search_books", {"limit": 1}, "agent")
        assert first.result["total"] == 64
        assert (second.is_error, second.refusal, second.text) == (True, "not_found", refused.text)
        assert await episode.calls(since=1) == (second,)
        async with await episode.fork() as fork:
            assert await fork.calls() == (first, second)
        await episode.reset()
        assert await episode.calls() == ()
