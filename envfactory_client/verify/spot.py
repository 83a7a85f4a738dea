"""A spot: a call at a moment, over edited cells; and the spots beside it, which differ from it in one thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.example import Edit, Example, Size, call, wait


@dataclass(frozen=True)
class Spot:
    """A call at a moment, over edited cells."""

    arguments: Mapping[str, Any]
    wait: int = 0
    edits: tuple[Edit, ...] = ()

    def to_text(self) -> str:
        """One text for each spot."""
        return json.dumps([self.arguments, self.wait, _plain(self.edits)], sort_keys=True)

    def example(self, tool: Tool, seed: int, size: Size) -> Example:
        """The example that makes the call."""
        waits = (wait(self.wait),) if self.wait else ()
        return Example(seed=seed, size=size, edits=self.edits, steps=(*waits, call(tool.name, self.arguments)))

    def with_argument(self, name: str, value: Any) -> Spot:
        """The spot with one argument changed."""
        return replace(self, arguments={**self.arguments, name: value})

    def with_day(self, name: str, day: int) -> Spot:
        """The spot with one argument set to a day, counted as `date` counts them."""
        return self.with_argument(name, date.fromordinal(day).isoformat())

    def with_wait(self, seconds: int) -> Spot:
        """The spot at another moment."""
        return replace(self, wait=seconds)

    def with_cell(self, cell: Edit, value: Any) -> Spot:
        """The spot over one more edited cell."""
        kept = tuple(edit for edit in self.edits if _place(edit) != _place(cell))
        return replace(self, edits=(*kept, cell.model_copy(update={"value": value})))


def text_of(edits: tuple[Edit, ...]) -> str:
    """One text for each sequence of edits."""
    return json.dumps(_plain(edits), sort_keys=True) if edits else ""


def _plain(edits: tuple[Edit, ...]) -> list[list[Any]]:
    return [[edit.table, dict(edit.key), edit.column, edit.value] for edit in edits]


def _place(edit: Edit) -> tuple[str, Mapping[str, Any], str]:
    return edit.table, edit.key, edit.column
