"""What is lacking: no tool makes the change that a wish would take, and the solver finds that out by itself."""

from __future__ import annotations

import pytest

from synthesis.draft import DraftTurn
from synthesis.goals import NO_TOOL, GoalKind
from synthesis.lacking import ground_lacking, makers
from synthesis.solver import Outcome, Solver, Toolbox
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

LIMIT = GoalKind("bank", "limit_card", "refuse", NO_TOOL)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("update cards.status", {"bank.freeze_card", "bank.unfreeze_card", "bank.replace_card", "bank.open_dispute"}),
        ("insert disputes", {"bank.open_dispute"}),
        ("update cards.limit_cents", set()),
        ("delete payees", set()),
    ],
)
def test_the_tools_that_make_a_change_are_found_by_their_contracts(change: str, found: set[str]) -> None:
    async def use(stage: Stage) -> None:
        assert set(makers(stage.catalogue.tools.values(), change)) == found

    on_stage("bank", use)


def test_a_wish_that_no_tool_meets_changes_nothing_and_is_declined_by_the_solver() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground_lacking(stage, LIMIT, turn)
        ((goal,), (intent,)) = turn.goals, turn.intents
        assert (goal.outcome, goal.code) == ("refuse", NO_TOOL)
        assert all(stage.catalogue.tools[stage.draft.steps[place].tool].read_only for place in turn.steps)
        solver = Solver(stage.episode, Toolbox(await stage.episode.agent.tools("bank")))
        facts = {fact: stage.card[fact] for fact in turn.facts}
        assert await solver.hear([intent], facts) == (Outcome("refuse", NO_TOOL),)
        met = intent.model_copy(update={"change": "update bank.cards.status"})
        assert (await solver.hear([met], facts))[0].kind == "stuck"

    on_stage("bank", use)
