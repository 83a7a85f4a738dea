"""Side facts: something true of a row that is named, which nothing in the task depends on.

It comes from a look-up of the same turn, so the agent sees it anyway; it is no value of any argument, no answer, and
nothing that the goal's tool changes or refuses by, so that it neither helps nor misleads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from envfactory_client.logical_form import Condition, Field, terms_within
from synthesis.draft import DraftTurn, Mention
from synthesis.language.pattern import pick
from synthesis.paths import value_of
from synthesis.phrases import Say
from synthesis.spoken import forms
from synthesis.stage import Stage

KINDS = frozenset({"enum", "name", "date", "flag"})
DESCRIBED = frozenset({"description", "superlative", "recency", "handle"})
_WORD = re.compile(r"\w+")
LONGEST_SMALL_WORD = 4
"""Longer words than these tell something."""


def side_fact(stage: Stage, number: int, rng: Random) -> tuple[str, tuple[str, ...]] | None:
    """Give the column of a fact that may be told beside a turn's request, and the ways to say it.

    There is none beside a request of which the assistant asks more, as if it hadn't heard that.
    """
    turn = stage.draft.turns[number]
    if any(goal.outcome == "ask" for goal in turn.goals):
        return None
    found = [fact for _, _, mention in turn.mentions for fact in _facts(stage, turn, mention)]
    return pick(rng, found) if found else None


def _facts(stage: Stage, turn: DraftTurn, mention: Mention) -> Iterator[tuple[str, tuple[str, ...]]]:
    step, place = mention.origin.step, mention.origin.place
    if mention.kind not in DESCRIBED or step is None or place is None or not _seen_first(stage, turn, step):
        return
    there = stage.at(mention.environment)
    entity = there.catalogue.entity(mention.table)
    if not entity.mine or len(turn.mentions) > 1:
        return
    said = {part.get("column") for part in mention.properties}
    named = {str(part.get("value")) for one in (mention, *mention.within) for part in one.properties}
    avoided = _avoided(stage, turn)
    for column, how in entity.say.items():
        if how.kind not in KINDS or column in said or column in avoided or "." in column:
            continue
        field = there.catalogue.field_beside(stage.draft.steps[step].tool, place, mention.table, column)
        value = value_of(stage.draft.steps[step].result, field) if field else None
        if value is None or str(value) in named or _used(stage, value):
            continue
        ways = tuple(way for way in _ways(how, value) if not echoes(way, mention.text))
        if ways:
            yield column, ways


def echoes(way: str, text: str) -> bool:
    """Whether words say again what a mention has said, such as "for the household" of a household card."""
    said = set(_WORD.findall(text.lower()))
    return any(len(word) > LONGEST_SMALL_WORD and word in said for word in _WORD.findall(way.lower()))


def _seen_first(stage: Stage, turn: DraftTurn, step: int) -> bool:
    """Whether a look-up of this very turn shows the row, before anything is written in it."""
    if step not in turn.steps:
        return False
    earlier = turn.steps[: turn.steps.index(step)]
    return all(_reads(stage, place) for place in earlier)


def _reads(stage: Stage, place: int) -> bool:
    step = stage.draft.steps[place]
    return stage.catalogues[step.environment].tools[step.tool].read_only


def _avoided(stage: Stage, turn: DraftTurn) -> set[str]:
    """Give the columns that the goals' tools change or refuse by."""
    found: set[str] = set()
    for goal in turn.goals:
        environment, _, name = goal.tool.partition(".")
        catalogue = stage.catalogues[environment]
        contract = catalogue.tools[name].contract if name in catalogue.tools else None
        for text in (*catalogue.refuses.get(name, {}).values(), *(contract.changes.values() if contract else ())):
            found.update(_WORD.findall(text))
        found.update(goal.answer or ())
    for intent in turn.intents:
        found.update(name for condition in (intent.when, intent.unless) if condition for name in _tested(condition))
    return found | {"status"}


def _tested(condition: Condition) -> Iterator[str]:
    """Give the columns that a condition looks at."""
    for term in terms_within(condition.of):
        if isinstance(term, Field):
            yield term.column.rpartition(".")[2]


def _used(stage: Stage, value: Any) -> bool:
    """Whether a value is among the arguments or the answers of the task."""
    draft = stage.draft
    arguments = {str(part) for step in draft.steps for argument in step.arguments.values() for part in _parts(argument)}
    answers = {str(part) for turn in draft.turns for goal in turn.goals for part in (goal.answer or {}).values()}
    return any(str(value) in known or known in str(value) for known in arguments | answers)


def _parts(argument: Any) -> list[Any]:
    return argument if isinstance(argument, list) else [argument]


def _ways(how: Say, value: Any) -> tuple[str, ...]:
    if how.kind in ("enum", "flag"):
        return tuple(form for form in how.options(value) if not form.startswith("because"))
    spoken = forms("date" if how.kind == "date" else None, value)
    return tuple(form.replace("{}", words) for form in how.options(value) for words in spoken)
