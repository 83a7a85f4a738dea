"""What is asked for: flights, days and questions that somebody could mean, as the phrases declare them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from random import Random

from synthesis.choose import Choice, choose
from synthesis.draft import DraftTurn
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

SEEDS = range(40)
FLIGHT_DAYS = "SELECT departs_on FROM flights WHERE flight_id = :flight"


async def choices(stage: Stage, kind: GoalKind) -> list[Choice]:
    """Give what some chances choose for a kind of goal."""
    found = []
    for seed in SEEDS:
        stage.rng = Random(seed)
        with suppress(Drop):
            found.append(await choose(stage, stage.catalogue.tools[kind.tool], kind))
    assert found
    return found


async def trips(stage: Stage) -> list[tuple[str, str]]:
    """Give the first and the last day of each trip of the user's that stands."""
    sql = """SELECT departs_on, coalesce(returns_on, departs_on) FROM booking_board
        WHERE email = :persona_email AND status IN ('held', 'confirmed') AND flight_status <> 'cancelled'"""
    return [(first, last) for first, last in await stage.query(sql)]


async def days_flown(stage: Stage, choice: Choice) -> tuple[str, str]:
    """Give the first and the last day on which a choice would have the user fly."""
    names = ("flight_id", "return_flight_id")
    flights = [choice.values[name] for name in names if choice.values.get(name) is not None]
    days = [(await stage.query(FLIGHT_DAYS, {"flight": flight}))[0][0] for flight in flights]
    return days[0], days[-1]


def test_nobody_books_a_journey_within_another_of_theirs() -> None:
    async def use(stage: Stage) -> None:
        standing = await trips(stage)
        assert standing
        for choice in await choices(stage, GoalKind("airline", "hold_flight", "done")):
            out, back = await days_flown(stage, choice)
            assert all(back < first or last < out for first, last in standing)

    for seed in (3, 4):
        on_stage("airline", use, seed=seed)


def test_who_asks_for_a_flight_once_more_has_not_just_booked_it() -> None:
    async def use(stage: Stage) -> None:
        kind = GoalKind("airline", "hold_flight", "refuse", "already_booked")
        found = [choice.values["flight_id"] for choice in await choices(stage, kind)]
        sql = """SELECT 1 FROM segment_board s JOIN booking_states b ON b.booking_id = s.booking_id
            WHERE s.flight_id = :flight AND b.email = :persona_email AND b.booked_at < :today"""
        assert all([await stage.query(sql, {"flight": flight}) for flight in found])

    on_stage("airline", use)


def test_a_day_too_far_off_is_a_like_day_of_the_week_and_has_its_year() -> None:
    async def use(stage: Stage) -> None:
        for choice in await choices(stage, GoalKind("schedule", "move_occurrence", "refuse", "too_far_ahead")):
            old = (await stage.row("occurrences", choice.values["occurrence_id"]))["starts_on"]
            new = choice.values["starts_on"]
            assert date.fromisoformat(new).weekday() == date.fromisoformat(old).weekday()
            assert choice.said["starts_on"].endswith(new[:4])

    on_stage("schedule", use)


def test_a_new_day_is_near_the_old_one() -> None:
    async def use(stage: Stage) -> list[int]:
        found = []
        for choice in await choices(stage, GoalKind("schedule", "move_occurrence", "done")):
            old = (await stage.row("occurrences", choice.values["occurrence_id"]))["starts_on"]
            found.append(abs((date.fromisoformat(choice.values["starts_on"]) - date.fromisoformat(old)).days))
        return found

    assert max(on_stage("schedule", use)) <= 35


def test_when_something_ends_is_asked_of_one_date_and_its_day_is_not_said() -> None:
    async def use(stage: Stage) -> set[str]:
        asked = set()
        for seed, what in ((seed, what) for seed in range(8) for what in ("starts_local", "ends_local")):
            stage.rng, stage.draft.topic, turn = Random(seed), [], DraftTurn()
            with suppress(Drop):
                await ground(stage, GoalKind("schedule", "get_event", "answer", what), turn)
                ((_, _, mention),) = turn.mentions
                assert (await stage.row("events", mention.value))["frequency"] == "once"
                said = {str(part["column"]) for part in mention.properties}
                assert what == "ends_local" or not said & {"starts_on", "starts_local"}
                asked.add(what)
        return asked

    assert on_stage("schedule", use) == {"starts_local", "ends_local"}


def test_nobody_asks_for_the_very_flight_that_they_were_just_given() -> None:
    async def use(stage: Stage) -> None:
        kind = GoalKind("airline", "hold_flight", "refuse", "already_booked")
        booked = {choice.values["flight_id"] for choice in await choices(stage, kind)}
        given = min(booked)
        stage.draft.stances["airline", "flights", given] = False
        left = set()
        for seed in SEEDS:
            stage.rng = Random(seed)
            with suppress(Drop):
                left.add((await choose(stage, stage.catalogue.tools[kind.tool], kind)).values["flight_id"])
        assert given not in left

    on_stage("airline", use)
