"""What is worked out: questions whose answer stands in no result, such as what some trips cost altogether.

The rows that a question is about are described and looked up as any others. The answer is worked out of what the
look-ups show, and proved by a query over the tables that is made from the same descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from envfactory_client import Goal
from envfactory_client.logical_form import Derived, Field, Intent, Term
from synthesis.draft import Clause, DraftTurn, Meant, Mention, Part, WorkedOut
from synthesis.errors import Drop
from synthesis.goals import SUMS, GoalKind
from synthesis.language.pattern import expand, slots
from synthesis.locate import locate
from synthesis.logical_form import path_of, term_of
from synthesis.paths import value_of
from synthesis.phrases import Side, Slot, Sum
from synthesis.sets import Bounds, gathered
from synthesis.sought import Terms
from synthesis.spoken import say
from synthesis.stage import Stage
from synthesis.tries import first_of_tries

MOST_ROWS = 8
"""Rows that a sum or a count goes over."""
MOST_TRIES = 4
ROWS = frozenset({"rows", "those"})
"""Places in a question for several rows: with whose they are, and without."""


@dataclass(frozen=True)
class _Found:
    """The rows of a question by place, what is asked of them, and what the look-ups show."""

    mentions: Mapping[str, Mention]
    term: Derived
    value: Any


async def ground_sum(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add a question whose answer is worked out to an empty turn, with its look-ups, or raise `Drop`."""
    how = stage.catalogue.phrases.sums[kind.what.removeprefix(SUMS)]

    async def make(mark: int) -> None:
        template = stage.pick(how.asks)
        over_rows = bool(slots(template) & ROWS)
        found = await (_over_rows if over_rows else _over_two)(stage, how, template)
        if not found.value:
            raise Drop("empty_answer", str(kind))
        _enact(stage, kind, turn, (template, found, mark))

    await first_of_tries(stage, kind, MOST_TRIES, make)


async def _over_rows(stage: Stage, how: Sum, template: str) -> _Found:
    """Give the answer over several rows: their number, or the sum of a column."""
    (place,) = slots(template) & ROWS
    candidates = await stage.keys(how.of, how.where)
    if not candidates:
        raise Drop("no_candidate", how.of)
    asked = frozenset(candidates) if how.where else None
    bounds = Bounds(asked, MOST_ROWS, how.column or "", "own" if place == "rows" else "bare")
    members = await gathered(stage, how.of, stage.pick(candidates), bounds)
    mention, rows = members.mention, term_of(stage, members.mention)
    if how.column is None:
        return _Found({place: mention}, Derived(op="count", of=(rows,)), len(members.origins))
    if None in members.values:
        raise Drop("empty_answer", how.of)
    term = Derived(op="sum", of=(Field(of=rows, column=path_of(stage.catalogue, how.of, how.column)),))
    return _Found({place: mention}, term, sum(members.values))


async def _over_two(stage: Stage, how: Sum, template: str) -> _Found:
    """Give the answer from two values, of two rows or of one."""
    places = slots(template)
    wanted = {name: side for name, side in how.sides.items() if name in places}
    keys = await _pair(stage, how) if len(wanted) > 1 else await _single(stage, how)
    hidden = frozenset(side.column for side in how.sides.values())
    mentions = {
        name: await _named(stage, side.of, key, hidden) for (name, side), key in zip(wanted.items(), keys, strict=True)
    }
    if len({mention.value for mention in mentions.values()}) < len(mentions) and len(set(keys)) == len(keys):
        raise Drop("no_pair", how.of)
    only = next(iter(mentions))
    terms: list[Term] = []
    values: list[Any] = []
    for name, side in how.sides.items():
        mention = mentions.get(name, mentions[only])
        values.append(_shown(stage, mention, side.column))
        terms.append(Field(of=term_of(stage, mention), column=path_of(stage.catalogue, side.of, side.column)))
    return _Found(mentions, Derived(op=how.op, of=tuple(terms)), work_out(how.op, values))


