"""Aiming: plans use links that the data lacks, by what was spoken of, shown on a list, or looked up for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from envfactory_client import Farm
from envfactory_client.card.links import LinkName, any_index, links_used
from synthesis import planning
from synthesis.aiming import (
    beside_the_anchor,
    by_aim,
    drawn_quest,
    is_fulfilled,
    is_near,
    see_anew,
    spoken_anchors,
    toward_the_quest,
    values_toward_the_quest,
    within_reach,
)
from synthesis.carry import CARRY_SHARE
from synthesis.choose import Choice, choose
from synthesis.draft import DraftTurn, Origin, Salient
from synthesis.engine import Engine, Job
from synthesis.errors import Drop
from synthesis.goals import GoalKind, goal_kinds
from synthesis.ground import ground
from synthesis.hidden import Aim, Count
from synthesis.locate import locate
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.stage import Stage
from synthesis.stance import give_doubt
from synthesis.view import View
from synthesis.wanted import Wanted
from tests.synthesis.conftest import on_stage

GUEST: LinkName = ("schedule.get_event", "guests[].person_id", "schedule.invite_person", "person_id")
MOVED: LinkName = ("schedule.move_occurrence", "event_id", "schedule.set_reminder", "event_id")
SHARED: LinkName = ("schedule.list_calendars", "sharings[].calendar_id", "schedule.propose_meeting", "calendar_id")
LISTED: LinkName = ("schedule.list_invitations", "invitations[].event_id", "schedule.cancel_event", "event_id")
SEAT: LinkName = ("airline.get_booking", "tickets[].seat", "airline.select_seat", "seat")
INVITE = GoalKind("schedule", "invite_person", "done")


def with_quest(stage: Stage, link: LinkName) -> Stage:
    return replace(stage, wanted=Wanted(frozenset({link})), quest=link)


async def look_at_an_event(stage: Stage) -> None:
    """Let the agent see an event that the user may change, with its guests."""
    event = (await stage.keys("events", "status = 'confirmed'"))[0]
    origins = {"email": Origin("explicit", text=str(stage.card["email"])), "event_id": Origin("explicit", text=event)}
    await stage.look("get_event", {"email": stage.card["email"], "event_id": event}, origins)


def test_what_is_wanted_is_told_by_the_argument_that_takes_it() -> None:
    wanted = Wanted(frozenset({GUEST, MOVED}))
    assert wanted.into(("schedule.invite_person", "person_id")) == {("schedule.get_event", "guests[].person_id")}
    assert wanted.into(("schedule.invite_person", "event_id")) == frozenset()
    assert wanted.into(None) == wanted.sources
    assert GUEST in wanted
    assert not Wanted()


def test_a_quest_stays_within_the_environments_of_the_plan() -> None:
    async def use(stage: Stage) -> tuple[LinkName | None, LinkName | None]:
        inside = replace(stage, wanted=Wanted(frozenset({GUEST})))
        outside = replace(stage, wanted=Wanted(frozenset({("bank.a", "b", "bank.c", "d")})))
        return drawn_quest(inside), drawn_quest(outside)

    assert on_stage("schedule", use) == (GUEST, None)


def test_somebody_on_a_list_that_was_seen_is_not_looked_up_again() -> None:
    async def use(stage: Stage) -> None:
        await look_at_an_event(stage)
        before, guest = len(stage.draft.steps), stage.draft.steps[0].result["guests"][0]
        mention = await locate(stage, "people", guest["person_id"], Terms(Slot()))
        assert len(stage.draft.steps) == before
        assert (mention.origin.step, mention.origin.place) == (0, "guests[0].person_id")
        assert guest["person_name"] in mention.text

    on_stage("schedule", use)


def test_a_goal_that_shows_the_value_comes_before_the_one_that_takes_it() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, GUEST)
        kinds = sorted(goal_kinds(stage.catalogue), key=lambda kind: kind.manner != "done")
        first = by_aim(stage, kinds)[0]
        assert first.full_name != "schedule.invite_person"
        assert (first.tool, first.outcome) == ("get_event", "answer") or first.outcome == "done"
        await look_at_an_event(stage)
        assert is_near(stage)
        assert by_aim(stage, kinds)[0].full_name == "schedule.invite_person"

    on_stage("schedule", use)


def test_a_question_keeps_its_place_though_it_leads_nowhere() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, MOVED)
        kinds = sorted(goal_kinds(stage.catalogue), key=lambda kind: kind.manner != "answer")
        assert by_aim(stage, kinds)[0].manner == "answer"

    on_stage("schedule", use)


def test_the_next_goal_takes_the_row_that_is_within_reach() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, GUEST)
        await look_at_an_event(stage)
        assert not is_fulfilled(stage)
        guests = within_reach(stage, ("schedule.invite_person", "person_id"))
        assert guests == [guest["person_id"] for guest in stage.draft.steps[0].result["guests"]]
        turn = DraftTurn()
        await ground(stage, INVITE, turn)
        step = stage.draft.steps[turn.steps[-1]]
        origin = step.origins["person_id"]
        assert (origin.step, any_index(str(origin.place))) == (0, "guests[].person_id")
        assert step.arguments["person_id"] in guests
        assert is_fulfilled(stage)

    on_stage("schedule", use)


def test_a_goal_for_which_nothing_within_reach_will_do_is_given_up() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, ("schedule.move_occurrence", "event_id", "schedule.set_reminder", "event_id"))
        done = GoalKind("schedule", "move_occurrence", "done")
        await ground(stage, done, DraftTurn())
        assert is_near(stage)
        await ground(stage, GoalKind("schedule", "set_reminder", "refuse", "event_cancelled"), DraftTurn())

    with pytest.raises(Drop, match="out_of_reach"):
        on_stage("schedule", use)


async def speak_of_a_ticket(stage: Stage, where: str) -> str:
    """Let the agent see a booking, and the user speak of one of its tickets, which is given."""
    ticket = (await stage.keys("tickets", where))[0]
    booking = (await stage.row("tickets", ticket))["booking_id"]
    step = await stage.look("get_booking", {"booking_id": booking}, {"booking_id": Origin("explicit", text=booking)})
    tickets = [shown["ticket_id"] for shown in stage.draft.steps[step].result["tickets"]]
    origin = Origin("earlier", step=step, place=f"tickets[{tickets.index(ticket)}].ticket_id")
    stage.draft.topic = [Salient("airline", "tickets", ticket, origin)]
    return str(ticket)


def test_the_seat_of_the_ticket_that_was_spoken_of_is_wanted_on_another_one() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, SEAT)
        stage.aim = Aim(0.8, Count(100, 0))
        assert stage.aim.hiding(CARRY_SHARE) == 1.0
        spoken = await speak_of_a_ticket(stage, "seat IS NOT NULL")
        assert [row.value for row in spoken_anchors(stage, ("airline.select_seat", "seat"))] == [spoken]
        assert is_near(stage)
        tickets = await stage.keys("tickets", None)
        others = beside_the_anchor(stage, ("airline.select_seat", "ticket_id"), "tickets", tickets)
        assert set(tickets) - set(others) == {spoken}
        assert beside_the_anchor(stage, ("airline.add_bags", "ticket_id"), "tickets", tickets) == tickets
        turn = DraftTurn()
        await ground(stage, GoalKind("airline", "select_seat", "refuse", "checked_in"), turn)
        step = stage.draft.steps[turn.steps[-1]]
        assert step.arguments["ticket_id"] != spoken
        assert step.arguments["seat"] == (await stage.row("tickets", spoken))["seat"]
        assert is_fulfilled(stage)

    on_stage("airline", use)


def test_a_ticket_without_a_seat_leads_nowhere() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, SEAT)
        await speak_of_a_ticket(stage, "seat IS NULL")
        assert not is_near(stage)
        tickets = await stage.keys("tickets", None)
        seated = await stage.keys("tickets", "seat IS NOT NULL")
        assert await toward_the_quest(stage, "tickets", tickets) == seated
        assert len(seated) < len(tickets)

    on_stage("airline", use)


def test_what_was_spoken_of_is_taken_from_where_the_quest_wants_it_if_it_was_shown_there() -> None:
    async def use(stage: Stage) -> None:
        stage = with_quest(stage, LISTED)
        email = {"email": stage.card["email"]}
        step = await stage.look("list_invitations", email, {"email": Origin("explicit", text=email["email"])})
        listed = stage.draft.steps[step].result["invitations"][2]["event_id"]
        rival = stage.draft.steps[step].result["invitations"][3]["event_id"]
        (other, *_) = [event for event in await stage.keys("events", None) if event not in {listed, rival}]
        before = Origin("earlier", step=step, place="invitations[0].invitation_id")
        stage.draft.topic = [
            Salient("schedule", "events", listed, before),
            Salient("schedule", "events", rival, before, rival_only=True),
            Salient("schedule", "people", listed, before),
            Salient("schedule", "events", other, before),
        ]
        assert not is_near(stage)
        see_anew(stage)
        places = [row.origin.place for row in stage.draft.topic]
        assert places == ["invitations[2].event_id", before.place, before.place, before.place]
        assert is_near(stage)
        assert within_reach(stage, ("schedule.cancel_event", "event_id")) == [listed]

    on_stage("schedule", use)


async def proposals(stage: Stage) -> list[Choice]:
    """Give choices for a meeting to propose, those that can't be had left out."""
    tool, found = stage.catalogue.tools["propose_meeting"], list[Choice]()
    while len(found) < 12:
        with suppress(Drop):
            found.append(await choose(stage, tool, GoalKind("schedule", "propose_meeting", "done")))
    return found


