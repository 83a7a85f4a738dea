"""Runs: what they write is true, the same every time, and survives a stop."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envfactory_client import Episode, Reference, Trajectory, replay
from synthesis.errors import RunError
from synthesis.folder import RunFolder
from tests.synthesis.conftest import SETTINGS, Run, library_farm, run_library


def test_every_trajectory_replays_from_its_seed_and_from_its_rows(library_run: Run) -> None:
    async def check() -> None:
        async with library_farm() as farm:
            for trajectory in library_run.trajectories:
                found = await replay(trajectory, farm, library_run.folder / "scenarios")
                assert found.ok, found.mismatches

    asyncio.run(check())


def test_every_argument_has_a_true_origin(library_run: Run) -> None:
    for trajectory in library_run.trajectories:
        steps = trajectory.steps
        classified = {(entry.step, entry.argument.partition("[")[0]) for entry in trajectory.ledger}
        assert classified == {(place, name) for place, step in enumerate(steps) for name in step.arguments}
        for entry in trajectory.ledger:
            if entry.source in ("explicit", "asked"):
                assert entry.origin["text"] in trajectory.turns[entry.origin["turn"]].user
                assert entry.origin["turn"] <= entry.turn
            else:
                assert entry.origin["step"] < entry.step
                assert (
                    at(steps[entry.origin["step"]].result, entry.origin["path"])
                    == steps[entry.step].arguments[entry.argument]
                )


def at(result: Any, path: str) -> Any:
    """Give what stands at a path such as "loans[2].loan_id"."""
    for part in re.findall(r"[^.\[\]]+", path):
        result = result[int(part)] if part.isdigit() else result[part]
    return result


def test_every_reference_means_one_row_when_it_is_spoken_and_when_it_is_used(library_run: Run) -> None:
    async def check() -> int:
        checked = 0
        async with library_farm() as farm:
            for trajectory in library_run.trajectories:
                async with await farm.open("library", seed=trajectory.world.seed) as episode:
                    checked += await proved(trajectory, episode)
        return checked

    assert asyncio.run(check()) > 20


async def proved(trajectory: Trajectory, episode: Episode) -> int:
    """Ask every reference's query at the beginning of its turn and just before its call."""
    place = checked = 0
    for number, turn in enumerate(trajectory.turns):
        for reference in (one for one in trajectory.references if one.turn == number and one.kind != "anaphora"):
            await denotes(reference, episode)
            checked += 1
        for step in turn.steps:
            for reference in trajectory.references:
                used = reference.argument is not None and reference.argument.step == place
                if used and reference.kind != "anaphora":
                    await denotes(reference, episode)
            await episode.call(step.environment, step.tool, **step.arguments)
            place += 1
    return checked


async def denotes(reference: Reference, episode: Episode) -> None:
    found = await episode.query("library", reference.sql, dict(reference.parameters))
    meant = reference.value if reference.kind == "set" else [reference.value]
    assert sorted(row[0] for row in found.rows) == sorted(meant), reference


def test_no_message_gives_an_id_away(library_run: Run) -> None:
    for trajectory in library_run.trajectories:
        for turn in trajectory.turns:
            assert not re.search(r"\b[BLM][0-9]{4,6}\b", turn.user), turn.user


def test_goals_end_as_they_say(library_run: Run) -> None:
    outcomes = set()
    for trajectory in library_run.trajectories:
        for turn in trajectory.turns:
            for goal in turn.goals:
                outcomes.add(goal.outcome)
                if goal.outcome == "refuse":
                    assert [step.refusal for step in turn.steps if f"library.{step.tool}" == goal.tool] == [goal.code]
    assert {"done", "answer"} <= outcomes


def test_writes_are_never_idle(library_run: Run) -> None:
    for trajectory in library_run.trajectories:
        writes = {"borrow_book", "return_book", "pay_fine"}
        states = [step.state for step in trajectory.steps if step.tool in writes and not step.is_error]
        assert len(states) == len(set(states))


def test_equal_seeds_give_equal_bytes(library_run: Run, tmp_path: Path) -> None:
    again = run_library(tmp_path / "again", 16)
    assert again.bytes == library_run.bytes


def test_other_seeds_give_other_words(library_run: Run, tmp_path: Path) -> None:
    other = run_library(tmp_path / "other", 4, replace(SETTINGS, seed=6))
    mine = {turn.user for trajectory in library_run.trajectories for turn in trajectory.turns}
    assert not mine >= {turn.user for trajectory in other.trajectories for turn in trajectory.turns}


@pytest.mark.parametrize("cut", [0, 1, 200])
def test_a_stopped_run_goes_on_to_the_same_bytes(library_run: Run, tmp_path: Path, cut: int) -> None:
    stopped = run_library(tmp_path / "stopped", 7)
    data = stopped.folder / "trajectories.jsonl"
    data.write_bytes(data.read_bytes()[: -cut or None])
    resumed = run_library(stopped.folder, 16, resume=True)
    assert resumed.bytes == library_run.bytes


def test_a_torn_line_of_either_file_is_mended(library_run: Run, tmp_path: Path) -> None:
    stopped = run_library(tmp_path / "stopped", 7)
    jobs = stopped.folder / "drops.jsonl"
    lines = jobs.read_bytes().splitlines(keepends=True)
    data = stopped.folder / "trajectories.jsonl"
    data.write_bytes(b"".join(data.read_bytes().splitlines(keepends=True)[:-1]))
    jobs.write_bytes(b"".join(lines[:-1]) + lines[-1][:9])
    assert run_library(stopped.folder, 16, resume=True).bytes == library_run.bytes


def test_a_resume_takes_away_the_summaries_that_will_no_longer_be_true(tmp_path: Path) -> None:
    stopped = run_library(tmp_path / "stopped", 2)
    assert {"report.json", "screens.json"} <= stopped.bytes.keys()
    RunFolder(stopped.folder).resume(SETTINGS)
    assert not {"report.json", "screens.json"} & stopped.bytes.keys()


def test_a_full_folder_is_left_alone(library_run: Run) -> None:
    before = library_run.bytes
    with pytest.raises(RunError, match="add --resume to go on"):
        RunFolder(library_run.folder).begin(SETTINGS)
    assert library_run.bytes == before


def test_other_settings_do_not_resume(library_run: Run) -> None:
    with pytest.raises(RunError, match="was begun with seed=5, not 6"):
        RunFolder(library_run.folder).resume(replace(SETTINGS, seed=6))


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run to resume"):
        RunFolder(tmp_path).resume(SETTINGS)


def test_a_corrupt_line_stops_the_resume_and_stays(tmp_path: Path) -> None:
    run = run_library(tmp_path / "run", 3)
    data = run.folder / "trajectories.jsonl"
    lines = data.read_bytes().splitlines(keepends=True)
    data.write_bytes(lines[0] + b"{}\n" + lines[2])
    before = run.bytes
    with pytest.raises(Exception, match="line 2, is not a trajectory"):
        RunFolder(run.folder).resume(SETTINGS)
    assert run.bytes == before


def test_the_report_counts_what_is_there(library_run: Run) -> None:
    report = json.loads((library_run.folder / "report.json").read_text(encoding="utf-8"))
    assert report["kept"] == 16
    assert sum(report["calls"].values()) == 16
    for covered in report["coverage"].values():
        assert 0 < covered["covered"] == covered["of"] - len(covered["missing"])
    assert set(report["arguments"]) <= {"asked", "earlier", "explicit"}
