"""docs/logical_form.md describes every field of the logical form, and no field that isn't there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from envfactory_client import logical_form
from envfactory_client.logical_form import Comparison, Intent, Operation, Part
from envfactory_client.trajectory import Difficulty

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "logical_form.md").read_text(encoding="utf-8")
MODELS = [
    model
    for model in vars(logical_form).values()
    if isinstance(model, type) and issubclass(model, Part) and model.model_fields
]


def described(name: str) -> set[str]:
    """Give the fields in the table of a model's section."""
    found = re.search(rf"^##+ {name}\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{name} has no section"
    return set(re.findall(r"^\| `(\w+)` \|", found.group(1), re.MULTILINE))


@pytest.mark.parametrize("model", [*MODELS, Difficulty], ids=lambda model: model.__name__)
def test_every_field_is_described_and_every_described_field_exists(model: type[Part]) -> None:
    assert described(model.__name__) == set(model.model_fields)


def test_the_example_is_a_logical_form() -> None:
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    intent = Intent.model_validate(json.loads(example.group(1)))
    assert intent.model_dump(mode="json") == json.loads(example.group(1))


def test_every_comparison_and_operation_is_named() -> None:
    for word in (*get_args(Comparison), *get_args(Operation)):
        assert f"`{word}`" in TEXT, word
