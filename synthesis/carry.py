"""Carrying values over: what one environment showed becomes an argument in another.

A request may speak of what the last goal gave ("what I got back"), or say a day through a row of another environment
("the day of my dentist appointment"). Either way the agent has the value from an earlier result, and the row that the
words go through is proved to be the only one that they fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from synthesis.draft import Mention, Origin, Yield
from synthesis.errors import Drop
from synthesis.paths import value_of
from synthesis.stage import Stage

CARRY_SHARE = 0.85
"""How often a value that may be carried over is."""


@dataclass(frozen=True)
class Anchor:
    """A row of another environment that shows a value, and the words that lead from one to the other."""

    environment: str
    table: str
    key: Any
    column: str
    form: str
    value: Any


def carried(stage: Stage, kind: str | None) -> Yield | None:
    """Give a value of this kind that the last goal gave in another environment, now and then."""
    fitting = [found for found in stage.draft.yields if found.environment != stage.environment and found.type == kind]
    return stage.pick(fitting) if fitting and stage.chance(stage.aim.hiding(CARRY_SHARE)) else None


async def anchors(stage: Stage, kind: str, value: Any = None) -> list[Anchor]:
    """Give the rows of other environments that show a day or time, or just this one, each with words for it."""
    found: list[Anchor] = []
    for other, table, column, forms in _anchoring(stage, kind):
        key, view = other.catalogue.key(table), other.catalogue.view(table)
        mine = other.catalogue.entity(table).mine or "1"
        condition = f"({mine}) AND {column} IS NOT NULL" + (f" AND {column} = :value" if value is not None else "")
        sql = f"SELECT {key}, {column} FROM {view} WHERE {condition} ORDER BY {key}"  # noqa: S608
        for row, shown in await other.query(sql, {} if value is None else {"value": value}):
            found.append(Anchor(other.environment, table, row, column, stage.pick(forms), shown))
    return found


def _anchoring(stage: Stage, kind: str) -> Iterator[tuple[Stage, str, str, tuple[str, ...]]]:
    for name, catalogue in stage.catalogues.items():
        if name == stage.environment:
            continue
        for table, entity in catalogue.phrases.entity.items():
            for column, forms in entity.anchors.items():
                if catalogue.type_of(f"{catalogue.view(table)}.{column}") == kind:
                    yield stage.at(name), table, column, forms


def through(stage: Stage, anchor: Anchor, mention: Mention) -> tuple[str, Origin]:
    """Give the words that say an anchor's value through its row, and where the agent has seen the value."""
    step, place = mention.origin.step, mention.origin.place
    if step is None or place is None:
        raise Drop("anchor_unseen", anchor.table)
    other = stage.at(anchor.environment)
    field = other.catalogue.field_beside(stage.draft.steps[step].tool, place, anchor.table, anchor.column)
    if field is None or value_of(stage.draft.steps[step].result, field) != anchor.value:
        raise Drop("anchor_unseen", anchor.table)
    return anchor.form.replace("{}", mention.text), Origin("earlier", step=step, place=field)
