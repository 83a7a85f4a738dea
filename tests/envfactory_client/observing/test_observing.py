"""What a server's tools take and give is found by calling them, and told with its evidence."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import envfactory_client as ef
from envfactory_client.cli import app
from envfactory_client.graph import Evidence
from envfactory_client.observing import Observation, ObservedParameter, Pace, observe
from envfactory_client.verify.foreign_subject import ForeignSubject
from tests.envfactory_client.verify.examined import desk

WORKSHOP = Path(__file__).parent / "workshop.py"
READS = 'reads = {"readOnlyHint": True}\n'
COINS = """
COINS = {f"C{number}7": number for number in range(11, 31)}

@mcp.tool(annotations=reads)
def coins() -> dict[str, Any]:
    "List coins."
    return {"coins": [{"coin": coin} for coin in COINS]}

@mcp.tool(annotations=reads)
def worth(of: str) -> dict[str, int]:
    "Tell what a coin is worth."
    return {"worth": COINS[of]}
"""


def observed(where: list[str] | str, pace: Pace | None = None, *, writes: bool = False) -> Observation:
    async def visit() -> Observation:
        async with ef.ForeignServer(where, timeout=20, call_timeout=1.5) as server:
            named = where if isinstance(where, str) else shlex.join(where)
            subject = await ForeignSubject.of(server, named, writes=writes)
            return await observe(subject, pace)

    return asyncio.run(visit())


@pytest.fixture(scope="module")
def diary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the workshop's one write writes."""
    return tmp_path_factory.mktemp("workshop") / "diary.txt"


@pytest.fixture(scope="module")
def workshop(diary: Path) -> Observation:
    """The workshop, observed by reads alone."""
    return observed([sys.executable, str(WORKSHOP), str(diary)])


def parameter(found: Observation, tool: str, path: str) -> ObservedParameter:
    return next(one for one in found.parameters if (one.tool, one.path) == (tool, path))


def links(found: Observation, *evidence: Evidence) -> set[str]:
    return {
        f"{link.producer}:{link.path} -> {link.consumer}({link.parameter})".replace("workshop.", "")
        for link in found.graph.links
        if link.evidence in evidence and not link.echo
    }


def test_links_are_found_whatever_the_names_are(workshop: Observation) -> None:
    assert links(workshop, "observed") == {
        "list_people:people[].ident -> show_person(who)",
        "find_projects:hits[].lead -> show_person(who)",
        "project_jobs:jobs[].owner -> show_person(who)",
        "find_projects:hits[].slug -> project_jobs(id)",
        "project_jobs:jobs[].job_id -> job_log(job)",
    }


def test_a_tool_that_was_not_called_is_linked_by_the_names_of_those_that_were(workshop: Observation) -> None:
    assert "project_jobs:jobs[].job_id -> assign_job(job)" in links(workshop, "inferred")
    assert parameter(workshop, "assign_job", "job").ground == "name"
    assert (parameter(workshop, "assign_job", "person").column, parameter(workshop, "assign_job", "person").why) == (
        None,
        "not called",
    )


def test_paths_that_share_values_show_one_column_and_parts_of_texts_are_paths(workshop: Observation) -> None:
    shown = {frozenset(paths) for paths in workshop.columns.values() if len(paths) > 1}
    assert {"list_people.people[].ident", "find_projects.hits[].lead", "project_jobs.jobs[].owner"} in shown
    assert {"project_jobs.jobs[].job_id", "job_log.result:before[]"} in shown


def test_the_evidence_tells_how_often_values_succeeded_and_strangers_did_not(workshop: Observation) -> None:
    counts = parameter(workshop, "project_jobs", "id").counts
    assert (counts.successes, counts.other_successes, counts.control_successes) == (counts.values, 0, 0)
    assert counts.others > 10
    assert counts.controls >= 8
    assert 0 < counts.chance <= counts.level <= 0.01
    assert "Fisher's exact, one-sided" in workshop.test


def test_a_search_takes_parts_of_its_column_and_is_no_link(workshop: Observation) -> None:
    search = parameter(workshop, "find_projects", "text")
    assert (search.column, search.operator, search.key) == ("find_projects.hits[].title", "like", False)


