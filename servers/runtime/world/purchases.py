"""Purchases: what people paid and got back, to whom and when, before the episode begins.

Whatever the persona paid the airline is here with the journey's reference and price, and so is what it paid back. The
rest is what life costs: rent and subscriptions come every month, groceries and restaurants in between, and on journeys
abroad some of it in another currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from types import MappingProxyType
from typing import Literal

from servers.runtime.world.background import Background
from servers.runtime.world.draw import Stream
from servers.runtime.world.journeys import AIRLINE_NAME, Journey
from servers.runtime.world.people import Person
from servers.runtime.world.places import City
from servers.runtime.world.trips import Trip

SECTION = "purchases@1"
DAYS = 120
"""So many days before today the daily purchases begin; journeys may have been paid for earlier."""
OTHERS = 60
"""So many people besides the persona bought something, in every size."""

Category = Literal[
    "travel", "groceries", "restaurant", "utilities", "rent", "electronics", "subscription", "health", "refund"
]
Method = Literal["card", "transfer"]
Day = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Merchant:
    """Whom money goes to; of the category "refund", whom it came back from."""

    name: str
    category: Category


@dataclass(frozen=True, slots=True)
class Purchase:
    """One payment, or one refund if the merchant's category is "refund": amounts are positive in both.

    `amount_cents` are hundredths of `currency`, in whole hundreds where it has no smaller coin; `usd_cents` is what the
    account was charged, the same for USD. `made_at` is a minute in UTC, and no two of a person are alike. `reference`
    is the journey's for what the airline was paid or paid back, else None.
    """

    purchase_id: str
    person_id: str
    merchant: Merchant
    amount_cents: int
    currency: str
    usd_cents: int
    made_at: datetime
    method: Method
    reference: str | None


@dataclass(frozen=True, slots=True)
class _Habit:
    """A kind of spending: between how much, and at which merchants."""

    category: Category
    dollars: tuple[int, int]
    merchants: tuple[str, ...]


_GROCERIES = _Habit(
    "groceries", (14, 130), ("Green Basket", "Daily Harvest Market", "Corner Pantry", "Oak Street Foods")
)
_RESTAURANTS = _Habit(
    "restaurant", (9, 95), ("Cafe Lumen", "Noodle Bar Kumo", "Trattoria Bella", "The Copper Spoon", "Taqueria Sol")
)
_ELECTRONICS = _Habit("electronics", (40, 900), ("Volt & Wire", "Pixel Depot", "Northside Electronics"))
_HEALTH = _Habit("health", (12, 140), ("Wellspring Pharmacy", "Clearview Opticians", "Harbour Pharmacy"))
_HOTELS = _Habit("travel", (110, 420), ("Hotel Meridian", "The Linden Hotel", "Station House Hotel", "Hotel Aurora"))
_DINERS = _Habit("restaurant", (15, 110), ("Old Town Grill", "Bistro Central", "The Blue Door", "Riverside Kitchen"))
_UTILITIES = (
    _Habit("utilities", (55, 140), ("Clearwater Energy", "Bright Grid Power", "Metro Energy")),
    _Habit("utilities", (30, 75), ("Skyline Mobile", "Fernwood Telecom", "Link Wireless")),
)
_SUBSCRIPTIONS = (
    ("Streamly", 1_599),
    ("Cadence Music", 1_099),
    ("The Morning Ledger", 1_700),
    ("Cloudnest Storage", 299),
    ("Iron Fern Gym", 4_500),
    ("Pagewise Audiobooks", 1_495),
)
_COUNTS = ((_GROCERIES, 15, 2), (_RESTAURANTS, 10, 3), (_ELECTRONICS, 2, 2), (_HEALTH, 3, 2))
"""How often the persona buys what, and at how many of the merchants."""

_CURRENCIES = MappingProxyType(
    {
        **dict.fromkeys(("AT", "BE", "DE", "ES", "FI", "FR", "GR", "IE", "IT", "NL", "PT"), ("EUR", 0.92, 1)),
        "GB": ("GBP", 0.79, 1),
        "CA": ("CAD", 1.37, 1),
        "CH": ("CHF", 0.88, 1),
        "JP": ("JPY", 149.0, 100),
        "KR": ("KRW", 1_340.0, 100),
        "SG": ("SGD", 1.34, 1),
        "HK": ("HKD", 7.81, 1),
        "AE": ("AED", 3.67, 1),
        "TR": ("TRY", 32.4, 1),
    }
)
"""By country: its currency, how many of it make a dollar, and its smallest coin in hundredths; elsewhere dollars."""


def draw_purchases(stream: Stream, background: Background) -> tuple[Purchase, ...]:
    """Give the persona's purchases in the order of time, then those of some others, person by person."""
    now = background.now
    past = [trip for trip in background.own_trips() if trip.departs_on < background.today]
    own = [
        *_flown(background.own_journeys()),
        *_monthly(stream("purchases/monthly"), background),
        *_abroad(stream("purchases/abroad"), past, now),
        *_daily(stream("purchases/daily"), background.persona, past, now),
    ]
    drawn, rng = _in_order(own), stream("purchases/others")
    for person in background.people[1 : OTHERS + 1]:
        habits = [rng.choice((_GROCERIES, _RESTAURANTS, _HEALTH)) for _ in range(4)]
        drawn += _in_order([_draw(rng, habit, person, _some_time(rng, now)) for habit in habits])
    return tuple(replace(purchase, purchase_id=f"U{number:05d}") for number, purchase in enumerate(drawn, start=1))


