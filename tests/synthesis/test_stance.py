"""Stances: nobody wants a row gone that they have just wanted something of, or asks for what they were told."""

from __future__ import annotations

from random import Random

import pytest

from synthesis.conditions import ground_if
from synthesis.draft import DraftTurn, Salient
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.stage import Stage
from synthesis.stance import CHANGED_MIND, ended_by, goes_against, take_stance
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
        take_stance(stage, [("schedule", "events", event)], ending=True)
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


def test_who_wants_the_contrary_says_that_they_have_changed_their_mind() -> None:
    async def use(stage: Stage) -> bool:
        first, second = DraftTurn(), DraftTurn()
        await ground(stage, REMIND, first)
        only_about(stage, first)
        stage.rng = Random(stage.rng.getrandbits(32))
        await ground(stage, CALL_OFF, second)
        (reminded,) = (mention.value for _, _, mention in first.mentions if mention.table == "events")
        (gone,) = (mention.value for _, _, mention in second.mentions if mention.table == "events")
        assert second.changed_mind == (gone == reminded)
        assert not second.changed_mind or second.reason in CHANGED_MIND
        return second.changed_mind

    assert {on_stage("schedule", use, seed=seed) for seed in range(3, 7)}


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
