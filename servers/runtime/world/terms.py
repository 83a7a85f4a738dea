"""Terms: what the airline's fares allow and cost, and on what terms the persona's journeys are booked."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Cabin = Literal["economy", "business"]
FareType = Literal["basic", "standard", "flex"]
JourneyState = Literal["held", "confirmed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Fare:
    """What a fare type costs, in percent of the standard fare, and its fees in cents; None where it isn't allowed."""

    percent: int
    change_fee_cents: int | None
    cancel_fee_cents: int | None
    bag_fee_cents: int


FARES = MappingProxyType[FareType, Fare](
    {
        "basic": Fare(80, None, None, 4_500),
        "standard": Fare(100, 7_500, 10_000, 3_500),
        "flex": Fare(130, 0, 0, 2_500),
    }
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a journey is booked, for how many, and what became of it and of its flight out."""

    state: JourneyState = "confirmed"
    fare_type: FareType = "standard"
    cabin: Cabin = "economy"
    round_trip: bool = False
    companions: int = 0
    bags: int = 0
    upgraded: bool = False
    booked_hours_ago: int = 0
    delay_minutes: int = 0
    flight_cancelled: bool = False


PAST = (
    Terms(),
    Terms(fare_type="flex", cabin="business", upgraded=True),
    Terms(fare_type="basic", companions=1),
    Terms(round_trip=True, bags=1),
    Terms(fare_type="basic"),
    Terms(fare_type="flex", companions=1, bags=1),
)
"""The persona's trips that are over, the oldest first."""

COMING = (
    Terms(companions=1),
    Terms(fare_type="flex", round_trip=True),
    Terms(fare_type="basic"),
    Terms(companions=1, round_trip=True, bags=1),
    Terms(flight_cancelled=True),
    Terms(fare_type="basic", delay_minutes=400),
    Terms(fare_type="basic", companions=3, booked_hours_ago=3),
    Terms(state="held", booked_hours_ago=4),
)
"""The persona's trips to come, the next first; the last was held this morning and is not paid for yet."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What the persona booked beside one of their trips, counted from the oldest: so many days from its departure."""

    trip: int
    days: int
    terms: Terms
    way_back: bool = False


ASIDE = (
    Aside(0, 9, Terms(state="cancelled"), way_back=True),
    Aside(7, -1, Terms(state="held", fare_type="flex", booked_hours_ago=75)),
    Aside(8, 0, Terms(state="held", fare_type="basic", booked_hours_ago=23)),
    Aside(9, -1, Terms(state="cancelled")),
)
"""A journey called off, a hold that has lapsed, one that is about to, and another called off."""

FRIENDS = (
    Terms(cabin="business", companions=2),
    Terms(companions=1),
    Terms(companions=1),
)
"""What the persona has booked for friends, who fly within a day and without them; the last leave within the hour."""
