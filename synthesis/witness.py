"""Witnesses: starts from which a refusal can be met that no row of a world leads to.

Rows that show a refusal are come by in two ways. Something is done first, by the same tools and the same planner, so
that the start is one that the world can get to: a payment is left open, a seat is upgraded. Or one value of one row is
set to another value that the column has elsewhere, where the schema and the invariants still hold. Either way the rows
of the new start are kept by their digest beside the data, and everything after it is planned and recorded as ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from envfactory_client import Episode, FarmError
from envfactory_client.episode import Rows
from synthesis.draft import Draft, DraftTurn
from synthesis.errors import Drop
from synthesis.goals import GoalKind, goal_kinds
from synthesis.ground import ground
from synthesis.screens.evidence import columns_read
from synthesis.stage import Stage

MOST_DEEDS = 14
"""Goals that are tried before the refusal."""
MOST_CELLS = 16
"""Values that are set to others in turn."""
MOST_VALUES = 6
"""Different values of a column that is taken to be a state."""

Scenario = Mapping[str, Rows]
Open = Callable[[Scenario], Awaitable[Episode]]


@dataclass(frozen=True)
class Witness:
    """A refusal to be met, and the start from which it can be; None for the world's own."""

    kind: GoalKind
    rows: Scenario | None


async def witness(stage: Stage, kind: GoalKind, opening: Open) -> Witness | None:
    """Give a start from which a refusal can be met, or None when none was found; the stage is at the world's start."""
    if await _is_met(stage, kind):
        return Witness(kind, None)
    names = tuple(stage.catalogues)
    deeds = [other for other in goal_kinds(stage.catalogues[kind.environment]) if other.manner == "done"]
    for deed in stage.rng.choices(deeds, k=MOST_DEEDS) if deeds else ():
        async with stage.episode.trial() as trial:
            if await _done(_anew(stage, trial), deed):
                rows = {name: await trial.rows(name) for name in names}
                if await _is_met(_anew(stage, trial), kind):
                    return Witness(kind, rows)
    rows = {name: await stage.episode.rows(name) for name in names}
    for changed in _cells(stage, kind, rows):
        async with _opened(opening, changed) as episode:
            if episode is not None and await _is_met(_anew(stage, episode), kind):
                return Witness(kind, changed)
    return None


def _anew(stage: Stage, episode: Episode) -> Stage:
    """Give a stage on another episode with nothing planned on it."""
    return replace(stage, episode=episode, draft=Draft())


async def _done(stage: Stage, kind: GoalKind) -> bool:
    """Whether a goal of a kind could be reached."""
    stage = stage.at(kind.environment)
    await stage.begin()
    try:
        await ground(stage, kind, DraftTurn())
    except Drop:
        return False
    return True


async def _is_met(stage: Stage, kind: GoalKind) -> bool:
    """Whether a refusal can be met from where an episode stands, which stays as it is."""
    async with stage.episode.trial() as trial:
        return await _done(_anew(stage, trial), kind)


def _cells(stage: Stage, kind: GoalKind, rows: Scenario) -> Iterator[Scenario]:
    """Give the rows with one value set to another one that its column has elsewhere, where the refusal reads it."""
    catalogue = stage.catalogues[kind.environment]
    tables = rows[kind.environment]
    sql = catalogue.refuses.get(kind.tool, {}).get(kind.what, "")
    options: list[tuple[str, int, str, Any]] = []
    for source in sorted(columns_read(catalogue.schema.sql, sql)):
        table, _, column = source.partition(".")
        values = sorted({row[column] for row in tables.get(table, ())} - {None}, key=str)
        if 1 < len(values) <= MOST_VALUES:
            places = enumerate(tables[table])
            options += [(table, place, column, v) for place, row in places for v in values if v != row[column]]
    for table, place, column, value in stage.rng.sample(options, min(MOST_CELLS, len(options))):
        changed = list(tables[table])
        changed[place] = {**changed[place], column: value}
        yield {**rows, kind.environment: {**tables, table: changed}}


@asynccontextmanager
async def _opened(opening: Open, rows: Scenario) -> AsyncIterator[Episode | None]:
    """Open an episode from rows; None where schema or invariants don't allow them."""
    try:
        episode = await opening(rows)
    except FarmError:
        yield None
        return
    async with episode:
        yield episode


def due(rng: Random, share: float, unmet: frozenset[GoalKind], environments: tuple[str, ...]) -> GoalKind | None:
    """Give a refusal that the data lacks, in this share of cases."""
    kinds = sorted(kind for kind in unmet if kind.environment in environments)
    return kinds[rng.randrange(len(kinds))] if rng.random() < share and kinds else None
