"""Trips: who goes where and when, under a reference that every environment knows them by.

The persona's trips cover the whole lifecycle and are alike enough to be confused: several past, one about to begin,
several to come, and more than one to the same city. None of a person's trips overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from servers.runtime.permutation import IdSpace
from servers.runtime.world.draw import Stream, weighted, zipf
from servers.runtime.world.people import Person
from servers.runtime.world.places import City

SECTION = "trips@1"
REFERENCE_PATTERN = "^[A-HJ-NP-Z2-9]{6}$"
DESTINATIONS = 28
"""The persona travels to some of so many biggest cities."""

Purpose = Literal["work", "family", "holiday"]

_PAST_DECK = (0, 0, 1, 2, 3, 4)
_COMING_DECK = (0, 0, 0, 1, 1, 2, 3, 5)
_DECK_PURPOSES: tuple[Purpose, ...] = ("work", "work", "family", "holiday", "holiday", "holiday")
_PURPOSE_WEIGHTS: dict[Purpose, int] = {"work": 5, "family": 2, "holiday": 4}


@dataclass(frozen=True, slots=True)
class Trip:
    """A journey there and back; `returns_on` is None when no way back is arranged."""

    trip_id: str
    person_id: str
    reference: str
    origin: City
    destination: City
    departs_on: date
    returns_on: date | None
    purpose: Purpose


def draw_trips(
    stream: Stream, people: Sequence[Person], cities: Sequence[City], *, today: date, others: int
) -> tuple[Trip, ...]:
    """Give the persona's trips, then up to `others` of other people, numbered in this order."""
    drawn = _persona_trips(stream("trips/persona"), people[0], cities, today)
    drawn += _other_trips(stream("trips/others"), people[1:], cities, today, others)
    reference = references(stream)
    return tuple(
        replace(trip, trip_id=f"T{number + 1:04d}", reference=reference(number)) for number, trip in enumerate(drawn)
    )


def references(stream: Stream) -> Callable[[int], str]:
    """Give what spells the n-th reference of the world; trips have the first ones."""
    space = IdSpace.of(REFERENCE_PATTERN)
    key = stream("trips/references").randrange(2**256).to_bytes(32, "big")
    return lambda number: space.nth(key, number)


def _persona_trips(rng: Random, persona: Person, cities: Sequence[City], today: date) -> list[Trip]:
    """Give six past trips and eight to come, in order; the last one has no way back yet."""
    reachable = [city for city in cities[:DESTINATIONS] if city != persona.home]
    places = rng.sample(reachable, len(_DECK_PURPOSES))
    spans = _past_spans(rng, today, len(_PAST_DECK)) + _coming_spans(rng, today, len(_COMING_DECK))
    decks = [*rng.sample(_PAST_DECK, len(_PAST_DECK)), *rng.sample(_COMING_DECK, len(_COMING_DECK))]
    trips = [
        Trip("", persona.person_id, "", persona.home, places[card], departs_on, returns_on, _DECK_PURPOSES[card])
        for card, (departs_on, returns_on) in zip(decks, spans, strict=True)
    ]
    return [*trips[:-1], replace(trips[-1], returns_on=None)]


def _past_spans(rng: Random, today: date, count: int) -> list[tuple[date, date]]:
    """Give stays that are over, in order; the last one ended a few days ago."""
    spans: list[tuple[date, date]] = []
    returns_on = today - timedelta(days=3 + rng.randrange(5))
    for _ in range(count):
        departs_on = returns_on - timedelta(days=1 + rng.randrange(6))
        spans.append((departs_on, returns_on))
        returns_on = departs_on - timedelta(days=8 + rng.randrange(20))
    return spans[::-1]


def _coming_spans(rng: Random, today: date, count: int) -> list[tuple[date, date]]:
    """Give stays that are to come, in order: the first begins within three days, the last within sixty."""
    spans: list[tuple[date, date]] = []
    departs_on = today + timedelta(days=1 + rng.randrange(3))
    for _ in range(count):
        returns_on = departs_on + timedelta(days=1 + rng.randrange(4))
        spans.append((departs_on, returns_on))
        departs_on = returns_on + timedelta(days=2 + rng.randrange(3))
    return spans


def _other_trips(rng: Random, people: Sequence[Person], cities: Sequence[City], today: date, count: int) -> list[Trip]:
    """Give up to `count` trips from 120 days ago to 90 days ahead, most of them by few people."""
    trips: list[Trip] = []
    taken: dict[str, list[Trip]] = {}
    for person, destination in zip(zipf(rng, people, count), zipf(rng, cities, count), strict=True):
        departs_on = today + timedelta(days=rng.randrange(211) - 120)
        returns_on = departs_on + timedelta(days=1 + rng.randrange(9)) if rng.randrange(5) else None
        purpose = weighted(rng, _PURPOSE_WEIGHTS)
        trip = Trip("", person.person_id, "", person.home, destination, departs_on, returns_on, purpose)
        own = taken.setdefault(person.person_id, [])
        if destination != person.home and not any(_overlap(trip, other) for other in own):
            own.append(trip)
            trips.append(trip)
    return trips


def _overlap(one: Trip, other: Trip) -> bool:
    """Say whether two trips share a day; one without a way back is taken to last ten days."""
    ends = [trip.returns_on or trip.departs_on + timedelta(days=10) for trip in (one, other)]
    return one.departs_on <= ends[1] and other.departs_on <= ends[0]
