"""Logical forms: what they say of rows that nobody describes in full."""

from __future__ import annotations

from random import Random

import pytest

from envfactory_client.logical_form import Field, Intent, Row
from synthesis import kin
from synthesis.conditions import ground_if
from synthesis.draft import Draft, DraftTurn
from synthesis.errors import Drop
from synthesis.goals import OR, GoalKind
from synthesis.ground import ground
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

ROUTE = {"departures.origin_code", "departures.destination_code"}


def new_flight(intent: Intent) -> Row:
    term = intent.terms["new_flight_id"]
    assert isinstance(term, Row)
    return term


def route_of(flight: Row) -> set[str]:
    return {part.path for part in flight.properties} & ROUTE


async def anew(stage: Stage, seed: int) -> DraftTurn:
    stage.rng, stage.draft = Random(seed), Draft()
    await stage.begin()
    return DraftTurn()


def test_a_new_flight_goes_where_the_flight_of_a_ticket_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kin, "share_of_kin", lambda *_: 1.0)
    monkeypatch.setattr(kin, "MOST_WORDS", 99)

    async def use(stage: Stage) -> None:
        through_tickets = 0
        for seed in range(12):
            turn = await anew(stage, seed)
            async with stage.episode.trial():
                try:
                    await ground(stage, GoalKind("airline", "change_flight", "done"), turn)
                except Drop:
                    continue
            if isinstance(old := turn.intents[0].terms["segment_id"], Field):
                through_tickets += 1
                flight = new_flight(turn.intents[0])
                assert route_of(flight) == ROUTE
                routes = [part.value for part in flight.properties if part.path in ROUTE]
                assert all(isinstance(route, Field) and route.of == old for route in routes)
        assert through_tickets

    on_stage("airline", use)


def test_a_condition_is_on_the_very_row_that_the_act_is_about() -> None:
    async def use(stage: Stage) -> None:
        tested = 0
        for seed in range(16):
            turn = await anew(stage, seed)
            async with stage.episode.trial():
                try:
                    await ground_if(stage, GoalKind("airline", "change_flight", "done", OR), turn)
                except Drop:
                    continue
            for intent in turn.intents:
                condition = intent.when or intent.unless
                assert condition is not None
                assert isinstance(condition.of, Field)
                assert condition.of.of == new_flight(turn.intents[0])
            tested += 1
        assert tested

    on_stage("airline", use)