def test_what_need_not_be_said_is_said_where_the_quest_is_about_it() -> None:
    async def use(stage: Stage) -> None:
        stage, email = with_quest(stage, SHARED), {"email": stage.card["email"]}
        step = await stage.look("list_calendars", email, {"email": Origin("explicit", text=email["email"])})
        shared = stage.draft.steps[step].result["sharings"][0]["calendar_id"]
        assert not all("calendar_id" in choice.placeholders for choice in await proposals(stage))
        origin = Origin("earlier", step=step, place="sharings[0].calendar_id")
        stage.draft.topic = [Salient("schedule", "calendars", shared, origin)]
        said = await proposals(stage)
        assert all("calendar_id" in choice.placeholders for choice in said)
        assert {choice.values["calendar_id"] for choice in said} == {shared}

    on_stage("schedule", use)


def test_who_is_to_want_an_event_gone_declines_the_invitation_to_it() -> None:
    async def use(stage: Stage) -> None:
        answers, taker = ["accepted", "declined", "tentative"], ("schedule.answer_invitation", "answer")
        assert values_toward_the_quest(with_quest(stage, LISTED), taker, answers) == ["declined"]
        assert values_toward_the_quest(with_quest(stage, LISTED), taker, ["accepted"]) == ["accepted"]
        assert values_toward_the_quest(with_quest(stage, GUEST), taker, answers) == answers
        assert values_toward_the_quest(stage, taker, answers) == answers

    on_stage("schedule", use)


