"""Bad arguments: whoever turns them away is fine; whoever takes them, or fails or ends by them, is named."""

from __future__ import annotations

from pathlib import Path

from envfactory_client.verify.checks.robustness import Rejects
from tests.envfactory_client.verify.examined import library, said_of_foreign, sentences

DESK = """
reads = {"readOnlyHint": True}

@mcp.tool(annotations=reads)
def find_sound(city: Literal["Bonn", "Ulm"], beds: Annotated[int, Field(ge=1, le=4)] = 1) -> dict[str, int]:
    "Find a room, and check what is asked for."
    return {"beds": beds}

@mcp.tool(annotations=reads)
def find_by_bug(city: str) -> dict[str, int]:
    "Find a room, as long as the city is of letters."
    return {"room": len(city) if city.isalpha() else len(None)}

@mcp.tool(annotations=reads)
def find_by_lie(city: str) -> dict[str, str]:
    "Find a room, or say so."
    return {"room": city} if city.isalpha() else {"error": "there is no such city"}

class Unchecked(Tool):
    async def run(self, arguments):
        from fastmcp.tools.base import ToolResult
        return ToolResult(structured_content={"seen": True})

for name, form in {
    "take_enum": {"type": "string", "enum": ["Bonn", "Ulm"]},
    "take_range": {"type": "integer", "minimum": 1},
    "take_date": {"type": "string", "format": "date"},
}.items():
    schema = {"type": "object", "properties": {"place": form}, "required": ["place"]}
    mcp.add_tool(Unchecked(name=name, description="Look.", parameters=schema, annotations=reads))

@mcp.tool(annotations=reads)
def find_by_crash(city: str) -> dict[str, int]:
    "Find a room, and end at long names."
    import os
    return os._exit(1) if len(city) > 9000 else {"room": 1}
"""


def test_the_library_turns_bad_arguments_away(tmp_path: Path) -> None:
    assert sentences(Rejects(), library(tmp_path)) == []


def test_bad_arguments_that_a_foreign_server_takes_or_that_break_it_are_named(tmp_path: Path) -> None:
    (found,) = said_of_foreign([Rejects()], tmp_path, DESK)
    by_tool = {sentence.partition(" ")[0]: sentence for sentence in found}
    assert "find_sound" not in by_tool
    assert "fails like a bug" in by_tool["find_by_bug"]
    assert "says in a success that it failed" in by_tool["find_by_lie"]
    for tool in ("take_enum", "take_range", "take_date"):
        assert "in silence, although its schema rejects it" in by_tool[tool]
    assert "ends the server" in by_tool["find_by_crash"]


def test_a_bug_of_ours_is_named(tmp_path: Path) -> None:
    find = '    return Book.of(find(env.db, "shelf", book_id=book_id))'
    subject = library(tmp_path, "server.py", find, f"    assert not book_id.endswith('9')\n{find}")
    assert sentences(Rejects(), subject) == []  # no neighbour of a good argument ends so
    subject = library(tmp_path / "next", "server.py", find, find.replace("find(", "Book.model_validate or find("))
    (sentence,) = sentences(Rejects(), subject)
    assert sentence.startswith("get_book with ")


def test_a_key_of_no_row_must_change_nothing(tmp_path: Path) -> None:
    find = '    owed = find(env.db, "members", member_id=member_id)["fines_cents"]'
    replace = """
    found = env.db.execute("SELECT * FROM members WHERE member_id = ?", (member_id,)).fetchone()
    if found is None:
        env.db.execute("UPDATE members SET fines_cents = fines_cents + 1")
        return Member.of(env.db.execute("SELECT * FROM members").fetchone())
    owed = found["fines_cents"]"""
    subject = library(tmp_path, "server.py", find, replace.removeprefix("\n"))
    (sentence,) = sentences(Rejects(), subject)
    assert sentence.startswith("pay_fine with member_id = ")
    assert sentence.endswith("ends in a key of no row and still changes something")
