"""`envfactory score` judges logs of calls, whatever form they are in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import envfactory_client as ef
from envfactory_client.cli import app
from envfactory_client.score.logs import read_log

Score = Callable[..., Result]


@pytest.fixture
def tasks(task: ef.Trajectory, tmp_path: Path) -> Path:
    """A dataset of the one task."""
    fields = json.loads(task.to_line())
    dataset = ef.Dataset(tmp_path / "tasks.jsonl")
    dataset.append(ef.Trajectory.model_validate({**fields, "id": ""}))
    return dataset.path


@pytest.fixture
def score(farm_url: str, token: str, tasks: Path) -> Score:
    """Run the command against the farm."""
    variables = {"ENVFACTORY_FARM": farm_url, "ENVFACTORY_TOKEN": token, "COLUMNS": "200"}

    def command(*words: str | Path) -> Result:
        return CliRunner().invoke(app, ["score", str(tasks), *map(str, words)], env=variables)

    return command


def _plain(call: ef.LoggedCall) -> dict[str, Any]:
    return {"tool": call.full_name, "arguments": dict(call.arguments)}


def _whole(task: ef.Trajectory, perfect: ef.Attempt, **more: Any) -> dict[str, Any]:
    turns = [
        {"user": turn.user, "calls": [_plain(call) for call in turn.calls], "assistant": turn.assistant}
        for turn in perfect.turns
    ]
    return {"task": task.id, "turns": turns, **more}


def _written(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _id(tasks: Path) -> str:
    return ef.Dataset(tasks).line(1).id


def test_attempts_are_scored_by_what_their_calls_do(
    score: Score, tasks: Path, task: ef.Trajectory, perfect: ef.Attempt, tmp_path: Path
) -> None:
    whole = {**_whole(task, perfect, attempt="good"), "task": _id(tasks)}
    idle = {**whole, "attempt": "idle", "turns": [{**turn, "calls": []} for turn in whole["turns"]]}
    done = score(_written(tmp_path / "log.jsonl", whole, idle), "--json")
    assert done.exit_code == 0, done.stderr
    got = json.loads(done.stdout)
    assert [(one["attempt"], one["reward"]) for one in got["attempts"]] == [("good", 1.0), ("idle", 0.0)]
    assert got["mean"] == 0.5
    shown = score(tmp_path / "log.jsonl").stdout
    assert "2 attempts, mean reward 0.500." in shown
    assert "1 of 1 changes are missing" in shown


def test_a_log_may_tell_line_by_line(score: Score, tasks: Path, perfect: ef.Attempt, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    for turn in perfect.turns:
        lines.append({"user": turn.user})
        lines += [{"call": {**_plain(call), "arguments": json.dumps(dict(call.arguments))}} for call in turn.calls]
        lines.append({"assistant": turn.assistant})
    log = _written(tmp_path / "log.jsonl", *({"task": _id(tasks), **line} for line in lines))
    done = score(log, "--json")
    assert json.loads(done.stdout)["mean"] == 1.0


def test_a_dataset_is_a_log_of_its_own_plans(score: Score, tasks: Path) -> None:
    assert json.loads(score(tasks, "--json").stdout)["mean"] == 1.0
    assert json.loads(score(tasks, "--as-claimed", "--json").stdout)["mean"] == 1.0


def test_a_call_of_respond_ends_a_turn(tasks: Path, perfect: ef.Attempt, tmp_path: Path) -> None:
    respond = {"tool": "respond", "arguments": {"outcome": "refuse", "code": "no_copies"}}
    whole = {"task": "t", "turns": [{"calls": [respond], "assistant": "No."}]}
    told: list[dict[str, Any]] = [
        {"task": "u", "call": {**respond, "arguments": json.dumps(respond["arguments"])}},
        {"task": "u", "assistant": "No."},
    ]
    first, second = read_log(_written(tmp_path / "log.jsonl", whole, *told))
    for logged in (first, second):
        (turn,) = logged.attempt.turns
        assert turn.response == ef.Response(outcome="refuse", code="no_copies")
        assert not turn.calls
        assert turn.assistant == "No."


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"task": "unknown", "assistant": "Hi."}, "has no task 'unknown'"),
        ({"assistant": "Hi."}, "'task' is missing"),
        ({"task": "t", "turns": [{"calls": [{"tool": "a.b", "arguments": 3}]}]}, "line 1, tells of no attempt"),
    ],
)
def test_a_log_that_fits_no_task_is_told_in_one_sentence(
    score: Score, tmp_path: Path, line: dict[str, Any], said: str
) -> None:
    done = score(_written(tmp_path / "log.jsonl", line))
    assert done.exit_code == 1
    assert said in done.stderr


def test_claims_are_believed_only_when_asked_and_when_there_are_any(
    score: Score, tasks: Path, task: ef.Trajectory, perfect: ef.Attempt, tmp_path: Path
) -> None:
    whole = {**_whole(task, perfect), "task": _id(tasks)}
    done = score(_written(tmp_path / "log.jsonl", whole), "--as-claimed")
    assert done.exit_code == 1
    assert "holds calls only" in done.stderr


def test_the_help_tells_the_form_of_a_log(score: Score) -> None:
    text = " ".join(score("--help").stdout.split())
    assert '"turns"' in text
    assert '"assistant"' in text


def test_a_log_that_isnt_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ef.ScoreError, match="no log to read"):
        read_log(tmp_path / "nowhere.jsonl")
