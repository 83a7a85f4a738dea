"""Answers: nothing is asked twice in one state, and a write is made again only for what isn't known after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from envfactory_client import CallResult, Episode
from synthesis.answers import Answers, Asked, Asking
from synthesis.errors import Drop
from tests.synthesis.conftest import library_farm


def in_library(use: Callable[[Episode], Awaitable[None]]) -> None:
    async def run() -> None:
        async with library_farm() as farm, await farm.open("library", seed=7) as episode:
            await use(episode)

    asyncio.run(run())


def find(**arguments: object) -> Asked:
    return Asked("agent", "library", "search_books", arguments, writes=False)


async def lending(episode: Episode) -> Asked:
    """Give the loan of a book that is there to the persona."""
    found = await episode.agent.probe("library", "search_books", limit=50)
    member = await episode.agent.probe("library", "find_member", email=episode.persona["email"])
    book = next(book for book in found["books"] if book["available"] > 0)
    arguments = {"book_id": book["book_id"], "member_id": member["member_id"]}
    return Asked("agent", "library", "borrow_book", arguments, writes=True)


async def made(episode: Episode, since: int) -> list[str]:
    return [call.tool for call in await episode.calls(since)]


def test_the_same_look_up_in_the_same_state_is_made_once() -> None:
    async def use(episode: Episode) -> None:
        answers = Answers()
        first = await Asking(episode, answers).call(find(limit=5))
        assert await Asking(episode, answers).call(find(limit=5)) == first
        await Asking(episode, answers).call(find(limit=6))
        assert await made(episode, 0) == ["search_books", "search_books"]

    in_library(use)


def test_a_known_write_is_made_for_the_first_thing_that_is_not_known_after_it() -> None:
    async def use(episode: Episode) -> None:
        answers, lend = Answers(), await lending(episode)
        begun = len(await episode.calls())
        async with episode.trial():
            asking = Asking(episode, answers)
            loan = await asking.call(lend)
            changes = await asking.changes()
            assert changes["library"]["loans"].inserted
        async with episode.trial():
            again = Asking(episode, answers)
            assert await again.call(lend) == loan
            assert await again.changes() == changes
            assert await made(episode, begun) == []
            shown = await again.call(find(limit=50))
            assert await made(episode, begun) == ["borrow_book", "search_books"]
        assert shown != await Asking(episode, answers).call(find(limit=50))

    in_library(use)


def test_a_refusal_leaves_the_state_as_it_is_and_is_met_once() -> None:
    async def use(episode: Episode) -> None:
        lend = await lending(episode)
        nobody = Asked("agent", "library", "borrow_book", {**lend.arguments, "member_id": "M999"}, writes=True)
        begun, asking = len(await episode.calls()), Asking(episode)
        answers = [await asking.call(nobody) for _ in range(2)]
        assert answers[0].is_error
        assert answers[0] == answers[1]
        assert asking.state == 0
        assert await made(episode, begun) == ["borrow_book"]

    in_library(use)


def test_a_write_that_ends_otherwise_than_was_known_is_told() -> None:
    async def use(episode: Episode) -> None:
        lend = await lending(episode)
        nobody = Asked("agent", "library", "borrow_book", {**lend.arguments, "member_id": "M999"}, writes=True)
        answers = Answers()
        answers.note(0, nobody, CallResult("", {"loan_id": "L1"}))
        asking = Asking(episode, answers)
        await asking.call(nobody)
        with pytest.raises(Drop, match="answers_differ"):
            await asking.settle()

    in_library(use)
