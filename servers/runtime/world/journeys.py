"""Journeys: how a trip is flown, booked and paid for, the same to the airline, the bank and the calendar.

The whole world flies with one airline. The persona's journeys are in every state that a booking can be in; after those
of their trips come a few that they booked beside them: called off, left to lapse, and for friends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from servers.runtime.world.draw import Stream, deal
from servers.runtime.world.flights import Leg, Timetable
from servers.runtime.world.people import Person
from servers.runtime.world.relations import Relation, RelationKind, by_person, related
from servers.runtime.world.terms import ASIDE, COMING, FARES, FRIENDS, PAST, Cabin, FareType, JourneyState, Terms
from servers.runtime.world.trips import Purpose, Trip, references

SECTION = "journeys@1"
AIRLINE_NAME = "Evergreen Air"

_FIRST_ASIDE = 100_000
"""The number of the first reference that no trip has, in any size."""
_COMPANIONS: dict[Purpose, tuple[RelationKind, ...]] = {
    "work": ("colleague", "friend"),
    "family": ("partner", "child", "parent", "friend"),
    "holiday": ("partner", "friend", "child"),
}
_STATES = {"confirmed": 12, "held": 2, "lapsed": 1, "cancelled": 2}
_FARE_TYPES: dict[FareType, int] = {"basic": 4, "standard": 5, "flex": 2}
Day = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Journey:
    """A booking with the airline; `person_id` booked and paid for it, under `reference`.

    `trip_id` is None for what the persona booked beside their trips. `legs` are the way out and perhaps the way back.
    `travellers` are names: that of the person first, unless they booked for friends. `bags` are checked on each leg.
    `upgraded` means that the economy fare was paid and points for the rest. `price_cents` is everything together, bags
    too; it was paid in one sum at `booked_at`, unless the journey is held: then nothing is paid, and 24 hours after
    `booked_at` the hold lapses. What came back of a cancelled journey is `refunded_cents`, at `refunded_at`.
    """

    trip_id: str | None
    reference: str
    person_id: str
    legs: tuple[Leg, ...]
    cabin: Cabin
    fare_type: FareType
    travellers: tuple[str, ...]
    bags: int
    upgraded: bool
    price_cents: int
    booked_at: datetime
    state: JourneyState
    refunded_cents: int
    refunded_at: datetime | None

    def fare_cents(self, leg: Leg) -> int:
        """Give what one traveller pays for one of the legs."""
        return leg.fare_cents("economy" if self.upgraded else self.cabin) * FARES[self.fare_type].percent // 100

    @property
    def bags_cents(self) -> int:
        """The part of the price that is for bags."""
        return self.bags * len(self.legs) * FARES[self.fare_type].bag_fee_cents


def draw_journeys(
    stream: Stream, people: Sequence[Person], trips: Sequence[Trip], relations: Sequence[Relation], now: datetime
) -> tuple[Journey, ...]:
    """Give the persona's journeys, trip by trip and then those beside them, then one for each trip of the others."""
    desk = _Desk(people, relations, now, Timetable(stream("journeys/numbers")))
    own = [trip for trip in trips if trip.person_id == people[0].person_id]
    journeys = list(desk.own_journeys(stream("journeys/persona"), own))
    reference = references(stream)
    aside = [*desk.called_off(stream("journeys/aside"), own), *desk.for_friends(stream("journeys/friends"), own)]
    journeys += [replace(journey, reference=reference(_FIRST_ASIDE + n)) for n, journey in enumerate(aside)]
    return (*journeys, *desk.others_journeys(stream("journeys/others"), trips[len(own) :]))


