"""docs/verify.md is true: its checks, efforts, kinds of faults and abilities are those that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

from typer import Typer
from typer.main import get_command

from envfactory_client.verify.bench import EFFORTS
from envfactory_client.verify.command import verify_targets
from envfactory_client.verify.example import Edit, Example, Step
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.subject import Ability
from servers.runtime.discovery import SERVERS
from synthesis.battery.mutation import mutants

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "verify.md").read_text(encoding="utf-8")


def test_the_checks_are_those_that_are_made() -> None:
    found = re.findall(r"^\| ([A-Z]\d+) \| `(\w+)` \| (.+) \| ([\w ,]+) \|$", TEXT, re.MULTILINE)
    known = [(c.id, c.name, c.sentence, ", ".join(sorted(c.needs)) or "MCP alone") for c in all_checks()]
    assert found == known
    warnings = [check.id for check in all_checks() if check.severity == "warning"]
    assert f"{' and '.join(warnings)} are warnings, everything else is an error." in TEXT


def test_every_need_but_the_plain_ones_is_explained() -> None:
    needed = {ability for check in all_checks() for ability in check.needs}
    assert needed <= set(get_args(Ability))
    assert {ability for ability in needed if f"`{ability}` " not in TEXT} == set()


def test_the_efforts_try_as_much_as_is_said() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    assert {name: (int(a), int(b), int(c)) for name, a, b, c in rows} == {
        name: (effort.calls, effort.walks, effort.boundaries) for name, effort in EFFORTS.items()
    }


def test_the_kinds_of_faults_are_those_that_are_planted() -> None:
    section = TEXT.partition("## Faults that are planted")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| .+ \| (`.+) \|$", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    folders = [path.parent for path in sorted(SERVERS.glob("*/manifest.toml"))]
    assert named == {mutant.kind for folder in folders for mutant in mutants(folder)}


def test_the_parts_of_an_example_are_those_that_it_has() -> None:
    section = TEXT.partition("## What breaks")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|.*\|$", section, re.MULTILINE))))
    assert named == {*Example.model_fields, *Edit.model_fields, *Step.model_fields}


def test_every_command_is_understood_and_the_printed_example_can_be_judged() -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    offered = {option for parameter in get_command(ours()).params for option in parameter.opts}
    for command in commands:
        assert command[:2] == ["envfactory", "verify"]
        own = command[2 : command.index("--")] if "--" in command else command[2:]
        assert {word for word in own if word.startswith("--")} <= offered, command
    examples = [command[command.index("--example") + 1] for command in commands if "--example" in command]
    assert [Example.from_text(text).last.tool for text in examples] == ["get_booking"]


def ours() -> Typer:
    """Give the command that the page speaks of."""
    app = Typer()
    app.command()(verify_targets)
    return app
