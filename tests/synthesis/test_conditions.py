"""Conditions: acts that are done where something holds, and left where it doesn't."""

from __future__ import annotations

import pytest

from envfactory_client.logical_form import Field, Said
from synthesis.conditions import ground_if
from synthesis.draft import DraftTurn
from synthesis.goals import IF, OR, GoalKind
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


def writes(stage: Stage, turn: DraftTurn) -> list[str]:
    return [
        stage.draft.steps[at].tool
        for at in turn.steps
        if not stage.catalogue.tools[stage.draft.steps[at].tool].read_only
    ]


@pytest.mark.parametrize("tool", ["freeze_card", "cancel_transfer", "refund_fee"])
def test_an_act_is_done_where_its_condition_holds(tool: str) -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground_if(stage, GoalKind("bank", tool, "done", IF), turn)
        assert [goal.outcome for goal in turn.goals] == ["done"]
        assert writes(stage, turn) == [tool]
        assert await held(stage, turn)

    on_stage("bank", use)


@pytest.mark.parametrize("tool", ["freeze_card", "cancel_transfer", "refund_fee"])
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
        turn = DraftTurn()
        await ground_if(stage, GoalKind("bank", "freeze_card", "done", OR), turn)
        assert sorted(goal.outcome for goal in turn.goals) == ["done", "left"]
        (frozen,) = (
            stage.draft.steps[at].arguments["card_id"]
            for at in turn.steps
            if stage.draft.steps[at].tool == "freeze_card"
        )
        first, other = (mention.value for _, name, mention in turn.mentions if name in ("card_id", "other"))
        assert frozen == (first if await held(stage, turn) else other)
        assert turn.goals[0 if frozen == first else 1].outcome == "done"

    for seed in (3, 4):
        on_stage("bank", use, seed=seed)
