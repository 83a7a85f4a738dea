"""The hidden rate: how it is aimed at, and that a run's data comes near it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from synthesis.draft import Draft, DraftStep, Origin
from synthesis.errors import Drop
from synthesis.hidden import Aim, Count, of_draft
from synthesis.language.novelty import Recent
from synthesis.planning import plan
from synthesis.stage import Stage
from tests.synthesis.conftest import Run, on_stage

SAID, FOUND = Origin("explicit", text="x"), Origin("earlier", step=0, place="x")


def step(**origins: Origin) -> DraftStep:
    """Give a call with these origins of its arguments."""
    arguments = {name.partition("_")[0]: "x" for name in origins}
    return DraftStep("library", "tool", arguments, origins, None, "", None, "", "")


def test_arguments_from_earlier_results_are_hidden() -> None:
    assert of_draft(Draft(steps=[step(a=SAID, b=FOUND), step(c=FOUND)])) == Count(3, 2)


def test_what_the_user_does_alone_is_not_counted() -> None:
    assert of_draft(Draft(steps=[replace(step(a=SAID), actor="user")])) == Count()


@pytest.mark.parametrize(("target", "reached", "leans"), [(0.7, 0.5, 1), (0.4, 0.6, -1)])
def test_a_shortfall_leans_the_next_round(target: float, reached: float, leans: int) -> None:
    off = Aim(target, Count(1000, int(1000 * reached)))
    there = Aim(target, Count(1000, int(1000 * target)))
    assert (off.lean - there.lean) * leans >= 0
    assert off.lean * leans > 0.5


def test_leaning_moves_choices_and_stays_within_bounds() -> None:
    for target in (0.3, 0.5, 0.55, 0.8):
        for reached in (0.2, 0.5, 0.9):
            aim = Aim(target, Count(1000, int(1000 * reached)))
            assert -1 <= aim.lean <= 1
            assert 0 <= aim.hiding(0.4) <= 1
            assert 0 <= aim.saying(0.4) <= 1
    assert Aim(0.8).hiding(0.4) > Aim(0.3).hiding(0.4)
    assert Aim(0.8).saying(0.4) < Aim(0.3).saying(0.4)


def test_drafts_that_lead_away_from_the_target_are_not_taken() -> None:
    hiding, saying = Draft(steps=[step(a=FOUND)]), Draft(steps=[step(a=SAID)])
    low = Aim(0.55, Count(1000, 500))
    assert low.takes(hiding)
    assert not low.takes(saying)
    high = Aim(0.55, Count(1000, 600))
    assert high.takes(saying)
    assert not high.takes(hiding)


def test_any_draft_is_taken_while_the_data_is_on_its_target() -> None:
    hiding, saying = Draft(steps=[step(a=FOUND)]), Draft(steps=[step(a=SAID)])
    there = Aim(0.55, Count(1000, 545))
    assert there.takes(hiding)
    assert there.takes(saying)


def test_a_run_tells_its_hidden_rate(library_run: Run) -> None:
    report = json.loads((library_run.folder / "report.json").read_text())
    assert 0.3 < report["hidden"] < 0.9


def test_a_draft_leaves_its_last_goal_out_where_that_leads_away_from_the_target() -> None:
    """Whatever was written for that goal is taken back with it."""
    aim = Aim(0.55, Count(1000, 580))

    async def drawn(stage: Stage, seed: int) -> bool:
        own = replace(stage, rng=Random(seed), draft=Draft(), aim=aim, strict=True)
        async with own.episode.trial():
            try:
                planned = await plan(own, Counter(), Recent())
            except Drop:
                return False
            assert aim.takes(planned.draft)
            assert planned.draft.steps[-1].state == (await own.episode.state()).digest
            return any(drop.endswith("hidden_rate") for drop in planned.drops)

    async def use(stage: Stage) -> None:
        assert any([await drawn(stage, seed) for seed in range(24)])

    on_stage("airline", use)
