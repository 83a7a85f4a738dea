"""Necessity: plans with something idle in them are not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from synthesis.campaign import MOST_IDLE, _Seen
from synthesis.draft import DraftTurn, Origin
from synthesis.engine import Engine
from synthesis.errors import Drop
from synthesis.necessity import check_necessity, idle_pair
from synthesis.stage import Stage
from tests.synthesis.conftest import library_farm, on_stage

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


def test_a_write_that_a_later_one_makes_idle_is_told_with_it() -> None:
    async def use(stage: Stage) -> None:
        slot, email = stage.catalogue.slot("cancel_occurrence", "occurrence_id"), stage.card["email"]
        for occurrence in await stage.keys("occurrences", slot.where):
            event = (await stage.row("occurrences", occurrence))["event_id"]
            held, before = await stage.episode.hold(), stage.draft.copy()
            own = {"email": email, "occurrence_id": occurrence}
            step = await stage.call("cancel_occurrence", own, dict.fromkeys(own, SAID))
            origin = Origin("earlier", step=step, place="event_id")
            last = await stage.call(
                "cancel_event", {"email": email, "event_id": event}, {"email": SAID, "event_id": origin}
            )
            done = [stage.draft.steps[place].refusal for place in (step, last)] == [None, None]
            await stage.episode.undo(held)
            if done:
                break
            stage.draft = before
        stage.draft.turns.append(DraftTurn(steps=list(range(len(stage.draft.steps)))))
        with pytest.raises(Drop) as dropped:
            await check_necessity(stage)
        assert idle_pair(str(dropped.value)) == ("schedule.cancel_occurrence", "schedule.cancel_event")

    on_stage("schedule", use)


@pytest.mark.parametrize("drop", ["idle_look_up: get_book", "idle_call: bank.freeze_card", "bank.x done: infeasible"])
def test_other_drops_tell_of_no_such_pair(drop: str) -> None:
    assert idle_pair(drop) is None


def test_a_way_that_proves_to_be_no_task_is_looked_for_no_more() -> None:
    links = frozenset(
        {("a.one", "id", "a.two", "id"), ("a.one", "id", "a.three", "id"), ("a.four", "id", "a.two", "id")}
    )
    seen = _Seen(links=frozenset({("a.one", "id", "a.three", "id")}))
    assert seen.lacking(links) == links - seen.links
    seen.idle["a.one", "a.two"] = MOST_IDLE
    assert seen.lacking(links) == {("a.four", "id", "a.two", "id")}
