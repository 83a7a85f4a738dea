"""Necessity: plans with something idle in them are not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from synthesis.draft import DraftTurn, Origin
from synthesis.engine import Engine
from synthesis.errors import Drop
from synthesis.necessity import check_necessity
from synthesis.stage import Stage
from tests.synthesis.conftest import library_farm

SAID = Origin("explicit", text="x")
BOOK = "SELECT max(book_id) FROM shelf WHERE available > 1"
MEMBER = "SELECT min(member_id) FROM members WHERE fines_cents = 0"


def planned(act: Callable[[Stage, str, str], Awaitable[None]]) -> None:
    """Plan something in the library and check that all of it is needed."""

    async def run() -> None:
        async with library_farm() as farm:
            catalogue = await Engine(farm).survey("library")
            async with await farm.open("library", seed=3) as episode:
                stage = Stage(episode, {"library": catalogue}, "library", Random(1), dict(episode.persona))
                await stage.begin()
                book, member = (await stage.query(f"SELECT ({BOOK}), ({MEMBER})"))[0]
                async with episode.trial():
                    await act(stage, book, member)
                stage.draft.turns.append(DraftTurn(steps=list(range(len(stage.draft.steps)))))
                await check_necessity(stage)

    asyncio.run(run())


async def borrow(stage: Stage, book: str, member: str) -> None:
    await stage.call("borrow_book", {"book_id": book, "member_id": member}, {"book_id": SAID, "member_id": SAID})


def test_a_write_alone_is_needed() -> None:
    planned(borrow)


def test_a_look_up_that_nothing_comes_from_is_idle() -> None:
    async def act(stage: Stage, book: str, member: str) -> None:
        await stage.call("get_book", {"book_id": book}, {"book_id": SAID})
        await borrow(stage, book, member)

    with pytest.raises(Drop, match="idle_look_up"):
        planned(act)


def test_an_argument_that_changes_nothing_is_inert() -> None:
    async def act(stage: Stage, book: str, member: str) -> None:
        await stage.call("search_books", {"limit": 10}, {"limit": SAID})
        assert book
        assert member

    with pytest.raises(Drop, match="inert_argument"):
        planned(act)
