"""Starting rows: packed from rows or from the text of each environment's, they are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import envfactory_client as ef
from envfactory_client.starting import StartingRows
from envfactory_client.trajectory import canonical_json
from tests.envfactory_client.test_trajectory import record

SCENARIO: dict[str, ef.Rows] = {
    "mail": {"letters": [{"id": 2, "to": "Zoë"}]},
    'an "odd" name': {},
    "bank": {"accounts": [{"b": 1, "a": None}]},
}


def test_rows_joined_from_texts_are_the_rows_packed_as_a_whole() -> None:
    texts = {name: canonical_json(tables) for name, tables in SCENARIO.items()}
    assert StartingRows.joined(texts) == StartingRows.of(SCENARIO)


def test_packed_rows_are_kept_under_the_digest_of_the_rows(tmp_path: Path) -> None:
    dataset = ef.Dataset(tmp_path / "t.jsonl")
    name = dataset.put_scenario(StartingRows.of(SCENARIO))
    assert name == ef.scenario_digest(SCENARIO)
    assert ef.load_scenario(dataset.scenarios, name) == SCENARIO


@pytest.mark.anyio
async def test_a_trajectory_names_rows_the_same_however_they_are_given(embedded_farm: ef.Farm) -> None:
    scenario = await embedded_farm.scenario("library", seed=7)
    found = []
    for rows in (scenario, StartingRows.of(scenario)):
        async with await embedded_farm.open("library", seed=7) as episode:
            found.append(await record(episode, scenario=rows))
    assert found[0] == found[1]
    assert found[0].world.scenario == ef.scenario_digest(scenario)
