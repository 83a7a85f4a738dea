"""Listings: described tools, sound schemas, true hints, tight parameters, and not too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from envfactory_client.tool import Tool
from envfactory_client.verify.checks.definitions import Definitions, Tightness, TokenBudget
from tests.envfactory_client.verify.examined import library, said_of_foreign, sentences

DESK = '''
@mcp.tool(annotations={"readOnlyHint": True})
def find_ticket(number: Annotated[int, Field(description="The ticket's number.")]) -> dict[str, int]:
    """Find a ticket."""
    return {"number": number}

@mcp.tool(annotations={"readOnlyHint": True})
def look(what, where: str) -> str:
    """Look."""
    return "seen"

@mcp.tool(description="Close the desk.")
def close_desk() -> str:
    return "closed"

@mcp.tool(description="x" * 27_200, annotations={"readOnlyHint": True})
def read_novel() -> str:
    return "read"
'''


@pytest.mark.parametrize("check", [TokenBudget(), Definitions(), Tightness()], ids=lambda check: check.id)
def test_the_library_has_nothing_to_reproach(check: Definitions, tmp_path: Path) -> None:
    assert sentences(check, library(tmp_path)) == []


def test_what_is_wrong_in_a_foreign_listing_is_named_for_each_tool(tmp_path: Path) -> None:
    checks = (TokenBudget(), Definitions(), Tightness())
    budget, definitions, tightness = said_of_foreign(checks, tmp_path, DESK)
    assert len(budget) == 1
    assert budget[0].startswith("the listing of 4 tools takes about 69")
    assert budget[0].endswith("the longest is read_novel with about 6831")
    assert definitions == []
    assert tightness == [
        "look: what isn't described; what takes values of any type; where isn't described",
        "close_desk: it doesn't say whether it only reads (readOnlyHint)",
    ]


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "objekt"}, "its input schema is no JSON Schema"),
        ({"type": "object", "required": ["city"]}, "it requires city, which is no parameter of it"),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}, "is not a 'regex'"),
        ({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}, "the default of a is one that"),
        (
            {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#/$defs/B"}}}}
            | {"$defs": {"B": {"type": "object", "properties": {"b": {"minimum": 2, "maximum": 1}}}}},
            "a[].b has a minimum above its maximum",
        ),
    ],
)
def test_an_unsound_schema_is_named(schema: dict[str, object], problem: str) -> None:
    tool = Tool(environment="desk", name="look", description="Look.", input_schema=schema)
    assert any(problem in sentence for sentence in Definitions().wrong(tool))


def test_a_tool_without_words_is_named() -> None:
    tool = Tool(environment="desk", name="look", input_schema={"type": "object"})
    assert list(Definitions().wrong(tool)) == ["it has no description"]


def test_hints_that_contradict_each_other_are_named() -> None:
    hints = {"readOnlyHint": True, "destructiveHint": True}
    tool = Tool(
        environment="desk", name="look", description="Look.", input_schema={"type": "object"}, annotations=hints
    )
    assert list(Definitions().wrong(tool)) == ["it says both that it only reads and that it destroys"]


def test_hints_that_contradict_the_contract_are_named(tmp_path: Path) -> None:
    subject = library(tmp_path)
    tool = subject.tools["borrow_book"]
    lying = tool.model_copy(update={"annotations": {**tool.annotations, "readOnlyHint": True}})
    assert list(Definitions().wrong(lying)) == ["its readOnlyHint must be false by its contract"]


def test_a_parameter_without_bounds_is_named_where_the_domain_is_known(tmp_path: Path) -> None:
    subject = library(tmp_path, "server.py", 'Field(ge=1, le=50, description="How many', 'Field(description="How many')
    assert sentences(Tightness(), subject) == [
        "search_books: limit takes numbers without a minimum or a maximum",
    ]
