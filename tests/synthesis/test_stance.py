"""Stances: nobody wants a row gone that they have just wanted something of, or asks for what they were told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from envfactory_client import Goal
from synthesis import stance
from synthesis.conditions import ground_if
from synthesis.draft import Doubt, DraftTurn, Salient
from synthesis.errors import Drop
from synthesis.goals import ALL, GoalKind, Outcome
from synthesis.ground import ground
from synthesis.language.dialogue import _before
from synthesis.sets import ground_set
from synthesis.stage import Stage
from synthesis.stance import (
    CHANGED_MIND,
    THOUGHT_OVER,
    ended_by,
    give_doubt,
    goes_against,
    heard,
    knows,
    take_stance,
    welcome,
)
from tests.synthesis.conftest import on_stage

REMIND = GoalKind("schedule", "set_reminder", "done")
CALL_OFF = GoalKind("schedule", "cancel_event", "done")
MISSING = GoalKind("schedule", "get_event", "answer", "unanswered")


def only_about(stage: Stage, turn: DraftTurn) -> None:
    """Let the conversation be about the event of a turn alone."""
    (event,) = (mention for _, _, mention in turn.mentions if mention.table == "events")
    stage.draft.topic = [Salient("schedule", "events", event.value, event.origin)]


def test_what_a_request_wants_is_noted_for_the_rows_that_it_names() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground(stage, REMIND, turn)
        (event,) = (mention.value for _, _, mention in turn.mentions if mention.table == "events")
        named = ("schedule", "events", event)
        assert stage.draft.stances[named] is False
        assert await goes_against(stage, [named], ending=True)
        assert not await goes_against(stage, [named], ending=False)

    on_stage("schedule", use)


def test_what_belongs_to_a_row_that_was_called_off_is_not_asked_for() -> None:
    async def use(stage: Stage) -> None:
        sql = "SELECT invitation_id, event_id FROM received_invitations WHERE email = :persona_email LIMIT 1"
        ((invitation, event),) = await stage.query(sql)
        await take_stance(stage, [("schedule", "events", event)], ending=True)
        assert await goes_against(stage, [("schedule", "invitations", invitation)], ending=False)
        others = await stage.query("SELECT invitation_id FROM invitations WHERE event_id <> :event", {"event": event})
        assert not await goes_against(stage, [("schedule", "invitations", others[0][0])], ending=False)

    on_stage("schedule", use)


def test_an_answer_puts_an_end_to_a_row_only_where_it_is_no() -> None:
    async def use(stage: Stage) -> None:
        assert not ended_by(stage.catalogue, "answer_invitation", {"invitation_id": "I1", "answer": "tentative"})
        declined = ended_by(stage.catalogue, "answer_invitation", {"invitation_id": "I1", "answer": "declined"})
        assert declined == {"invitation_id", "event_id"}

    on_stage("schedule", use)


async def called_off(stage: Stage, doubt: Doubt | None) -> DraftTurn:
    """Let the user call off an event that they have just asked to be reminded of, and give the message."""
    first, second = DraftTurn(), DraftTurn()
    await ground(stage, REMIND, first)
    only_about(stage, first)
    if doubt is not None:
        give_doubt(stage, [(row.environment, row.table, row.value) for row in stage.draft.topic], doubt)
    stage.draft.stances |= {("schedule", "events", event): False for event in await stage.keys("events", None)}
    await ground(stage, CALL_OFF, second)
    return second


def test_nobody_undoes_what_they_wanted_without_a_reason() -> None:
    with pytest.raises(Drop, match="unwelcome"):
        on_stage("schedule", lambda stage: called_off(stage, None))


@pytest.mark.parametrize("doubt", ["answered", "refused"])
def test_who_wants_the_contrary_says_why(doubt: Doubt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stance, "SECOND_THOUGHTS_SHARE", 1.0)

    async def use(stage: Stage) -> str:
        turn = await called_off(stage, doubt)
        assert turn.changed_mind
        own = [THOUGHT_OVER.format(reason) for reason in stage.catalogue.said("cancel_event").reasons]
        assert turn.reason in (own if doubt == "answered" else CHANGED_MIND[doubt])
        return "said"

    assert "said" in {_or_dropped(use, seed) for seed in range(3, 7)}


def _or_dropped(use: Callable[[Stage], Awaitable[str]], seed: int) -> str:
    try:
        return on_stage("schedule", use, seed=seed)
    except Drop as drop:
        return drop.reason


def test_an_answer_gives_reason_to_think_otherwise_until_more_is_done() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground(stage, MISSING, turn)
        row = ("schedule", "events", turn.mentions[0][2].value)
        assert row not in stage.draft.doubts
        stage.draft.known.clear()
        stage.draft.stances |= {("schedule", "events", event): False for event in await stage.keys("events", None)}
        turn = DraftTurn()
        await ground(stage, MISSING, turn)
        row = ("schedule", "events", turn.mentions[0][2].value)
        assert stage.draft.doubts == {row: "answered"}
        await take_stance(stage, [row], ending=False)
        assert not stage.draft.doubts

    on_stage("schedule", use)


def test_a_refusal_gives_reason_only_where_the_row_itself_was_to_be_otherwise() -> None:
    async def use(stage: Stage, kind: GoalKind) -> set[str]:
        await ground(stage, kind, DraftTurn())
        return {table for _, table, _ in stage.draft.doubts}

    moved = GoalKind("schedule", "move_occurrence", "refuse", "outside_series")
    invited = GoalKind("schedule", "invite_person", "refuse", "already_invited")
    answered = GoalKind("schedule", "answer_invitation", "refuse", "already_answered")
    assert on_stage("schedule", lambda stage: use(stage, moved)) == {"occurrences", "events"}
    assert on_stage("schedule", lambda stage: use(stage, invited)) == set()
    assert on_stage("schedule", lambda stage: use(stage, answered)) == set()


def test_what_belongs_together_is_wanted_together() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground(stage, GoalKind("schedule", "answer_invitation", "refuse", "already_answered"), turn)
        ((invitation, answer),) = [
            (mention.value, stage.draft.steps[call].arguments["answer"]) for call, _, mention in turn.mentions
        ]
        event = (await stage.row("invitations", invitation))["event_id"]
        assert stage.draft.stances["schedule", "events", event] is (answer == "declined")

    on_stage("schedule", use)


def test_a_card_is_no_part_of_what_was_bought_with_it() -> None:
    async def use(stage: Stage) -> None:
        purchase = (await stage.keys("purchases", None))[0]
        card = (await stage.row("purchases", purchase))["card_id"]
        await take_stance(stage, [("bank", "purchases", purchase)], ending=False)
        assert not await goes_against(stage, [("bank", "cards", card)], ending=True)

    on_stage("bank", use)


def test_who_has_a_whole_set_frozen_has_none_of_its_like_unfrozen() -> None:
    async def use(stage: Stage) -> None:
        await ground_set(stage, GoalKind("bank", "freeze_card", "done", ALL), DraftTurn())
        cards = [("bank", "cards", card) for card in await stage.keys("cards", None)]
        others = [card for card in cards if card not in stage.draft.stances]
        assert others
        assert all([await goes_against(stage, [card], ending=False) for card in others])
        assert not await goes_against(stage, others, ending=True)

    assert any(_has_a_set(use, seed) for seed in range(3, 9))


def _has_a_set(use: Callable[[Stage], Awaitable[None]], seed: int) -> bool:
    try:
        on_stage("bank", use, seed=seed)
    except Drop:
        return False
    return True


def test_what_an_answer_says_is_known_and_so_is_what_was_asked_for() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground(stage, GoalKind("schedule", "invite_person", "done"), turn)
        step = stage.draft.steps[turn.steps[-1]]
        told = f"That makes {step.result['attendees']} of you."
        assert "attendees" in heard(stage, step, told)
        assert "attendees" not in heard(stage, step, f"That makes 1{step.result['attendees']}.")
        turn = DraftTurn()
        await ground(stage, REMIND, turn)
        (event,) = (mention.value for _, _, mention in turn.mentions if mention.table == "events")
        assert await knows(stage, ("events", event), "minutes_before")

    on_stage("schedule", use)


def test_nobody_runs_twice_into_what_they_were_told_of() -> None:
    past = GoalKind("schedule", "answer_invitation", "refuse", "event_past")

    async def use(stage: Stage) -> None:
        await ground(stage, past, DraftTurn())
        assert {table for _, table, _ in stage.draft.obstacles} == {"invitations", "events"}
        events = [("schedule", "events", event) for event in await stage.keys("events", None)]
        stage.draft.obstacles |= dict.fromkeys(events, frozenset({"event_past"}))
        await ground(stage, GoalKind("schedule", "set_reminder", "refuse", "event_past"), DraftTurn())

    with pytest.raises(Drop, match="told_before"):
        on_stage("schedule", use)


def test_nobody_asks_again_for_what_they_were_told() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground(stage, MISSING, turn)
        event = turn.mentions[0][2].value
        assert "unanswered" in stage.draft.known["schedule", "events", event]
        events = await stage.keys("events", None)
        stage.draft.known |= {("schedule", "events", one): frozenset({"unanswered"}) for one in events}
        await ground(stage, MISSING, DraftTurn())

    with pytest.raises(Drop, match="told_before"):
        on_stage("schedule", use)


def test_what_was_left_undone_is_known() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground_if(stage, GoalKind("bank", "cancel_transfer", "left"), turn)
        transfer = turn.mentions[0][2].value
        assert "amount_cents" in stage.draft.known["bank", "transfers", transfer]
        assert ("bank", "transfers", transfer) not in stage.draft.stances

    on_stage("bank", use)


def test_who_thinks_otherwise_has_no_word_of_joy_for_what_was_done() -> None:
    async def use(stage: Stage, *, changed: bool) -> str:
        done = Goal(tool="schedule.set_reminder", outcome="done")
        stage.draft.turns += [DraftTurn(goals=[done]), DraftTurn(goals=[done], changed_mind=changed)]
        return _before(stage, 1)

    assert on_stage("schedule", lambda stage: use(stage, changed=False)) == "done"
    assert on_stage("schedule", lambda stage: use(stage, changed=True)) == "left"


def test_candidates_of_which_the_contrary_was_wanted_are_not_tried() -> None:
    async def use(stage: Stage) -> None:
        first, second, *rest = await stage.keys("bookings", None)
        stage.draft.stances = {("airline", "bookings", first): False, ("airline", "bookings", second): True}
        cancel, read = "cancel_booking", "get_booking"

        def left(tool: str, outcome: Outcome) -> set[Any]:
            kind = GoalKind("airline", tool, outcome)
            return set(welcome(stage, kind, "booking_id", "bookings", [first, second, *rest]))

        assert left(cancel, "done") == {second, *rest}
        assert left(cancel, "refuse") == {*rest}
        assert left(read, "answer") == {first, *rest}
        give_doubt(stage, [("airline", "bookings", first)], "answered")
        assert left(cancel, "done") == {first, second, *rest}

    on_stage("airline", use)
