"""README is true: its commands run, what it names exists, and its examples are those of the code."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from envfactory_client import Trajectory
from envfactory_client.cli import app
from servers.runtime import discover

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MADE_BY_RUNNING = ("out/", ".venv")


class Block(NamedTuple):
    """A fenced block: its language, whether it is marked as tested, and its lines."""

    language: str
    tested: bool
    text: str


BLOCKS = [
    Block(language, bool(tested), text)
    for language, tested, text in re.findall(r"^```(\w*)( tested)?\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
]
TESTED = [block for block in BLOCKS if block.tested]
COMMANDS = [
    line.split("#")[0].strip()
    for block in BLOCKS
    if block.language == "bash"
    for line in block.text.replace("\\\n", " ").splitlines()
]


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("block", TESTED, ids=lambda block: block.text.splitlines()[0])
def test_a_tested_block_runs(block: Block) -> None:
    command = ["bash", "-euc", block.text] if block.language == "bash" else [sys.executable, "-c", block.text]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_some_blocks_of_each_kind_are_tested() -> None:
    assert {block.language for block in TESTED} == {"bash", "python"}


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|\.?[\w-]+\.(?:md|json|toml|py|yaml))`", TEXT)
    own = {"trajectories.jsonl", "report.json", "screens.json", "run.json", "tools/", "scenarios/", "verified.json"}
    missing = [
        name
        for name in named
        if name not in own and not name.startswith(MADE_BY_RUNNING) and not (ROOT / name).exists()
    ]
    assert not missing
    assert named


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)(?=`|\s+#)", TEXT))
    assert {"run", "test"} <= named <= targets


def test_every_subcommand_that_is_named_exists() -> None:
    command = get_command(app)
    used = {words[1] for line in COMMANDS if (words := shlex.split(line)) and words[0] == "envfactory"}
    assert used
    assert all(command.get_command(None, name) is not None for name in used)  # type: ignore[attr-defined]


def test_every_option_of_the_generator_that_is_named_exists() -> None:
    examples = [line for line in COMMANDS if line.startswith("python -m synthesis.run")]
    assert examples
    shown = subprocess.run(
        [sys.executable, "-m", "synthesis.run", "--help"],
        cwd=ROOT,
        env={**_environment(), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(word in shown for example in examples for word in shlex.split(example) if word.startswith("--"))


def test_the_fields_of_a_trajectory_are_those_it_has() -> None:
    table = TEXT.split("| field | holds |")[1].split("\n\n")[0]
    named = re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in table.splitlines()[2:]))
    assert sorted(named) == sorted(Trajectory.model_fields)


def test_the_makefile_runs_what_the_readme_says_it_makes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "out/airline-100" in makefile
    assert "--count 100" in makefile


def test_the_configuration_for_clients_is_json_and_names_an_environment() -> None:
    (block,) = [block for block in BLOCKS if block.language == "json"]
    ((name, entry),) = json.loads(block.text)["mcpServers"].items()
    assert name in discover()
    assert entry["args"][:2] == ["-m", f"servers.{name}"]


def test_the_parts_of_an_environment_are_those_it_has() -> None:
    (block,) = [block for block in BLOCKS if block.text.startswith("servers/")]
    folder, *lines = block.text.splitlines()
    named = {line.split()[0] for line in lines}
    assert {path.name for path in (ROOT / folder).iterdir()} - {"__init__.py", "__main__.py", "__pycache__"} <= named


def test_every_environment_carries_the_proof_of_ownership_that_registries_look_for() -> None:
    assert sorted(re.findall(r"<!-- mcp-name: io\.github\.envfactory/(\w+) -->", TEXT)) == sorted(discover())
