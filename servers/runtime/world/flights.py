"""Flights: what journeys are made of, with their times, troubles and fares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from random import Random

from servers.runtime.world.places import City
from servers.runtime.world.terms import Cabin, Terms
from servers.runtime.world.trips import Trip

FLIGHT_NUMBERS = range(100, 10_000)
MOST_SHARED = 8
"""How many travellers of journeys a shared flight has at most, in a cabin that has twelve seats."""

_DAYTIME = (6, 21)
_EARLY = (6, 14)
_LATE = (12, 21)
_PLAIN = Terms()
_TURN = timedelta(hours=1)
_STEP = timedelta(minutes=5)
_ATTEMPTS = 400

Route = tuple[City, City]


@dataclass(frozen=True, slots=True)
class Leg:
    """One flight of a journey, between the main airports of two cities; journeys that share a flight have equal legs.

    Times are UTC and have the delay in them. `cancelled` means by the airline. `economy_fare_cents` is the standard
    fare of one economy seat.
    """

    flight_number: str
    origin: City
    destination: City
    departs_at: datetime
    arrives_at: datetime
    stops: int
    delay_minutes: int
    cancelled: bool
    economy_fare_cents: int

    @property
    def origin_code(self) -> str:
        """The airport that the flight leaves from."""
        return self.origin.airports[0].code

    @property
    def destination_code(self) -> str:
        """The airport that the flight goes to."""
        return self.destination.airports[0].code

    @property
    def planned_at(self) -> datetime:
        """When the flight was to leave, before its delay."""
        return self.departs_at - timedelta(minutes=self.delay_minutes)

    def fare_cents(self, cabin: Cabin) -> int:
        """Give the standard fare of one seat: business costs 2.6 times as much as economy, in whole dollars."""
        if cabin == "business":
            return business_fare_cents(self.economy_fare_cents)
        return self.economy_fare_cents


def business_fare_cents(economy_fare_cents: int) -> int:
    """Give the standard fare of a business seat."""
    return 100 * (economy_fare_cents * 13 // 500)


def distance(one: City, other: City) -> float:
    """Give the kilometres between two cities."""
    (lat, lon), (lat2, lon2) = ((radians(city.latitude), radians(city.longitude)) for city in (one, other))
    chord = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin((lon2 - lon) / 2) ** 2
    return 2 * 6371 * asin(sqrt(chord))


class Timetable:
    """The flights so far; each has a number of its own."""

    def __init__(self, rng: Random) -> None:
        self._numbers = iter(rng.sample(FLIGHT_NUMBERS, len(FLIGHT_NUMBERS)))
        self._shared: dict[tuple[str, str, date], list[Leg]] = defaultdict(list)
        self._travellers: dict[str, int] = defaultdict(int)

    def fly(self, rng: Random, route: Route, day: date) -> Leg:
        """Publish a flight at some time of a day."""
        return self._numbered(draw_flight(rng, route, next(_moments(rng, route[0], day))))

    def publish(self, rng: Random, route: Route, planned: datetime) -> Leg:
        """Publish a flight of a given moment."""
        return self._numbered(draw_flight(rng, route, planned))

    def there_and_back(self, rng: Random, trip: Trip, terms: Terms) -> tuple[Leg, ...]:
        """Publish the flights of a trip: out in the morning, and back on its day if the terms say so."""
        way, back = (trip.origin, trip.destination), (trip.destination, trip.origin)
        moments = _moments(rng, trip.origin, trip.departs_on, _EARLY)
        for _, planned in zip(range(_ATTEMPTS), moments, strict=False):
            out = draw_flight(rng, way, planned, terms)
            if not terms.round_trip or trip.returns_on is None:
                return (self._numbered(out),)
            after = out.arrives_at + _TURN
            for leaving in _moments(rng, trip.destination, trip.returns_on, _LATE, after=after):
                return (self._numbered(out), self._numbered(draw_flight(rng, back, leaving)))
        raise ValueError(f"No way back on {trip.returns_on} meets the way out of {trip.trip_id}; let it stay longer.")

    def shared(self, rng: Random, trip: Trip, travellers: int) -> tuple[Leg, ...]:
        """Give the flights of a trip, each with others on it where it can be; no way back where none connects."""
        way, back = (trip.origin, trip.destination), (trip.destination, trip.origin)
        out = self._shared_flight(rng, way, trip.departs_on, travellers)
        if out is None:
            raise ValueError(f"No flight leaves on {trip.departs_on}.")
        after = out.arrives_at + _TURN
        home = trip.returns_on and self._shared_flight(rng, back, trip.returns_on, travellers, after)
        return (out, home) if home else (out,)

    def _shared_flight(
        self, rng: Random, route: Route, day: date, travellers: int, after: datetime | None = None
    ) -> Leg | None:
        """Give a flight of a route and day with room, a new one where none has; None if none can leave so late."""
        flights = self._shared[route[0].name, route[1].name, day]
        for flight in flights:
            room = MOST_SHARED - self._travellers[flight.flight_number]
            if room >= travellers and (after is None or flight.planned_at >= after):
                break
        else:
            moment = next(_moments(rng, route[0], day, _EARLY, after=after), None)
            if moment is None:
                return None
            flight = self._numbered(draw_flight(rng, route, moment, _trouble(rng, moment.astimezone(route[0].zone))))
            flights.append(flight)
        self._travellers[flight.flight_number] += travellers
        return flight

    def _numbered(self, leg: Leg) -> Leg:
        """Give a flight the next number."""
        return replace(leg, flight_number=f"EV{next(self._numbers)}")


def _moments(
    rng: Random, city: City, day: date, hours: tuple[int, int] = _DAYTIME, *, after: datetime | None = None
) -> Iterator[datetime]:
    """Give moments of a day, each drawn anew, between two full hours there; later if all must come `after` them."""
    earliest, latest = (datetime.combine(day, time(hour)) for hour in hours)
    if after:
        earliest = max(earliest, after.astimezone(city.zone).replace(tzinfo=None))
    if earliest >= latest:
        latest = datetime.combine(day, time(_DAYTIME[1]))
    while earliest < latest:
        local = earliest + _STEP * rng.randrange(-((earliest - latest) // _STEP))
        yield local.replace(tzinfo=city.zone).astimezone(UTC)


def _trouble(rng: Random, local: datetime) -> Terms:
    """Say what goes wrong with a shared flight, if anything: one in forty is cancelled, one late."""
    trouble, minutes = rng.randrange(40), 5 * (4 + rng.randrange(90))
    late = trouble == 1 and local.hour < _EARLY[1]
    return Terms(flight_cancelled=trouble == 0, delay_minutes=minutes if late else 0)


def draw_flight(rng: Random, route: Route, planned: datetime, terms: Terms = _PLAIN) -> Leg:
    """Give a flight that has no number yet; what its terms say of trouble comes true."""
    kilometres = distance(*route)
    stops = int(kilometres > 1_000 and rng.randrange(4) == 0)
    minutes = 40 + 60 * kilometres / 800 + stops * (70 + rng.randrange(60))
    departs_at = planned + timedelta(minutes=terms.delay_minutes)
    dollars = round((40 + kilometres * (0.07 + 0.05 * rng.random())) * (1 - 0.15 * stops))
    return Leg(
        flight_number="",
        origin=route[0],
        destination=route[1],
        departs_at=departs_at,
        arrives_at=departs_at + _STEP * round(minutes / 5),
        stops=stops,
        delay_minutes=terms.delay_minutes,
        cancelled=terms.flight_cancelled,
        economy_fare_cents=100 * dollars,
    )
