"""Carrying values over: what one environment showed becomes an argument in another.

A request may speak of what the last goal gave ("what I got back"), or say a day through a row of another environment
("the day of my dentist appointment"). Either way the agent has the value from an earlier result, and the row that the
words go through is proved to be the only one that they fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from synthesis.draft import Mention, Origin, Twist, Yield
from synthesis.errors import Drop
from synthesis.paths import value_of
from synthesis.stage import Stage

CARRY_SHARE, ANCHOR_SHARE = 0.85, 0.35
"""How often a value that may be carried over is; and where that takes a row that wasn't spoken of."""
WHOLE_HALF = 200
TWIST_SHARE = 0.35
"""How often something is worked out of it on the way."""
ELSEWHERE = frozenset({"date", "time"})
"""What is only said through rows of other environments: those of its own would be described by it."""
TWISTS: Mapping[str, tuple[Twist, ...]] = {
    "money": (
        Twist("half", None, "half of {}"),
        Twist("half", None, "half {}"),
        Twist("double", None, "twice {}"),
    ),
    "date": (
        Twist("days_later", 1, "the day after {}"),
        Twist("days_later", 2, "two days after {}"),
        Twist("days_later", 3, "three days after {}"),
        Twist("days_later", 7, "a week after {}"),
        Twist("days_earlier", 1, "the day before {}"),
        Twist("days_earlier", 2, "two days before {}"),
        Twist("days_earlier", 7, "a week before {}"),
    ),
}
"""What may be worked out of a value, by its type."""


@dataclass(frozen=True)
class Anchor:
    """A row of another environment that shows a value, and the words that lead from one to the other."""

    environment: str
    table: str
    key: Any
    column: str
    form: str
    value: Any
    """What the row shows, or what is worked out of it."""
    origin: Origin = field(default_factory=lambda: Origin("earlier"))
    """Whether and how it is worked out."""


def twisted(stage: Stage, kind: str, value: Any, *, near: bool = False) -> Twist | None:
    """Give something to work out of a value, now and then; half of it only where that is a whole number of dollars.

    What is near is the day before or after, and nothing of an amount.
    """
    options = [
        twist
        for twist in TWISTS.get(kind, ())
        if twist.op != "half" or (isinstance(value, int) and value % WHOLE_HALF == 0)
        if not near or twist.by == 1
    ]
    return stage.pick(options) if options and stage.chance(TWIST_SHARE) else None


def derived(origin: Origin, value: Any) -> Any:
    """Give what an origin makes of the value at its place."""
    twist = origin.twist
    if twist is None:
        return value
    match twist.op:
        case "half":
            return value // 2
        case "double":
            return value * 2
    days = int(twist.by or 0) * (1 if twist.op == "days_later" else -1)
    return (date.fromisoformat(str(value)[:10]) + timedelta(days=days)).isoformat()


def worked_out_of(origin: Origin, twist: Twist | None) -> Origin:
    """Give the origin of a value that is worked out of another one."""
    return origin if twist is None else replace(origin, source="derived", twist=twist)


def carried(stage: Stage, kind: str | None) -> Yield | None:
    """Give a value of this kind that the last goal gave in another environment, now and then."""
    fitting = [found for found in stage.draft.yields if found.environment != stage.environment and found.type == kind]
    return stage.pick(fitting) if fitting and stage.chance(stage.aim.hiding(CARRY_SHARE)) else None


async def anchors(stage: Stage, kind: str, value: Any = None) -> list[Anchor]:
    """Give the rows of other environments that show a day or time, or just this one, each with words for it.

    Nobody says an amount through what wasn't just spoken of.
    """
    found: list[Anchor] = []
    spoken = {(row.environment, row.table, row.value) for row in stage.draft.topic}
    for other, table, column, forms in _anchoring(stage, kind):
        key, view = other.catalogue.key(table), other.catalogue.view(table)
        mine = other.catalogue.entity(table).mine or "1"
        condition = f"({mine}) AND {column} IS NOT NULL" + (f" AND {column} = :value" if value is not None else "")
        sql = f"SELECT {key}, {column} FROM {view} WHERE {condition} ORDER BY {key}"  # noqa: S608
        for row, shown in await other.query(sql, {} if value is None else {"value": value}):
            if kind == "money" and (other.environment, table, row) not in spoken:
                continue
            found.append(Anchor(other.environment, table, row, column, stage.pick(forms), shown))
    return found


def _anchoring(stage: Stage, kind: str) -> Iterator[tuple[Stage, str, str, tuple[str, ...]]]:
    for name, catalogue in stage.catalogues.items():
        if name == stage.environment and kind in ELSEWHERE:
            continue
        for table, entity in catalogue.phrases.entity.items():
            for column, forms in entity.anchors.items():
                if catalogue.type_of(f"{catalogue.view(table)}.{column}") == kind:
                    yield stage.at(name), table, column, forms


def through(stage: Stage, anchor: Anchor, mention: Mention) -> tuple[str, Origin]:
    """Give the words that say an anchor's value through its row, and where the agent has seen the value.

    Raise `Drop` where it wasn't seen, and for an amount of a row with marks of its own: "what my purchase from Ana's
    cost from my account" reads as if it came from there.
    """
    step, place = mention.origin.step, mention.origin.place
    if step is None or place is None:
        raise Drop("anchor_unseen", anchor.table)
    if isinstance(anchor.value, int) and mention.kind != "anaphora":
        raise Drop("anchor_roundabout", anchor.table)
    other = stage.at(anchor.environment)
    shown_at = other.catalogue.field_beside(stage.draft.steps[step].tool, place, anchor.table, anchor.column)
    origin = replace(anchor.origin, step=step, place=shown_at)
    seen = value_of(stage.draft.steps[step].result, shown_at) if shown_at is not None else None
    if seen is None or derived(origin, seen) != anchor.value:
        raise Drop("anchor_unseen", anchor.table)
    words = anchor.form.replace("{}", mention.text)
    return (origin.twist.form.replace("{}", words) if origin.twist else words), origin
