"""Every environment's phrases are true to its schema and its tools, and say every kind of goal."""

from __future__ import annotations

import asyncio

import pytest

from envfactory_client import Farm
from servers.runtime import Environment
from synthesis.catalogue import Catalogue
from synthesis.engine import Engine
from synthesis.flaws import flaws
from synthesis.goals import goal_kinds


@pytest.fixture
def catalogue(env: Environment) -> Catalogue:
    """The environment as synthesis knows it, through the farm in this process."""

    async def survey() -> Catalogue:
        async with Farm.embedded() as farm:
            return await Engine(farm).survey(env.name)

    return asyncio.run(survey())


def test_phrases_name_only_what_exists(catalogue: Catalogue) -> None:
    assert flaws(catalogue) == []


def test_every_write_is_a_goal(catalogue: Catalogue) -> None:
    goals = {kind.tool for kind in goal_kinds(catalogue) if kind.outcome == "done"}
    writes = {tool.name for tool in catalogue.tools.values() if tool.actor == "agent" and not tool.read_only}
    assert goals == writes


def test_answers_are_asked_for_in_several_ways(catalogue: Catalogue) -> None:
    assert sum(1 for kind in goal_kinds(catalogue) if kind.outcome == "answer") >= 4
    for name, phrases in catalogue.phrases.tool.items():
        if phrases.asks and catalogue.tools[name].actor == "agent":
            assert len(phrases.asks) >= 3, name
