"""Leaning: which goals would bring a draft nearer to the hidden rate that the run aims at, as their tools tell."""

from __future__ import annotations

from collections.abc import Iterator

from synthesis.catalogue import Catalogue
from synthesis.goals import NO_TOOL, GoalKind
from synthesis.hidden import Count, of_draft
from synthesis.stage import Stage

MOST_DEPTH = 3
CLOSE = 0.04
"""How near a draft's own rate may be to the aim so that any goal is as good."""


def toward_the_aim(stage: Stage, kinds: list[GoalKind]) -> list[GoalKind]:
    """Give kinds of goal with those first that bring the draft nearer to the aim, otherwise in the order they have."""
    aim, own = stage.aim.target + stage.aim.shortfall, of_draft(stage.draft)
    if own.arguments and abs(own.rate - aim) < CLOSE:
        return kinds
    wants_more = own.rate < aim if own.arguments else stage.aim.lean > 0
    firm = min(0.95, abs(stage.aim.lean) + (abs(own.rate - aim) if own.arguments else 0.0))
    if not stage.chance(firm):
        return kinds
    return sorted(kinds, key=lambda kind: (_expected(stage.catalogues[kind.environment], kind) < aim) == wants_more)


def _expected(catalogue: Catalogue, kind: GoalKind) -> float:
    """Give the hidden rate to expect of a goal's calls: its own arguments and those of the look-ups for its rows."""
    if kind.manner == NO_TOOL:
        return 1.0
    question = ("hidden", kind.tool)
    if question not in catalogue.worked_out:
        catalogue.worked_out[question] = sum(_counted(catalogue, kind.tool, MOST_DEPTH), Count()).rate
    return float(catalogue.worked_out[question])


def _counted(catalogue: Catalogue, tool: str, depth: int) -> Iterator[Count]:
    for name in catalogue.tools[tool].required:
        key = catalogue.parameter(tool, name).key
        hidden = bool(key) and not catalogue.fact(tool, name)
        yield Count(1, int(hidden))
        producers = catalogue.producers(key) if hidden and key and depth else []
        if producers:
            yield from _counted(catalogue, producers[0].tool.name, depth - 1)
