"""`envfactory new`: a skeleton that works from the first minute, whatever it is called, and says what it owes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from envfactory_client.cli import app
from servers.runtime import Episode
from servers.runtime.manifest import read_manifest
from synthesis.authoring.skeleton import parts
from synthesis.authoring.words import Words, plural_of
from synthesis.battery.loading import environment_in

CHECKS = ("B4", "B9", "B11", "B12", "D5", "D6", "D7", "D8")


def run(*words: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [str(word) for word in words])


def said(done: Result) -> str:
    """Give what the command told a person, on one line."""
    return " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def shed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a skeleton."""
    into = tmp_path_factory.mktemp("new")
    assert run("new", "tool_shed", "--entity", "tool", "--domain", "leisure", "--into", into).exit_code == 0
    return into / "tool_shed"


def test_the_command_tells_what_is_owed_and_what_comes_next(tmp_path: Path) -> None:
    done = run("new", "tool_shed", "--entity", "tool", "--into", tmp_path)
    assert done.exit_code == 0, done.output
    assert f"tool_shed is there: {len(parts())} files, an environment that works." in done.stdout
    assert "manifest.toml:3: name the domain in a word or two" in done.stdout
    for step in ("python -m pytest ", "envfactory new --owed ", "envfactory verify ", "fastmcp run "):
        assert f"  {step}{tmp_path / 'tool_shed'}" in done.stdout


def test_its_parts_are_there_without_a_place_that_nobody_filled(shed: Path) -> None:
    assert sorted(path.name for path in shed.iterdir() if path.is_file()) == parts()
    texts = {path.name: path.read_text(encoding="utf-8") for path in shed.iterdir() if path.is_file()}
    assert not [name for name, text in texts.items() if "~{" in text]
    assert read_manifest(shed / "manifest.toml").title == "Tool shed"
    assert read_manifest(shed / "manifest.toml").domain == "leisure"


def test_its_python_files_are_as_ruff_wants_ours(shed: Path) -> None:
    ours = Path(__file__).parents[3] / "pyproject.toml"
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "--config", str(ours), str(shed)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_its_own_tests_pass(shed: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(shed)]
    done = subprocess.run(words, cwd=shed.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d{2} passed", done.stdout)


def test_it_calls_itself_as_it_was_started(shed: Path) -> None:
    words = [sys.executable, "-m", "tool_shed", "--help"]
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        words, cwd=shed.parent, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m tool_shed ")
    assert '"args": ["-m", "tool_shed"]' in done.stdout
    assert "servers.tool_shed" not in done.stdout


def test_it_passes_the_checks_that_read_its_contracts_and_its_schema(shed: Path) -> None:
    only = [word for check in CHECKS for word in ("--only", check)]
    done = run("verify", shed, "--effort", "quick", "--json", *only)
    report = json.loads(done.stdout)
    assert [check["outcome"] for check in report["checks"]] == ["passed"] * len(CHECKS), report
    assert all(tool["successes"] for tool in report["reached"])
    met = [times for tool in report["reached"] for times in tool["refusals"].values()]
    assert met
    assert all(met)


def test_what_is_owed_is_listed_until_the_marks_are_gone(shed: Path, tmp_path: Path) -> None:
    listed = run("new", "--owed", shed)
    marked = sum(path.read_text(encoding="utf-8").count("OWED:") for path in shed.iterdir() if path.is_file())
    assert (listed.exit_code, len(listed.stdout.splitlines())) == (1, marked + 1)
    assert "verified.json: verify it, and keep the record: envfactory verify " in listed.stdout
    assert re.search(r"schema\.sql:\d+: add the tables that the domain needs", listed.stdout)
    mended = tmp_path / "tool_shed"
    mended.mkdir()
    for name in parts():
        text = (shed / name).read_text(encoding="utf-8")
        (mended / name).write_text(text.replace("OWED:", "done:"), encoding="utf-8")
    (mended / "verified.json").write_text("{}", encoding="utf-8")
    assert run("new", "--owed", mended).stdout.strip().endswith("tool_shed owes nothing.")
    (mended / "phrases.toml").unlink()
    again = run("new", "--owed", mended)
    assert (again.exit_code, again.stdout.strip().endswith("phrases.toml: this part is missing")) == (1, True)


@pytest.mark.parametrize(
    ("entity", "plural"),
    [("order", "orders"), ("work_order", "work_orders"), ("unit", "units"), ("sheep", "sheep"), ("page", "pages")],
)
def test_whatever_is_kept_the_environment_opens(entity: str, plural: str, tmp_path: Path) -> None:
    done = run("new", "some_desk", "--entity", entity, "--plural", plural, "--into", tmp_path)
    assert done.exit_code == 0, done.output
    environment = environment_in(tmp_path / "some_desk")
    episode = Episode.open([environment], seed=4, size="small")
    try:
        assert {f"search_{plural}", f"get_{entity}", f"close_{entity}"} <= set(environment.tools)
    finally:
        episode.close()


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("item", "items"),
        ("box", "boxes"),
        ("dish", "dishes"),
        ("class", "classes"),
        ("hobby", "hobbies"),
        ("key", "keys"),
        ("shelf", "shelves"),
        ("knife", "knives"),
        ("chief", "chiefs"),
        ("safe", "safes"),
        ("work_order", "work_orders"),
    ],
)
def test_a_plural_follows_the_rule(noun: str, plural: str) -> None:
    assert plural_of(noun) == plural


