"""Conditions: acts that are done where something holds, and left where it doesn't."""

from __future__ import annotations

from random import Random

import pytest

from envfactory_client.logical_form import Field, Said
from synthesis.conditions import ends_in_its_act, ground_if
from synthesis.draft import Draft, DraftTurn
from synthesis.errors import Drop
from synthesis.goals import IF, OR, GoalKind, goal_kinds
from synthesis.limits import round_up
from synthesis.senses import TIMES
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

STANDS = {
    ">": lambda seen, said: seen > said,
    "<": lambda seen, said: seen < said,
    "=": lambda seen, said: seen == said,
}


async def held(stage: Stage, turn: DraftTurn) -> bool:
    """Whether the first condition of a turn holds in the tables as they were at its beginning."""
    intent = turn.intents[0]
    condition = intent.when or intent.unless
    assert condition is not None
    assert isinstance(condition.of, Field)
    assert isinstance(condition.value, Said)
    _, _, mention = turn.mentions[0]
    table, _, column = condition.of.column.partition(".")
    key = stage.catalogue.key(mention.table)
    sql = f"SELECT {column} FROM {table} WHERE {key} = :key"
    await stage.episode.reset()
    ((seen,),) = (await stage.episode.query(stage.environment, sql, {"key": mention.value})).rows
    return bool(STANDS[condition.op](seen, condition.value.value)) == (intent.when is not None)


async def grounded(stage: Stage, kind: GoalKind) -> DraftTurn:
    """Give a turn with a goal of this kind, by the first chance with which there is one."""
    for number in range(24):
        stage.rng, turn = Random(number), DraftTurn()
        try:
            await ground_if(stage, kind, turn)
        except Drop:
            continue
        return turn
    raise AssertionError(f"no chance gave {kind}")


def writes(stage: Stage, turn: DraftTurn) -> list[str]:
    return [
        stage.draft.steps[at].tool
        for at in turn.steps
        if not stage.catalogue.tools[stage.draft.steps[at].tool].read_only
    ]


@pytest.mark.parametrize("tool", ["replace_card", "cancel_transfer", "refund_fee"])
def test_an_act_is_done_where_its_condition_holds(tool: str) -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground_if(stage, GoalKind("bank", tool, "done", IF), turn)
        assert [goal.outcome for goal in turn.goals] == ["done"]
        assert writes(stage, turn) == [tool]
        assert await held(stage, turn)

    on_stage("bank", use)


@pytest.mark.parametrize("tool", ["replace_card", "cancel_transfer", "refund_fee"])
def test_an_act_is_left_where_it_does_not_hold_and_what_was_seen_is_told(tool: str) -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        before = (await stage.episode.state()).digest
        await ground_if(stage, GoalKind("bank", tool, "left"), turn)
        ((goal,), (_, _, mention)) = (turn.goals, turn.mentions[0])
        assert goal.outcome == "left"
        assert not writes(stage, turn)
        assert (await stage.episode.state()).digest == before
        ((column, value),) = goal.answer.items()
        assert (await stage.row(mention.table, mention.value))[column] == value
        assert not await held(stage, turn)

    on_stage("bank", use)


def test_one_of_two_rows_is_taken_as_the_condition_on_the_first_wants() -> None:
    async def use(stage: Stage) -> None:
        turn = await grounded(stage, GoalKind("airline", "hold_flight", "done", OR))
        assert sorted(goal.outcome for goal in turn.goals) == ["done", "left"]
        (booked,) = (
            stage.draft.steps[at].arguments["flight_id"]
            for at in turn.steps
            if stage.draft.steps[at].tool == "hold_flight"
        )
        first, other = (mention.value for _, name, mention in turn.mentions if name in ("flight_id", "other"))
        turn.mentions.sort(key=lambda found: found[1] != "flight_id")
        assert booked == (first if await held(stage, turn) else other)
        assert turn.goals[0 if booked == first else 1].outcome == "done"

    for seed in (3, 4):
        on_stage("airline", use, seed=seed)


def test_a_condition_is_put_in_the_sense_in_which_the_act_is_wanted() -> None:
    async def use(stage: Stage) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        start = await stage.episode.snapshot()
        for number in range(12):
            stage.rng = Random(number)
            turn = DraftTurn()
            await ground_if(stage, GoalKind("bank", "refund_fee", "done", IF), turn)
            await stage.episode.restore(start)
            stage.draft = Draft()
            await stage.begin()
            (intent,) = turn.intents
            assert intent.when is None or (intent.when.op, last_part(intent.when.of)) == (">", "amount_cents")
            assert intent.unless is None or (intent.unless.op, last_part(intent.unless.of)) == ("<", "amount_cents")
            found.add(("when", "") if intent.when else ("", "unless"))
        return found

    assert len(on_stage("bank", use)) == 2


