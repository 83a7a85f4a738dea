"""What environments hold of the world's facts is what the world says, so that they agree with each other."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import pytest

from servers.airline.server import env as airline
from servers.runtime import Rows, World
from servers.runtime.world import Journey, Size

SEEDS = range(8)
SIZES: tuple[Size, ...] = ("small", "medium")
WORLDS = [(seed, size) for size in SIZES for seed in SEEDS]

Row = dict[str, Any]


@cache
def _told(seed: int, size: Size) -> tuple[World, Rows]:
    """Give a world with the airline's rows in it."""
    world = World(seed, size)
    return world, airline.populate(world)


def _by(rows: Rows, table: str, column: str) -> dict[Any, list[Row]]:
    """Give the rows of a table by the values of a column."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows[table]:
        found[row[column]].append(row)
    return found


def _booked(world: World, rows: Rows) -> list[tuple[Journey, Row]]:
    """Give each journey that the airline has, with its booking."""
    bookings = _by(rows, "bookings", "reference")
    return [(journey, row) for journey in world.journeys for row in bookings[journey.reference]]


@pytest.mark.parametrize(("seed", "size"), WORLDS)
def test_the_airline_holds_all_of_the_personas_journeys_and_nothing_else_of_theirs(seed: int, size: Size) -> None:
    world, rows = _told(seed, size)
    (customer,) = _by(rows, "customers", "email")[world.persona.email]
    held = [row["reference"] for row in rows["bookings"] if row["customer_id"] == customer["customer_id"]]
    own = [journey.reference for journey in world.journeys if journey.person_id == world.persona.person_id]
    assert sorted(held) == sorted(own)
    assert len(_booked(world, rows)) == len(own) + {"small": 2, "medium": 95, "large": 1_900}[size]


@pytest.mark.parametrize(("seed", "size"), WORLDS)
def test_a_booking_is_its_journey(seed: int, size: Size) -> None:
    world, rows = _told(seed, size)
    names, emails = _by(rows, "passengers", "booking_id"), {person.person_id: person.email for person in world.people}
    customers = {row["customer_id"]: row["email"] for row in rows["customers"]}
    for journey, booking in _booked(world, rows):
        assert booking["status"] == journey.state
        assert booking["fare_type"] == journey.fare_type
        assert booking["booked_at"] == f"{journey.booked_at:%Y-%m-%dT%H:%M:%SZ}"
        assert customers[booking["customer_id"]] == emails[journey.person_id]
        assert tuple(row["name"] for row in names[booking["booking_id"]]) == journey.travellers


@pytest.mark.parametrize(("seed", "size"), WORLDS)
def test_segments_fly_when_and_where_the_legs_do(seed: int, size: Size) -> None:
    world, rows = _told(seed, size)
    segments = _by(rows, "segments", "booking_id")
    flights = {row["flight_id"]: row for row in rows["flights"]}
    for journey, booking in _booked(world, rows):
        for segment, leg in zip(segments[booking["booking_id"]], journey.legs, strict=True):
            flight = flights[segment["flight_id"]]
            assert flight["flight_number"] == leg.flight_number
            assert (flight["origin_code"], flight["destination_code"]) == (leg.origin_code, leg.destination_code)
            assert flight["departs_at"] == f"{leg.departs_at:%Y-%m-%dT%H:%M:%SZ}"
            assert flight["arrives_at"] == f"{leg.arrives_at:%Y-%m-%dT%H:%M:%SZ}"
            assert (flight["status"] == "cancelled", flight["delay_minutes"]) == (leg.cancelled, leg.delay_minutes)
            assert (segment["cabin"], segment["fare_cents"]) == (journey.cabin, journey.fare_cents(leg))


@pytest.mark.parametrize(("seed", "size"), WORLDS)
def test_what_a_booking_has_paid_is_the_price_less_the_refund(seed: int, size: Size) -> None:
    world, rows = _told(seed, size)
    payments = _by(rows, "payments", "booking_id")
    for journey, booking in _booked(world, rows):
        paid = [row for row in payments[booking["booking_id"]] if row["status"] == "paid"]
        charged = sum(row["amount_cents"] for row in paid if row["kind"] != "refund")
        assert charged == (0 if journey.state == "held" else journey.price_cents)
        assert booking["paid_cents"] == charged - journey.refunded_cents
        assert {row["created_at"] for row in paid if row["kind"] != "refund"} <= {booking["booked_at"]}


@pytest.mark.parametrize(("seed", "size"), WORLDS)
def test_the_airline_was_paid_and_paid_back_what_the_personas_purchases_say(seed: int, size: Size) -> None:
    world, rows = _told(seed, size)
    references = {row["booking_id"]: row["reference"] for row in rows["bookings"]}
    (customer,) = _by(rows, "customers", "email")[world.persona.email]
    own = {row["booking_id"] for row in rows["bookings"] if row["customer_id"] == customer["customer_id"]}
    at_the_airline: dict[tuple[str, bool, str], int] = defaultdict(int)
    for row in rows["payments"]:
        if row["booking_id"] in own and row["status"] == "paid":
            key = (references[row["booking_id"]], row["kind"] == "refund", row["created_at"])
            at_the_airline[key] += row["amount_cents"]
    at_the_bank = {
        (purchase.reference, purchase.merchant.category == "refund", f"{purchase.made_at:%Y-%m-%dT%H:%M:%SZ}"): (
            purchase.amount_cents
        )
        for purchase in world.purchases
        if purchase.person_id == world.persona.person_id and purchase.reference
    }
    assert at_the_airline == at_the_bank


@pytest.mark.parametrize("seed", SEEDS)
def test_the_calendar_has_the_flights_that_the_persona_is_a_passenger_of(seed: int) -> None:
    world, rows = _told(seed, "small")
    flights = {row["flight_id"]: row for row in rows["flights"]}
    bookings = {row["booking_id"]: row for row in rows["bookings"]}
    aboard = {row["booking_id"] for row in rows["passengers"] if row["name"] == world.persona.name}
    flown = {
        (bookings[row["booking_id"]]["reference"], flights[row["flight_id"]]["departs_at"])
        for row in rows["segments"]
        if row["booking_id"] in aboard and bookings[row["booking_id"]]["status"] == "confirmed"
    }
    travel = {
        (made.reference, f"{made.starts_at:%Y-%m-%dT%H:%M:%SZ}")
        for made in world.appointments
        if made.kind == "travel" and not made.cancelled
    }
    assert travel <= flown
    coming = {
        (reference, departs_at) for reference, departs_at in flown if departs_at > f"{world.now:%Y-%m-%dT%H:%M:%SZ}"
    }
    assert coming <= travel