def _flown(journeys: Iterable[Journey]) -> Iterator[Purchase]:
    """Give what journeys cost, each in one sum, and what came back of them."""
    for journey in journeys:
        if journey.state != "held":
            yield _payment(journey, "travel", journey.price_cents, journey.booked_at)
        if journey.refunded_at is not None:
            yield _payment(journey, "refund", journey.refunded_cents, journey.refunded_at)


def _payment(journey: Journey, category: Category, cents: int, when: datetime) -> Purchase:
    """Give a payment by card between the person and the airline."""
    merchant = Merchant(AIRLINE_NAME, category)
    return Purchase("", journey.person_id, merchant, cents, "USD", cents, when, "card", journey.reference)


def _monthly(rng: Random, background: Background) -> Iterator[Purchase]:
    """Give what comes every month: the rent by transfer, subscriptions of one price each, utilities of any."""
    persona, now = background.persona, background.now
    (landlord,) = background.of_persona("landlord")
    name = next(person.name for person in background.people if person.person_id == landlord)
    rent = 100 * (900 + 25 * rng.randrange(60))
    dues = [(Merchant(name, "rent"), rent, rent, 1)]
    dues += [(Merchant(*due), cents, cents, 2 + rng.randrange(26)) for due, cents in _subscribed(rng)]
    for habit in _UTILITIES:
        low, high = habit.dollars
        dues.append(
            (Merchant(rng.choice(habit.merchants), habit.category), 100 * low, 100 * high, 2 + rng.randrange(26))
        )
    for merchant, low, high, day in dues:
        method: Method = "transfer" if merchant.category == "rent" else "card"
        minute = rng.randrange(9 * 60, 12 * 60)
        for month in _months(now):
            cents = low + rng.randrange(high - low + 1)
            when = datetime.combine(month.replace(day=day), time(), UTC) + timedelta(minutes=minute)
            if now - DAYS * Day <= when < now:
                yield Purchase("", persona.person_id, merchant, cents, "USD", cents, when, method, None)


def _subscribed(rng: Random) -> list[tuple[tuple[str, Category], int]]:
    """Give three subscriptions with their prices."""
    return [((name, "subscription"), cents) for name, cents in rng.sample(_SUBSCRIPTIONS, 3)]


