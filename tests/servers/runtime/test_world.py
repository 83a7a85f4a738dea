"""The world: coherent, and the same for the same seed whatever else is drawn from it."""

import ast
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest
from faker import Faker

import servers.runtime.world as world_package
from servers.runtime.permutation import IdSpace, id_key
from servers.runtime.world import World, deal, weighted, zipf
from servers.runtime.world.trips import Trip

SEEDS = range(24)
PRINTED = "from servers.runtime.world import World; w = World({seed}); print(w.now, w.people, w.trips)"


def _digest(world: World) -> str:
    return blake2b(repr((world.now, world.people, world.trips)).encode(), digest_size=8).hexdigest()


def _persona_trips(world: World) -> list[Trip]:
    return [trip for trip in world.trips if trip.person_id == world.persona.person_id]


def test_a_seed_gives_the_same_world_in_every_python() -> None:
    assert _digest(World(7)) == "50978fed55ad6620"


def test_people_are_called_as_faker_would_call_them() -> None:
    faker = Faker("en_US", providers=["faker.providers.person"])
    faker.seed_instance(World(7).stream("people/names").randrange(2**64))
    drawn = [(faker.first_name(), faker.last_name()) for _ in range(300)]
    called = [(person.given_name, person.family_name) for person in World(7).people]
    assert [name for name in dict.fromkeys(drawn) if name in called] == called[: len(set(drawn))]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_gives_the_same_world_in_a_fresh_process(hash_seed: str) -> None:
    command = [sys.executable, "-c", PRINTED.format(seed=7)]
    printed = subprocess.run(
        command, capture_output=True, check=True, env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}
    )
    world = World(7)
    assert printed.stdout.decode() == f"{world.now} {world.people} {world.trips}\n"


def test_seeds_give_different_worlds() -> None:
    assert len({World(seed).persona.name for seed in SEEDS}) > len(SEEDS) - 3
    assert len({World(seed).now for seed in SEEDS}) > len(SEEDS) - 3


def test_the_order_in_which_sections_are_read_does_not_matter() -> None:
    forward, backward = World(7), World(7)
    read_forward = (forward.now, forward.persona, forward.trips)
    read_backward = (backward.trips, backward.persona, backward.now)
    assert read_forward == read_backward[::-1]


def test_drawing_from_one_stream_leaves_the_others_where_they_were() -> None:
    untouched, used = World(7), World(7)
    for _ in range(1000):
        used.stream("airline/flights").random()
    new_stream = used.stream("a stream that nobody had before")
    new_stream.random()
    assert used.stream("airline/bookings").random() == untouched.stream("airline/bookings").random()
    assert _digest(used) == _digest(untouched)


def test_each_section_draws_from_streams_of_its_own() -> None:
    """No stream name is used by two modules, and each name begins with its section's."""
    package = Path(world_package.__file__).parent
    owners: dict[str, str] = {}
    for module in package.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "stream":
                (name,) = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
                assert str(name).split("/")[0] == module.stem
                assert owners.setdefault(str(name), module.stem) == module.stem
    assert len(owners) >= 10


def test_a_stream_is_the_generator_of_its_hashed_name() -> None:
    expected = Random(int.from_bytes(blake2b(b"7/airline/flights", digest_size=32).digest(), "big"))
    assert World(7).stream("airline/flights").random() == expected.random()


def test_reads_names_only_what_was_read() -> None:
    world = World(7)
    before = world.reads
    assert world.cities
    assert (before, world.reads) == ((), ("places@1",))
    assert world.trips
    assert tuple(world.reads) == ("clock@1", "people@1", "places@1", "trips@1")


def test_size_scales_only_what_asks_for_it() -> None:
    assert [World(7, size).scale(1, 2, 3) for size in ("small", "medium", "large")] == [1, 2, 3]
    small, large = World(7), World(7, "large")
    assert small.people == large.people
    assert _persona_trips(small) == _persona_trips(large)
    assert len(small.trips) < len(large.trips)


def test_ids_go_on_where_the_counter_of_an_environment_goes_on() -> None:
    ids = World(7).ids("airline/bookings.booking_id", "^BK[0-9]{6}$")
    space, key = IdSpace.of("^BK[0-9]{6}$"), id_key(7, "airline/bookings.booking_id")
    assert list(islice(ids, 3)) == [space.nth(key, n) for n in range(3)]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_episode_begins_on_a_minute_of_one_date_for_persona_and_server(seed: int) -> None:
    world = World(seed)
    assert world.now.tzinfo is UTC
    assert (world.now.second, world.now.microsecond) == (0, 0)
    assert world.now.astimezone(world.persona.home.zone).date() == world.today


