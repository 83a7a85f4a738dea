"""The pages in docs/ are true: they name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from envfactory_client import Evidence, Owed, RefusedCall, RewardSpec, Slot, StepArgument

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "reward.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [RewardSpec, Owed, Slot, Evidence, RefusedCall, StepArgument])
def test_the_page_on_rewards_names_every_field(model: type[BaseModel]) -> None:
    section = re.split(r"^##+ ", PAGE, flags=re.MULTILINE)
    (table,) = [part for part in section if re.match(rf"(Fields of )?`{model.__name__}`\n", part)]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(model.model_fields)
