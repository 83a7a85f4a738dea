"""References: what singles out a row, and what doesn't."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synthesis.phrases import Entity, Say
from synthesis.references import (
    Description,
    Extreme,
    Property,
    bounds,
    descriptions,
    extremes,
    make_property,
    wished_for,
)

TRIPS: list[dict[str, Any]] = [
    {"id": 1, "city": "Denver", "day": "2026-03-06", "status": "confirmed", "cost": 100},
    {"id": 2, "city": "Denver", "day": "2026-03-09", "status": "confirmed", "cost": 300},
    {"id": 3, "city": "Boston", "day": "2026-03-06", "status": "cancelled", "cost": 300},
]
SHOWN = {name: name for name in ("city", "day", "status", "cost")}
ENTITY = Entity(
    noun=("trip",),
    mine="owner = :persona_email",
    say={
        "status": Say(kind="enum", forms={"confirmed": ("that is confirmed",), "cancelled": ("I cancelled",)}),
        "city": Say(kind="name", forms=("to {}",)),
        "day": Say(kind="date", forms=("on {}",), least=("earliest",)),
        "cost": Say(kind="money", forms=("that cost {}",), least=("cheapest",), most=("dearest",)),
    },
)


def properties(trip: dict[str, Any]) -> list[Property]:
    made = (make_property(column, how, trip[column], Random(0)) for column, how in ENTITY.say.items())
    return [part for part in made if part is not None]


def described(number: int) -> list[Description]:
    trip = TRIPS[number]
    return descriptions(trip, TRIPS, properties(trip), list(extremes(ENTITY, SHOWN, Random(0))), SHOWN)


def test_one_property_suffices_where_it_is_unique() -> None:
    first = described(2)[0]
    assert [part.column for part in first.properties] in (["status"], ["city"])
    assert first.text(ENTITY, Random(0)) in ("my trip I cancelled", "my trip to Boston")


def test_a_row_that_goes_by_its_name_is_said_without_a_noun() -> None:
    city = Property("city", "name", "Boston", "Boston")
    by_name = ENTITY.model_copy(update={"named": "city"})
    assert Description((city,)).text(by_name, Random(0)) == "Boston"
    day = Property("day", "date", "2026-03-06", "on Friday")
    assert Description((city, day)).text(by_name, Random(0)) == "my trip Boston on Friday"


def test_two_properties_come_together_where_neither_is_unique() -> None:
    pairs = [found for found in described(0) if len(found.properties) == 2 and found.extreme is None]
    assert {"city", "day"} in [{part.column for part in found.properties} for found in pairs]


def test_no_description_says_more_than_it_needs() -> None:
    for number in range(3):
        absolute = [set(found.properties) for found in described(number) if found.extreme is None]
        assert not any(small < large for small in absolute for large in absolute)


def test_a_tie_is_no_superlative() -> None:
    dearest = [found for found in described(1) if found.extreme and found.extreme.word == "dearest"]
    assert all(found.properties for found in dearest)
    assert described(0)[0].extreme == Extreme("cost", "min", "cheapest")


def test_a_superlative_is_asked_for_strictly() -> None:
    sql, parameters = Description((), Extreme("cost", "min", "cheapest")).query("trips", "id", "owner = 1")
    assert sql == (
        "SELECT id FROM trips WHERE (owner = 1) AND cost = (SELECT min(cost) FROM trips WHERE (owner = 1)) ORDER BY id"
    )
    assert parameters == {}


def test_times_are_compared_as_they_are_said() -> None:
    part = make_property("leaves", Say(kind="time", forms=("at {}",)), "2026-03-06T08:15:00Z", Random(0))
    assert part is not None
    assert (part.text, part.value) == ("at 8:15 am", "08:15")
    assert part.holds("2027-01-01T08:15")
    assert part.condition("p0") == "substr(leaves, 12, 5) = :p0"


def test_what_has_no_words_is_no_property() -> None:
    assert make_property("status", ENTITY.say["status"], "lost", Random(0)) is None
    assert make_property("city", ENTITY.say["city"], None, Random(0)) is None


rows = st.lists(
    st.fixed_dictionaries(
        {
            "city": st.sampled_from(["Denver", "Boston"]),
            "day": st.sampled_from(["2026-03-06", "2026-03-09"]),
            "status": st.sampled_from(["confirmed", "cancelled"]),
            "cost": st.integers(1, 4),
        }
    ),
    min_size=1,
    max_size=8,
)


@given(rows)
def test_every_description_fits_its_row_and_no_other(trips: list[dict[str, Any]]) -> None:
    target = trips[0]
    for found in descriptions(target, trips, properties(target), list(extremes(ENTITY, SHOWN, Random(1))), SHOWN):
        fitting = [trip for trip in trips if all(part.holds(trip[part.column]) for part in found.properties)]
        if found.extreme is None:
            assert len(fitting) == 1
        else:
            best = (min if found.extreme.function == "min" else max)(trip[found.extreme.column] for trip in fitting)
            assert [trip for trip in fitting if trip[found.extreme.column] == best] == [target]


def trips() -> sqlite3.Connection:
    """Give the trips as a table."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE trips (id, city, day, status, cost)")
    db.executemany("INSERT INTO trips VALUES (:id, :city, :day, :status, :cost)", TRIPS)
    return db


def ids(description: Description) -> list[int]:
    """Give the rows of the table that a description's query gives."""
    sql, parameters = description.query("trips", "id", None)
    db = trips()
    try:
        return [row[0] for row in db.execute(sql, parameters)]
    finally:
        db.close()


def test_a_limit_is_kept_by_the_row_among_records_and_in_the_table() -> None:
    under = Property("cost", "money", 200, "under $2", op="<")
    assert [trip["id"] for trip in TRIPS if under.holds(trip["cost"])] == [1]
    assert ids(Description((under,))) == [1]
    assert ids(Description((replace(under, op=">"),))) == [2, 3]


def test_limits_are_round_and_hold() -> None:
    entity = ENTITY.model_copy(
        update={"say": {"cost": Say(kind="money", forms=("{}",), under=("under {}",), over=("over {}",))}}
    )
    for seed in range(20):
        found = list(bounds(entity, {"cost": 63570}, Random(seed)))
        assert {part.op for part in found} == {"<", ">"}
        assert all(part.holds(63570) for part in found)


def test_a_preference_counts_only_where_a_row_fulfils_it() -> None:
    dearest = Extreme("cost", "max", "dearest")
    confirmed = Property("status", "enum", "confirmed", "confirmed if possible")
    assert ids(Description((), dearest, confirmed)) == [2]
    assert ids(Description((), dearest, replace(confirmed, value="flown"))) == [2, 3]
    cancelled = replace(confirmed, value="cancelled")
    assert ids(Description((), None, cancelled)) == [3]


def test_a_preference_that_makes_no_difference_is_not_said() -> None:
    cheapest = [Extreme("cost", "min", "cheapest")]
    confirmed = Property("status", "enum", "confirmed", "confirmed if possible")
    cancelled = replace(confirmed, value="cancelled")
    assert wished_for(TRIPS[0], TRIPS, confirmed, cheapest, SHOWN) == []
    assert wished_for(TRIPS[2], TRIPS, cancelled, cheapest, SHOWN) == [Description((), None, cancelled)]
    flown = replace(confirmed, value="flown")
    assert wished_for(TRIPS[0], TRIPS, flown, cheapest, SHOWN) == [Description((), cheapest[0], flown)]