def test_what_answers_to_anything_and_what_is_a_setting_is_of_no_column(workshop: Observation) -> None:
    assert parameter(workshop, "shout", "phrase").column is None
    assert {parameter(workshop, *end).why for end in (("shout", "times"), ("list_people", "page_size"))} == {
        "a choice or a setting"
    }


def test_nothing_that_may_write_is_called_unless_it_is_allowed(workshop: Observation, diary: Path) -> None:
    assert "assign_job" not in workshop.successes
    assert not diary.exists()
    allowed = observed([sys.executable, str(WORKSHOP), str(diary)], Pace(calls=400), writes=True)
    assert allowed.successes["assign_job"]
    assert diary.exists()


def test_equal_seeds_give_equal_observations_and_others_the_same_links(workshop: Observation, diary: Path) -> None:
    command = [sys.executable, str(WORKSHOP), str(diary)]
    short = Pace(calls=80, seed=5)
    assert observed(command, short) == observed(command, short)
    other = observed(command, Pace(seed=5))
    assert other != workshop
    assert links(other, "observed") == links(workshop, "observed")


def test_an_observation_is_a_value_with_contracts_like_declared_ones(workshop: Observation) -> None:
    assert Observation.model_validate(json.loads(json.dumps(workshop.to_json()))) == workshop
    (show,) = [tool for tool in workshop.tools if tool.name == "show_person"]
    assert show.contract is not None
    assert show.contract.observed
    who = show.contract.parameters["who"]
    assert (who.key, who.ground) == (parameter(workshop, "show_person", "who").column, "response")
    assert show.contract.results["ident"].ground == "echo"


@pytest.mark.parametrize("bound", [Pace(calls=40), Pace(seconds=0.2)])
def test_it_keeps_to_its_bounds_and_says_that_they_came_first(bound: Pace) -> None:
    clock = iter(number / 100 for number in range(10_000))

    async def visit() -> Observation:
        async with ef.ForeignServer([sys.executable, str(WORKSHOP)]) as server:
            subject = await ForeignSubject.of(server, "workshop", writes=False)
            return await observe(subject, bound, clock=lambda: next(clock))

    found = asyncio.run(visit())
    assert 0 < found.calls <= 40
    assert found.spent


def test_a_tool_that_ends_the_server_is_left_alone_and_the_rest_is_observed(tmp_path: Path) -> None:
    tools = (
        READS
        + """
@mcp.tool(annotations=reads)
def leave(place: str) -> str:
    "Leave a place."
    import os
    os._exit(3)
"""
        + COINS
    )
    found = observed(desk(tmp_path, tools))
    assert found.left_alone == ("leave",)
    assert parameter(found, "worth", "of").column == "coins.coins[].coin"


def test_a_write_is_typed_by_what_it_answers_and_stores_nothing_where_it_misleads(tmp_path: Path) -> None:
    tools = (
        READS
        + """
SHELF: dict[str, str] = {}

@mcp.tool(annotations={"destructiveHint": False})
def shelve(title: str, place: str) -> dict[str, str]:
    "Put a book on the shelf."
    SHELF[f"B{len(SHELF) + 100}"] = title
    return {"book": f"B{len(SHELF) + 99}"}

@mcp.tool(annotations=reads)
def books() -> dict[str, Any]:
    "List the books."
    return {"books": [{"mark": mark, "title": title} for mark, title in SHELF.items()]}

@mcp.tool
def burn(what: str) -> str:
    "Burn a book."
    return f"burnt {SHELF.pop(what)}"
"""
    )
    found = observed(desk(tmp_path, tools), writes=True)
    burnt = parameter(found, "burn", "what")
    assert burnt.ground == "response"
    assert set(found.columns[str(burnt.column)]) == {"books.books[].mark", "shelve.book"}
    assert parameter(found, "shelve", "title").column is None


def test_a_server_without_tools_that_claim_to_only_read_is_not_called(tmp_path: Path) -> None:
    with pytest.raises(ef.UsageError, match="No tool of 'desk' claims to only read"):
        observed(desk(tmp_path, "@mcp.tool\ndef forget() -> str:\n    'Forget.'\n    return 'forgotten'\n"))


# Environments as if they were foreign --------------------------------------------------------------------------------


