"""The formats are described, field by field, and what is written fits their schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from typer.testing import CliRunner

from envfactory_client.tool import ColumnFilter, Contract, FieldContract
from envfactory_client.trajectory import (
    Goal,
    LedgerEntry,
    OfferedTools,
    Reference,
    Span,
    Step,
    StepArgument,
    StepPath,
    Trajectory,
    TrajectoryWorld,
    Turn,
)
from servers.runtime import discover
from servers.runtime.contract import FieldContract as DeclaredField
from servers.runtime.contract import ToolContract
from synthesis import phrases, run
from synthesis.formats import FORMATS, schema, stale

DOCS = Path(__file__).resolve().parents[1] / "docs"
TRAJECTORY: list[type[BaseModel]] = [
    Trajectory, TrajectoryWorld, OfferedTools, Turn, Span, Goal, Step, Reference, StepPath, StepArgument, LedgerEntry,
]  # fmt: skip
PHRASES: list[type[BaseModel]] = [
    model
    for model in vars(phrases).values()
    if isinstance(model, type) and issubclass(model, phrases._Part) and model is not phrases._Part
]
PAGES: list[tuple[str, type[BaseModel]]] = [
    *(("contract", model) for model in (Contract, FieldContract, ColumnFilter)),
    *(("trajectory", model) for model in TRAJECTORY),
    *(("phrases", model) for model in PHRASES),
]


def described(page: str, name: str) -> list[str]:
    """The fields in the table of a section of a page."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/{page}.md has no section '## {name}'"
    return re.findall(r"^\| `(\w+)` \|", found.group(1), re.MULTILINE)


@pytest.mark.parametrize(("page", "model"), PAGES, ids=lambda value: getattr(value, "__name__", value))
def test_every_field_is_described_and_no_other(page: str, model: type[BaseModel]) -> None:
    assert described(page, model.__name__) == [
        field.alias if page == "phrases" and field.alias else name for name, field in model.model_fields.items()
    ]


def test_schemas_are_up_to_date() -> None:
    assert stale() == []


def test_both_sides_read_one_contract() -> None:
    sent = {name for name, field in DeclaredField.model_fields.items() if not field.exclude}
    assert sent == set(FieldContract.model_fields) - {"ground"}
    assert set(ToolContract.model_fields) == set(Contract.model_fields) - {"observed"}


def unfit(name: str, value: Any) -> list[str]:
    """What a value has against a schema."""
    return [
        f"{list(error.path)}: {error.message:.200}" for error in Draft202012Validator(schema(name)).iter_errors(value)
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("environment", sorted(discover()))
def test_contracts_fit(environment: str) -> None:
    for definition in discover()[environment]().tools.values():
        assert unfit("contract-1", definition.contract.to_meta()) == []


@pytest.mark.parametrize("environment", sorted(discover()))
def test_phrases_fit(environment: str) -> None:
    import tomllib

    text = (discover()[environment]().folder / "phrases.toml").read_text(encoding="utf-8")
    assert unfit("phrases-1", tomllib.loads(text)) == []


def test_what_a_run_writes_fits(tmp_path: Path) -> None:
    ran = CliRunner().invoke(run.app, ["--count", "4", "--seed", "3", "--out", str(tmp_path / "run")])
    assert ran.exit_code == 0, ran.output
    lines = (tmp_path / "run" / "trajectories.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    for line in lines:
        written = json.loads(line)
        assert unfit("trajectory-1", written) == []
        assert unfit("reward-1", written["reward"]) == []
        for turn in written["turns"]:
            assert [unfit("logical_form-1", intent) for intent in turn.get("intents", ())] == [
                [] for _ in turn.get("intents", ())
            ]
