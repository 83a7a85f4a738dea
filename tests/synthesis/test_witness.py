"""Witnesses: starts from which a refusal can be met, made by deeds or by one value, and kept as rows."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random

from envfactory_client import Episode, Farm, replay
from synthesis.draft import DraftTurn
from synthesis.engine import Engine, Job
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.stage import Stage
from synthesis.view import View
from synthesis.witness import Scenario, due, witness

FULL = GoalKind("airline", "add_bags", "refuse", "bag_limit")


def stage_on(episode: Episode, engine: Engine, seed: int) -> Stage:
    card = {name: value for name, value in episode.persona.items() if isinstance(value, str | int)}
    return Stage(episode, engine.catalogues, "airline", Random(seed), card)


def test_a_refusal_that_no_row_leads_to_is_met_from_a_seeded_start() -> None:
    async def run() -> bool:
        async with Farm.embedded() as farm:
            engine = Engine(farm)
            await engine.survey("airline")

            async def opening(seed: int, rows: Scenario | None) -> Episode:
                return await farm.open("airline", seed=seed, scenarios=rows)

            for seed in range(6):
                async with await opening(seed, None) as episode:
                    stage = stage_on(episode, engine, seed)
                    await stage.begin()
                    before = (await episode.state()).digest
                    found = await witness(stage, FULL, partial(opening, seed))
                    assert (await episode.state()).digest == before
                if found is None or found.rows is None:
                    continue
                async with await opening(seed, found.rows) as seeded:
                    again = stage_on(seeded, engine, 0)
                    await again.begin()
                    assert (await seeded.state()).digest != before
                    turn = DraftTurn()
                    await ground(again, FULL, turn)
                    return turn.goals[0].code == "bag_limit"
        return False

    assert asyncio.run(run())


def test_only_a_refusal_that_the_data_lacks_is_due_and_only_where_it_can_be() -> None:
    unmet = frozenset({FULL})
    assert due(Random(1), 1.0, unmet, ("airline",)) == FULL
    assert due(Random(1), 1.0, unmet, ("bank",)) is None
    assert due(Random(1), 0.0, unmet, ("airline",)) is None
    assert due(Random(1), 1.0, frozenset(), ("airline",)) is None


def test_a_task_from_a_seeded_start_replays_from_the_rows_that_are_kept() -> None:
    async def run() -> None:
        async with Farm.embedded() as farm:
            engine = Engine(farm)
            for index in range(8):
                made = await engine.make(Job(3, index, index, "small", ("airline",), unmet=frozenset({FULL})), View())
                if made.job.rows is None or made.trajectory is None:
                    continue
                assert (await replay(made.trajectory, farm, made.job.rows)).ok
                assert not (await replay(made.trajectory, farm)).ok
                return
        raise Drop("no_witness", "none of the jobs was seeded")

    asyncio.run(run())
