"""`envfactory verify`, run on environments in folders, on a farm, and on a server by other authors."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from envfactory_client.cli import app
from envfactory_client.verify import command
from envfactory_client.verify.bench import Effort
from envfactory_client.verify.known import all_checks
from tests.fixtures.shelves import SERVER, write_shelves

FEW = ("B3", "B4", "B11", "D10")
FAULTY = SERVER.replace('["copies"] == 0:', '["copies"] <= 1:')
"""A copy is refused one too early."""
ONE_TOOL = """
from fastmcp import FastMCP

mcp = FastMCP("Adder", version="2.0")


@mcp.tool(annotations={"readOnlyHint": True})
def add(a: int, b: int) -> dict[str, int]:
    '''Add two numbers.'''
    return {"sum": a + b}


@mcp.tool
def forget() -> str:
    '''Forget everything.'''
    return "forgotten"


mcp.run(show_banner=False)
"""


def run(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["verify", *words])


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a quick effort be a very quick one."""
    little = Effort(calls=40, walks=1, tries=60, boundaries=2)
    monkeypatch.setattr(command, "EFFORTS", {"quick": little, "standard": little})


@pytest.fixture
def sound(tmp_path: Path) -> str:
    return str(write_shelves(tmp_path / "shelves"))


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    return str(write_shelves(tmp_path / "faulty", server=FAULTY))


