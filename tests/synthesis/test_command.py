"""The command `python -m synthesis.run`: progress, clear mistakes, and a kill that costs nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "synthesis.run"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=110, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Give what the command told a person, on one line."""
    return " ".join(done.stderr.split())


def lines(folder: Path) -> int:
    """Give how many whole lines of trajectories there are."""
    path = folder / "trajectories.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_killed_run_resumes_to_the_bytes_of_a_whole_one(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    settings = ("--environments", "airline", "--seed", "3", "--worlds", "2", "--count", "8")
    assert run(*settings, "--out", whole).returncode == 0
    process = subprocess.Popen(
        [*COMMAND, *settings, "--out", str(cut)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while lines(cut) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 3 <= lines(cut) < 8
    done = run(*settings, "--out", cut, "--resume")
    assert done.returncode == 0, done.stderr
    assert "Going on after" in done.stderr
    names = ["trajectories.jsonl", "drops.jsonl", "report.json", "screens.json", "run.json"]
    assert [(cut / name).read_bytes() for name in names] == [(whole / name).read_bytes() for name in names]


def test_the_number_of_workers_does_not_change_the_bytes(tmp_path: Path) -> None:
    settings = ("--environments", "airline,bank,schedule", "--seed", "8", "--worlds", "3", "--count", "9")
    alone, pair = tmp_path / "alone", tmp_path / "pair"
    for folder, workers in ((alone, "1"), (pair, "2")):
        assert run(*settings, "--out", folder, "--workers", workers).returncode == 0
    files = [
        sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()) for folder in (alone, pair)
    ]
    assert files[0] == files[1]
    assert all((alone / name).read_bytes() == (pair / name).read_bytes() for name in files[0])


def test_the_summary_says_where_things_are(tmp_path: Path) -> None:
    done = run("-e", "airline", "-n", "2", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "2 trajectories, every one replayed to equal digests" in said(done)
    assert "envfactory show" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-e", "airlin"], "did you mean 'airline'?"),
        (["-e", "airline", "--resume"], "holds no run to resume"),
        (["-e", "airline", "--farm", "http://127.0.0.1:9"], "127.0.0.1:9"),
        (["-e", "airline", "--farm", "nonsense"], "isn't the address of a farm"),
        (["-e", ""], "no environment is named"),
        (["-e", "airline,airline"], "only once"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = run(*arguments, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert told in said(done), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--seed", "x"), ("--size", "huge"), ("--count", "0")])
def test_wrong_options_are_told(tmp_path: Path, option: str, value: str) -> None:
    done = run("-e", "airline", "--out", tmp_path / "out", option, value)
    assert done.returncode == 2
    assert option in done.stderr


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    done = run("-e", "airline", "-n", "1", "--out", tmp_path)
    assert done.returncode == 1
    assert "isn't empty" in said(done)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_help_teaches_by_examples() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "Examples" in done.stdout
    assert "--resume" in done.stdout
