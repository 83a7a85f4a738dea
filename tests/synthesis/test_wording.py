"""Wording: the assistant tells what came of a goal in sentences, and uses what it was told when it has to ask."""

from __future__ import annotations

from random import Random

import pytest

from synthesis.draft import DraftTurn, Split
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.phrases import ToolPhrases
from synthesis.stage import Stage
from synthesis.wording import which_one
from tests.synthesis.conftest import on_stage

ACCOUNTS = ("from_account_id", "to_account_id")


def asked(text: str, noun: str) -> set[str]:
    return {which_one(Split(text, "the other one", noun, 4, "x"), Random(seed)) for seed in range(40)}


@pytest.mark.parametrize(
    ("text", "noun", "told"),
    [
        ("my appointment", "appointment", "appointments"),
        ('my event "Hiring panel"', "event", 'events called "Hiring panel"'),
        ("my card that is frozen", "card", "cards that are frozen"),
        ("my ticket in my name", "ticket", "tickets in your name"),
        ("my flight on my trip that starts on 8 August", "flight", "flights on your trip that starts on 8 August"),
    ],
)
def test_which_one_is_asked_with_what_was_said(text: str, noun: str, told: str) -> None:
    found = asked(text, noun)
    assert len(found) > 5
    assert all(f"4 {told}" in one or f"four {told}" in one for one in found)


def answered(stage: Stage, kind: GoalKind, turn: DraftTurn) -> str:
    (answer,) = turn.answers
    phrases: ToolPhrases = stage.catalogue.said(kind.tool)
    assert not any(field in answer for field in (*phrases.words, *phrases.nothing))
    return answer


def test_a_value_is_told_in_its_words() -> None:
    async def use(stage: Stage) -> None:
        kind, turn = GoalKind("schedule", "answer_invitation", "done"), DraftTurn()
        await ground(stage, kind, turn)
        answer = stage.draft.steps[turn.steps[-1]].result["answer"]
        words = stage.catalogue.said(kind.tool).words["answer"]
        assert words[answer] in answered(stage, kind, turn)

    on_stage("schedule", use)


def test_nothing_is_told_in_a_sentence_of_its_own() -> None:
    async def use(stage: Stage) -> None:
        kind, minutes = GoalKind("schedule", "get_free_busy", "answer", "busy_minutes"), set()
        for seed in range(60):
            stage.rng, turn, before = Random(seed), DraftTurn(), stage.draft.copy()
            await ground(stage, kind, turn)
            value = (turn.goals[0].answer or {})["busy_minutes"]
            minutes.add(value == 0)
            free = stage.catalogue.said(kind.tool).nothing["busy_minutes"]
            assert (answered(stage, kind, turn) in free) is (value == 0)
            stage.draft = before
        assert minutes == {True, False}

    on_stage("schedule", use)


def test_what_was_changed_is_told_by_what_a_look_up_has_shown() -> None:
    async def use(stage: Stage) -> None:
        kind, told = GoalKind("bank", "move_money", "done"), set[str]()
        for seed in range(12):
            stage.rng, turn, before = Random(seed), DraftTurn(), stage.draft.copy()
            await ground(stage, kind, turn)
            step = stage.draft.steps[turn.steps[-1]]
            names = {(await stage.row("accounts", step.arguments[one]))["name"] for one in ACCOUNTS}
            assert any(name in turn.answers[0] for name in names)
            told.update(name for name in names if name in turn.answers[0])
            stage.draft = before
            await stage.episode.reset()
        assert len(told) > 1

    on_stage("bank", use)