def test_an_article_follows_the_sound() -> None:
    said = [Words.of("desk", noun).forms()["a_noun"] for noun in ("tool", "order", "hour", "unit", "work_order")]
    assert said == ["a tool", "an order", "an hour", "a unit", "a work order"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Shed"], "'Shed' can't name an environment; take 2 to 20 lower-case letters"),
        (["a"], "'a' can't name an environment"),
        (["calendar"], "'calendar' belongs to Python, whose own module it would hide"),
        (["farm"], "'farm' is a word of the farm's own"),
        (["synthesis"], "'synthesis' is a package of EnvFactory's own"),
        (["shed", "--entity", "Tool"], "'Tool' can't name what is kept; give --entity 2 to 16 lower-case letters"),
        (["shed", "--entity", "tool", "--plural", "x" * 19], "give --plural 2 to 18 lower-case letters"),
        (["shed", "--entity", "customer"], "'customer', plural 'customers', means something else"),
        (["shed", "--entity", "true"], "'true', plural 'trues', means something else"),
        (["shed", "--entity", "ef_clock"], "'ef_clock', plural 'ef_clocks', means something else"),
        (["shed", "--entity", "value"], "'values' can't name a table of SQLite"),
        (["shed", "--title", " "], "--title ' ' doesn't fit; give 1 to 100 characters"),
        (["shed", "--domain", "x\ny"], "--domain 'x\\ny' doesn't fit; give 1 to 40 characters on one line"),
        (["shed", "--into", "/no/such/place"], "/no/such/place isn't a folder; make it first"),
        ([], "give either a NAME, or --owed with a folder"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence_and_nothing_is_written(
    words: list[str], sentence: str, tmp_path: Path
) -> None:
    into = [] if "--into" in words or not words else ["--into", str(tmp_path)]
    done = run("new", *words, *into)
    assert done.exit_code != 0
    assert sentence in said(done)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(shed: Path) -> None:
    before = {path.name: path.read_bytes() for path in shed.iterdir() if path.is_file()}
    done = run("new", "tool_shed", "--into", shed.parent)
    assert (done.exit_code, "exists already; choose another name" in said(done)) == (1, True)
    assert {path.name: path.read_bytes() for path in shed.iterdir() if path.is_file()} == before


def test_a_folder_that_is_no_environment_owes_nothing_that_could_be_listed(tmp_path: Path) -> None:
    assert "has no manifest.toml, so it isn't an environment" in said(run("new", "--owed", tmp_path))
