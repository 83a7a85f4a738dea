"""Joint limits: two rows under one total, of which the second is the utmost that the first leaves room for."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from envfactory_client.logical_form import Derived, Field, Row, Said
from synthesis.draft import Draft, DraftTurn
from synthesis.errors import Drop
from synthesis.gates.denotation import denoted
from synthesis.goals import TOGETHER, GoalKind, goal_kinds
from synthesis.joint import binding, column_of, ground_joint
from synthesis.references import Extreme
from synthesis.solver import Outcome, Solver, Toolbox
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

TOOLS = [("bank", "cancel_transfer"), ("schedule", "cancel_occurrence")]


async def grounded(stage: Stage, kind: GoalKind, seed: int) -> DraftTurn:
    stage.rng, stage.draft = Random(seed), Draft()
    await stage.begin()
    turn = DraftTurn()
    await ground_joint(stage, kind, turn)
    return turn


def second_row(turn: DraftTurn) -> Row:
    name = turn.mentions[1][1]
    term = turn.intents[1].terms[name]
    assert isinstance(term, Row)
    return term


def limit_of(row: Row) -> int:
    """Give the limit that is said of both rows."""
    (room,) = (part.value for part in row.properties if isinstance(part.value, Derived))
    assert room.op == "difference"
    limit, taken = room.of
    assert isinstance(limit, Said)
    assert isinstance(taken, Field)
    return int(limit.value)


async def figures(stage: Stage, turn: DraftTurn, column: str) -> list[int]:
    """Give what each row comes to, read off the tables."""
    return [int((await stage.row(mention.table, mention.value))[column]) for _, _, mention in turn.mentions]


@pytest.mark.parametrize(("environment", "tool"), TOOLS)
def test_both_rows_keep_to_the_total_and_without_it_another_would_be_taken(environment: str, tool: str) -> None:
    async def use(stage: Stage) -> None:
        kind = GoalKind(environment, tool, "done", TOGETHER)
        assert kind in goal_kinds(stage.catalogue)
        for seed in range(4):
            async with stage.episode.trial():
                turn = await grounded(stage, kind, seed)
            stage.draft.locals = dict(stage.draft.starts)
            one, two = (mention.value for _, _, mention in turn.mentions)
            row, column = second_row(turn), column_of(stage, kind)
            assert sum(await figures(stage, turn, column)) <= limit_of(row)
            assert await denoted(stage, row, {}) == [two] != [one]
            free = tuple(part for part in row.properties if not isinstance(part.value, Derived))
            assert await denoted(stage, row.model_copy(update={"properties": free}), {}) != [two]
            made = [(step.tool, two in step.arguments.values()) for step in stage.draft.steps]
            assert made[-2:] == [(tool, False), (tool, True)]
            assert [goal.outcome for goal in turn.goals] == ["done", "done"]

    on_stage(environment, use)


@pytest.mark.parametrize(("environment", "tool"), TOOLS)
def test_the_blind_solver_takes_the_same_rows_from_the_logical_form_alone(environment: str, tool: str) -> None:
    async def use(stage: Stage) -> None:
        kind = GoalKind(environment, tool, "done", TOGETHER)
        for seed in range(3):
            async with stage.episode.trial():
                turn = await grounded(stage, kind, seed)
                planned = (await stage.episode.state()).digest
            async with stage.episode.trial():
                solver = Solver(stage.episode, Toolbox(await stage.episode.agent.tools(environment)))
                facts = {name: stage.card[name] for name in ("name", "email")}
                assert await solver.hear(turn.intents, facts) == (Outcome("done"), Outcome("done"))
                assert (await stage.episode.state()).digest == planned

    on_stage(environment, use)


def test_the_request_says_both_rows_and_the_limit() -> None:
    async def use(stage: Stage) -> None:
        turn = await grounded(stage, GoalKind("bank", "cancel_transfer", "done", TOGETHER), 2)
        (clause,) = turn.clauses
        first, second = (mention.text for _, _, mention in turn.mentions)
        limit = clause.parts["limit"].ways[0]
        assert all(words in clause.text for words in (first, second, limit))
        assert " other " in second
        assert limit == f"${limit_of(second_row(turn)) // 100:,}"

    on_stage("bank", use)


def test_a_request_that_cannot_be_said_leaves_everything_as_it_was() -> None:
    async def use(stage: Stage) -> None:
        phrases = stage.catalogue.phrases
        silent = phrases.tool["cancel_transfer"].model_copy(update={"done": ()})
        mended = phrases.model_copy(update={"tool": {**phrases.tool, "cancel_transfer": silent}})
        there = replace(stage, catalogues={"bank": replace(stage.catalogue, phrases=mended)})
        turn, before = DraftTurn(), (await stage.episode.state()).digest
        with pytest.raises(Drop, match="no_reply"):
            await ground_joint(there, GoalKind("bank", "cancel_transfer", "done", TOGETHER), turn)
        assert (await stage.episode.state()).digest == stage.state == before
        assert turn == DraftTurn()
        assert not stage.draft.steps

    on_stage("bank", use)


def test_tools_without_words_for_a_total_have_no_such_goal() -> None:
    async def use(stage: Stage) -> None:
        kinds = {kind.tool for kind in goal_kinds(stage.catalogue) if kind.manner == TOGETHER}
        assert kinds == {"cancel_transfer"}
        with pytest.raises(Drop, match="no_total"):
            await grounded(stage, GoalKind("bank", "freeze_card", "done", TOGETHER), 1)

    on_stage("bank", use)


MOST, LEAST = Extreme("cents", "max", "biggest"), Extreme("cents", "min", "smallest")
Record = dict[str, Any]


@pytest.mark.parametrize(
    ("rivals", "record", "best", "between"),
    [
        ([{"cents": 900}, {"cents": 700}, {"cents": 20}], {"cents": 300}, MOST, (300, 700)),
        ([{"cents": 200}], {"cents": 300}, MOST, None),
        ([], {"cents": 300}, MOST, None),
        ([{"cents": 300}], {"cents": 300}, MOST, (300, 300)),
        ([{"cents": 100}], {"cents": 300}, LEAST, (300, 100)),
        ([{"cents": None}, {"cents": 500}], {"cents": 300}, MOST, (300, 500)),
        ([{"cents": 500}], {"cents": None}, MOST, None),
    ],
)
def test_a_limit_binds_only_where_rows_come_before_the_one_that_is_meant(
    rivals: list[Record], record: Record, best: Extreme, between: tuple[int, int] | None
) -> None:
    assert binding(rivals, record, best, "cents") == between


def test_a_row_before_it_whose_figure_is_unknown_leaves_no_limit() -> None:
    rivals = [{"day": 3, "cents": None}]
    assert binding(rivals, {"day": 2, "cents": 300}, Extreme("day", "max", "latest"), "cents") is None
