"""The farm's page is true: it names every option, function and metric that there is, and none that there isn't."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.main import get_command

from servers.commands import serve
from servers.runtime.farm.control import Control, function_table
from servers.runtime.farm.limits import QUOTA, Limits
from servers.runtime.farm.meters import Meters
from servers.runtime.farm.plan import Plan
from servers.runtime.farm.store import Store
from servers.runtime.tool import Outcome
from tests.fixtures.library.server import env as library

DOCS = Path(__file__).resolve().parents[1] / "docs"
TEXT = (DOCS / "farm.md").read_text(encoding="utf-8")
HERE = {"host", "port", "token", "help"}
"""Options that the help alone explains."""


def options() -> dict[str, str]:
    """Give the command's options by name, each as it is written."""
    app = typer.Typer(add_completion=False)
    app.command()(serve)
    return {str(option.name): option.opts[0] for option in get_command(app).params}


def test_every_option_is_told_of() -> None:
    known = options()
    for name in set(known) - HERE:
        told = {known[name], f"--no-{known[name].removeprefix('--')}"}
        assert any(option in TEXT for option in told), name


def test_no_option_is_told_of_that_is_not_there() -> None:
    known = {option for long in options().values() for option in (long, f"--no-{long.removeprefix('--')}")}
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= known


def test_every_function_of_the_control_plane_is_told_of() -> None:
    table = function_table(Control.__new__(Control))
    told = TEXT.partition("## Episodes\n")[2].partition("## Limits")[0]
    rows = re.findall(r"^\| (`.*?) \|", told, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(table)


def test_every_metric_is_told_of() -> None:
    store = Store()
    meters = Meters(store)
    meters.call("library", library.tools["get_book"], Outcome("No."), 0.1)
    there = set(re.findall(r"^# TYPE (envfactory_\w+) (\w+)", meters.text().decode(), re.MULTILINE))
    assert {name for name, _ in there} == set(re.findall(r"`(envfactory_\w+)`", TEXT))


def test_the_limits_are_those_of_the_command_and_of_the_app() -> None:
    plan = Plan()
    assert plan.limits == Limits(quota=QUOTA)
    defaults = {"episodes": plan.episodes, "memory": plan.memory_mib, "requests": plan.requests, "rows": plan.rows}
    defaults |= {"state-mib": plan.state_mib, "call-seconds": int(plan.call_seconds), "calls": plan.calls}
    for name, value in (defaults | {"snapshots": plan.snapshots}).items():
        assert re.search(rf"^\| `--{name}` \| {value:,}( MiB)? \|", TEXT, re.MULTILINE), name


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (DOCS / target).exists(), target
