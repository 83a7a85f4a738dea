"""Carrying values over: what one environment showed becomes an argument in another.

A request may speak of what the last goal gave ("what I got back"), or say a day through a row of another environment
that was spoken of just now: "that day" where its date was said or told, otherwise "the day I leave". Either way the
agent has the value from an earlier result, and no other row was spoken of that the words could go through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from synthesis.catalogue import Catalogue
from synthesis.draft import Mention, Origin, Salient, Twist, Yield
from synthesis.mentions import anaphora, spoken_of
from synthesis.paths import value_of
from synthesis.spoken import dates_in
from synthesis.spoken import day as say_day
from synthesis.stage import Stage

CARRY_SHARE = 0.85
"""How often a value that may be carried over is."""
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
THAT_DAY = ("that day", "that day", "the same day", "that same day")
"""How a day is said once more that was said or told just now."""
THE_DAY = "the day "


@dataclass(frozen=True)
class Anchor:
    """A row of another environment that shows a value, and the words that lead from one to the other."""

    environment: str
    row: Salient
    """The row, as it was spoken of."""
    column: str
    form: str
    value: Any
    """What the row shows, or what is worked out of it."""
    origin: Origin
    """Where the row's record shows it, and whether and how it is worked out."""

    @property
    def is_plain(self) -> bool:
        """Whether it is said in words that nothing behind them could be taken to belong to."""
        return self.form in THAT_DAY


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


async def anchors(stage: Stage, kind: str) -> list[Anchor]:
    """Give what rows of other environments that were spoken of just now show of a kind, each with words for it.

    Nobody says a day, an amount or a seat through what wasn't just spoken of or is off by now, nor through a word that
    fits two rows.
    """
    found: list[Anchor] = []
    for other, table, column, forms in _anchoring(stage, kind):
        for row in dict.fromkeys(one for one in stage.draft.topic if not one.rival_only):
            if (row.environment, row.table) == (other.environment, table) and spoken_of(other, table, row.value):
                shown = await _shown(other, row, column)
                if shown is not None and await _stands(other, row):
                    origin, value = shown
                    words = THAT_DAY if kind == "date" and was_told(stage, value) else forms
                    found.append(Anchor(other.environment, row, column, str(stage.pick(words)), value, origin))
    return found


async def _stands(stage: Stage, row: Salient) -> bool:
    """Whether a row still takes place, and the user hasn't said that they have no more use for it."""
    if stage.draft.stances.get((row.environment, row.table, row.value)):
        return False
    stands = stage.catalogue.entity(row.table).stands
    return stands is None or row.value in await stage.keys(row.table, stands)


def _anchoring(stage: Stage, kind: str) -> Iterator[tuple[Stage, str, str, tuple[str, ...]]]:
    for name, table in dict.fromkeys((row.environment, row.table) for row in stage.draft.topic):
        catalogue = stage.catalogues[name]
        entity = catalogue.phrases.entity.get(table)
        if entity is None or (name == stage.environment and kind in ELSEWHERE):
            continue
        for column, forms in entity.anchors.items():
            if catalogue.type_of(f"{catalogue.view(table)}.{column}") == kind:
                yield stage.at(name), table, column, forms


def speaks_of_days(stage: Stage) -> set[str]:
    """Give the environments in which a row was spoken of that falls on a day."""
    rows = {(row.environment, row.table) for row in stage.draft.topic if not row.rival_only}
    return {name for name, table in rows if _has_day(stage.catalogues[name], table)}


def _has_day(catalogue: Catalogue, table: str) -> bool:
    entity = catalogue.phrases.entity.get(table)
    columns = entity.anchors if entity else ()
    return any(catalogue.type_of(f"{catalogue.view(table)}.{column}") == "date" for column in columns)


def takes_day(catalogue: Catalogue, tool: str) -> bool:
    """Whether a request may say a day that was spoken of: as a value, or as that of a flight."""
    for name, slot in catalogue.said(tool).slots.items():
        entity = catalogue.phrases.entity.get(slot.of or "")
        if slot.carry and catalogue.parameter(tool, name).type == "date":
            return True
        if entity is not None and entity.mine is None and any(how.kind == "date" for how in entity.say.values()):
            return True
    return False


async def _shown(stage: Stage, row: Salient, column: str) -> tuple[Origin, Any] | None:
    """Give where the agent has seen a column of a row as it stands now, and its value; None where it hasn't."""
    key, view = stage.catalogue.key(row.table), stage.catalogue.view(row.table)
    cells = await stage.query(f"SELECT {column} FROM {view} WHERE {key} = :value", {"value": row.value})  # noqa: S608
    for origin in (row.origin, *stage.origins(f"{row.table}.{key}", row.value)):
        if origin.step is None or origin.place is None:
            continue
        step = stage.draft.steps[origin.step]
        if step.local != stage.draft.locals[stage.environment] and not _can_be_seen_again(stage.catalogue, row.table):
            continue
        place = stage.catalogue.field_beside(step.tool, origin.place, row.table, column)
        seen = value_of(step.result, place) if place is not None else None
        if seen is not None and [(seen,)] == [tuple(found) for found in cells]:
            return Origin("earlier", step=origin.step, place=place), seen
    return None


def _can_be_seen_again(catalogue: Catalogue, table: str) -> bool:
    """Whether a list of the user's own rows shows a row once more, after something was written."""
    if catalogue.entity(table).mine is None:
        return False
    for producer in catalogue.producers(f"{table}.{catalogue.key(table)}"):
        name, given = producer.tool.name, producer.tool.required
        if all(catalogue.fact(name, one) or catalogue.parameter(name, one).key for one in given):
            return True
    return False


def was_told(stage: Stage, day: str) -> bool:
    """Whether a day is the only one that the last message or its answer has named."""
    turn = stage.draft.turns[-1] if stage.draft.turns else None
    if turn is None:
        return False
    clauses = [*turn.clauses, *([turn.withheld] if turn.withheld else [])]
    named = dates_in(" ".join((*(one.text for one in clauses), *turn.answers)))
    return named == dates_in(say_day(day))


def through(stage: Stage, anchor: Anchor) -> tuple[str, Origin, Mention]:
    """Give the words that say an anchor's value through its row, where the agent has seen it, and the row's mention."""
    mention = anaphora(stage.at(anchor.environment), anchor.row, plain=False)
    words = anchor.form.replace("{}", mention.text)
    twist = anchor.origin.twist
    return (twisted_words(twist, words) if twist else words), anchor.origin, replace(mention, text=words, short=words)


def twisted_words(twist: Twist, words: str) -> str:
    """Give the words for what is worked out of a value: "the day before I leave", "the day before that"."""
    if words in THAT_DAY and twist.by is not None:
        return twist.form.replace("{}", "that")
    if words.startswith(THE_DAY) and twist.by is not None:
        words = words.removeprefix(THE_DAY).removeprefix("of ")
    return twist.form.replace("{}", words)
