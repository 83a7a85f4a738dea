"""Carrying over: a day, an amount or a seat is said through a row only where that was spoken of just now."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from synthesis.carry import THAT_DAY, Anchor, anchors, speaks_of_days, takes_day, through, twisted_words, was_told
from synthesis.choose import at_the_end, choose
from synthesis.draft import Clause, Draft, DraftTurn, Origin, Salient, Twist
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.locate import locate
from synthesis.logical_form import term_of
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.spoken import day as said_day
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

BEFORE, LATER = Twist("days_earlier", 1, "the day before {}"), Twist("days_later", 2, "two days after {}")


async def about_a_booking(stage: Stage, *, dated: bool, status: str = "confirmed") -> str:
    """Speak of a booking of the user's, by the day it leaves on or by its code; gives that day."""
    for booking in await stage.keys("bookings", "status = :status", {"status": status}):
        row = await stage.row("bookings", booking)
        stage.draft = Draft(states=stage.draft.states, locals=stage.draft.locals)
        with suppress(Drop):
            await locate(stage, "bookings", booking, Terms(Slot()))
            origin = stage.origins("bookings.booking_id", booking)[0]
            stage.draft.topic = [Salient("airline", "bookings", booking, origin)]
            words = f"on {said_day(row['departs_on'])}" if dated else row["reference"]
            stage.draft.turns = [DraftTurn(clauses=[Clause(f"call off my booking {words}", imperative=True)])]
            return str(row["departs_on"])
    raise AssertionError("no booking can be spoken of")


async def days_of(stage: Stage) -> list[Anchor]:
    return [one for one in await anchors(stage.at("schedule"), "date") if one.column == "departs_on"]


def test_a_day_that_was_named_just_now_is_that_day() -> None:
    async def use(stage: Stage) -> None:
        assert await anchors(stage.at("schedule"), "date") == []
        day = await about_a_booking(stage, dated=True)
        (anchor,) = await days_of(stage)
        assert (anchor.value, anchor.form in THAT_DAY, anchor.is_plain) == (day, True, True)
        assert was_told(stage, day)
        stage.draft.turns[-1].answers = ["Please pay by Tuesday 9 June."]
        assert not was_told(stage, day)
        stage.draft.topic = []
        assert await days_of(stage) == []

    on_stage("airline", use, beside=("schedule",))


def test_a_day_that_was_not_named_is_said_by_what_happens_on_it() -> None:
    async def use(stage: Stage) -> tuple[str, str]:
        await about_a_booking(stage, dated=False)
        (anchor,) = await days_of(stage)
        words, origin, mention = through(stage.at("schedule"), anchor)
        assert (origin, mention.kind, mention.text) == (anchor.origin, "anaphora", words)
        assert not anchor.is_plain
        assert speaks_of_days(stage) == {"airline"}
        return words, str(term_of(stage, mention).kind)

    words, kind = on_stage("airline", use, beside=("schedule",))
    assert words in ("the day I leave", "the day I fly out")
    assert kind == "same"


def test_no_day_is_said_through_what_is_off_by_now() -> None:
    async def use(stage: Stage) -> None:
        await about_a_booking(stage, dated=True, status="cancelled")
        assert await days_of(stage) == []
        await about_a_booking(stage, dated=True)
        (anchor,) = await days_of(stage)
        stage.draft.stances["airline", "bookings", anchor.row.value] = True
        assert await days_of(stage) == []

    on_stage("airline", use, beside=("schedule",))


def test_a_day_of_the_same_environment_is_not_said_through_its_row() -> None:
    async def use(stage: Stage) -> None:
        await about_a_booking(stage, dated=True)
        assert await anchors(stage, "date") == []

    on_stage("airline", use)


def test_a_seat_is_said_through_the_ticket_that_was_spoken_of() -> None:
    async def use(stage: Stage) -> None:
        for ticket in await stage.keys("tickets", "seat IS NOT NULL"):
            with suppress(Drop):
                mention = await locate(stage, "tickets", ticket, Terms(Slot()))
                stage.draft.topic = [Salient("airline", "tickets", ticket, mention.origin)]
                break
        (anchor,) = await anchors(stage, "seat_plan.seat")
        assert (anchor.row.value, anchor.value) == (ticket, (await stage.row("tickets", ticket))["seat"])
        stage.draft.topic = []
        assert await anchors(stage, "seat_plan.seat") == []

    on_stage("airline", use)


def test_an_amount_is_said_only_where_the_agent_has_seen_it() -> None:
    async def use(stage: Stage) -> None:
        purchase = (await stage.keys("purchases", None))[0]
        stage.draft.topic = [Salient("bank", "purchases", purchase, Origin("earlier"))]
        assert await anchors(stage, "money") == []
        await ground(stage, GoalKind("bank", "get_purchase", "answer", "booked_on"), DraftTurn())
        (found,) = await anchors(stage, "money")
        assert (await stage.row("purchases", found.row.value))["amount_cents"] == found.value

    on_stage("bank", use)


def test_what_is_only_said_when_asked_is_said_outright() -> None:
    async def use(stage: Stage) -> None:
        await ground(stage, GoalKind("bank", "get_purchase", "answer", "booked_on"), DraftTurn())
        through_it = asked = 0
        for seed in range(60):
            stage.rng = Random(seed)
            with suppress(Drop):
                choice = await choose(
                    stage, stage.catalogue.tools["move_money"], GoalKind("bank", "move_money", "done")
                )
                through_it += "amount_cents" in choice.anchored
                asked += choice.missing == "amount_cents"
                assert not (choice.missing and choice.anchored)
        assert through_it
        assert asked

    on_stage("bank", use)


@pytest.mark.parametrize(
    ("twist", "words", "found"),
    [
        (BEFORE, "that day", "the day before that"),
        (BEFORE, "the same day", "the day before that"),
        (LATER, "the day I leave", "two days after I leave"),
        (BEFORE, "the day of that flight", "the day before that flight"),
        (BEFORE, "its new day", "the day before its new day"),
        (Twist("half", None, "half of {}"), "what I paid for it", "half of what I paid for it"),
    ],
)
def test_what_is_worked_out_of_a_day_is_said_shortly(twist: Twist, words: str, found: str) -> None:
    assert twisted_words(twist, words) == found


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{goal} {title} {on} {at} {minutes}", "{goal} {title} {at} {minutes} {on}"),
        ("{goal} {title} {at} {on}", "{goal} {title} {at} {on}"),
        ("I'd like to see her {on} {at}, so {goal} {title}", None),
        ("{goal} {title} {on} {at} and invite {whom}", None),
        ("{goal} {title} {at}", None),
    ],
)
def test_an_hour_does_not_follow_the_day_that_something_happens_on(template: str, found: str | None) -> None:
    assert at_the_end(template, "on") == found


def test_what_can_be_about_a_day_says_one_or_chooses_among_what_falls_on_it() -> None:
    async def use(stage: Stage) -> dict[str, bool]:
        tools = ("airline.hold_flight", "airline.cancel_booking", "schedule.get_free_busy", "schedule.cancel_event")
        split = [name.split(".") for name in tools]
        return {name: takes_day(stage.catalogues[environment], name) for environment, name in split}

    found = on_stage("airline", use, beside=("schedule",))
    assert found == {"hold_flight": True, "cancel_booking": False, "get_free_busy": True, "cancel_event": False}