def _months(now: datetime) -> list[date]:
    """Give the first days of the months that the days before now touch."""
    months = [now.date().replace(day=1)]
    while months[0] > now.date() - DAYS * Day:
        months.insert(0, (months[0] - Day).replace(day=1))
    return months


def _abroad(rng: Random, trips: Sequence[Trip], now: datetime) -> Iterator[Purchase]:
    """Give a hotel and a meal of each past trip, where and in what currency it was."""
    for trip in trips:
        last = trip.returns_on or trip.departs_on + Day
        nights = max(1, (last - trip.departs_on).days)
        hotel = _draw(rng, _HOTELS, trip, _at(rng, last, 7, 10), times=nights)
        meal = _draw(rng, _DINERS, trip, _at(rng, last - Day * rng.randrange(nights), 11, 15))
        if last >= now.date() - DAYS * Day:
            yield hotel
            yield meal


def _daily(rng: Random, persona: Person, trips: Sequence[Trip], now: datetime) -> Iterator[Purchase]:
    """Give what the persona bought at home, at the few merchants where they usually go, and one thing sent back."""
    away = {
        trip.departs_on + number * Day
        for trip in trips
        for number in range(((trip.returns_on or trip.departs_on) - trip.departs_on).days + 1)
    }
    days = [day for day in (now.date() - number * Day for number in range(1, DAYS)) if day not in away]
    for habit, count, merchants in _COUNTS:
        usual = replace(habit, merchants=tuple(rng.sample(habit.merchants, merchants)))
        for day in rng.sample(days, count):
            yield _draw(rng, usual, persona, _home_time(rng, persona.home, day))
    bought = _draw(rng, _ELECTRONICS, persona, _home_time(rng, persona.home, rng.choice(days[20:])))
    yield bought
    back = Merchant(bought.merchant.name, "refund")
    yield replace(bought, merchant=back, made_at=bought.made_at + timedelta(days=4, minutes=rng.randrange(600)))


def _draw(rng: Random, habit: _Habit, where: Person | Trip, when: datetime, times: int = 1) -> Purchase:
    """Give a purchase out of a habit, in dollars by a person at home, or in the currency of a trip's destination."""
    low, high = habit.dollars
    usd_cents = times * (100 * low + rng.randrange(100 * (high - low)))
    merchant = Merchant(rng.choice(habit.merchants), habit.category)
    currency, rate, coin = ("USD", 1.0, 1)
    if isinstance(where, Trip):
        currency, rate, coin = _CURRENCIES.get(where.destination.country, (currency, rate, coin))
    cents = coin * round(usd_cents * rate / coin)
    return Purchase("", where.person_id, merchant, cents, currency, usd_cents, when, "card", None)


def _at(rng: Random, day: date, first: int, last: int) -> datetime:
    """Give a minute of a day, between two full hours of UTC."""
    return datetime.combine(day, time(first), UTC) + timedelta(minutes=rng.randrange(60 * (last - first)))


def _home_time(rng: Random, home: City, day: date) -> datetime:
    """Give a minute of a day when shops are open at home."""
    local = datetime.combine(day, time(9), home.zone) + timedelta(minutes=rng.randrange(11 * 60))
    return local.astimezone(UTC)


def _some_time(rng: Random, now: datetime) -> datetime:
    """Give a minute of the last weeks."""
    return now - timedelta(minutes=1 + rng.randrange(DAYS * 24 * 60))


def _in_order(purchases: Iterable[Purchase]) -> list[Purchase]:
    """Give purchases in the order of time, where one made in the same minute as one before it moves back a minute."""
    by_time: dict[datetime, Purchase] = {}
    for purchase in purchases:
        when = purchase.made_at
        while when in by_time:
            when -= timedelta(minutes=1)
        by_time[when] = replace(purchase, made_at=when)
    return [by_time[when] for when in sorted(by_time)]
