"""What is worked out: sums, counts and differences over rows that are seen, proved over the tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envfactory_client.logical_form import Derived, Field, Rows
from synthesis.carry import derived, worked_out_of
from synthesis.draft import DraftTurn, Origin, Twist
from synthesis.errors import Drop
from synthesis.gates.meaning import check_worked_out
from synthesis.goals import SUMS, GoalKind
from synthesis.stage import Stage
from synthesis.worked_out import ground_sum
from tests.synthesis.conftest import on_stage

SPENT = GoalKind("bank", "find_purchases", "answer", f"{SUMS}spent")
CARDS = GoalKind("bank", "find_customer", "answer", f"{SUMS}cards_counted")
GAP = GoalKind("bank", "find_customer", "answer", f"{SUMS}balance_gap")
LEFT = GoalKind("bank", "find_customer", "answer", f"{SUMS}left_over")
AWAY = GoalKind("airline", "list_bookings", "answer", f"{SUMS}days_away")


async def asked(stage: Stage, kind: GoalKind) -> DraftTurn:
    turn = DraftTurn()
    await ground_sum(stage, kind, turn)
    await check_worked_out(stage, turn.worked_out)
    return turn


def test_a_sum_is_that_of_the_rows_in_the_tables() -> None:
    async def use(stage: Stage) -> None:
        turn = await asked(stage, SPENT)
        term = turn.intents[0].sought
        assert isinstance(term, Derived)
        assert term.op == "sum"
        assert isinstance(term.of[0], Field)
        assert isinstance(term.of[0].of, Rows)
        keys = turn.mentions[0][2].value
        amounts = [(await stage.row("purchases", key))["amount_cents"] for key in keys]
        assert turn.goals[0].answer == {f"{SUMS}spent": sum(amounts)}
        assert len(amounts) > 1

    on_stage("bank", use)


def test_a_count_is_the_number_of_the_rows() -> None:
    async def use(stage: Stage) -> None:
        turn = await asked(stage, CARDS)
        assert turn.goals[0].answer == {f"{SUMS}cards_counted": len(turn.mentions[0][2].value)}

    on_stage("bank", use)


@pytest.mark.parametrize("kind", [GAP, LEFT])
def test_a_difference_takes_the_less_from_the_more(kind: GoalKind) -> None:
    async def use(stage: Stage) -> None:
        turn = await asked(stage, kind)
        (more, less) = (mention for _, _, mention in turn.mentions)
        column = {"accounts": "balance_cents", "transfers": "amount_cents"}
        values = [(await stage.row(one.table, one.value))[column[one.table]] for one in (more, less)]
        assert turn.goals[0].answer == {kind.what: values[0] - values[1]}
        assert values[0] > values[1]

    on_stage("bank", use)


def test_days_lie_between_two_columns_of_one_row() -> None:
    async def use(stage: Stage) -> None:
        turn = await asked(stage, AWAY)
        (mention,) = (mention for _, _, mention in turn.mentions)
        sql = "SELECT julianday(returns_on) - julianday(departs_on) FROM booking_board WHERE booking_id = :key"
        assert turn.goals[0].answer == {AWAY.what: (await stage.query(sql, {"key": mention.value}))[0][0]}

    on_stage("airline", use)


def test_nobody_adds_up_what_has_come_to_nothing() -> None:
    sent = GoalKind("bank", "list_transfers", "answer", f"{SUMS}sent")

    async def use(stage: Stage) -> set[str]:
        turn = await asked(stage, sent)
        return {(await stage.row("transfers", key))["status"] for key in turn.mentions[0][2].value}

    for seed in (3, 4, 5):
        assert on_stage("bank", use, seed=seed) <= {"sent", "scheduled", "awaiting_approval"}


def test_only_what_is_alike_is_compared() -> None:
    gap = GoalKind("bank", "find_purchases", "answer", f"{SUMS}purchase_gap")

    async def use(stage: Stage) -> set[str]:
        turn = await asked(stage, gap)
        return {(await stage.row("purchases", mention.value))["merchant"] for _, _, mention in turn.mentions}

    for seed in (3, 4, 5):
        assert len(on_stage("bank", use, seed=seed)) == 1


def test_an_answer_that_the_tables_contradict_is_refused() -> None:
    async def use(stage: Stage) -> None:
        turn = await asked(stage, SPENT)
        wrong = replace(turn.worked_out[0], value=turn.worked_out[0].value + 1)
        with pytest.raises(Drop, match="gate_G4"):
            await check_worked_out(stage, [wrong])

    on_stage("bank", use)


@pytest.mark.parametrize(
    ("twist", "value", "found"),
    [
        (Twist("half", None, "half of {}"), 5000, 2500),
        (Twist("double", None, "twice {}"), 5000, 10000),
        (Twist("days_later", 7, "a week after {}"), "2026-02-27", "2026-03-06"),
        (Twist("days_earlier", 1, "the day before {}"), "2026-03-01T08:00:00Z", "2026-02-28"),
    ],
)
def test_a_value_is_carried_on_with_a_twist(twist: Twist, value: object, found: object) -> None:
    origin = worked_out_of(Origin("earlier", step=0, place="x"), twist)
    assert origin.source == "derived"
    assert derived(origin, value) == found