def test_a_row_that_refers_to_what_is_wanted_is_made_first_where_nothing_else_is_about_it() -> None:
    async def use(stage: Stage) -> None:
        kinds = sorted(goal_kinds(stage.catalogue), key=lambda kind: kind.manner != "done")
        first = by_aim(with_quest(stage, SHARED), kinds)[0]
        assert (first.tool, first.outcome) == ("share_calendar", "done")
        asked = by_aim(with_quest(stage, LISTED), kinds)[0]
        assert asked.tool == "answer_invitation"

    on_stage("schedule", use)


@pytest.mark.parametrize(
    "link",
    [
        GUEST,
        SHARED,
        ("bank.get_purchase", "card_id", "bank.freeze_card", "card_id"),
        ("airline.get_booking", "segments[].flight_id", "airline.list_free_seats", "flight_id"),
        ("bank.list_transfers", "transfers[].approval_id", "bank.approve_transfer", "approval_id"),
        ("bank.find_customer", "cards[].account_id", "bank.get_statement", "account_id"),
    ],
)
def test_some_job_uses_the_link_that_the_data_lacks(link: LinkName) -> None:
    async def run() -> bool:
        async with Farm.embedded() as farm:
            engine = Engine(farm)
            for index in range(30):
                environment = link[0].partition(".")[0]
                job = Job(5, index, index % 3, "small", (environment,), wanted=frozenset({link}))
                made = await engine.make(job, View())
                if made.trajectory is not None and link in set(links_used(made.trajectory)):
                    return True
        return False

    assert asyncio.run(run())


def test_a_question_comes_before_the_end_of_what_was_just_wanted() -> None:
    """A quest that would undo what was done first lets the user hear something that gives them a reason."""
    link: LinkName = ("schedule.invite_person", "event_id", "schedule.cancel_event", "event_id")

    async def use(stage: Stage) -> None:
        there, turn = with_quest(stage, link), DraftTurn()
        await ground(there, INVITE, turn)
        there.draft.turns.append(turn)
        assert is_near(there)
        assert planning._lacks_a_reason(there)
        first = planning._giving_doubt(there, goal_kinds(there.catalogue))[0]
        assert first.outcome == "answer"
        assert first.tool == "get_event"
        events = [(row.environment, row.table, row.value) for row in there.draft.topic if row.table == "events"]
        give_doubt(there, events, "answered")
        assert not planning._lacks_a_reason(there)

    on_stage("schedule", use)