async def _pair(stage: Stage, how: Sum) -> tuple[Any, Any]:
    """Give two rows of which the first has more, and that are alike in what makes them comparable."""
    more, less = how.sides.values()
    found = [
        (one, other)
        for one, has, *kind in await _values(stage, more, how.alike)
        for other, hasnt, *sort in await _values(stage, less, how.alike)
        if has > hasnt and kind == sort and (more.of, one) != (less.of, other)
    ]
    if not found:
        raise Drop("no_candidate", how.of)
    pair: tuple[Any, Any] = stage.pick(found)
    return pair


async def _single(stage: Stage, how: Sum) -> tuple[Any]:
    candidates = await stage.keys(how.of, how.where)
    if not candidates:
        raise Drop("no_candidate", how.of)
    return (stage.pick(candidates),)


async def _values(stage: Stage, side: Side, alike: Sequence[str]) -> list[tuple[Any, ...]]:
    """Give the rows of one side: the key, the value, and the columns in which the other side must be like it."""
    key, view = stage.catalogue.key(side.of), stage.catalogue.view(side.of)
    columns = ", ".join((key, side.column, *alike))
    sql = f"SELECT {columns} FROM {view} WHERE {side.column} IS NOT NULL ORDER BY {key}"  # noqa: S608
    allowed = set(await stage.keys(side.of, side.where))
    return [row for row in await stage.query(sql) if row[0] in allowed]


async def _named(stage: Stage, table: str, key: Any, hidden: frozenset[str]) -> Mention:
    mention = await locate(stage, table, key, Terms(Slot(by=("description",)), hidden, plain=True))
    if mention.kind not in ("description", "superlative", "recency"):
        raise Drop("unsaid", table)
    return mention


def _shown(stage: Stage, mention: Mention, column: str) -> Any:
    """Give what the record in which a row was found shows of a column."""
    step, place = mention.origin.step, mention.origin.place
    if step is None or place is None:
        raise Drop("figure_unseen", column)
    found = stage.draft.steps[step]
    field = stage.catalogue.field_beside(found.tool, place, mention.table, column)
    value = value_of(found.result, field) if field else None
    if value is None:
        raise Drop("figure_unseen", column)
    return value


def work_out(op: str, values: Sequence[Any]) -> Any:
    """Give the difference of two amounts, or the days between two dates."""
    more, less = values
    if op == "days_between":
        return (date.fromisoformat(str(more)[:10]) - date.fromisoformat(str(less)[:10])).days
    return more - less


def _enact(stage: Stage, kind: GoalKind, turn: DraftTurn, what: tuple[str, _Found, int]) -> None:
    """Make the look-ups part of the draft, with what is said for them."""
    template, found, mark = what
    how = stage.catalogue.phrases.sums[kind.what.removeprefix(SUMS)]
    looked = [mention.origin.step for mention in found.mentions.values() if mention.origin.step is not None]
    turn.steps += range(mark, len(stage.draft.steps))
    turn.evidence += looked
    turn.mentions += [(looked[-1], name, mention) for name, mention in found.mentions.items()]
    turn.goals.append(Goal(tool=kind.full_name, outcome="answer", answer={kind.what: found.value}))
    turn.intents.append(Intent(sought=found.term))
    turn.worked_out.append(WorkedOut(kind.environment, found.term, found.value))
    turn.meant += [
        Meant(name, row, mention.value, looked[-1], mention.sql, mention.parameters)
        for name, mention in found.mentions.items()
        if (row := term_of(stage, mention)).kind in ("row", "rows")
    ]
    parts = {name: Part("row", mention.table, mentions=(mention,)) for name, mention in found.mentions.items()}
    text = expand(template, stage.rng, {name: mention.text for name, mention in found.mentions.items()})
    turn.clauses.append(Clause(text, imperative=False, template=template, parts=parts))
    turn.answers.append(expand(stage.pick(how.answered), stage.rng, {"value": say(how.type, found.value)}))
    turn.facts += [fact for mention in found.mentions.values() for fact in mention.facts]
    stage.draft.topic, stage.draft.yields = [], []
