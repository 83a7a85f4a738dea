"""Acts of the user: they make way for what was refused, and then ask for it again."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from envfactory_client import Goal
from synthesis import acts
from synthesis.acts import follow_up
from synthesis.again import ground_again
from synthesis.draft import DraftTurn
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.locate import locate
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.stage import Stage
from synthesis.stance import take_stance
from synthesis.wanted import Wanted
from tests.synthesis.conftest import on_stage

PENDING = GoalKind("airline", "add_bags", "refuse", "payment_pending")


async def refused(stage: Stage) -> bool:
    """Let a request for bags be refused, as a payment waits; say whether this world has such a one."""
    turn = DraftTurn()
    try:
        await ground(stage, PENDING, turn)
    except Drop:
        return False
    stage.draft.turns.append(turn)
    return True


def test_who_has_paid_asks_again_for_what_was_refused() -> None:
    async def use(stage: Stage) -> bool:
        if not await refused(stage):
            return False
        first = stage.draft.steps[stage.draft.turns[0].steps[-1]]
        start, before = await stage.episode.snapshot(), stage.draft.copy()
        for number in range(12):
            stage.rng, stage.draft = Random(number), before.copy()
            await stage.episode.restore(start)
            await follow_up(stage)
            paid = [turn for turn in stage.draft.turns if turn.goals[0].tool == "airline.approve_payment"]
            if not paid:
                assert len(stage.draft.turns) == 1
                continue
            assert list(paid[0].clauses[0].parts) == ["amount_cents"]  # the refused request waits too, so it is named
            again = stage.draft.turns[-1]
            assert again.again
            assert [(goal.tool, goal.outcome) for goal in again.goals] == [("airline.add_bags", "done")]
            assert stage.draft.steps[again.steps[-1]].arguments == first.arguments
            assert stage.draft.steps[again.steps[-1]].refusal is None
            assert again.intents[0].act == "airline.add_bags"
            return True
        return False

    assert any(on_stage("airline", use, seed=seed) for seed in range(3, 9))


def test_who_has_declined_asks_again_where_the_way_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_is_new", lambda request, _stage: request.tool == "decline_payment")
    monkeypatch.setattr(acts, "UNBLOCK_SHARE", 0.0)

    async def use(stage: Stage) -> list[list[str]]:
        if not await refused(stage):
            return []
        start, before = await stage.episode.snapshot(), stage.draft.copy()
        found = []
        for number in range(12):
            stage.rng, stage.draft = Random(number), before.copy()
            await stage.episode.restore(start)
            await follow_up(stage)
            found.append([f"{goal.tool} {goal.outcome}" for turn in stage.draft.turns for goal in turn.goals])
        return found

    ways = [way[1:] for seed in range(3, 9) for way in on_stage("airline", use, seed=seed) if len(way) > 1]
    assert ways
    assert all(way[0] == "airline.decline_payment done" for way in ways)
    assert ["airline.decline_payment done", "airline.add_bags done"] in ways


@pytest.mark.parametrize(
    "kind",
    [
        GoalKind("airline", "cancel_booking", "refuse", "not_active"),
        GoalKind("airline", "add_bags", "refuse", "not_confirmed"),
        GoalKind("bank", "replace_card", "refuse", "card_closed"),
    ],
    ids=str,
)
def test_nobody_says_of_a_row_what_stands_in_their_way(kind: GoalKind) -> None:
    async def use(stage: Stage) -> set[str]:
        turn = DraftTurn()
        await ground(stage, kind, turn)
        named = [one for _, _, mention in turn.mentions for one in (mention, *mention.within)]
        return {str(part["column"]) for one in named for part in one.properties}

    for seed in (3, 4):
        assert "status" not in on_stage(kind.environment, use, seed=seed)


def test_only_what_was_refused_is_asked_for_again() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground(stage, GoalKind("bank", "cancel_transfer", "done"), turn)
        await ground_again(stage, turn)

    with pytest.raises(Drop, match="not_again"):
        on_stage("bank", use)


def test_nobody_pays_for_what_they_have_called_off() -> None:
    async def use(stage: Stage) -> list[str]:
        if not await refused(stage):
            return []
        bookings = await stage.keys("bookings", None)
        await take_stance(stage, [("airline", "bookings", booking) for booking in bookings], ending=True)
        start, before = await stage.episode.snapshot(), stage.draft.copy()
        done: list[str] = []
        for number in range(6):
            stage.rng, stage.draft = Random(number), before.copy()
            await stage.episode.restore(start)
            await follow_up(stage)
            done += [turn.goals[0].tool for turn in stage.draft.turns[1:]]
        return done

    for seed in range(3, 6):
        assert "airline.approve_payment" not in on_stage("airline", use, seed=seed)


async def settled(stage: Stage) -> bool | None:
    """Let the user pay, a question later, what stood in the way; say whether they did, None where nothing was."""
    if not await refused(stage):
        return None
    question = Goal(tool="airline.get_points", outcome="answer", answer={"total": 3})
    requests = await acts._open_requests(stage, stage.draft.turns[0])
    stage.draft.turns.append(DraftTurn(goals=[question]))
    (payment,) = [request for request in requests if request.tool == "approve_payment"]
    return await acts._comes_of(stage, payment)


def test_who_settles_later_what_was_in_the_way_asks_again_then() -> None:
    async def use(stage: Stage) -> bool:
        done = await settled(stage)
        if done:
            bags, _, paid, again = stage.draft.turns
            assert paid.goals[0].tool == "airline.approve_payment"
            assert paid.unasked
            assert paid.clauses[0].text in stage.catalogue.said("approve_payment").unasked
            assert again.again
            assert [(goal.tool, goal.outcome) for goal in again.goals] == [(bags.goals[0].tool, "done")]
        return bool(done)

    assert any(on_stage("airline", use, seed=seed) for seed in range(3, 9))


async def words_for_a_yes(stage: Stage, *, called_open: bool) -> str:
    """Give how the user tells that they have approved a transfer, a question later, with or without its state said."""
    (transfer, *_) = await stage.keys("transfers", "status = 'awaiting_approval'")
    mention = await locate(stage, "transfers", transfer, Terms(Slot()))
    state = ({"column": "status", "value": "awaiting_approval", "text": "that waits for my approval"},)
    mention = replace(mention, properties=state if called_open else ())
    question = Goal(tool="bank.list_transfers", outcome="answer", answer={"total": 3})
    stage.draft.turns = [DraftTurn(goals=[question], facts=["email"], mentions=[(0, "transfer_id", mention)])]
    requests = await acts._open_requests(stage, stage.draft.turns[0])
    (yes,) = [request for request in requests if request.tool == "approve_transfer"]
    assert await acts._comes_of(stage, yes)
    assert stage.draft.turns[-1].unasked
    return stage.draft.turns[-1].clauses[0].text


@pytest.mark.parametrize("called_open", [False, True])
def test_nobody_tells_as_news_what_they_have_said_themself(called_open: bool) -> None:
    async def use(stage: Stage) -> None:
        said = stage.catalogue.said("approve_transfer")
        ways = said.acts if called_open else said.unasked
        assert await words_for_a_yes(stage, called_open=called_open) in ways

    on_stage("bank", use)


def test_nothing_is_settled_where_no_turn_is_left_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "MOST_TURNS", 3)

    async def use(stage: Stage) -> bool:
        start = stage.state
        done = await settled(stage)
        assert not done
        assert (await stage.episode.state()).digest == start
        assert [turn.goals[0].outcome for turn in stage.draft.turns] == ([] if done is None else ["refuse", "answer"])
        return done is False

    assert any(on_stage("airline", use, seed=seed) for seed in range(3, 9))


@pytest.mark.parametrize(
    ("made", "ended", "doubt"),
    [
        (GoalKind("airline", "hold_flight", "done"), ("airline.cancel_booking", "booking_id"), "dear"),
        (GoalKind("bank", "send_transfer", "done"), ("bank.cancel_transfer", "transfer_id"), "open"),
    ],
    ids=str,
)
def test_what_is_to_be_taken_back_is_left_open(made: GoalKind, ended: tuple[str, str], doubt: str) -> None:
    link = (made.full_name, ended[1], *ended)

    async def use(stage: Stage) -> set[str]:
        there = replace(stage, wanted=Wanted(frozenset({link})), quest=link)
        turn = DraftTurn()
        await ground(there, made, turn)
        there.draft.turns.append(turn)
        start, before = await there.episode.snapshot(), there.draft.copy()
        found = set()
        for number in range(6):
            there.rng, there.draft = Random(number), before.copy()
            await there.episode.restore(start)
            await follow_up(there)
            if len(there.draft.turns) == 1:
                found |= {f"{table} {one}" for (_, table, _), one in there.draft.doubts.items()}
        return found

    ways = [on_stage(made.environment, use, seed=seed) for seed in range(3, 9)]
    assert f"{ended[1].removesuffix('_id')}s {doubt}" in set().union(*ways)