class _Desk:
    """What books journeys: it knows everybody, who goes with whom, and the flights so far."""

    def __init__(
        self, people: Sequence[Person], relations: Sequence[Relation], now: datetime, timetable: Timetable
    ) -> None:
        self.people = {person.person_id: person for person in people}
        self.persona = people[0]
        self.now = now
        self.timetable = timetable
        self.paid: set[tuple[str, datetime]] = set()
        self.relations = by_person(relations)

    def own_journeys(self, rng: Random, trips: Sequence[Trip]) -> Iterator[Journey]:
        """Book the persona's trips on the terms that are written down for them."""
        for trip, terms in zip(trips, PAST + COMING, strict=True):
            legs = self.timetable.there_and_back(rng, trip, terms)
            yield self._book(rng, trip, terms, legs, self._party(trip, terms))

    def called_off(self, rng: Random, trips: Sequence[Trip]) -> Iterator[Journey]:
        """Book what the persona called off, or held and didn't pay for."""
        for aside in ASIDE:
            trip = trips[aside.trip]
            route = (trip.destination, trip.origin) if aside.way_back else (trip.origin, trip.destination)
            leg = self.timetable.fly(rng, route, trip.departs_on + aside.days * Day)
            yield replace(self._book(rng, trip, aside.terms, (leg,), self._party(trip, aside.terms)), trip_id=None)

    def for_friends(self, rng: Random, trips: Sequence[Trip]) -> Iterator[Journey]:
        """Book flights of the next hours for friends, on the next trip's route; the last leaves within the hour."""
        trip = trips[len(PAST)]
        hours = [self.now.replace(minute=0) + timedelta(hours=hour) for hour in range(4, 21)]
        by_day = [hour for hour in hours if 6 <= hour.astimezone(trip.origin.zone).hour < 21]
        leaving = [hour + timedelta(minutes=5 * rng.randrange(12)) for hour in rng.sample(by_day, len(FRIENDS) - 1)]
        soon = self.now + timedelta(minutes=40)
        leaving.append(soon.replace(minute=soon.minute // 5 * 5))
        friends = self._names(self.persona.person_id, ("friend",))
        for moment, terms in zip(leaving, FRIENDS, strict=True):
            party = tuple(friends[: terms.companions])
            friends = friends[terms.companions :]
            leg = self.timetable.publish(rng, (trip.origin, trip.destination), moment.astimezone(UTC))
            yield replace(self._book(rng, trip, terms, (leg,), party), trip_id=None)

    def others_journeys(self, rng: Random, trips: Sequence[Trip]) -> Iterator[Journey]:
        """Book other people's trips, on shared flights; of those to come some are held, lapsed or cancelled."""
        states, fares = deal(rng, _STATES, len(trips)), deal(rng, _FARE_TYPES, len(trips))
        for trip, state, fare_type in zip(trips, states, fares, strict=True):
            companions = rng.choice((0, 0, 0, 1, 1, 2))
            hours_ago = {"held": 1 + rng.randrange(22), "lapsed": 30 + rng.randrange(200)}.get(state, 0)
            open_ended = state in ("held", "lapsed") and trip.departs_on > self.now.date() + 2 * Day
            terms = Terms(
                state="held" if open_ended else "cancelled" if state == "cancelled" else "confirmed",
                fare_type=fare_type,
                companions=companions,
                booked_hours_ago=hours_ago if open_ended else 0,
            )
            legs = self.timetable.shared(rng, trip, 1 + companions)
            yield self._book(rng, trip, terms, legs, self._party(trip, terms))

    def _book(self, rng: Random, trip: Trip, terms: Terms, legs: tuple[Leg, ...], party: tuple[str, ...]) -> Journey:
        """Give a journey with its price, and with its refund when it is cancelled."""
        booked_at = self._booked_at(rng, legs[0], terms)
        while (trip.person_id, booked_at) in self.paid:
            booked_at -= timedelta(minutes=1)
        self.paid |= {(trip.person_id, booked_at + days * Day) for days in (-1, 0, 1)}
        journey = Journey(
            trip_id=trip.trip_id,
            reference=trip.reference,
            person_id=trip.person_id,
            legs=legs,
            cabin=terms.cabin,
            fare_type=terms.fare_type,
            travellers=party,
            bags=terms.bags,
            upgraded=terms.upgraded,
            price_cents=0,
            booked_at=booked_at,
            state=terms.state,
            refunded_cents=0,
            refunded_at=None,
        )
        price = journey.bags_cents + len(party) * sum(journey.fare_cents(leg) for leg in legs)
        fee = FARES[terms.fare_type].cancel_fee_cents
        refund = 0 if fee is None or terms.state != "cancelled" else max(0, price - fee * len(party))
        refunded_at = booked_at + Day if refund else None
        return replace(journey, price_cents=price, refunded_cents=refund, refunded_at=refunded_at)

    def _booked_at(self, rng: Random, leg: Leg, terms: Terms) -> datetime:
        """Give when a journey is booked: as long ago as its terms say, or some weeks before now or departure."""
        if terms.booked_hours_ago:
            return self.now - timedelta(hours=terms.booked_hours_ago, minutes=1 + rng.randrange(49))
        before = min(self.now, leg.departs_at)
        return before - timedelta(days=3 + rng.randrange(45), minutes=rng.randrange(24 * 60))

    def _party(self, trip: Trip, terms: Terms) -> tuple[str, ...]:
        """Give the names of those who go: the person of the trip, and whom they take along on such a trip."""
        companions = self._names(trip.person_id, (*_COMPANIONS[trip.purpose], "friend", "partner", "colleague"))
        return (self.people[trip.person_id].name, *companions[: terms.companions])

    def _names(self, person_id: str, kinds: Sequence[RelationKind]) -> list[str]:
        """Give the names of those who are one of `kinds` to a person."""
        own = self.relations.get(person_id, ())
        return [self.people[other].name for other in related(own, person_id, *dict.fromkeys(kinds))]
