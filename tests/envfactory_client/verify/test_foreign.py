"""Servers by other authors: they may hang, end, shout or hide what they need, and are still judged fairly."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from envfactory_client.cli import app
from envfactory_client.verify import clues
from envfactory_client.verify.report import CheckReport, Report
from tests.envfactory_client.verify.examined import desk, report_on_foreign

READS = 'reads = {"readOnlyHint": True}\n'
LEAVING = (
    READS
    + """
@mcp.tool(annotations=reads)
def add(first: int, second: int = 0) -> dict[str, int]:
    "Add two numbers."
    return {"sum": first + second}

@mcp.tool(annotations=reads)
def leave(place: str, note: str = "", loudly: bool = False) -> str:
    "Leave a place."
    import os
    os._exit(3)
"""
)
WAITING = (
    READS
    + """
@mcp.tool(annotations=reads)
async def wait(seconds: float) -> str:
    "Wait for so long."
    import asyncio
    await asyncio.sleep(3600)
    return "waited"
"""
)
PICKY = (
    READS
    + """
@mcp.tool(annotations=reads)
def local_time(zone: Annotated[str, Field(description="IANA name (e.g. 'Etc/UTC')")]) -> str:
    "Tell the time."
    if zone != "Etc/UTC":
        raise ValueError("no such zone")
    return "12:00"

class Measure(Tool):
    async def run(self, arguments):
        from fastmcp.tools.base import ToolResult
        return ToolResult(content=str(sum(bed["size"] for bed in arguments["beds"])))

bed = {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}, "required": ["size"]}
beds = {"type": "object", "properties": {"beds": {"type": "array", "items": bed}}, "required": ["beds"]}
mcp.add_tool(Measure(name="measure", description="Measure.", parameters=beds, annotations=reads))
"""
)


def run(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["verify", *words])


def part(report: Report, check: str) -> CheckReport:
    return next(entry for entry in report.checks if entry.id == check)


def successes(report: Report) -> dict[str, int]:
    return {tool.tool: tool.successes for tool in report.reached}


def test_a_tool_that_ends_the_server_is_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    report = report_on_foreign(tmp_path, LEAVING, "B14")
    (violation,) = part(report, "B14").violations
    assert violation.sentence.startswith("leave ends the server: ")
    assert [step.tool for step in violation.example.steps] == ["leave"]
    assert sorted(violation.example.last.arguments) == ["place"]
    assert successes(report)["add"] > 5
    again = run(*shlex.split(violation.replay)[2:])
    assert (again.exit_code, "B14 is broken: leave ends the server" in again.stdout) == (1, True)


def test_a_tool_that_takes_its_time_as_it_was_told_is_not_to_blame(tmp_path: Path) -> None:
    report = report_on_foreign(tmp_path, WAITING, "B14", "B17")
    assert report.calls == 1
    assert not report.violations


def test_arguments_follow_what_descriptions_let_slip_and_how_objects_are_made(tmp_path: Path) -> None:
    reached = successes(report_on_foreign(tmp_path, PICKY, "B14"))
    assert reached["local_time"]
    assert reached["measure"]


def test_a_place_that_the_command_names_is_a_clue(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    words = ["server", "--root", str(tmp_path), f"--file={tmp_path / 'a.txt'}", "--port", "80"]
    text = {"type": "string"}
    assert clues.values("folder", text, words) == [str(tmp_path)]
    places = [str(tmp_path), str(tmp_path / "a.txt"), str(tmp_path / "inner"), str(tmp_path / "a.txt")]
    assert clues.values("path", text, words) == places
    assert clues.values("city", text, words) == []
    assert clues.values("path", {"type": "integer"}, words) == []


@pytest.mark.parametrize(
    ("form", "hinted"),
    [
        ({"description": "A zone, such as 'Etc/UTC' or \"Asia/Tokyo\"; it's told."}, ["Etc/UTC", "Asia/Tokyo"]),
        ({"description": "The time (HH:MM)"}, ["14:30"]),
        ({"description": "The time (HH:MM:SS)"}, ["14:30:00"]),
        ({"default": "x", "examples": ["y"]}, ["x", "y"]),
        ({"type": "integer", "default": 7, "description": "Not '8'."}, [7]),
        ({"description": "The city."}, []),
    ],
)
def test_what_a_schema_says_of_values_is_a_clue(form: dict[str, object], hinted: list[object]) -> None:
    assert clues.values("value", form, ()) == hinted


def test_a_text_that_says_what_the_structure_wraps_is_the_same(tmp_path: Path) -> None:
    tools = (
        READS
        + """
from fastmcp.tools.base import ToolResult

class Said(Tool):
    text: str
    async def run(self, arguments):
        return ToolResult(content=self.text, structured_content={"rows": [1, 2]})

form = {"type": "object", "properties": {"rows": {"type": "array"}}, "required": ["rows"]}
nothing = {"type": "object", "properties": {}}
for name, text in {"same": '{"rows": [1, 2]}', "within": "[1, 2]", "other": "[1]", "prose": "two rows"}.items():
    says = Said(name=name, text=text, description="Say.", parameters=nothing, output_schema=form, annotations=reads)
    mcp.add_tool(says)
"""
    )
    schemas = part(report_on_foreign(tmp_path, tools, "B1"), "B1")
    assert [violation.tool for violation in schemas.violations] == ["other"]
    assert schemas.tried == 45


def test_a_server_without_tools_that_claim_to_only_read_is_only_read(tmp_path: Path) -> None:
    tools = "@mcp.tool\ndef forget() -> str:\n    'Forget.'\n    return 'forgotten'\n"
    report = report_on_foreign(tmp_path, tools, "B1", "B14", "B17", "D6")
    assert report.calls == 0
    for check in ("B1", "B14", "B17"):
        assert part(report, check).outcome == "skipped"
        assert "allow that with --allow-writes" in str(part(report, check).skipped_because)
    assert part(report, "D6").outcome == "passed"


def test_the_version_of_the_server_is_in_the_report(tmp_path: Path) -> None:
    script = Path(desk(tmp_path, READS)[1])
    script.write_text(script.read_text(encoding="utf-8").replace('FastMCP("Desk")', 'FastMCP("Desk", version="4.2")'))
    done = run("--only", "D6", "--json", "--", sys.executable, str(script))
    assert json.loads(done.stdout)["version"] == "4.2"


def test_a_server_that_shouts_on_its_output_is_heard_all_the_same(tmp_path: Path) -> None:
    command = desk(tmp_path, "print('Welcome to the desk!', flush=True)\n" + LEAVING)
    done = run("--only", "D6", "--", *command)
    assert done.exit_code == 0, done.output


def test_a_server_that_misses_an_argument_is_quoted(tmp_path: Path) -> None:
    command = desk(tmp_path, "import sys\nif len(sys.argv) < 2:\n    sys.exit('usage: desk FOLDER')\n")
    done = run("--only", "D6", "--", *command)
    said = " ".join(done.stderr.split())
    assert (done.exit_code, "didn't start as an MCP server: usage: desk FOLDER" in said) == (1, True)
