"""Fields, names and links: all pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import envfactory_client as ef
from envfactory_client.naming import key_names, singular


def _object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


def _tool(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    *,
    contract: Mapping[str, Any] | None = None,
    reads: bool = True,
    optional: Sequence[str] = (),
) -> ef.Tool:
    environment, _, short = name.rpartition(".")
    inputs = dict(parameters or {})
    return ef.Tool.model_validate(
        {
            "environment": environment or "desk",
            "name": short,
            "input_schema": _object([key for key in inputs if key not in optional], **inputs),
            "output_schema": None if results is None else _object([], **dict(results)),
            "annotations": {"readOnlyHint": reads},
            "contract": contract,
        }
    )


def _links(*tools: ef.Tool) -> set[tuple[str, str, str, str]]:
    found = ef.ToolGraph.build(tools).links
    return {(link.producer, link.path, link.consumer, link.parameter) for link in found if not link.echo}


def test_schema_fields_are_the_leaves_with_their_paths() -> None:
    schema = _object(
        ["flights", "total"],
        flights={"type": "array", "items": {"$ref": "#/$defs/Flight"}},
        total=WHOLE,
        note={"anyOf": [TEXT, {"type": "null"}]},
        tags={"type": "array", "items": TEXT},
        cabin={"enum": ["economy", None]},
        anything={},
    )
    schema["$defs"] = {"Flight": _object(["flight_id"], flight_id=TEXT, seat={"type": ["integer", "null"]})}
    fields = {field.path: field for field in ef.schema_fields(schema)}
    assert list(fields) == [
        "flights[].flight_id", "flights[].seat", "total", "note", "tags[]", "cabin", "anything",
    ]  # fmt: skip
    assert fields["flights[].flight_id"].required
    assert not fields["flights[].seat"].required
    assert fields["flights[].seat"].types == {"integer"}
    assert fields["note"].types == fields["tags[]"].types == fields["cabin"].types == {"string"}
    assert fields["anything"].types == frozenset()


def test_a_schema_that_contains_itself_ends() -> None:
    node = _object(["child"], child={"$ref": "#/$defs/Node"}, name=TEXT)
    fields = ef.schema_fields({**node, "$defs": {"Node": node, "Loop": {"$ref": "#/$defs/Loop"}}})
    assert "child.child.name" in [field.path for field in fields]
    assert ef.schema_fields({"$ref": "#/$defs/Loop", "$defs": {"Loop": {"$ref": "#"}}}) == ()


LEAVES = st.booleans() | st.integers() | st.text(max_size=3)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_every_leaf_of_a_value_is_reached_by_its_path(value: Any) -> None:
    for field in ef.value_fields(value):
        assert any(not isinstance(leaf, dict | list) for leaf in ef.values_at(value, field.path))


def test_values_at_follows_lists_and_objects() -> None:
    value = {"a": [{"b": 1}, {"b": [2]}, {}], "c": {"d": ["x", "y"]}, "m": [[1], [2, 3]]}
    assert ef.values_at(value, "a[].b") == [1, [2]]
    assert ef.values_at(value, "c.d[]") == ["x", "y"]
    assert ef.values_at(value, "m[][]") == [1, 2, 3]
    assert ef.values_at(value, "nothing.here") == []


def test_put_at_makes_what_lies_between() -> None:
    arguments: dict[str, Any] = {}
    ef.put_at(arguments, "entity", ["a", "b"])
    ef.put_at(arguments, "names[]", ["a", "b"])
    ef.put_at(arguments, "changes[].name", ["a"])
    ef.put_at(arguments, "changes[].words[]", ["x", "y"])
    ef.put_at(arguments, "where.deep.name", ["z"])
    assert arguments == {
        "entity": "a",
        "names": ["a", "b"],
        "changes": [{"name": "a", "words": ["x", "y"]}],
        "where": {"deep": {"name": "z"}},
    }


@pytest.mark.parametrize(
    ("plural", "one"),
    [("users", "user"), ("entries", "entry"), ("boxes", "box"), ("status", "status"), ("address", "address"),
     ("ids", "id"), ("branches", "branch"), ("is", "is")],
)  # fmt: skip
def test_singulars(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("tool", "path", "name"),
    [
        ("list_users", "results[].id", ("user", "id")),
        ("list_users", "users[].id", ("user", "id")),
        ("get_user", "id", ("user", "id")),
        ("deleteUser", "userId", ("user", "id")),
        ("read_graph", "entities[].name", ("entity", "name")),
        ("delete_entities", "entityNames[]", ("entity", "name")),
        ("open_nodes", "names[]", ("name",)),
        ("read_file", "path", ("path",)),
        ("convert_time", "source_timezone", ("timezone",)),
        ("change_flight", "new_flight_id", ("flight", "id")),
    ],
)
def test_the_name_of_a_key_is_found_in_field_list_and_tool(tool: str, path: str, name: tuple[str, ...]) -> None:
    assert name in key_names(tool, path)


@pytest.mark.parametrize(("tool", "path"), [("get_user", "bio"), ("list", "[]"), ("search", "limit"), ("make", "id")])
def test_what_is_no_key_has_no_name(tool: str, path: str) -> None:
    assert key_names(tool, path) == frozenset()


def test_names_link_a_foreign_servers_tools() -> None:
    tools = (
        _tool("list_users", {}, {"results": {"type": "array", "items": _object(id=TEXT, name=TEXT)}}),
        _tool("get_user", {"user_id": TEXT}, {"id": TEXT, "bio": TEXT}),
        _tool("open_ticket", {"userId": TEXT}, {"ticket_id": WHOLE}, reads=False),
        _tool("close_tickets", {"ticketIds": {"type": "array", "items": WHOLE}}, reads=False),
    )
    assert _links(*tools) == {
        ("desk.list_users", "results[].id", "desk.get_user", "user_id"),
        ("desk.list_users", "results[].id", "desk.open_ticket", "userId"),
        ("desk.open_ticket", "ticket_id", "desk.close_tickets", "ticketIds[]"),
    }


def test_names_of_other_json_types_or_servers_dont_link() -> None:
    users = _tool("list_users", {}, {"results": {"type": "array", "items": _object(id=WHOLE)}})
    assert _links(users, _tool("get_user", {"user_id": TEXT})) == set()
    assert _links(users, _tool("other.get_user", {"user_id": WHOLE})) == set()
    assert _links(users, _tool("get_user", {"user_id": {"type": "number"}}))


def test_observed_results_stand_in_for_schemas() -> None:
    tools = [_tool("list_users"), _tool("get_user", {"user_id": TEXT})]
    observed = {"desk.list_users": [[{"id": "u1"}], []]}
    (link,) = ef.ToolGraph.build(tools, observed=observed).links
    assert (link.path, link.key, link.evidence) == ("[].id", "user_id", "name")


def _key(column: str, **more: Any) -> dict[str, Any]:
    return {"type": column, "key": column, **more}


def test_declared_keys_link_whatever_the_names_are_and_names_dont() -> None:
    search = _tool(
        "air.search", {}, {"flights": {"type": "array", "items": _object(number=TEXT, email=TEXT)}},
        contract={"results": {"flights[].number": _key("flights.flight_id")}},
    )  # fmt: skip
    book = _tool(
        "air.book", {"which": TEXT, "email": TEXT}, contract={"parameters": {"which": _key("flights.flight_id")}}
    )
    assert _links(search, book) == {("air.search", "flights[].number", "air.book", "which")}
    (link,) = ef.ToolGraph.build([search, book]).links
    assert (link.key, link.evidence) == ("air:flights.flight_id", "declared")


def test_keys_of_two_environments_differ_and_shared_facts_dont() -> None:
    shared = {"type": "person.email", "shared": "person.email"}
    one = _tool("a.one", {}, {"id": TEXT, "email": TEXT}, contract={"results": {"id": _key("t.id"), "email": shared}})
    two = _tool("b.two", {"id": TEXT, "mail": TEXT}, contract={"parameters": {"id": _key("t.id"), "mail": shared}})
    assert _links(one, two) == {("a.one", "email", "b.two", "mail")}


def test_an_echo_is_a_link_that_finds_nothing() -> None:
    parameters = {"origin": _key("airports.code", filter={"column": "flights.origin", "operator": "="})}
    results = {
        "from_code": _key("airports.code", shows="flights.origin"),
        "to": _key("airports.code", shows="flights.to"),
    }
    search = _tool(
        "air.search", {"origin": TEXT}, {"from_code": TEXT, "to": TEXT},
        contract={"parameters": parameters, "results": results},
    )  # fmt: skip
    show = _tool("air.show", {"code": TEXT}, contract={"parameters": {"code": _key("airports.code")}})
    echoes = {link.path: link.echo for link in ef.ToolGraph.build([search, show]).links}
    assert echoes == {"from_code": True, "to": False}


@pytest.fixture
def desk() -> ef.ToolGraph:
    return ef.ToolGraph.build(
        [
            _tool("list_users", {"query": TEXT}, {"results": {"type": "array", "items": _object(id=TEXT)}}),
            _tool("list_tickets", {"user_id": TEXT}, {"tickets": {"type": "array", "items": _object(id=WHOLE)}}),
            _tool("open_ticket", {"user_id": TEXT}, {"ticket_id": WHOLE}, reads=False),
            _tool("close_ticket", {"ticket_id": WHOLE, "user_id": TEXT}, reads=False, optional=["user_id"]),
        ]
    )


def test_producers_and_consumers_are_asked_by_field(desk: ef.ToolGraph) -> None:
    assert {link.producer for link in desk.producers("desk.close_ticket", "ticket_id")} == {
        "desk.list_tickets",
        "desk.open_ticket",
    }
    assert {link.consumer for link in desk.consumers("desk.list_users", "results[].id")} == {
        "desk.list_tickets",
        "desk.open_ticket",
        "desk.close_ticket",
    }
    assert desk.producers("desk.list_users", "query") == ()
    assert desk.consumers("desk.list_users") == desk.consumers("desk.list_users", "results[].id")


def test_unknown_fields_and_tools_are_named_with_the_nearest(desk: ef.ToolGraph) -> None:
    with pytest.raises(ef.UnknownTool, match=r"did you mean 'desk\.list_users'"):
        desk.producers("desk.list_user", "query")
    with pytest.raises(ef.UnknownField, match="did you mean 'ticket_id'"):
        desk.producers("desk.close_ticket", "ticketid")
    with pytest.raises(ef.UnknownField, match="no result path"):
        desk.consumers("desk.list_users", "id")


def test_a_graph_is_a_value_in_json_dot_and_mermaid(desk: ef.ToolGraph) -> None:
    assert ef.ToolGraph.model_validate(json.loads(json.dumps(desk.to_json()))) == desk
    assert '"desk.list_users" -> "desk.open_ticket" [label="results[].id → user_id", style=dashed];' in desk.to_dot()
    assert 't0 -.->|"results[].id → user_id"| t1' in desk.to_mermaid()