def test_cities_are_real_places_with_airports() -> None:
    cities = World(7).cities
    codes = [airport.code for city in cities for airport in city.airports]
    assert len(cities) >= 45
    assert len({city.name for city in cities}) == len(cities)
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in codes)
    for city in cities:
        assert abs(city.latitude) <= 60.2
        assert abs(city.longitude) <= 180
        assert {airport.city for airport in city.airports} == {city.name}


def test_time_zones_lie_where_their_cities_lie() -> None:
    """The zone's standard offset is within two and a half hours of what the longitude says."""
    for city in World(7).cities:
        offset = datetime(2026, 1, 15, tzinfo=city.zone).utcoffset()
        daylight = datetime(2026, 1, 15, tzinfo=city.zone).dst()
        assert offset is not None
        assert daylight is not None
        assert abs((offset - daylight) / timedelta(hours=1) - city.longitude / 15) <= 2.5, city.name


def test_people_differ_in_name_email_and_phone() -> None:
    for seed in (0, 7):
        people = World(seed).people
        assert len(people) == 400
        assert [person.person_id for person in people[:2]] == ["P0001", "P0002"]
        for fact in ("name", "email", "phone", "person_id"):
            assert len({getattr(person, fact) for person in people}) == len(people), fact
        assert all(person.email.isascii() and person.email.split("@")[1].startswith("example.") for person in people)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_persona_has_trips_all_over_the_lifecycle(seed: int) -> None:
    world = World(seed)
    trips, today = _persona_trips(world), world.today
    assert len(trips) >= 12
    assert sum(trip.departs_on < today for trip in trips) >= 5
    assert any(today < trip.departs_on <= today + timedelta(days=3) for trip in trips)
    assert sum(trip.departs_on > today + timedelta(days=3) for trip in trips) >= 5
    assert max(trip.departs_on for trip in trips) <= today + timedelta(days=60)
    coming = Counter(trip.destination.name for trip in trips if trip.departs_on > today)
    assert coming.most_common(1)[0][1] >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_on_two_trips_at_once(seed: int) -> None:
    own: dict[str, list[Trip]] = {}
    for trip in World(seed).trips:
        assert trip.origin != trip.destination
        own.setdefault(trip.person_id, []).append(trip)
    for trips in own.values():
        for before, after in pairwise(sorted(trips, key=lambda trip: trip.departs_on)):
            assert (before.returns_on or before.departs_on) < after.departs_on


def test_a_trip_has_an_id_and_a_reference_of_its_own() -> None:
    trips = World(7, "large").trips
    assert len({trip.reference for trip in trips}) == len({trip.trip_id for trip in trips}) == len(trips)
    people = {person.person_id: person for person in World(7).people}
    assert all(trip.origin == people[trip.person_id].home for trip in trips)


def test_the_persona_lives_in_a_big_city_and_was_grown_up_long_ago() -> None:
    for seed in SEEDS:
        world = World(seed)
        assert world.persona.home in world.cities[:22]
        assert date(1962, 1, 1) <= world.persona.born_on < date(2001, 1, 1)


def test_zipf_picks_the_first_items_most() -> None:
    picks = Counter(zipf(Random(1), "abcdefgh", 8000))
    assert set(picks) == set("abcdefgh")
    assert 1.6 < picks["a"] / picks["b"] < 2.4


def test_deal_gives_exactly_the_shares() -> None:
    assert Counter(deal(Random(1), {"open": 6, "closed": 3, "void": 1}, 50)) == {"open": 30, "closed": 15, "void": 5}
    assert Counter(deal(Random(1), {"open": 1, "closed": 1, "void": 1}, 5)) == {"open": 2, "closed": 2, "void": 1}
    assert deal(Random(1), {"open": 1}, 0) == []


def test_weighted_never_picks_what_weighs_nothing() -> None:
    rng = Random(1)
    assert {weighted(rng, {"a": 0, "b": 2, "c": 1, "d": 0}) for _ in range(200)} == {"b", "c"}
