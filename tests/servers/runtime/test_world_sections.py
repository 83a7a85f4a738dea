"""The shared facts of a world: relations, journeys, purchases and appointments, which agree with each other."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from random import Random

import pytest

from servers.runtime.world import Appointment, Journey, Leg, Purchase, Size, World, distance, related

SEEDS = range(16)
DAY = timedelta(days=1)
UPSTREAM: dict[str, set[str]] = {
    "clock": set(),
    "people": set(),
    "trips": {"clock", "people"},
    "relations": {"people"},
    "journeys": {"clock", "people", "trips", "relations"},
    "purchases": {"clock", "people", "trips", "relations", "journeys"},
    "appointments": {"clock", "people", "trips", "relations", "journeys"},
}
"""What each section follows from, and so changes with."""
ATTRIBUTES = {"clock": "now", **{section: section for section in UPSTREAM if section != "clock"}}
PRINTED = (
    "from servers.runtime.world import World; w = World(7); print(w.relations, w.journeys, w.purchases, w.appointments)"
)


class OneDrawMore(World):
    """A world in which one section draws once more from each of its streams."""

    def __init__(self, seed: int, section: str) -> None:
        super().__init__(seed)
        self.section = section

    def stream(self, name: str) -> Random:
        rng = super().stream(name)
        if name.split("/", maxsplit=1)[0] == self.section:
            rng.random()
        return rng


@cache
def _world(seed: int, size: Size = "small") -> World:
    """Give a world, which nothing here changes, once."""
    return World(seed, size)


def _digest(*sections: object) -> str:
    return blake2b(repr(sections).encode(), digest_size=8).hexdigest()


def _new(world: World) -> tuple[object, ...]:
    return world.relations, world.journeys, world.purchases, world.appointments


def _own_journeys(world: World) -> list[Journey]:
    return [journey for journey in world.journeys if journey.person_id == world.persona.person_id]


def _own_purchases(world: World) -> list[Purchase]:
    return [purchase for purchase in world.purchases if purchase.person_id == world.persona.person_id]


def _own_appointments(world: World) -> list[Appointment]:
    return [made for made in world.appointments if made.owner_id == world.persona.person_id]


# Sections ------------------------------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_facts_in_every_python() -> None:
    assert _digest(*_new(_world(7))) == "a1185f4176a3474a"


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_gives_the_same_facts_in_a_fresh_process(hash_seed: str) -> None:
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}
    printed = subprocess.run([sys.executable, "-c", PRINTED], capture_output=True, check=True, env=environment)
    assert printed.stdout.decode() == " ".join(str(section) for section in _new(_world(7))) + "\n"


def test_reading_these_sections_leaves_the_older_ones_as_they_were() -> None:
    plain, read = World(7), World(7)
    assert all(_new(read))
    for section in ("now", "people", "cities", "trips"):
        assert repr(getattr(read, section)) == repr(getattr(plain, section))


@pytest.mark.parametrize("section", UPSTREAM)
def test_one_draw_more_in_a_section_changes_only_what_follows_from_it(section: str) -> None:
    plain, changed = _world(7), OneDrawMore(7, section)
    for other, attribute in ATTRIBUTES.items():
        same = repr(getattr(plain, attribute)) == repr(getattr(changed, attribute))
        assert same or other == section or section in UPSTREAM[other], (section, other)
        assert not (same and other == section)


def test_reads_name_a_section_and_all_that_it_follows_from() -> None:
    world = World(7)
    assert world.relations
    assert world.reads == ("people@1", "places@1", "relations@1")
    assert world.purchases
    assert {name.split("@")[0] for name in world.reads} == {*UPSTREAM["purchases"], "places", "purchases"}


@pytest.mark.parametrize("seed", SEEDS)
def test_size_changes_nothing_but_how_many_others_journey(seed: int) -> None:
    small, large = _world(seed), _world(seed, "large")
    assert small.relations == large.relations
    assert small.purchases == large.purchases
    assert small.appointments == large.appointments
    assert _own_journeys(small) == _own_journeys(large)
    assert len(small.journeys) < len(large.journeys)


# Relations -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_persona_has_a_family_friends_a_team_and_those_they_call_on(seed: int) -> None:
    world = _world(seed)
    count = Counter(one.kind for one in world.relations if one.person_id == world.persona.person_id)
    assert count["child"] + count["parent"] in (1, 2)
    assert 4 <= count["friend"] <= 8
    assert 5 <= count["colleague"] <= 8
    assert all(count[kind] == 1 for kind in ("partner", "manager", "dentist", "doctor", "landlord"))


@pytest.mark.parametrize("seed", SEEDS)
def test_relations_hold_in_both_directions_where_they_should_and_once(seed: int) -> None:
    relations = _world(seed).relations
    kinds = {(one.person_id, one.other_id): one.kind for one in relations}
    assert len(kinds) == len(relations)
    back = {"child": "parent", "parent": "child", "partner": "partner", "friend": "friend", "colleague": "colleague"}
    for (one, other), kind in kinds.items():
        assert one != other
        assert kinds.get((other, one)) == back.get(kind)


@pytest.mark.parametrize("seed", SEEDS)
def test_parents_are_a_generation_older_and_nobody_has_two_partners(seed: int) -> None:
    world = _world(seed)
    born = {person.person_id: person.born_on.year for person in world.people}
    assert all(born[one.person_id] - born[one.other_id] >= 18 for one in world.relations if one.kind == "parent")
    coupled = [one.person_id for one in world.relations if one.kind == "partner"]
    assert len(set(coupled)) == len(coupled) >= 100


def test_everybody_has_friends() -> None:
    world = _world(7)
    assert all(len(related(world.relations, person.person_id, "friend")) >= 2 for person in world.people)


# Journeys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_each_trip_has_one_journey_on_its_route_and_days(seed: int) -> None:
    world = _world(seed, "large")
    journeys = {journey.trip_id: journey for journey in world.journeys if journey.trip_id}
    assert list(journeys) == [trip.trip_id for trip in world.trips]
    names = {person.person_id: person.name for person in world.people}
    for trip in world.trips:
        journey = journeys[trip.trip_id]
        assert (journey.reference, journey.person_id) == (trip.reference, trip.person_id)
        assert journey.travellers[0] == names[trip.person_id]
        ways = [(trip.origin, trip.destination, trip.departs_on), (trip.destination, trip.origin, trip.returns_on)]
        for leg, (origin, destination, day) in zip(journey.legs, ways, strict=False):
            assert (leg.origin, leg.destination) == (origin, destination)
            assert leg.planned_at.astimezone(origin.zone).date() == day


def test_references_of_journeys_are_their_own_in_every_size() -> None:
    sizes: tuple[Size, ...] = ("small", "medium", "large")
    for size in sizes:
        references = [journey.reference for journey in _world(7, size).journeys]
        assert len(set(references)) == len(references)


def _assert_plausible(leg: Leg) -> None:
    assert leg.departs_at.tzinfo is UTC
    assert leg.departs_at.minute % 5 == leg.arrives_at.minute % 5 == leg.departs_at.second == 0
    minutes = (leg.arrives_at - leg.departs_at) / timedelta(minutes=1)
    assert 35 <= minutes - 60 * distance(leg.origin, leg.destination) / 800 <= 45 + 130 * leg.stops
    assert 4_000 <= leg.economy_fare_cents <= 300_000
    assert leg.economy_fare_cents % 100 == leg.fare_cents("business") % 100 == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_flights_leave_by_day_and_take_as_long_as_the_way_is(seed: int) -> None:
    for journey in _world(seed, "large").journeys:
        for leg in journey.legs:
            _assert_plausible(leg)
            if journey.trip_id:
                assert 6 <= leg.departs_at.astimezone(leg.origin.zone).hour <= 21
        for out, back in pairwise(journey.legs):
            assert out.arrives_at + timedelta(hours=1) <= back.departs_at


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flight_number_is_one_flight_with_room_for_all_its_travellers(seed: int) -> None:
    legs: dict[str, set[Leg]] = defaultdict(set)
    travellers: Counter[str] = Counter()
    for journey in _world(seed, "large").journeys:
        for leg in journey.legs:
            legs[leg.flight_number].add(leg)
            travellers[leg.flight_number] += len(journey.travellers)
    assert all(len(found) == 1 for found in legs.values())
    assert max(travellers.values()) <= 8


def test_journeys_share_flights_where_they_can() -> None:
    journeys: Counter[str] = Counter(
        leg.flight_number for journey in _world(7, "large").journeys for leg in journey.legs
    )
    assert sum(count > 1 for count in journeys.values()) >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_price_is_the_fares_of_all_travellers_and_their_bags(seed: int) -> None:
    percent = {"basic": 80, "standard": 100, "flex": 130}
    for journey in _world(seed).journeys:
        fares = [journey.fare_cents(leg) for leg in journey.legs]
        assert journey.price_cents == journey.bags_cents + len(journey.travellers) * sum(fares)
        assert journey.travellers
        assert len(set(journey.travellers)) == len(journey.travellers)
        if journey.cabin == "economy":
            standard = [leg.economy_fare_cents for leg in journey.legs]
            assert fares == [fare * percent[journey.fare_type] // 100 for fare in standard]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_personas_journeys_are_in_every_state(seed: int) -> None:
    world = _world(seed)
    own = _own_journeys(world)
    held = [world.now - journey.booked_at < DAY for journey in own if journey.state == "held"]
    assert sorted(held) == [False, True, True]
    assert sum(journey.state == "cancelled" for journey in own) == 2
    assert {journey.fare_type for journey in own} == {"basic", "standard", "flex"}
    assert {journey.cabin for journey in own} == {"economy", "business"}
    coming = [leg for journey in own for leg in journey.legs if leg.departs_at > world.now]
    assert sum(leg.cancelled for leg in coming) == 1
    assert max(leg.delay_minutes for leg in coming) >= 360
    assert sum(len(journey.legs) == 2 for journey in own) == 3
    for_friends = [journey for journey in own if world.persona.name not in journey.travellers]
    assert len(for_friends) == 3
    assert all(world.now < journey.legs[0].departs_at < world.now + DAY for journey in for_friends)
    booked = [journey.booked_at for journey in own]
    assert len(set(booked)) == len(booked)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_cancelled_journeys_are_refunded_and_less_than_they_cost(seed: int) -> None:
    world = _world(seed, "medium")
    for journey in world.journeys:
        assert journey.booked_at < min(world.now, journey.legs[0].departs_at)
        assert (journey.refunded_at is None) == (journey.refunded_cents == 0)
        assert journey.refunded_cents <= journey.price_cents
        if journey.refunded_at:
            assert journey.state == "cancelled"
            assert journey.booked_at < journey.refunded_at < world.now
    assert any(journey.refunded_cents for journey in _own_journeys(world))


# Purchases -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_airline_was_paid_and_paid_back_is_among_the_purchases(seed: int) -> None:
    world = _world(seed)
    expected: Counter[tuple[str, str, int, datetime | None]] = Counter(
        (journey.reference, "travel", journey.price_cents, journey.booked_at)
        for journey in _own_journeys(world)
        if journey.state != "held"
    )
    expected += Counter(
        (journey.reference, "refund", journey.refunded_cents, journey.refunded_at)
        for journey in _own_journeys(world)
        if journey.refunded_cents
    )
    found = Counter(
        (purchase.reference, purchase.merchant.category, purchase.amount_cents, purchase.made_at)
        for purchase in _own_purchases(world)
        if purchase.merchant.name == world.airline_name
    )
    assert found == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_purchases_are_made_on_minutes_before_now_and_a_persons_never_at_once(seed: int) -> None:
    world = _world(seed)
    for purchase in world.purchases:
        assert purchase.made_at < world.now
        assert purchase.made_at.tzinfo is UTC
        assert (purchase.made_at.second, purchase.made_at.microsecond) == (0, 0)
        assert purchase.amount_cents > 0
        assert purchase.usd_cents > 0
        assert purchase.currency != "USD" or purchase.amount_cents == purchase.usd_cents
        assert (purchase.reference is None) == (purchase.merchant.name != world.airline_name)
    for before, after in pairwise(world.purchases):
        assert before.person_id != after.person_id or before.made_at < after.made_at
    assert len({purchase.purchase_id for purchase in world.purchases}) == len(world.purchases)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_persona_bought_a_lot_of_the_last_months_and_paid_the_rent_to_the_landlord(seed: int) -> None:
    world = _world(seed)
    recent = [purchase for purchase in _own_purchases(world) if purchase.made_at >= world.now - 120 * DAY]
    assert 60 <= len(recent) <= 95
    (landlord,) = related(world.relations, world.persona.person_id, "landlord")
    names = {person.person_id: person.name for person in world.people}
    rent = [purchase for purchase in recent if purchase.merchant.category == "rent"]
    assert {purchase.merchant.name for purchase in rent} == {names[landlord]}
    assert {purchase.method for purchase in rent} == {"transfer"}
    assert sum(purchase.currency == "USD" for purchase in recent) > len(recent) * 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_subscriptions_come_every_month_at_one_price(seed: int) -> None:
    subscriptions: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in _own_purchases(_world(seed)):
        if purchase.merchant.category == "subscription":
            subscriptions[purchase.merchant.name].append(purchase)
    assert len(subscriptions) == 3
    for payments in subscriptions.values():
        assert len(payments) >= 3
        assert len({payment.amount_cents for payment in payments}) == 1
        assert all(28 <= (later.made_at - one.made_at).days <= 31 for one, later in pairwise(payments))


def test_some_purchases_abroad_are_in_the_currency_of_the_place() -> None:
    currencies = {purchase.currency for seed in SEEDS for purchase in _own_purchases(_world(seed))}
    assert {"USD", "EUR", "GBP", "JPY"} <= currencies
    whole = [one for seed in SEEDS for one in _own_purchases(_world(seed)) if one.currency in ("JPY", "KRW")]
    assert all(purchase.amount_cents % 100 == 0 for purchase in whole)


def test_others_bought_a_few_things_each() -> None:
    count = Counter(purchase.person_id for purchase in _world(7).purchases)
    assert len(count) == 61
    assert all(number == 4 for person_id, number in count.items() if person_id != "P0001")


# Appointments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_persona_has_a_full_calendar_of_all_kinds(seed: int) -> None:
    world = _world(seed)
    own = _own_appointments(world)
    assert 55 <= len(own) <= 80
    expected = {"meeting", "one_on_one", "dentist", "doctor", "lunch", "travel", "focus", "class"}
    assert expected <= {made.kind for made in own}
    assert {made.recurrence for made in own} == {None, "daily", "weekly", "monthly"}
    assert 4 <= sum(made.cancelled for made in own) <= 15
    for made in world.appointments:
        assert made.starts_at < made.ends_at
        assert made.starts_at >= world.now - 33 * DAY
        assert made.starts_at <= world.now + 66 * DAY
        assert made.starts_at.tzinfo is made.ends_at.tzinfo is UTC
        assert made.owner_id not in made.attendee_ids
        assert (made.recurrence is None) == (made.until is None)
    assert len({made.appointment_id for made in world.appointments}) == len(world.appointments)


@pytest.mark.parametrize("seed", SEEDS)
def test_flights_stand_in_the_calendar_as_the_journeys_have_them(seed: int) -> None:
    world = _world(seed)
    expected = {
        (journey.reference, leg.departs_at, leg.arrives_at, journey.state == "cancelled")
        for journey in _own_journeys(world)
        if journey.state != "held" and world.persona.name in journey.travellers
        for leg in journey.legs
        if leg.departs_at.date() >= world.today - 30 * DAY
    }
    travel = [made for made in _own_appointments(world) if made.kind == "travel"]
    assert {(made.reference, made.starts_at, made.ends_at, made.cancelled) for made in travel} == expected
    assert len(travel) == len(expected) >= 9
    assert all(made.reference is None for made in world.appointments if made.kind != "travel")


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_in_two_places_at_once_but_for_a_series(seed: int) -> None:
    busy: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for made in _world(seed).appointments:
        if not made.cancelled and made.recurrence is None:
            for person_id in (made.owner_id, *made.attendee_ids):
                busy[person_id].append((made.starts_at, made.ends_at))
    for spans in busy.values():
        for (_, end), (start, _) in pairwise(sorted(spans)):
            assert end <= start


@pytest.mark.parametrize("seed", SEEDS)
def test_attendees_are_people_related_to_the_owner(seed: int) -> None:
    world = _world(seed)
    known = {(one.person_id, one.other_id) for one in world.relations}
    assert all((made.owner_id, other) in known for made in world.appointments for other in made.attendee_ids)


@pytest.mark.parametrize("seed", SEEDS)
def test_colleagues_have_calendars_too(seed: int) -> None:
    world = _world(seed)
    owners = Counter(made.owner_id for made in world.appointments)
    colleagues = related(world.relations, world.persona.person_id, "colleague", "manager")
    assert all(owners[colleague] >= 6 for colleague in colleagues)


def test_birthdays_are_on_the_days_that_people_were_born() -> None:
    born = {}
    found = 0
    for seed in SEEDS:
        world = _world(seed)
        born = {person.person_id: person.born_on for person in world.people}
        for made in world.appointments:
            if made.kind == "birthday":
                (other,) = made.attendee_ids
                assert (made.starts_on.month, made.starts_on.day) == (born[other].month, born[other].day)
                found += 1
    assert found > len(SEEDS)


def test_a_series_keeps_its_hour_when_the_clocks_change() -> None:
    weekly = Appointment(
        appointment_id="A00001",
        owner_id="P0001",
        title="Team meeting",
        kind="meeting",
        starts_at=datetime(2026, 3, 26, 9, tzinfo=UTC),
        ends_at=datetime(2026, 3, 26, 10, tzinfo=UTC),
        timezone="Europe/Berlin",
        place="",
        attendee_ids=(),
        recurrence="weekly",
        until=date(2026, 4, 9),
    )
    starts = [start for start, _ in weekly.occurrences()]
    assert starts == [datetime(2026, 3, 26, 9, tzinfo=UTC), *(datetime(2026, 4, day, 8, tzinfo=UTC) for day in (2, 9))]
