"""What every environment promises by its definition alone."""

from __future__ import annotations

import json
import re

import pytest

from servers.runtime import Environment

WALL_CLOCK_OR_CHANCE = re.compile(
    r"(?i:'now'|datetime\(\)|julianday\(\)|unixepoch\(\)|date\(\)|time\(\)|random\(|current_(date|time)|replace into)"
    r"|(?i:or (replace|rollback)|raise *\(rollback|strftime\('[^']*'\))"
    r"|datetime\.now|utcnow|time\.time|import (random|secrets|uuid)\b",
)
PARTS = {
    "README.md",
    "__init__.py",
    "__main__.py",
    "manifest.toml",
    "phrases.toml",
    "scenario.py",
    "schema.sql",
    "server.py",
    "test_server.py",
    "verified.json",
}


def test_every_folder_has_the_same_parts(env: Environment) -> None:
    found = {path.name for path in env.folder.iterdir() if path.name != "__pycache__"}
    assert found - {"policy.md"} == PARTS


def test_tables_are_strict_and_have_keys(env: Environment) -> None:
    strict = re.findall(r"CREATE TABLE (\w+) \((?:.|\n)*?\n\) STRICT", env.schema)
    assert sorted(strict) == sorted(table.name for table in env.tables)


def test_an_environment_is_neither_thin_nor_one_sided(env: Environment) -> None:
    writes = [tool for tool in env.tools.values() if tool.contract.kind == "writes"]
    assert 8 <= len(env.tools) <= 25
    assert 0.4 <= len(writes) / len(env.tools) <= 0.6
    assert env.invariants


def test_every_parameter_is_described_and_bounded(env: Environment) -> None:
    for tool in env.tools.values():
        for name, field in tool.input_schema.get("properties", {}).items():
            text = json.dumps(field)
            assert "description" in text, f"{tool.name}.{name}"
            bounded = any(word in text for word in ("pattern", "enum", "maximum", "maxLength", "boolean"))
            assert bounded, f"{tool.name}.{name}"


def test_no_field_is_a_free_for_all(env: Environment) -> None:
    for tool in env.tools.values():
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["title"] == tool.result.__name__
        assert tool.output_schema["type"] == "object"


def test_at_most_one_free_text_a_tool(env: Environment) -> None:
    for tool in env.tools.values():
        assert sum(1 for field in tool.contract.parameters.values() if field.free) <= 1


def test_names_are_verb_noun_and_hints_are_true(env: Environment) -> None:
    for tool in env.tools.values():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool.name)
        assert tool.annotations.read_only_hint == (tool.contract.kind == "reads")
        assert tool.annotations.open_world_hint is False
        changes = " ".join(tool.contract.changes.values())
        assert tool.annotations.destructive_hint == ("update" in changes or "delete" in changes)


def test_schemas_stay_within_the_token_budget(env: Environment) -> None:
    listing = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in env.tools.values()
    ]
    assert len(json.dumps(listing)) / 4 < 6000


def test_every_key_that_a_write_needs_can_be_found(env: Environment) -> None:
    for actor in ("agent", "user"):
        contracts = [tool.contract for tool in env.tools.values()]
        reads = [contract for contract in contracts if contract.kind == "reads" and contract.actor in (actor, "agent")]
        shown = {field.key for contract in reads for field in contract.results.values() if field.key}
        for tool in env.tools.values():
            if tool.contract.kind == "writes" and tool.contract.actor == actor:
                for name in tool.input_schema.get("required", ()):
                    key = tool.contract.parameters[name].key
                    assert key is None or key in shown, f"{tool.name}.{name} needs {key}, which no look-up shows"


@pytest.mark.parametrize("file", ["server.py", "schema.sql", "scenario.py"])
def test_nothing_reads_the_wall_clock_or_draws_by_itself(env: Environment, file: str) -> None:
    found = {match.group() for match in WALL_CLOCK_OR_CHANCE.finditer(env.text(file) or "")}
    assert found <= ({"random("} if file == "scenario.py" else set())


def test_a_policy_is_numbered_and_tied_to_refusals(env: Environment) -> None:
    policy = env.text("policy.md")
    if policy is None:
        pytest.skip("this domain has no rules beyond its refusals")
    codes = {code for tool in env.tools.values() for code in tool.contract.refusals} - {"not_found"}
    rules = re.findall(r"^\d+\. ", policy, re.MULTILINE)
    assert len(rules) >= 5
    assert codes & set(re.findall(r"`(\w+)`", policy))
