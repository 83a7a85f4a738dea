"""The parts of observing that are pure: the test, what texts hold, which paths show one column."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envfactory_client as ef
from envfactory_client.naming import akin, makes
from envfactory_client.observing.columns import canonical, is_telling, is_temporal
from envfactory_client.observing.pool import Answered, Pool
from envfactory_client.observing.reading import cells, legible, says_again
from envfactory_client.observing.significance import Rate, chance_of, controls_needed
from envfactory_client.tool import Contract, FieldContract, Tool


@settings(max_examples=60)
@given(st.lists(st.booleans(), min_size=1, max_size=5), st.lists(st.booleans(), max_size=5))
def test_the_chance_is_the_share_of_all_ways_to_spread_the_successes(kind: list[bool], others: list[bool]) -> None:
    size, successes = len(kind) + len(others), sum(kind) + sum(others)
    ways = list(combinations(range(size), successes))
    as_good = sum(sum(place < len(kind) for place in way) >= sum(kind) for way in ways)
    found = chance_of(Rate(sum(kind), len(kind)), Rate(sum(others), len(others)))
    assert found == pytest.approx(as_good / len(ways))


def test_so_many_strangers_are_needed_as_make_the_difference_significant() -> None:
    assert controls_needed(Rate(1, 1), Rate(0, 0), 0.01, 200) == 99
    assert controls_needed(Rate(1, 1), Rate(0, 90), 0.01, 200) == 9
    assert controls_needed(Rate(8, 8), Rate(0, 8), 0.01, 200) == 0
    assert controls_needed(Rate(0, 8), Rate(0, 8), 0.01, 200) == 0


def seen(text: str, *given: Any) -> dict[str, list[Any]]:
    return cells(legible(ef.CallResult(text)), given)


def test_a_text_is_read_by_lines_words_and_labels() -> None:
    found = seen("Commit: 'a1b2c3d4'\nAuthor: Ada\n\nCommit: 'ffee0011'\nDone.")
    assert found["text:commit[]"] == ["a1b2c3d4", "ffee0011"]
    assert found["text:author[]"] == ["Ada"]
    assert found["text:lines[]"][-1] == "Done."
    assert "ffee0011" in found["text:words[]"]
    assert "text" not in found
    value = legible(ef.CallResult("", {"content": "[FILE] a.txt\n[DIR] b"}))
    assert ef.values_at(value, "content:lines[]") == ["[FILE] a.txt", "[DIR] b"]


def test_json_in_a_text_is_read_as_json() -> None:
    assert seen('[{"name": "a", "size": 3, "old": true, "rate": 0.5}]') == {
        "text:json[].name": ["a"],
        "text:json[].size": [3],
    }


def test_what_says_little_more_than_the_arguments_is_left_out_of_texts() -> None:
    assert seen("OAK TABLE OAK TABLE", "oak table") == {}
    assert (
        seen("/srv/files/letters/one.txt\n/srv/files/letters", "/srv/files")["text:lines[]"]
        == [
            "/srv/files/letters/one.txt",
            "/srv/files/letters",
        ][:1]
    )
    assert says_again("no such job: 4", ["4"])
    assert not says_again("job 41", ["4"])


def pool(*answers: tuple[str, dict[str, Any], dict[str, Any]]) -> Pool:
    found = Pool({})
    for tool, arguments, value in answers:
        found.learn(Answered(tool, {name: [given] for name, given in arguments.items()}, cells(value)))
    return found


def names(found: Pool) -> dict[str, bool]:
    return {column.name: column.names_rows for column in canonical(found.columns.values())}


def test_paths_are_one_column_by_the_values_that_they_share() -> None:
    users = {"users": [{"id": f"usr-{number}", "city": city} for number, city in enumerate(("Rome", "Oslo", "Rome"))]}
    tickets = {"tickets": [{"owner": "usr-1", "state": "open"}, {"owner": "usr-1", "state": "done"}]}
    assert names(pool(("list", {}, users), ("find", {}, tickets))) == {
        "list.users[].id": True,
        "list.users[].city": False,
        "find.tickets[].state": False,
    }


def test_small_numbers_days_and_echoes_join_nothing_and_name_nothing() -> None:
    counts = {"rows": [{"seats": number, "day": f"2026-03-0{number}"} for number in (1, 2, 3)]}
    others = {"rows": [{"floor": number} for number in (1, 2, 3)]}
    found = pool(("a", {}, counts), ("b", {}, others), ("c", {"x": "usr-1"}, {"x": "usr-1", "n": 7}))
    assert names(found)["a.rows[].day"] is False
    assert {"a.rows[].seats", "b.rows[].floor"} <= names(found).keys()
    assert "c.x" not in names(found)
    assert found.columns["c", "x"].echo_of == "x"


def test_ids_are_telling_and_days_are_not() -> None:
    assert is_telling(["usr-17", "ada@example.com", "9f2c1ab"])
    assert not is_telling(["2026-03-02T09:00"])
    assert not is_telling(["Rome"])
    assert is_temporal(["2026-03-02", "09:30", "2026-03"])


def test_namesakes_and_what_a_tool_makes() -> None:
    assert akin(("search_flights", "origin"), ("list_bookings", "bookings[].origin_code"))
    assert akin(("get_user", "user_id"), ("list_users", "results[].id"))
    assert not akin(("get_user", "id"), ("list_teams", "teams[].id"))
    assert makes("create_user", "name")
    assert not makes("add_observations", "observations[].entityName")


def foreign(name: str, parameters: dict[str, FieldContract], results: dict[str, FieldContract]) -> Tool:
    text = {"type": "string"}
    return Tool(
        environment="desk",
        name=name,
        input_schema={"type": "object", "properties": dict.fromkeys(parameters, text), "required": list(parameters)},
        contract=Contract(parameters=parameters, results=results, observed=True),
    )


def test_links_say_whether_they_were_observed_inferred_or_named() -> None:
    users = FieldContract(key="list.id", shows="list.id", ground="values")
    other = FieldContract(key="teams.id", shows="teams.id", ground="values")
    unknown = FieldContract()
    tools = (
        foreign("list_users", {}, {"users[].id": users, "users[].user_id": other, "users[].team_id": unknown}),
        foreign("show", {"user_id": FieldContract(key="list.id", ground="response")}, {}),
        foreign("drop", {"user_id": FieldContract(key="list.id", ground="name")}, {}),
        foreign("join", {"team_id": unknown}, {}),
    )
    found = {(link.path, link.consumer): link.evidence for link in ef.ToolGraph.build(tools).links}
    assert found == {
        ("users[].id", "desk.show"): "observed",
        ("users[].id", "desk.drop"): "inferred",
        ("users[].user_id", "desk.drop"): "name",
        ("users[].team_id", "desk.join"): "name",
    }