async def persona(farm: ef.Farm, environment: str) -> str:
    """The email of the person who asks."""
    async with farm, await farm.open(environment) as episode:
        return str(episode.persona["email"])


def test_links_of_an_environment_that_hides_its_contracts_are_those_that_it_declares() -> None:
    """What the user knows is given; nothing else but MCP is used."""
    email = asyncio.run(persona(ef.Farm.embedded(), "bank"))
    found = observed([sys.executable, "-m", "servers.bank"], Pace(given={"email": [email]}))
    assert found.agreement is not None
    assert found.agreement.declared > 50
    assert found.agreement.precision >= 0.98
    assert found.agreement.recall >= 0.95
    assert parameter(found, "list_fees", "account_id").ground == "response"
    assert parameter(found, "find_customer", "email").column == "given.email"


def test_a_server_at_a_url_is_observed_as_one_that_a_command_starts(farm_url: str, token: str) -> None:
    async def visit() -> Observation:
        async with ef.Farm(farm_url, token=token) as farm, await farm.open("library", seed=7) as episode:
            url = episode.agent.url("library")
            async with ef.ForeignServer(url) as server:
                subject = await ForeignSubject.of(server, url, writes=False)
                return await observe(subject, Pace(given={"email": [episode.persona["email"]]}))

    found = asyncio.run(visit())
    assert found.agreement is not None
    assert found.agreement.wrong == ()
    assert found.agreement.recall >= 0.8
    assert parameter(found, "get_book", "book_id").ground == "response"


# Commands ------------------------------------------------------------------------------------------------------------

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, list(words))

    return invoke


def test_the_command_shows_the_evidence_and_keeps_it_for_other_commands(run: Run, tmp_path: Path) -> None:
    kept, command = tmp_path / "kept.json", (sys.executable, str(WORKSHOP))
    shown = run("observe", "--out", str(kept), "--", *command)
    assert shown.exit_code == 0, shown.output
    line = next(line for line in shown.stdout.splitlines() if line.strip().startswith("project_jobs(id)"))
    assert "find_projects.hits[].slug" in line
    assert "0/" in line
    assert "5 observed" in shown.stdout
    graph = run("graph", "--observed", str(kept), "--", *command)
    assert "observed: workshop:find_projects.hits[].slug" in graph.stdout
    sampled = run("sample", "--observed", str(kept), "--goal", "workshop.job_log", "--", *command)
    assert "job = 1: jobs[].job_id [observed]" in sampled.stdout


def test_explore_and_graph_observe_when_they_are_told_to(run: Run, tmp_path: Path) -> None:
    command = desk(tmp_path, READS + COINS)
    explored = run("explore", "--observe", "--", *command)
    assert "of* ← coins.coins[].coin [response]" in explored.stdout
    graph = run("graph", "--observe", "--format", "dot", "--", *command)
    assert '"desk.coins" -> "desk.worth" [label="coins[].coin → of", style=solid];' in graph.stdout


def test_what_a_person_knows_is_given_by_name(run: Run, tmp_path: Path) -> None:
    tools = (
        READS
        + """
@mcp.tool(annotations=reads)
def safe(number: int) -> dict[str, str]:
    "Open the safe."
    if number != 8412:
        raise ValueError("wrong")
    return {"holds": "gold"}
"""
    )
    command = desk(tmp_path, tools)
    for words, column in ((("--given", "number=8412"), "given.number"), ((), None)):
        found = Observation.model_validate_json(run("observe", "--json", *words, "--", *command).stdout)
        assert parameter(found, "safe", "number").column == column
    assert "gives no value" in run("observe", "--given", "number", "--", *command).stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["observe", "airline"], "'airline' is neither a URL nor a command"),
        (["graph", "--observed", "{folder}/none.json", "--", "{python}", "{workshop}"], "can't be read as JSON"),
        (["graph", "--observed", "{folder}/list.json", "--", "{python}", "{workshop}"], "must hold what"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(words: list[str], sentence: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1, 2]", encoding="utf-8")
    filled = [word.format(folder=tmp_path, python=sys.executable, workshop=WORKSHOP) for word in words]
    done = run(*filled)
    assert (done.exit_code, sentence in " ".join(done.stderr.split())) == (1, True), done.output
