"""Reasons: one is given only where it fits what is asked for, and where what it speaks of has been named."""

from __future__ import annotations

from contextlib import suppress
from random import Random

from synthesis.choose import PLACEHOLDER
from synthesis.draft import Clause, DraftTurn
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.language.request import leads_up
from synthesis.phrases import Reason
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

DRAWS = 60


async def given(stage: Stage, kind: GoalKind) -> list[tuple[str, DraftTurn]]:
    """Give the reasons that come with one goal, drawn many times from the same start, with their turns."""
    found: list[tuple[str, DraftTurn]] = []
    start, before = await stage.episode.snapshot(), stage.draft.copy()
    for seed in range(DRAWS):
        stage.rng, turn = Random(seed), DraftTurn()
        with suppress(Drop):
            await ground(stage, kind, turn)
        if turn.reason:
            found.append((turn.reason, turn))
        await stage.episode.restore(start)
        stage.draft = before.copy()
    return found


def request_of(turn: DraftTurn) -> Clause:
    """Give a turn's request, as it is said before the assistant asks anything."""
    return turn.withheld or turn.clauses[0]


def test_money_is_put_aside_only_on_savings() -> None:
    async def use(stage: Stage) -> None:
        kinds = {str(row[0]): row[1] for row in await stage.query("SELECT account_id, kind FROM accounts")}
        met = set()
        for reason, turn in await given(stage, GoalKind("bank", "move_money", "done")):
            met.add(reason)
            (account,) = (mention.value for _, name, mention in turn.mentions if name == "to_account_id")
            assert kinds[account] == "savings" or "saving" not in reason
            assert kinds[account] == "checking" or "bill" not in reason
        assert len(met) > 3

    on_stage("bank", use)


def test_a_reason_speaks_of_nothing_that_is_not_named_yet() -> None:
    async def use(stage: Stage) -> None:
        declared = {one.say: one for one in stage.catalogue.said("select_seat").reasons if isinstance(one, Reason)}
        met = 0
        for reason, turn in await given(stage, GoalKind("airline", "select_seat", "done")):
            if reason in declared:
                met += 1
                assert set(declared[reason].needs) <= set(PLACEHOLDER.findall(request_of(turn).template))
        assert met

    on_stage("airline", use)


def test_a_request_that_tells_why_has_no_other_reason() -> None:
    async def use(stage: Stage) -> None:
        found = await given(stage, GoalKind("schedule", "set_reminder", "done"))
        assert found
        assert not any(leads_up(request_of(turn).template) for _, turn in found)

    on_stage("schedule", use)
