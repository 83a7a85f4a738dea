"""Identity: how the agent gets to know who the user is, who tells a fact of their card or only their name.

Where a look-up finds people by name and shows the fact, and shows just one of that name, the name is enough: then the
fact is hidden, and every call that needs it takes it from that look-up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from synthesis.draft import Origin
from synthesis.errors import Drop
from synthesis.paths import places_at
from synthesis.stage import Stage

NAME = "name"


@dataclass(frozen=True)
class Known:
    """A fact of the user's card, where the agent has it from, and what the user tells for it."""

    value: Any
    origin: Origin
    told: str


@dataclass(frozen=True)
class _Finder:
    """A look-up that finds people by name and shows a fact."""

    environment: str
    tool: str
    parameter: str
    path: str


async def known(stage: Stage, fact: str) -> Known:
    """Give a fact of the user's card; raises `Drop` when the card hasn't got it."""
    if fact not in stage.card:
        raise Drop("unknown_fact", fact)
    if stage.draft.by_name is None:
        stage.draft.by_name = stage.chance(max(0.0, stage.aim.lean)) and await _found(stage, fact) is not None
    origin = await _found(stage, fact) if stage.draft.by_name else None
    value = stage.card[fact]
    return Known(value, Origin("explicit", text=str(value)), fact) if origin is None else Known(value, origin, NAME)


async def _found(stage: Stage, fact: str) -> Origin | None:
    """Give where a look-up by the user's name alone shows a fact, or None."""
    name = stage.card.get(NAME)
    for finder in _finders(stage, fact):
        arguments = {finder.parameter: name}
        there = stage.at(finder.environment)
        step = _made(there, finder, arguments)
        mark = len(stage.draft.steps)
        if step is None:
            step = await there.look(finder.tool, arguments, {finder.parameter: Origin("explicit", text=str(name))})
        shown = list(places_at(stage.draft.steps[step].result, finder.path))
        if [value for _, value in shown] == [stage.card[fact]]:
            return Origin("earlier", step=step, place=shown[0][0])
        del stage.draft.steps[mark:]
    return None


def _made(stage: Stage, finder: _Finder, arguments: dict[str, Any]) -> int | None:
    """Give the step that has found the user before; who they are never changes."""
    for place, step in enumerate(stage.draft.steps):
        if (step.environment, step.tool, step.arguments) == (finder.environment, finder.tool, arguments):
            return place
    return None


def _finders(stage: Stage, fact: str) -> Iterator[_Finder]:
    for environment, catalogue in stage.catalogues.items():
        for tool in catalogue.tools.values():
            if tool.actor != "agent" or not tool.read_only or len(tool.required) != 1 or tool.contract is None:
                continue
            wanted = catalogue.parameter(tool.name, tool.required[0]).filter
            paths = [path for path, field in tool.contract.results.items() if field.shared == f"person.{fact}"]
            if wanted is not None and wanted.column.endswith(f".{NAME}") and paths:
                yield _Finder(environment, tool.name, tool.required[0], paths[0])
