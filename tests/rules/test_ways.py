"""Every goal of every environment is asked for, and every row described, in ways enough."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from envfactory_client import Farm
from servers.runtime import Environment
from synthesis.catalogue import Catalogue
from synthesis.draft import Clause, Part
from synthesis.engine import Engine
from synthesis.goals import NO_TOOL, SUMS, GoalKind, goal_kinds
from synthesis.language.effects import EFFECTS, effect_of
from synthesis.language.pattern import slots
from synthesis.language.request import fill, requested
from synthesis.language.retelling import Teller
from synthesis.language.script import Script
from synthesis.language.voice import Voice
from synthesis.spoken import forms

LEAST_WAYS = 12
LEAST_FORMS = 4


@pytest.fixture
def catalogue(env: Environment) -> Catalogue:
    """The environment as synthesis knows it."""

    async def survey() -> Catalogue:
        async with Farm.embedded() as farm:
            return await Engine(farm).survey(env.name)

    return asyncio.run(survey())


def worded(catalogue: Catalogue, kind: GoalKind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the requests of a goal and the verbs that they may take."""
    phrases = catalogue.phrases
    if kind.manner == SUMS:
        return phrases.sums[kind.what.removeprefix(SUMS)].asks, ()
    if kind.manner == NO_TOOL:
        return phrases.lacking[kind.tool].asks, phrases.lacking[kind.tool].goal
    said = catalogue.said(kind.tool)
    return said.answers[kind.what] if kind.outcome == "answer" else said.asks, said.goal


def asked(catalogue: Catalogue, kind: GoalKind, seed: int) -> str:
    """Give one way to ask, with the places written as their names."""
    asks, verbs = worded(catalogue, kind)
    template = asks[seed % len(asks)]
    names = slots(template) - {"goal"}
    parts = {name: Part("argument", name, (f"<{name}>",)) for name in names}
    if verbs:
        parts["goal"] = Part("verb", "verb", verbs)
    rng, script = Random(seed), Script()
    clause = Clause(template, imperative=True, template=template, parts=parts)
    teller = Teller({catalogue.environment: catalogue}, rng)
    filled = fill(clause, effect_of(catalogue, kind.tool), script, (teller, rng))
    return script.spoken(requested(filled, Voice.drawn(rng), rng).text).text


def test_every_goal_is_asked_for_in_many_ways(catalogue: Catalogue) -> None:
    for kind in goal_kinds(catalogue):
        found = {asked(catalogue, kind, seed) for seed in range(60)}
        assert len(found) >= LEAST_WAYS, kind


def test_every_write_has_a_known_effect(catalogue: Catalogue) -> None:
    writes = [tool for tool in catalogue.tools.values() if not tool.read_only]
    assert {effect_of(catalogue, tool.name) for tool in writes} <= set(EFFECTS)


def test_every_kind_of_property_is_said_in_many_ways(catalogue: Catalogue) -> None:
    values = {"date": ("date", "2026-03-06"), "time": ("hour", "08:15"), "money": ("money", 12_345)}
    ways: dict[str, int] = {}
    for entity in catalogue.phrases.entity.values():
        for how in entity.say.values():
            if how.kind == "row":  # what belongs to another thing is said to be "of" it, and that is enough
                continue
            kind, value = values.get(how.kind, (None, 7))
            spoken = len(forms(kind, value))
            options = max(map(len, how.forms.values())) if isinstance(how.forms, dict) else len(how.forms)
            total = (options or max(len(how.true), len(how.false))) * spoken
            ways[how.kind] = max(ways.get(how.kind, 0), total + len(how.ahead(next(iter(how.before), 0))))
    nouns = max(len(entity.noun) for entity in catalogue.phrases.entity.values())
    assert {kind: total * nouns for kind, total in ways.items() if total * nouns < LEAST_FORMS} == {}