@pytest.fixture
def few_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A battery of a few checks, so that the whole of it is run quickly."""
    chosen = tuple(check for check in all_checks() if check.id in FEW)
    monkeypatch.setattr(command, "all_checks", lambda: chosen)


def test_help_teaches_with_examples() -> None:
    shown = " ".join(run("--help").stdout.split())
    assert "Examples: envfactory verify airline ·" in shown
    for option in ("--all", "--only", "--example", "--mutants", "--check", "--write", "--html", "--json", "--farm"):
        assert option in shown


def test_a_sound_environment_passes_and_the_report_says_what_was_tried(sound: str) -> None:
    done = run(sound, "--only", "B4", "--only", "preconditions", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert "shelves 0.1.0: verified by 2 of 2 checks" in done.stdout
    assert re.search(r"✓ +B4 honest_reads +A tool that says it only reads changes nothing\. +\d+ +passed", done.stdout)
    assert re.search(r"take_copy +\d+ +2/2 +2/2", done.stdout)


def test_what_breaks_comes_with_a_command_that_shows_it_again(faulty: str, sound: str, tmp_path: Path) -> None:
    page = tmp_path / "out" / "page.html"
    done = run(faulty, "--only", "B11", "--effort", "quick", "--json", "--html", str(page))
    report = json.loads(done.stdout)
    assert (done.exit_code, report["verified"]) == (1, False)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    (violation,) = (check for entry in report["checks"] for check in entry["violations"])
    assert "take_copy refuses with 'empty'" in violation["sentence"]
    words = shlex.split(violation["replay"])
    assert words[:3] == ["envfactory", "verify", "--only"]
    again = run(*words[2:])
    assert (again.exit_code, again.stdout.strip()) == (1, f"B11 is broken: {violation['sentence']}")
    mended = run(*words[2:-1], sound, "--json")
    assert (mended.exit_code, json.loads(mended.stdout)["broken"]) == (0, False)


def test_an_example_of_a_check_that_looks_inside_is_judged_there(sound: str) -> None:
    example = '{"steps":[{"tool":"bring_copy","arguments":{"shelf_id":"S001"}}],"twist":{"fault":1}}'
    done = run("--only", "D10", "--example", example, sound)
    assert (done.exit_code, done.stdout.startswith("Nothing breaks D10 in this example")) == (0, True)


def test_a_record_is_kept_and_compared_with(sound: str, few_checks: None) -> None:
    kept = run(sound, "--effort", "quick", "--seed", "2", "--mutants", "2", "--write")
    record = json.loads(Path(sound, "verified.json").read_text(encoding="utf-8"))
    assert kept.exit_code == 0, kept.output
    assert [check["id"] for check in record["checks"]] == sorted(FEW, key=lambda one: (one[0], int(one[1:])))
    assert (record["effort"], record["seed"], len(record["mutation"]["mutants"])) == ("quick", 2, 2)
    again = run(sound, "--check", "--mutants", "1")
    assert (again.exit_code, again.stdout) == (0, "shelves: as recorded\n")


def test_nothing_is_kept_of_an_environment_that_breaks(faulty: str, few_checks: None) -> None:
    done = run(faulty, "--effort", "quick", "--write")
    assert done.exit_code == 1
    assert "nothing is kept for shelves: it isn't verified" in done.stderr
    assert not Path(faulty, "verified.json").exists()


def test_a_server_by_other_authors_is_only_read_from_unless_writes_are_allowed(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(ONE_TOOL, encoding="utf-8")
    done = run("--only", "B1", "--only", "B3", "--effort", "quick", "--json", "--", sys.executable, str(server))
    report = json.loads(done.stdout)
    assert (done.exit_code, report["name"], [tool["tool"] for tool in report["reached"]]) == (0, "adder", ["add"])
    assert [check["outcome"] for check in report["checks"]] == ["passed", "skipped"]
    assert "MCP alone doesn't give" in report["checks"][1]["skipped_because"]
    writing = run("--only", "B3", "--allow-writes", "--effort", "quick", "--json", "--", sys.executable, str(server))
    assert [tool["tool"] for tool in json.loads(writing.stdout)["reached"]] == ["add", "forget"]


def test_an_environment_of_a_farm_elsewhere_is_verified_over_http(farm_url: str, token: str) -> None:
    options = ("--farm", farm_url, "--token", token)
    example = '{"steps":[{"tool":"get_book","arguments":{"book_id":"B0001"}}]}'
    assert run("library", "--only", "B4", "--example", example, *options).exit_code == 0
    inside = run("library", "--only", "D10", "--example", example, *options)
    assert "D10 can't be judged here: it looks inside the server's process" in " ".join(inside.stderr.split())
    assert "did you mean 'library'?" in run("libary", "--only", "B4", *options).stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name what to verify"),
        (["airlin"], "There is no environment 'airlin'; did you mean 'airline'?"),
        (["./nowhere/at-all"], "There is no folder or command ./nowhere/at-all"),
        (["airline", "--all"], "--all verifies every environment"),
        (["airline", "--only", "B99"], "There is no check 'B99'; did you mean"),
        (["airline", "--example", "{}"], "give one --only and one target"),
        (["airline", "bank", "--only", "B4", "--example", "{}"], "give one --only and one target"),
        (["airline", "--only", "B4", "--example", "nothing"], "That isn't an example"),
        (["airline", "--check", "--seed", "3"], "--check takes seed and effort from the record"),
        (["airline", "--only", "B4", "--write"], "--write keeps the record of all checks"),
        (["airline", "--only", "B4", "--check"], "--check compares the record of all checks"),
        (["airline", "--write", "--farm", "http://127.0.0.1:1"], "--write needs the environment's folder"),
        (["--mutants", "3", "--", sys.executable, "server.py"], "--mutants needs the environment's folder"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(words: list[str], sentence: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert sentence in " ".join(done.stderr.split())


def test_a_folder_that_holds_no_environment_says_so(tmp_path: Path) -> None:
    assert "has no server.py" in run(str(tmp_path)).stderr
    broken = write_shelves(tmp_path / "broken", server="1 / 0")
    assert "doesn't load: ZeroDivisionError" in run(str(broken)).stderr


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ("def populate(:", "scenario.py doesn't load: SyntaxError"),
        ("", "scenario.py doesn't define populate(world)."),
        ("def populate(world):\n    return world.nothing", "populate(world) fails: AttributeError"),
        ("def populate(world):\n    return 7", "populate(world) of shelves must give rows by table, not 7."),
    ],
)
def test_a_scenario_that_fails_says_so_in_one_sentence(sound: str, scenario: str, sentence: str) -> None:
    Path(sound, "scenario.py").write_text(scenario, encoding="utf-8")
    done = run(sound, "--only", "B4")
    assert (done.exit_code, sentence in " ".join(done.stderr.split())) == (1, True), done.output


def test_a_record_that_cannot_be_written_says_why(sound: str, few_checks: None) -> None:
    Path(sound, "verified.json").mkdir()
    done = run(sound, "--effort", "quick", "--write")
    assert done.exit_code == 1
    assert "verified.json (Is a directory); let that be a file" in " ".join(done.stderr.split())


def test_a_tampered_record_fails_before_anything_is_tried(sound: str) -> None:
    assert "has no verified.json" in run(sound, "--check").stderr
    Path(sound, "verified.json").write_text("{}", encoding="utf-8")
    done = run(sound, "--check")
    assert (done.exit_code, "can't be read as a record" in " ".join(done.stderr.split())) == (1, True)