def last_part(term: object) -> str:
    assert isinstance(term, Field)
    return term.column.rpartition(".")[2]


def test_no_condition_is_put_where_nobody_has_a_reason_for_one() -> None:
    async def use(stage: Stage) -> set[GoalKind]:
        return set(goal_kinds(stage.catalogue))

    bank = on_stage("bank", use)
    assert GoalKind("bank", "refund_fee", "left") in bank
    assert GoalKind("bank", "freeze_card", "left") not in bank
    assert GoalKind("bank", "refund_fee", "done", OR) not in bank, "nobody has a fee waived in place of another one"
    assert GoalKind("bank", "send_transfer", "done", OR) in bank


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{goal} {flight_id}, {fare_type}", True),
        ("I don't need {row}, so please {goal} it", True),
        ("{row} has to go", True),
        ("{goal} {row}, the rest can stay", False),
        ("{goal} {row}; the others stay", False),
        ("{goal} {row} because I'm away", False),
    ],
)
def test_a_condition_stands_behind_the_act_and_nothing_that_is_added_to_it(template: str, found: bool) -> None:
    assert ends_in_its_act(template) is found


def test_who_turns_to_another_room_stays_in_the_same_office() -> None:
    async def use(stage: Stage) -> list[str]:
        turn = await grounded(stage, GoalKind("schedule", "book_room", "done", OR))
        rooms = [mention.value for _, name, mention in turn.mentions if name in ("room_id", "other")]
        return [str((await stage.row("rooms", room))["city"]) for room in rooms]

    for seed in (3, 4):
        first, other = on_stage("schedule", use, seed=seed)
        assert first == other


def test_an_account_is_to_hold_some_times_what_is_sent_from_it() -> None:
    async def use(stage: Stage) -> None:
        turn = await grounded(stage, GoalKind("bank", "send_transfer", "done", OR))
        amount = next(
            stage.draft.steps[at].arguments["amount_cents"]
            for at in turn.steps
            if stage.draft.steps[at].tool == "send_transfer"
        )
        condition = turn.intents[0].when
        assert condition is not None
        assert isinstance(condition.value, Said)
        assert condition.value.value in [round_up(amount * times) for times in TIMES]

    on_stage("bank", use)


def test_no_condition_is_put_on_what_the_user_was_told() -> None:
    async def use(stage: Stage) -> None:
        fees = await stage.keys("fees", None)
        stage.draft.known |= {("bank", "fees", fee): frozenset({"amount_cents"}) for fee in fees}
        await ground_if(stage, GoalKind("bank", "refund_fee", "done", IF), DraftTurn())

    with pytest.raises(Drop, match="no_condition"):
        on_stage("bank", use)


def test_the_other_account_is_said_with_the_preposition_of_the_first() -> None:
    async def use(stage: Stage) -> None:
        found = list[str]()
        for number in range(40):
            stage.rng, turn, before = Random(number), DraftTurn(), stage.draft.copy()
            try:
                await ground_if(stage, GoalKind("bank", "send_transfer", "done", OR), turn)
            except Drop:
                continue
            finally:
                stage.draft = before
                await stage.episode.reset()
            found.append(turn.clauses[0].template)
        assert found
        for template in found:
            before_first = template.partition(" {account_id}")[0].rpartition(" ")[2]
            before_other = template.partition(" {other}")[0].rpartition(" ")[2]
            assert before_other == before_first

    on_stage("bank", use)


def test_no_condition_stands_behind_an_afterthought() -> None:
    async def use(stage: Stage) -> None:
        ends = set[str]()
        for number in range(30):
            stage.rng, turn, before = Random(number), DraftTurn(), stage.draft.copy()
            try:
                await ground_if(stage, GoalKind("schedule", "cancel_occurrence", "done", IF), turn)
            except Drop:
                continue
            finally:
                stage.draft = before
                await stage.episode.reset()
            ends.add(turn.clauses[0].template.partition("{condition}")[0])
        assert len(ends) > 1
        assert not any(word in end for end in ends for word in ("the rest", "the others", "nothing else", "the other"))

    on_stage("schedule", use)
