"""The command line, run as people run it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import envfactory_client as ef

ROOT = Path(ef.__file__).parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(farm_url: str, token: str, tmp_path: Path) -> Run:
    """Run a command line against the farm; arguments of keyword `env` are added to the environment."""

    def command(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
        variables = {
            **os.environ,
            "ENVFACTORY_FARM": farm_url,
            "ENVFACTORY_TOKEN": token,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            **env,
        }
        variables = {name: value for name, value in variables.items() if value}
        line = [sys.executable, "-m", "envfactory_client.cli", *words]
        return subprocess.run(
            line, capture_output=True, text=True, env=variables, cwd=tmp_path, check=False, timeout=60
        )

    return command


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def failed(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_every_command_has_help_with_an_example(run: Run) -> None:
    assert "envfactory explore airline" in succeeded(run("--help"))
    for command in ("list", "call", "explore", "graph", "sample", "replay", "show", "card", "install"):
        shown = " ".join(succeeded(run(command, "--help")).split())
        assert re.search(f"Examples?: envfactory {command} ?", shown)


def test_list(run: Run) -> None:
    assert "Members of a town library" in succeeded(run("list"))
    (library,) = json.loads(succeeded(run("list", "--json")))
    assert library["name"] == "library"


def test_call_takes_arguments_by_the_tools_schema(run: Run) -> None:
    result = json.loads(succeeded(run("call", "library", "search_books", "limit=2", "title=the")))
    assert len(result["books"]) == 2


def test_call_with_json_and_diff(run: Run) -> None:
    books = json.loads(succeeded(run("call", "library", "search_books", "limit=50", "--seed", "7", "--json")))
    book = next(book for book in books["structured"]["books"] if book["available"])
    loans = run("call", "library", "find_member", "email=nobody@example.com", "--seed", "7")
    assert "refused: not_found" in failed(loans)
    members = run("call", "library", "borrow_book", f"book_id={book['book_id']}", "member_id=M0000", "--json")
    assert members.returncode == 1
    assert json.loads(members.stdout)["refusal"] == "not_found"


def test_call_uses_the_users_side_for_the_users_tools(run: Run) -> None:
    assert "refused: not_found" in failed(run("call", "library", "pay_fine", "member_id=M0000", "amount_cents=1"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["call", "libary", "x"], "no environment 'libary'; did you mean 'library'?"),
        (["call", "library", "borow_book"], "no tool 'borow_book'; did you mean 'borrow_book'?"),
        (["call", "library", "search_books", "limt=1"], "no parameter 'limt'; did you mean 'limit'?"),
        (["call", "library", "search_books", "limit"], "write name=value"),
        (["call", "library", "search_books", "limit=many"], "limit: Input should be a valid integer"),
        (["explore", "libary"], "no environment 'libary'; did you mean 'library'?"),
        (["explore", "--", "no-such-server"], "no command 'no-such-server'"),
        (["replay", "nothing.jsonl"], "no file of trajectories"),
        (["show", "nothing.jsonl"], "no file of trajectories"),
        (["list", "--farm", "localhost:1"], "isn't the address of a farm"),
        (["list", "--farm", "http://127.0.0.1:9"], "Nothing listens at http://127.0.0.1:9"),
        (["list", "--token", "wrong"], "token"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_1(run: Run, words: list[str], said: str) -> None:
    assert said in failed(run(*words))


def test_explore_an_environment_and_a_foreign_command(run: Run, tickets: list[str]) -> None:
    assert "writes (user)" in succeeded(run("explore", "library"))
    assert "4 tools, 1 resource, 1 resource template, 1 prompt." in succeeded(run("explore", "--", *tickets))
    assert json.loads(succeeded(run("explore", "library", "--json")))["name"] == "library"


def test_graph_in_every_format(run: Run) -> None:
    assert "library.borrow_book(book_id)" in succeeded(run("graph", "library"))
    assert "(echo)" in succeeded(run("graph", "library", "--echoes"))
    graph = json.loads(succeeded(run("graph", "library", "--format", "json")))
    assert ef.ToolGraph.model_validate(graph).links
    assert succeeded(run("graph", "library", "--format", "dot")).startswith("digraph")
    assert succeeded(run("graph", "library", "--format", "mermaid")).startswith("flowchart")
    assert "Invalid value for '--format'" in failed(run("graph", "library", "--format", "png"), code=2)


def test_sample_shows_chains_along_links(run: Run) -> None:
    text = succeeded(run("sample", "library", "--goal", "library.return_book", "--count", "3", "--seed", "4"))
    assert text.count("library.return_book(loan_id = ") == 3
    assert "email?" in text
    sampled = json.loads(succeeded(run("sample", "library", "--count", "6", "--json")))
    assert len({chain["steps"][-1]["tool"] for chain in sampled}) > 2
    assert "did you mean 'library.return_book'" in failed(run("sample", "library", "--goal", "library.return_boo"))


def test_call_goes_on_in_an_open_episode(run: Run, farm_url: str, token: str) -> None:
    async def opened() -> ef.Episode:
        async with ef.Farm(farm_url, token=token) as farm:
            return await farm.open("library", seed=7)

    episode = asyncio.run(opened())
    words = ("call", "library", "find_member", f"email={episode.persona['email']}", "--episode", episode.agent.handle)
    assert json.loads(succeeded(run(*words)))["name"] == episode.persona["name"]
    assert "No open episode has this handle" in failed(run(*words[:-1], "nobodys-handle"))
    assert "leave out --episode" in failed(run(*words, "--diff"), code=2)


@pytest.fixture
def lines(farm_url: str, token: str, tmp_path: Path) -> Path:
    """A file of two trajectories."""

    async def write() -> None:
        async with ef.Farm(farm_url, token=token) as farm:
            for seed in (1, 2):
                async with await farm.open("library", seed=seed) as episode:
                    recorder = ef.Recorder(episode)
                    recorder.user("What novels are there?")
                    found = await recorder.call("library", "search_books", genre="novel")
                    await recorder.call("library", "get_book", book_id=found["books"][0]["book_id"])
                    await recorder.assistant("See above.")
                    trajectory = await recorder.trajectory(references=[REFERENCE])
                    with ef.Dataset(tmp_path / "t.jsonl") as dataset:
                        dataset.append(trajectory)

    asyncio.run(write())
    return tmp_path / "t.jsonl"


REFERENCE = ef.Reference(
    turn=0,
    argument=ef.StepArgument(step=1, name="book_id"),
    environment="library",
    table="books",
    column="book_id",
    value="B0001",
    text="the first novel",
    kind="superlative",
    sql="SELECT book_id FROM books ORDER BY title LIMIT 1",
    resolved_by=ef.StepPath(step=0, path="books[].book_id"),
)


def test_replay_tells_each_line_and_sums_up(run: Run, lines: Path) -> None:
    done = run("replay", str(lines))
    assert "2 trajectories, 4 calls: all as recorded." in succeeded(done)
    assert "✓ line 1" in done.stderr
    assert "✓ line 2" in done.stderr
    assert "1 trajectory, 2 calls" in succeeded(run("replay", str(lines), "--line", "2"))


def test_replay_goes_on_behind_a_bad_line_and_fails(run: Run, lines: Path) -> None:
    first, second = lines.read_text().splitlines()
    lines.write_text("\n".join([first, "{", second]) + "\n")
    done = run("replay", str(lines), "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [entry["ok"] for entry in report["lines"]] == [True, False, True]
    assert report["lines"][1]["line"] == 2
    assert "line 2, is not a trajectory" in failed(run("replay", str(lines)))


def test_show_reads_as_a_dialogue(run: Run, lines: Path) -> None:
    text = succeeded(run("show", str(lines), "--line", "2"))
    for part in ("What novels are there?", "library.search_books", "See above.", "“the first novel”", "proof: SELECT"):
        assert part in text
    assert json.loads(succeeded(run("show", str(lines), "--json")))["seed"] == [0, 0]
    assert "has 2 lines" in failed(run("show", str(lines), "--line", "9"))


PLUGINS = """
[envfactory.farms]
embedded = no_such_package.farm:embedded
[envfactory.commands]
greet = greeter:greet
absent = no_such_package:run
"""
GREETER = '''
import typer


def greet(name: str = typer.Option("you")) -> None:
    """Greet somebody."""
    print(f"Hello, {name}.")
'''


def test_commands_of_other_packages_are_found_and_absent_extras_named(run: Run, tmp_path: Path) -> None:
    info = tmp_path / "site" / "greeter-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(PLUGINS)
    (tmp_path / "site" / "greeter.py").write_text(GREETER)
    path = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])
    assert "Greet somebody." in succeeded(run("--help", PYTHONPATH=path))
    assert succeeded(run("greet", "--name", "Ada", PYTHONPATH=path)) == "Hello, Ada.\n"
    assert "`envfactory absent` needs the extra" in failed(run("absent", PYTHONPATH=path))
    assert "The embedded farm needs the extra 'farm'" in failed(run("list", PYTHONPATH=path, ENVFACTORY_FARM=""))


def test_a_server_that_prints_rubbish_is_one_sentence(run: Run) -> None:
    rubbish = "import sys; sys.stdin.readline(); print('hello'); sys.exit('no licence')"
    assert "no licence" in failed(run("explore", "--", sys.executable, "-c", rubbish))
