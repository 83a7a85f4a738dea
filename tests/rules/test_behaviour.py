"""What every environment does when its tools are called, again and again and by chance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from servers.runtime import Environment, Episode
from servers.runtime.tool import Definition
from tests.rules.calls import Arguments, Caller, fits

CALLS = 600


def due(env: Environment, definition: Definition, arguments: Arguments, episode: Episode) -> set[str]:
    """Give the refusal codes whose declared SQL holds for a call."""
    properties = definition.input_schema.get("properties", {})
    bound = {name: field.get("default") for name, field in properties.items()} | arguments
    bindable = {name: json.dumps(value) if isinstance(value, list) else value for name, value in bound.items()}
    return {code for code, sql in definition.refuses.items() if episode.query(env.name, sql, bindable)[1]}


def test_refusals_come_exactly_when_they_are_declared(env: Environment, episode: Episode) -> None:
    caller = Caller(env, episode, seed=1)
    for _ in range(CALLS):
        definition = caller.rng.choice(list(env.tools.values()))
        arguments = caller.arguments(definition)
        expected = due(env, definition, arguments, episode)
        outcome = env.call(definition, arguments)
        where = f"{definition.name} {arguments} {outcome.text}"
        if outcome.refusal:
            assert outcome.refusal in expected, where
        else:
            assert not outcome.is_error, where
            assert not expected, where


def test_invariants_hold_after_every_call(env: Environment, episode: Episode) -> None:
    for definition, arguments, outcome in Caller(env, episode, seed=2).calls(CALLS):
        if definition.contract.kind == "writes" and not outcome.is_error:
            assert not episode.violations(), f"{definition.name} {arguments}"


def test_invariants_hold_as_time_goes_by(env: Environment, episode: Episode) -> None:
    caller = Caller(env, episode, seed=3)
    for _ in range(20):
        for _ in caller.calls(10):
            pass
        episode.advance(caller.rng.choice([60, 3600, 86_400, 5 * 86_400]))
        assert not episode.violations()


def test_a_call_changes_what_its_contract_says_and_nothing_else(env: Environment, episode: Episode) -> None:
    caller = Caller(env, episode, seed=4)
    for _ in range(CALLS):
        definition = caller.rng.choice(list(env.tools.values()))
        before = episode.snapshot() if definition.contract.kind == "writes" else None
        digest = episode.state().digest
        outcome = env.call(definition, caller.arguments(definition))
        if outcome.is_error or definition.contract.kind == "reads":
            assert episode.state().digest == digest, definition.name
            continue
        changed = episode.diff(before).get(env.name, {})
        for table, change in changed.items():
            declared = definition.contract.changes.get(table, "")
            columns = {column for row in change["updated"] for column in row["after"]}
            assert not change["inserted"] or "insert" in declared, f"{definition.name} inserts into {table}"
            assert not change["deleted"] or "delete" in declared, f"{definition.name} deletes from {table}"
            assert columns <= set(declared.replace(",", " ").split()), f"{definition.name} updates {table} {columns}"


def test_results_fit_their_published_schema(env: Environment, episode: Episode) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    for definition, _, outcome in Caller(env, episode, seed=5).calls(200):
        if outcome.structured is not None:
            validator(definition.output_schema).validate(outcome.structured)
            assert json.loads(outcome.text) == outcome.structured


def test_arguments_outside_the_schema_are_rejected_without_a_trace(env: Environment, episode: Episode) -> None:
    caller = Caller(env, episode, seed=6)
    before = episode.state().digest
    for definition in env.tools.values():
        good = caller.arguments(definition)
        for bad in spoiled(definition, good):
            outcome = env.call(definition, bad)
            assert outcome.is_error, f"{definition.name} accepts {bad}"
            assert outcome.refusal is None
            assert outcome.text.startswith("Invalid arguments"), outcome.text
    assert episode.state().digest == before


def spoiled(definition: Definition, good: Arguments) -> list[dict[str, Any]]:
    """Give arguments that break the published schema in one place each."""
    required = definition.input_schema.get("required", [])
    broken: list[dict[str, Any]] = [{**good, "unheard_of": 1}]
    broken += [{name: value for name, value in good.items() if name != missing} for missing in required]
    for name, field in definition.input_schema.get("properties", {}).items():
        form = next(option for option in field.get("anyOf", [field]) if option.get("type") != "null")
        wrong: list[Any] = [{"x": 1}, 1.5]
        wrong += ["x" * 10_000, "'; DROP TABLE x; --", 86_400] if form.get("type") == "string" else ["10", True]
        wrong += ["2026-02-30", "2026-13-01"] if form.get("format") == "date" else []
        wrong += [form["maximum"] + 1, form["minimum"] - 1] if "maximum" in form and "minimum" in form else []
        if form.get("type") == "boolean":
            wrong = [1, "true", None]
        broken += [{**good, name: value} for value in wrong if not fits(value, form)]
    return broken


@pytest.mark.parametrize("size", ["small", "medium", "large"])
@pytest.mark.parametrize("seed", [0, 11])
def test_every_seed_and_size_gives_a_sound_world(env: Environment, size: Any, seed: int) -> None:
    episode = Episode.open([env], seed=seed, size=size)
    rows = sum(len(entries) for entries in episode.rows(env.name).values())
    low, high = {"small": (200, 600), "medium": (1200, 3000), "large": (12_000, 30_000)}[size]
    assert low <= rows <= high
    assert not episode.violations()


PRINT_A_RUN = """
import sys
from servers.runtime import Episode, discover
from tests.rules.calls import Caller
env = discover()[sys.argv[1]]()
episode = Episode.open([env], seed=5)
with episode.active():
    texts = [outcome.text for _, _, outcome in Caller(env, episode, seed=9).calls(150)]
print(episode.state().digest, *texts, sep="\\n")
"""


def test_two_processes_with_other_hash_seeds_agree_to_the_byte(env: Environment) -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", PRINT_A_RUN, env.name],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            timeout=100,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0]) > 5000


def test_the_order_in_which_rows_lie_does_not_matter(env: Environment) -> None:
    plain = Episode.open([env], seed=5)
    rows = {table: list(reversed(entries)) for table, entries in plain.rows(env.name).items()}
    turned = Episode.open([env], seed=5, scenarios={env.name: rows})
    turned.databases[env.name].execute("PRAGMA reverse_unordered_selects = ON")
    texts = []
    for episode in (plain, turned):
        with episode.active():
            texts.append([outcome.text for _, _, outcome in Caller(env, episode, seed=10).calls(300)])
    assert texts[0] == texts[1]
    assert plain.state().digest == turned.state().digest
