"""The control plane: what its functions do, and that each mistake is answered in one clear sentence."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from tests.servers.runtime.conftest import RunningFarm


def borrow(farm: RunningFarm, opened: dict[str, Any]) -> dict[str, Any]:
    ask = {"episode": opened["episode"], "environment": "library"}
    sql = "SELECT book_id, member_id FROM shelf, members WHERE available > 0 AND fines_cents = 0 ORDER BY 1, 2 LIMIT 1"
    book_id, member_id = farm.ask("query", **ask, sql=sql)["rows"][0]
    path = f"/episodes/{opened['agent']}/library/mcp"
    loan: dict[str, Any] = farm.call(path, "borrow_book", book_id=book_id, member_id=member_id)["structuredContent"]
    return loan


def test_environments_are_listed_with_their_tools(farm: RunningFarm) -> None:
    (library,) = farm.ask("environments")["environments"]
    assert (library["name"], library["domain"], library["version"]) == ("library", "leisure", "0.1.0")
    assert "borrow_book" in library["tools"]
    assert "pay_fine" in library["tools"]


def test_source_gives_what_the_environment_declares(farm: RunningFarm) -> None:
    source = farm.ask("source", environment="library")
    assert set(source) == {"manifest", "schema", "phrases", "policy", "contracts", "invariants"}
    assert source["manifest"]["provenance"]["made"] == "by hand"
    assert "CREATE TABLE loans" in source["schema"]
    assert source["contracts"]["borrow_book"]["changes"] == {"loans": "insert"}
    assert set(source["contracts"]["borrow_book"]["refuses"]) == {"no_copies", "fines_due", "not_found"}
    assert "no_copy_lent_twice" in source["invariants"]


def test_open_tells_who_and_when(farm: RunningFarm) -> None:
    opened = farm.open(seed=5, size="medium")
    assert (opened["seed"], opened["size"]) == (5, "medium")
    assert [environment["name"] for environment in opened["environments"]] == ["library"]
    assert {"person_id", "name", "email", "home"} <= set(opened["persona"])
    again = farm.open(seed=5, size="medium")
    assert again["environments"] == opened["environments"]
    assert farm.ask("state", episode=again["episode"]) == farm.ask("state", episode=opened["episode"])


def test_a_snapshot_brings_the_state_back(farm: RunningFarm) -> None:
    opened = farm.open()
    episode = opened["episode"]
    start = farm.ask("state", episode=episode)
    snapshot = farm.ask("snapshot", episode=episode)["snapshot"]
    loan = borrow(farm, opened)
    assert farm.ask("state", episode=episode)["digest"] != start["digest"]
    assert farm.ask("diff", episode=episode, since=snapshot)["changes"] == {
        "library": {"loans": {"inserted": [loan], "updated": [], "deleted": []}}
    }
    assert farm.ask("restore", episode=episode, snapshot=snapshot) == start
    assert farm.ask("diff", episode=episode)["changes"] == {}


def test_a_fork_goes_its_own_way(farm: RunningFarm) -> None:
    opened = farm.open()
    borrow(farm, opened)
    fork = farm.ask("fork", episode=opened["episode"])
    assert farm.ask("state", episode=fork["episode"]) == farm.ask("state", episode=opened["episode"])
    assert {fork["agent"], fork["user"]}.isdisjoint({opened["agent"], opened["user"]})
    borrow(farm, fork)
    assert farm.ask("state", episode=fork["episode"]) != farm.ask("state", episode=opened["episode"])


def test_undo_goes_back_to_the_moment_that_is_held(farm: RunningFarm) -> None:
    opened = farm.open()
    start = farm.ask("state", episode=opened["episode"])
    held = farm.ask("hold", episode=opened["episode"])["held"]
    borrow(farm, opened)
    farm.ask("undo", episode=opened["episode"], held=held)
    assert farm.ask("state", episode=opened["episode"]) == start


def test_reset_goes_back_to_the_start(farm: RunningFarm) -> None:
    opened = farm.open()
    start = farm.ask("state", episode=opened["episode"])
    borrow(farm, opened)
    farm.ask("advance", episode=opened["episode"], seconds=3600)
    assert farm.ask("reset", episode=opened["episode"]) == start


def test_the_clock_moves_when_told(farm: RunningFarm) -> None:
    opened = farm.open()
    assert opened["now"].startswith(farm.ask("state", episode=opened["episode"])["now"][:13])
    later = farm.ask("advance", episode=opened["episode"], seconds=86_400)["now"]
    assert later[:10] > opened["now"][:10]


def test_the_clock_ends_with_the_calendar(farm: RunningFarm) -> None:
    episode = farm.open()["episode"]
    before = farm.ask("state", episode=episode)
    while (answer := farm.control("advance", {"episode": episode, "seconds": 316_000_000})).status_code == 200:
        before = answer.json()
    assert answer.json()["error"]["code"] == "invalid_request"
    assert farm.ask("state", episode=episode) == before


def test_rows_and_queries_show_the_state(farm: RunningFarm) -> None:
    episode = farm.open()["episode"]
    rows = farm.ask("rows", episode=episode, environment="library")["rows"]
    counted = farm.ask(
        "query",
        episode=episode,
        environment="library",
        sql="SELECT count(*) AS loans FROM loans WHERE due_on < :today AND member_id <> :id",
        parameters={"id": "M0001"},
    )
    assert counted["columns"] == ["loans"]
    assert 0 < counted["rows"][0][0] < len(rows["loans"])


def test_invariants_hold_at_the_start(farm: RunningFarm) -> None:
    assert farm.ask("violations", episode=farm.open()["episode"]) == {"violations": {}}


def test_a_scenario_of_ones_own_begins_an_episode(farm: RunningFarm) -> None:
    book = {"book_id": "B0001", "title": "The One", "genre": "novel", "copies": 1}
    opened = farm.open(scenarios={"library": {"books": [book]}})
    rows = farm.ask("rows", episode=opened["episode"], environment="library")["rows"]
    assert rows == {"books": [book], "loans": [], "members": []}


@pytest.mark.parametrize(
    ("function", "arguments", "status", "code", "message"),
    [
        ("opne", {}, 404, "unknown_function", "There is no function 'opne'; did you mean 'open'?"),
        (
            "open",
            {"environments": ["libary"]},
            404,
            "unknown_environment",
            "There is no environment 'libary'; did you mean 'library'?",
        ),
        (
            "open",
            {"environments": ["library"], "size": "huge"},
            400,
            "invalid_request",
            "Invalid arguments for open: size: Input should be 'small', 'medium' or 'large'.",
        ),
        (
            "open",
            {"environments": ["library"], "seed": "7"},
            400,
            "invalid_request",
            "Invalid arguments for open: seed: Input should be a valid integer.",
        ),
        (
            "open",
            {"environments": ["library"], "seed": -7},
            400,
            "invalid_request",
            "Invalid arguments for open: seed: Input should be greater than or equal to 0.",
        ),
        (
            "open",
            {"environments": ["library", "library"]},
            400,
            "invalid_request",
            "An episode needs at least one environment, and each only once.",
        ),
        (
            "open",
            {"environments": ["library"], "scenario": {}},
            400,
            "invalid_request",
            "Invalid arguments for open: scenario: There is no such argument.",
        ),
        (
            "open",
            {"environments": ["library"], "scenarios": {"library": {"shelves": []}}},
            400,
            "bad_scenario",
            "library has no table 'shelves'; its tables are books, loans, members.",
        ),
        (
            "open",
            {"environments": ["library"], "scenarios": {"library": {"books": [{"book_id": "B0001", "pages": 3}]}}},
            400,
            "bad_scenario",
            "books row 1 has the unknown column 'pages'; leave it out.",
        ),
        (
            "open",
            {"environments": ["library"], "scenarios": {"library": {"books": [{"book_id": ["B0001"]}]}}},
            400,
            "bad_scenario",
            "books row 1: book_id must be text, a number or null, not ['B0001'].",
        ),
        (
            "open",
            {"environments": ["library"], "scenarios": {"library": {"books": [{"book_id": "B0001", "copies": 2**63}]}}},
            400,
            "bad_scenario",
            "books row 1 does not fit the schema: Python int too large to convert to SQLite INTEGER.",
        ),
        (
            "state",
            {"episode": "none"},
            404,
            "unknown_episode",
            "No open episode has this id: it was closed, has expired, or never was; call 'open' for a new one.",
        ),
        ("state", {}, 400, "invalid_request", "Invalid arguments for state: episode: It is required."),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(
    farm: RunningFarm, function: str, arguments: dict[str, Any], status: int, code: str, message: str
) -> None:
    answer = farm.control(function, arguments)
    assert answer.status_code == status
    assert answer.json() == {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("function", "arguments", "code"),
    [
        ("restore", {"snapshot": "s9"}, "unknown_snapshot"),
        ("diff", {"since": "s9"}, "unknown_snapshot"),
        ("advance", {"seconds": -1}, "invalid_request"),
        ("advance", {"seconds": 10**12}, "invalid_request"),
        ("advance", {"seconds": 10**30}, "invalid_request"),
        ("query", {"environment": "library", "sql": "DELETE FROM loans"}, "invalid_request"),
        ("query", {"environment": "library", "sql": "SELECT nonsense"}, "invalid_request"),
        ("query", {"environment": "library", "sql": "SELECT 1; SELECT 2"}, "invalid_request"),
        ("query", {"environment": "library", "sql": "SELECT :n", "parameters": {"n": 2**63}}, "invalid_request"),
        ("rows", {"environment": "airline"}, "unknown_environment"),
    ],
)
def test_what_an_open_episode_cannot_do_is_said(
    farm: RunningFarm, function: str, arguments: dict[str, Any], code: str
) -> None:
    episode = farm.open()["episode"]
    before = farm.ask("state", episode=episode)
    answer = farm.control(function, {"episode": episode} | arguments)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["code"] == code
    assert farm.ask("state", episode=episode) == before


@pytest.mark.parametrize("token", ["wrong", "The token of the tests", "the token of the tests "[:-2]])
def test_without_the_token_the_control_plane_is_closed(farm: RunningFarm, token: str) -> None:
    answer = farm.control("environments", token=token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["message"] == (
        "The control plane needs 'Authorization: Bearer TOKEN' with the token that this farm was started with."
    )


def test_without_any_authorization_the_control_plane_is_closed(farm: RunningFarm) -> None:
    assert farm.http.post("/farm/environments", json={}).status_code == 401
    assert farm.http.post("/farm/no_such_function", json={}).status_code == 401
    assert farm.http.post("/farm/environments", headers={"authorization": "Basic dGhl"}).status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"text"', b'{"x": NaN}', b'{"x": "\\ud800"}'])
def test_a_body_that_is_no_json_object_is_refused(farm: RunningFarm, body: bytes) -> None:
    headers = {"authorization": "Bearer the token of the tests"}
    answer = farm.http.post("/farm/environments", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert answer.json()["error"]["message"].startswith("The body ")


def test_a_function_answers_only_to_post(farm: RunningFarm) -> None:
    answer = farm.http.get("/farm/environments", headers={"authorization": "Bearer the token of the tests"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_a_body_beyond_the_limit_is_turned_away(farm: RunningFarm) -> None:
    path = f"/episodes/{farm.open()['agent']}/mcp"
    answer = farm.http.post(path, content=b" " * 1_048_577)
    assert answer.status_code == 413
    assert "1048576 bytes" in answer.json()["error"]["message"]
    chunked = farm.http.post(path, content=(b" " * 65_536 for _ in range(17)))
    assert chunked.status_code == 413


@pytest.mark.parametrize("path", ["/farm/open", "/farm/mcp"])
def test_nothing_is_read_from_who_lacks_the_token(farm: RunningFarm, path: str) -> None:
    connection = http.client.HTTPConnection(farm.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", path)
    connection.putheader("content-length", "1000")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_unknown_paths_say_what_there_is(farm: RunningFarm) -> None:
    answer = farm.http.get("/nothing/here")
    assert answer.status_code == 404
    assert "/episodes/{handle}/mcp" in answer.json()["error"]["message"]
    assert json.loads(farm.http.get("/healthz").text)["status"] == "ok"
