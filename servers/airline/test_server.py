"""The airline's tools, called as an agent and a user call them, on the persona's own scenario."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from servers.airline.server import env
from servers.runtime import Episode, Rows, World
from servers.runtime.desk import Desk


class Counter(Desk):
    """A desk of the airline with the persona's bookings at hand."""

    def __init__(self) -> None:
        super().__init__(env)
        self.customer_id = self.one("SELECT customer_id FROM customers WHERE email = :email")

    def segment(self, condition: str = "alterable AND NOT disrupted") -> dict[str, Any]:
        """Give a segment of the persona's that fulfils a condition, the longest before departure."""
        return self.row(f"SELECT * FROM segment_board WHERE email = :email AND {condition} ORDER BY departs_at DESC")

    def ticket(self, condition: str) -> dict[str, Any]:
        """Give a ticket of the persona's that fulfils a condition, the longest before departure."""
        return self.row(f"SELECT * FROM ticket_board WHERE email = :email AND {condition} ORDER BY departs_at DESC")

    def booking(self, condition: str) -> dict[str, Any]:
        """Give a booking of the persona's that fulfils a condition."""
        return self.row(f"SELECT * FROM booking_board WHERE email = :email AND {condition} ORDER BY booking_id")

    def other_flight(self, segment: dict[str, Any], condition: str = "n.status = 'scheduled'") -> str:
        """Give a flight for a segment to move to, the dearest that fulfils a condition."""
        sql = f"""SELECT n.flight_id FROM departures n JOIN segment_board s ON s.segment_id = :segment_id
            WHERE n.origin_code = s.origin_code AND n.destination_code = s.destination_code
            AND n.flight_id <> s.flight_id AND n.seats_left >= s.passengers AND NOT n.closed AND {condition}
            AND NOT EXISTS (SELECT 1 FROM segment_board x WHERE x.booking_id = s.booking_id AND x.leg <> s.leg
                AND iif(s.leg = 'outbound', x.departs_at <= n.arrives_at, n.departs_at <= x.arrives_at))
            ORDER BY n.fare_cents DESC"""
        return str(self.one(sql, segment_id=segment["segment_id"]))

    def free_flight(self, condition: str = "1") -> dict[str, Any]:
        """Give a bookable flight that the persona isn't on."""
        sql = """SELECT * FROM departures WHERE status = 'scheduled' AND NOT closed AND seats_left > 1
            AND flight_id NOT IN (SELECT flight_id FROM segment_board WHERE email = :email)"""
        return self.row(f"{sql} AND {condition} ORDER BY departs_at DESC")

    def seats_left(self, flight_id: str, cabin: str = "economy") -> int:
        sql = "SELECT seats_left FROM cabin_board WHERE flight_id = :flight_id AND cabin = :cabin"
        return int(self.one(sql, flight_id=flight_id, cabin=cabin))

    def paid(self, booking_id: str) -> int:
        return int(self.one("SELECT paid_cents FROM bookings WHERE booking_id = :id", id=booking_id))

    def points(self) -> int:
        return int(self.one("SELECT points FROM customers WHERE email = :email"))

    def hold(self, flight: dict[str, Any], fare_type: str = "standard", **more: Any) -> dict[str, Any]:
        return self.call(
            "hold_flight", customer_id=self.customer_id, flight_id=flight["flight_id"], fare_type=fare_type, **more
        )

    def refused_hold(self, flight_id: str, **more: Any) -> str | None:
        return self.refused(
            "hold_flight", customer_id=self.customer_id, flight_id=flight_id, **{"fare_type": "standard", **more}
        )


@pytest.fixture
def desk() -> Iterator[Counter]:
    with Counter() as desk:
        yield desk


# Looking things up ---------------------------------------------------------------------------------------------------


def test_a_city_is_found_by_a_part_of_its_name_in_any_case(desk: Counter) -> None:
    city = desk.one("SELECT origin_city FROM departures ORDER BY flight_id")
    found = desk.call("find_airports", city=city[1:].lower())
    assert {airport["city"] for airport in found["airports"]} == {city}


def test_a_search_gives_the_flights_of_that_day_within_the_fare(desk: Counter) -> None:
    flight = desk.free_flight()
    asked = {"origin": flight["origin_code"], "destination": flight["destination_code"]}
    found = desk.call(
        "search_flights", **asked, departs_on=flight["departs_on"], max_fare_cents=flight["fare_cents"], max_stops=1
    )
    assert flight["flight_id"] in [line["flight_id"] for line in found["flights"]]
    assert all(line["fare_cents"] <= flight["fare_cents"] for line in found["flights"])
    cheaper = desk.call(
        "search_flights", **asked, departs_on=flight["departs_on"], max_fare_cents=flight["fare_cents"] - 1
    )
    assert flight["flight_id"] not in [line["flight_id"] for line in cheaper["flights"]]


def test_what_is_told_of_a_flight_is_in_order_and_adds_up(desk: Counter) -> None:
    sql = "SELECT f.* FROM flights f JOIN cabins c ON c.flight_id = f.flight_id AND c.cabin = 'business'"
    row = desk.row(f"{sql} WHERE departs_at > :now ORDER BY flight_id")
    flight = desk.call("get_flight", flight_id=row["flight_id"])
    fares = [fare["fare_cents"] for fare in flight["fares"]]
    assert fares == sorted(fares)
    assert len(set(fares)) > 2
    length = datetime.fromisoformat(row["arrives_at"]) - datetime.fromisoformat(row["departs_at"])
    assert flight["duration_minutes"] == length // timedelta(minutes=1)


def test_payments_of_a_booking_are_told_from_the_first_on(desk: Counter) -> None:
    booking = desk.row(
        "SELECT booking_id FROM payments GROUP BY booking_id HAVING count(DISTINCT created_at) > 1 ORDER BY booking_id"
    )
    payments = desk.call("get_booking", booking_id=booking["booking_id"])["payments"]
    asked = desk.rows(
        "SELECT payment_id, created_at FROM payments WHERE booking_id = :booking_id ORDER BY created_at, payment_id",
        booking_id=booking["booking_id"],
    )
    assert [payment["payment_id"] for payment in payments] == [row["payment_id"] for row in asked]
    assert asked[0]["created_at"] < asked[-1]["created_at"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_airports", {"city": "%Bo"}),
        ("find_airports", {"city": "Bo%"}),
        ("find_customer", {"email": "ada@example.com and more"}),
        ("find_customer", {"email": " ada@example.com"}),
        ("get_flight", {"flight_id": "FL000000"}),
        ("get_flight", {"flight_id": "AFL00000"}),
    ],
)
def test_what_only_looks_like_a_value_is_no_argument(desk: Counter, tool: str, arguments: dict[str, str]) -> None:
    assert desk.refused(tool, **arguments) is None


def test_a_flight_that_has_left_is_found_by_id_only(desk: Counter) -> None:
    flight = desk.free_flight()
    desk.wait_until(flight["departs_at"])
    found = desk.call(
        "search_flights",
        origin=flight["origin_code"],
        destination=flight["destination_code"],
        departs_on=flight["departs_on"],
    )
    assert flight["flight_id"] not in [line["flight_id"] for line in found["flights"]]
    assert desk.call("get_flight", flight_id=flight["flight_id"])["status"] == "departed"


def test_fares_follow_their_rules(desk: Counter) -> None:
    flight = desk.free_flight()
    fares = {
        fare["fare_type"]: fare
        for fare in desk.call("get_flight", flight_id=flight["flight_id"])["fares"]
        if fare["cabin"] == "economy"
    }
    standard = fares["standard"]["fare_cents"]
    assert standard == flight["fare_cents"]
    assert (fares["basic"]["fare_cents"], fares["flex"]["fare_cents"]) == (standard * 8 // 10, standard * 13 // 10)
    assert fares["basic"]["change_fee_cents"] is None


def test_an_unknown_email_belongs_to_no_customer(desk: Counter) -> None:
    assert desk.refused("find_customer", email="nobody@example.com") == "not_found"
    assert desk.call("find_customer", email=desk.email)["customer_id"] == desk.customer_id


def test_bookings_are_listed_by_their_state(desk: Counter) -> None:
    everything = desk.call("list_bookings", customer_id=desk.customer_id)
    by_state = {
        state: desk.call("list_bookings", customer_id=desk.customer_id, status=state)["total"]
        for state in ("held", "expired", "confirmed", "flown", "cancelled")
    }
    assert all(by_state.values())
    assert sum(by_state.values()) == everything["total"]


def test_the_persona_can_choose_among_eight_flights_for_each_coming_trip(desk: Counter) -> None:
    world = World(desk.episode.seed)
    for trip in [trip for trip in world.trips[:14] if trip.departs_on >= world.today]:
        segment = desk.segment(f"reference = '{trip.reference}' AND leg = 'outbound'")
        sql = """SELECT count(*) FROM departures WHERE origin_code = :origin_code AND status = 'scheduled'
            AND destination_code = :destination_code AND seats_left >= :passengers AND flight_id <> :flight_id"""
        assert desk.one(sql, **segment) >= 8


# Booking -------------------------------------------------------------------------------------------------------------


def test_a_hold_keeps_a_seat_for_24_hours_and_then_gives_it_back(desk: Counter) -> None:
    flight = desk.free_flight()
    seats = desk.seats_left(flight["flight_id"])
    hold = desk.hold(flight)
    kept_for = datetime.fromisoformat(hold["held_until"]) - datetime.fromisoformat(desk.episode.now)
    assert kept_for == timedelta(hours=24)
    assert desk.seats_left(flight["flight_id"]) == seats - 1
    desk.wait_until(hold["held_until"], seconds_before=1)
    assert desk.seats_left(flight["flight_id"]) == seats - 1
    desk.wait_until(hold["held_until"])
    assert desk.seats_left(flight["flight_id"]) == seats
    assert desk.episode.violations() == {}
    assert desk.call("get_booking", booking_id=hold["booking_id"])["status"] == "expired"
    assert desk.refused("approve_payment", payment_id=hold["payment_id"]) == "payment_expired"
    assert desk.refused("decline_payment", payment_id=hold["payment_id"]) == "payment_expired"


def test_a_hold_on_a_near_flight_ends_when_the_flight_closes(desk: Counter) -> None:
    flight = desk.free_flight()
    desk.wait_until(flight["closes_at"], seconds_before=3600)
    assert desk.hold(flight)["held_until"] == flight["closes_at"]


def test_approving_its_payment_confirms_a_booking(desk: Counter) -> None:
    flight = desk.free_flight()
    seats, hold = desk.seats_left(flight["flight_id"]), desk.hold(flight, "flex")
    assert hold["amount_cents"] == flight["fare_cents"] * 130 // 100
    paid = desk.call("approve_payment", payment_id=hold["payment_id"])
    assert (paid["status"], paid["amount_cents"]) == ("paid", hold["amount_cents"])
    assert desk.call("get_booking", booking_id=hold["booking_id"])["status"] == "confirmed"
    assert desk.paid(hold["booking_id"]) == hold["amount_cents"]
    assert desk.seats_left(flight["flight_id"]) == seats - 1
    assert desk.refused("approve_payment", payment_id=hold["payment_id"]) == "not_pending"


def test_declining_its_payment_gives_a_hold_up(desk: Counter) -> None:
    flight = desk.free_flight()
    seats, hold = desk.seats_left(flight["flight_id"]), desk.hold(flight)
    assert desk.call("decline_payment", payment_id=hold["payment_id"])["status"] == "declined"
    assert desk.seats_left(flight["flight_id"]) == seats
    assert desk.call("get_booking", booking_id=hold["booking_id"])["status"] == "cancelled"
    assert desk.refused("decline_payment", payment_id=hold["payment_id"]) == "not_pending"


def test_a_round_trip_must_come_back_after_it_has_arrived(desk: Counter) -> None:
    free = """(SELECT * FROM departures WHERE seats_left > 0 AND status = 'scheduled' AND NOT closed
        AND flight_id NOT IN (SELECT flight_id FROM segment_board WHERE email = :email))"""
    there = desk.row(
        f"""SELECT t.*, e.flight_id AS early, l.flight_id AS late FROM {free} t JOIN {free} e JOIN {free} l
        WHERE e.origin_code = t.destination_code AND e.destination_code = t.origin_code
        AND l.origin_code = t.destination_code AND l.destination_code = t.origin_code
        AND e.departs_at < t.arrives_at AND l.departs_at > t.arrives_at"""
    )
    early, late = there["early"], there["late"]
    assert desk.refused_hold(there["flight_id"], return_flight_id=early) == "no_way_back"
    assert desk.refused_hold(there["flight_id"], return_flight_id=there["flight_id"]) == "no_way_back"
    booking = desk.call("get_booking", booking_id=desk.hold(there, return_flight_id=late)["booking_id"])
    assert [segment["leg"] for segment in booking["segments"]] == ["outbound", "return"]


def test_nobody_is_booked_twice_on_a_flight(desk: Counter) -> None:
    flight = desk.free_flight()
    desk.hold(flight)
    assert desk.refused_hold(flight["flight_id"]) == "already_booked"


def test_a_sold_out_flight_takes_no_hold(desk: Counter) -> None:
    sold_out = desk.one(
        "SELECT flight_id FROM departures WHERE seats_left = 0 AND status = 'scheduled' AND flight_id NOT IN"
        " (SELECT flight_id FROM segment_board WHERE email = :email)"
    )
    assert desk.refused_hold(sold_out) == "sold_out"


def test_a_cabin_that_a_flight_lacks_cannot_be_booked(desk: Counter) -> None:
    flight = desk.free_flight("business_fare_cents IS NULL")
    assert desk.refused_hold(flight["flight_id"], cabin="business") == "cabin_not_offered"


def test_a_cancelled_flight_takes_no_hold(desk: Counter) -> None:
    cancelled = desk.one(
        "SELECT flight_id FROM departures WHERE status = 'cancelled' AND flight_id NOT IN"
        " (SELECT flight_id FROM segment_board WHERE email = :email)"
    )
    assert desk.refused_hold(cancelled) == "flight_cancelled"


def test_a_flight_closes_for_booking_an_hour_before_departure(desk: Counter) -> None:
    flight = desk.free_flight()
    desk.wait_until(flight["closes_at"])
    assert desk.refused_hold(flight["flight_id"]) == "flight_closed"


def test_a_passenger_joins_a_hold_and_the_payment_grows(desk: Counter) -> None:
    flight = desk.free_flight("seats_left > 2")
    hold = desk.hold(flight)
    grown = desk.call("add_passenger", booking_id=hold["booking_id"], name="Maya Lindqvist")
    assert (grown["passengers"], grown["amount_cents"]) == (2, 2 * hold["amount_cents"])
    again = {"booking_id": hold["booking_id"], "name": "Maya Lindqvist"}
    assert desk.refused("add_passenger", **again) == "duplicate_passenger"
    desk.call("approve_payment", payment_id=hold["payment_id"])
    assert desk.refused("add_passenger", booking_id=hold["booking_id"], name="Jonas Weber") == "not_held"


def test_no_passenger_joins_a_hold_on_a_full_flight(desk: Counter) -> None:
    full = desk.booking(
        "status = 'held' AND booking_id IN (SELECT booking_id FROM segment_board s"
        " JOIN departures d USING (flight_id) WHERE d.seats_left = 0)"
    )
    assert desk.refused("add_passenger", booking_id=full["booking_id"], name="Jonas Weber") == "sold_out"


def test_no_passenger_joins_an_expired_hold(desk: Counter) -> None:
    expired = desk.booking("status = 'expired'")
    assert desk.refused("add_passenger", booking_id=expired["booking_id"], name="Jonas Weber") == "hold_expired"


# Changing ------------------------------------------------------------------------------------------------------------


def test_a_change_of_a_standard_fare_costs_the_fee_and_the_difference_once_approved(desk: Counter) -> None:
    segment = desk.segment("alterable AND fare_type = 'standard' AND NOT disrupted AND leg = 'outbound'")
    new_flight_id = desk.other_flight(segment)
    new_fare = desk.one("SELECT fare_cents FROM cabins WHERE flight_id = :id AND cabin = 'economy'", id=new_flight_id)
    before = desk.paid(segment["booking_id"])
    seats = desk.seats_left(new_flight_id)
    change = desk.call("change_flight", segment_id=segment["segment_id"], new_flight_id=new_flight_id)
    due = (7500 + max(0, new_fare - segment["fare_cents"])) * segment["passengers"]
    assert (change["status"], change["amount_cents"]) == ("awaiting_payment", due)
    assert change["flight_id"] == segment["flight_id"]
    desk.call("approve_payment", payment_id=change["payment_id"])
    moved = desk.segment(f"segment_id = '{segment['segment_id']}'")
    assert (moved["flight_id"], moved["fare_cents"]) == (new_flight_id, max(new_fare, segment["fare_cents"]))
    assert desk.paid(segment["booking_id"]) == before + due
    assert desk.seats_left(new_flight_id) == seats - segment["passengers"]
    assert not desk.one("SELECT count(seat) FROM tickets WHERE segment_id = :id", id=segment["segment_id"])


def test_a_declined_change_leaves_the_flight_as_it_is(desk: Counter) -> None:
    segment = desk.segment("alterable AND fare_type = 'standard' AND NOT disrupted")
    change = desk.call("change_flight", segment_id=segment["segment_id"], new_flight_id=desk.other_flight(segment))
    desk.call("decline_payment", payment_id=change["payment_id"])
    after = desk.segment(f"segment_id = '{segment['segment_id']}'")
    assert (after["flight_id"], after["booking_status"], after["alterable"]) == (segment["flight_id"], "confirmed", 1)


def test_a_flex_fare_moves_to_a_cheaper_flight_at_once_and_for_nothing(desk: Counter) -> None:
    segment = desk.segment("alterable AND fare_type = 'flex' AND NOT disrupted")
    cheaper = f"n.status = 'scheduled' AND n.fare_cents * 13 / 10 <= {segment['fare_cents']}"
    new_flight_id = desk.other_flight(segment, cheaper)
    change = desk.call("change_flight", segment_id=segment["segment_id"], new_flight_id=new_flight_id)
    assert change == {
        "segment_id": segment["segment_id"],
        "flight_id": new_flight_id,
        "status": "made",
        "amount_cents": 0,
        "payment_id": None,
    }


@pytest.mark.parametrize("trouble", ["flight_status = 'cancelled'", "fare_type = 'basic'"])
def test_a_disrupted_flight_is_changed_for_nothing_on_any_fare(desk: Counter, trouble: str) -> None:
    segment = desk.segment(f"alterable AND disrupted AND {trouble}")
    change = desk.call("change_flight", segment_id=segment["segment_id"], new_flight_id=desk.other_flight(segment))
    assert (change["status"], change["amount_cents"]) == ("made", 0)


def test_a_basic_fare_cannot_be_changed(desk: Counter) -> None:
    segment = desk.segment("alterable AND fare_type = 'basic' AND NOT disrupted")
    asked = {"segment_id": segment["segment_id"], "new_flight_id": desk.other_flight(segment)}
    assert desk.refused("change_flight", **asked) == "fare_not_changeable"


def test_a_flight_is_only_changed_to_another_one_on_its_route(desk: Counter) -> None:
    segment = desk.segment("alterable AND fare_type = 'standard'")
    elsewhere = desk.one("SELECT flight_id FROM departures WHERE destination_code <> :destination_code", **segment)
    for flight_id in (segment["flight_id"], elsewhere):
        asked = {"segment_id": segment["segment_id"], "new_flight_id": flight_id}
        assert desk.refused("change_flight", **asked) == "wrong_route"


def test_the_way_back_cannot_come_before_the_way_there(desk: Counter) -> None:
    back = desk.segment("alterable AND leg = 'return'")
    early = desk.one(
        "SELECT flight_id FROM departures WHERE origin_code = :origin_code AND destination_code = :destination_code"
        " AND departs_at < (SELECT arrives_at FROM segment_board WHERE booking_id = :booking_id AND leg = 'outbound')",
        **back,
    )
    asked = {"segment_id": back["segment_id"], "new_flight_id": early}
    assert desk.refused("change_flight", **asked) == "out_of_order"


def test_no_change_goes_to_a_cancelled_closed_or_full_flight(desk: Counter) -> None:
    route = """SELECT s.segment_id, n.flight_id AS new_flight_id FROM segment_board s
        JOIN departures n USING (origin_code, destination_code) WHERE s.email = :email AND s.alterable
        AND s.change_fee_cents IS NOT NULL AND n.flight_id <> s.flight_id AND s.leg = 'outbound' AND {}"""
    cancelled = desk.row(route.format("n.status = 'cancelled'"))
    assert desk.refused("change_flight", **cancelled) == "new_flight_unavailable"
    closed = desk.row(route.format("n.closed AND n.seats_left >= s.passengers"))
    assert desk.refused("change_flight", **closed) == "new_flight_unavailable"
    full = desk.row(route.format("n.status = 'scheduled' AND n.seats_left < s.passengers"))
    assert desk.refused("change_flight", **full) == "sold_out"


def test_a_change_keeps_the_cabin(desk: Counter) -> None:
    segment = desk.segment("alterable AND cabin = 'business'")
    asked = {
        "segment_id": segment["segment_id"],
        "new_flight_id": desk.other_flight(segment, "n.business_fare_cents IS NULL"),
    }
    assert desk.refused("change_flight", **asked) == "cabin_not_offered"


def test_a_change_that_others_were_faster_than_is_refused_when_it_is_paid(desk: Counter) -> None:
    segment = desk.segment("alterable AND fare_type = 'standard' AND NOT disrupted AND passengers = 2")
    flight = desk.other_flight(segment)
    change = desk.call("change_flight", segment_id=segment["segment_id"], new_flight_id=flight)
    hold = desk.hold({"flight_id": flight})
    for name in ("Ana Ruiz", "Bo Li", "Cem Kaya", "Dee Fox", "Eli Roth", "Fay Moon", "Gus Lind", "Hal Dean", "Ida Poe"):
        if desk.seats_left(flight) > 1:
            desk.call("add_passenger", booking_id=hold["booking_id"], name=name)
    assert desk.seats_left(flight) == 1
    assert desk.refused("approve_payment", payment_id=change["payment_id"]) == "sold_out"
    desk.call("cancel_booking", booking_id=hold["booking_id"])
    desk.call("approve_payment", payment_id=change["payment_id"])


# Cancelling ----------------------------------------------------------------------------------------------------------


def test_cancelling_a_standard_fare_pays_back_all_but_the_fee(desk: Counter) -> None:
    booking = desk.booking("status = 'confirmed' AND fare_type = 'standard' AND NOT disrupted AND refund_cents > 0")
    flights = desk.call("get_booking", booking_id=booking["booking_id"])["segments"]
    seats = [desk.seats_left(flight["flight_id"], flight["cabin"]) for flight in flights]
    done = desk.call("cancel_booking", booking_id=booking["booking_id"])
    assert done["refunded_cents"] == booking["paid_cents"] - 10_000 * booking["passengers"]
    assert desk.paid(booking["booking_id"]) == 10_000 * booking["passengers"]
    after = [desk.seats_left(flight["flight_id"], flight["cabin"]) for flight in flights]
    assert after == [left + booking["passengers"] for left in seats]
    assert desk.refused("cancel_booking", booking_id=booking["booking_id"]) == "not_active"


@pytest.mark.parametrize("fare_type", ["standard", "basic"])
def test_a_disrupted_booking_is_paid_back_in_full(desk: Counter, fare_type: str) -> None:
    booking = desk.booking(f"status = 'confirmed' AND disrupted AND fare_type = '{fare_type}'")
    assert desk.call("cancel_booking", booking_id=booking["booking_id"])["refunded_cents"] == booking["paid_cents"]
    assert desk.paid(booking["booking_id"]) == 0


def test_a_basic_fare_is_paid_back_on_its_first_day_only(desk: Counter) -> None:
    booking = desk.booking("status = 'confirmed' AND fare_type = 'basic' AND regretted")
    snapshot = desk.episode.snapshot()
    assert desk.call("cancel_booking", booking_id=booking["booking_id"])["refunded_cents"] == booking["paid_cents"]
    desk.episode.restore(snapshot)
    desk.wait_until(booking["expires_at"], seconds_before=1)
    assert desk.call("get_booking", booking_id=booking["booking_id"])["refund_cents"] == booking["paid_cents"]
    desk.wait_until(booking["expires_at"])
    assert desk.refused("cancel_booking", booking_id=booking["booking_id"]) == "not_refundable"


def test_cancelling_a_hold_costs_nothing_and_withdraws_its_payment(desk: Counter) -> None:
    hold = desk.hold(desk.free_flight())
    assert desk.call("cancel_booking", booking_id=hold["booking_id"])["refunded_cents"] == 0
    assert desk.refused("approve_payment", payment_id=hold["payment_id"]) == "not_pending"


def test_a_booking_cannot_be_cancelled_once_a_flight_of_it_has_closed(desk: Counter) -> None:
    closed = desk.booking("status = 'confirmed' AND closed")
    assert desk.refused("cancel_booking", booking_id=closed["booking_id"]) == "flight_closed"
    flown = desk.booking("status = 'flown'")
    assert desk.refused("cancel_booking", booking_id=flown["booking_id"]) == "not_active"


def test_a_booking_cannot_be_cancelled_after_check_in(desk: Counter) -> None:
    booking = desk.booking("status = 'confirmed' AND checked_in AND NOT closed")
    assert desk.refused("cancel_booking", booking_id=booking["booking_id"]) == "checked_in"


# Seats, bags, check-in and upgrades ----------------------------------------------------------------------------------


def test_a_passenger_gets_the_seat_they_choose_and_gives_up_the_one_they_had(desk: Counter) -> None:
    ticket = desk.ticket("alterable AND seat_choice AND seat IS NOT NULL AND flight_status = 'scheduled'")
    where = {"flight_id": ticket["flight_id"], "cabin": ticket["cabin"]}
    free = [seat["seat"] for seat in desk.call("list_free_seats", **where)["seats"]]
    assert ticket["seat"] not in free
    assert desk.call("select_seat", ticket_id=ticket["ticket_id"], seat=free[0])["seat"] == free[0]
    after = [seat["seat"] for seat in desk.call("list_free_seats", **where)["seats"]]
    assert sorted(after) == sorted([*free[1:], ticket["seat"]])


def test_a_window_seat_is_found_by_its_place(desk: Counter) -> None:
    flight = desk.free_flight()
    found = desk.call("list_free_seats", flight_id=flight["flight_id"], position="window")
    assert {seat["seat"][-1] for seat in found["seats"]} <= {"A", "F"}
    assert found["total"] == len(found["seats"]) > 0


def test_a_seat_is_given_to_one_passenger_only(desk: Counter) -> None:
    seated = desk.ticket("alterable AND seat IS NOT NULL AND passengers > 1 AND flight_status = 'scheduled'")
    other = desk.ticket(f"segment_id = '{seated['segment_id']}' AND ticket_id <> '{seated['ticket_id']}'")
    assert desk.refused("select_seat", ticket_id=other["ticket_id"], seat=seated["seat"]) == "seat_taken"
    assert desk.call("select_seat", ticket_id=seated["ticket_id"], seat=seated["seat"])["seat"] == seated["seat"]


def test_seats_outside_the_cabin_do_not_exist(desk: Counter) -> None:
    ticket = desk.ticket("alterable AND seat_choice AND cabin = 'economy' AND flight_status = 'scheduled'")
    assert desk.refused("select_seat", ticket_id=ticket["ticket_id"], seat="1A") == "no_such_seat"


def test_a_basic_fare_has_no_choice_of_seat(desk: Counter) -> None:
    ticket = desk.ticket("alterable AND fare_type = 'basic'")
    assert desk.refused("select_seat", ticket_id=ticket["ticket_id"], seat="10A") == "no_seat_choice"


def test_bags_are_added_once_they_are_paid_for(desk: Counter) -> None:
    ticket = desk.ticket("alterable AND fare_type = 'standard' AND bags = 0 AND flight_status = 'scheduled'")
    before = desk.paid(ticket["booking_id"])
    request = desk.call("add_bags", ticket_id=ticket["ticket_id"], bags=2)
    assert request["amount_cents"] == 7_000
    pending = desk.call("list_payment_requests", email=desk.email, status="pending")
    assert request["payment_id"] in [payment["payment_id"] for payment in pending["payments"]]
    assert desk.refused("add_bags", ticket_id=ticket["ticket_id"], bags=1) == "payment_pending"
    desk.call("approve_payment", payment_id=request["payment_id"])
    assert desk.ticket(f"ticket_id = '{ticket['ticket_id']}'")["bags"] == 2
    assert desk.paid(ticket["booking_id"]) == before + 7_000


def test_three_bags_are_the_most(desk: Counter) -> None:
    ticket = desk.ticket("alterable AND bags = 1 AND flight_status = 'scheduled'")
    assert desk.refused("add_bags", ticket_id=ticket["ticket_id"], bags=3) == "bag_limit"
    assert desk.call("add_bags", ticket_id=ticket["ticket_id"], bags=2)["amount_cents"] == 2 * ticket["bag_fee_cents"]


def test_check_in_seats_everybody_and_earns_points(desk: Counter) -> None:
    segment = desk.segment("alterable AND checkin_opens_at <= :now AND passengers = 2")
    points = desk.points()
    done = desk.call("check_in", segment_id=segment["segment_id"])
    assert len({boarding["seat"] for boarding in done["boarding_passes"]}) == 2
    assert done["points_earned"] == 2 * segment["fare_cents"] // 100
    assert desk.points() == points + done["points_earned"]
    assert desk.call("get_points", customer_id=desk.customer_id, limit=1)["entries"][0]["kind"] == "earned"
    assert desk.refused("check_in", segment_id=segment["segment_id"]) == "checked_in"


def test_check_in_opens_24_hours_and_closes_an_hour_before_departure(desk: Counter) -> None:
    segment = desk.segment("alterable AND flight_status = 'scheduled' AND checkin_opens_at > :now")
    desk.wait_until(segment["checkin_opens_at"], seconds_before=1)
    assert desk.refused("check_in", segment_id=segment["segment_id"]) == "checkin_not_open"
    desk.wait_until(segment["checkin_opens_at"])
    snapshot = desk.episode.snapshot()
    desk.call("check_in", segment_id=segment["segment_id"])
    desk.episode.restore(snapshot)
    desk.wait_until(segment["closes_at"], seconds_before=1)
    desk.call("check_in", segment_id=segment["segment_id"])
    desk.episode.restore(snapshot)
    desk.wait_until(segment["closes_at"])
    assert desk.refused("check_in", segment_id=segment["segment_id"]) == "flight_closed"


def test_an_upgrade_takes_points_and_moves_everybody_to_business(desk: Counter) -> None:
    segment = desk.segment(
        "alterable AND cabin = 'economy' AND flight_status = 'scheduled' AND upgrade_points = 15000 AND flight_id IN"
        " (SELECT flight_id FROM cabin_board WHERE cabin = 'business' AND seats_left >= 2)"
    )
    points, flight_id = desk.points(), segment["flight_id"]
    economy, business = desk.seats_left(flight_id), desk.seats_left(flight_id, "business")
    done = desk.call("upgrade_segment", segment_id=segment["segment_id"])
    assert (done["cabin"], done["points_left"]) == ("business", points - 15_000)
    assert desk.points() == points - 15_000
    assert (desk.seats_left(flight_id), desk.seats_left(flight_id, "business")) == (economy + 2, business - 2)
    assert desk.refused("upgrade_segment", segment_id=segment["segment_id"]) == "already_business"


def test_an_upgrade_needs_a_business_cabin_with_seats_and_enough_points(desk: Counter) -> None:
    business = "SELECT flight_id FROM cabin_board WHERE cabin = 'business'"
    upgradable = "alterable AND cabin = 'economy' AND flight_status = 'scheduled'"
    none = desk.segment(f"{upgradable} AND flight_id NOT IN ({business})")
    assert desk.refused("upgrade_segment", segment_id=none["segment_id"]) == "cabin_not_offered"
    full = desk.segment(f"{upgradable} AND passengers = 2 AND flight_id IN ({business} AND seats_left = 1)")
    assert desk.refused("upgrade_segment", segment_id=full["segment_id"]) == "sold_out"
    dear = desk.segment(f"{upgradable} AND passengers = 4 AND flight_id IN ({business} AND seats_left > 3)")
    assert desk.refused("upgrade_segment", segment_id=dear["segment_id"]) == "points_short"


# What stands in the way of every alteration --------------------------------------------------------------------------

OBSTACLES = {
    "not_confirmed": "booking_status = 'held'",
    "flight_closed": "booking_status = 'confirmed' AND closed",
    "checked_in": "booking_status = 'confirmed' AND checked_in AND NOT closed",
    "payment_pending": "booking_status = 'confirmed' AND payment_pending",
    "flight_cancelled": "alterable AND flight_status = 'cancelled'",
}


@pytest.mark.parametrize("code", OBSTACLES)
def test_what_cannot_be_altered_says_why(desk: Counter, code: str) -> None:
    ticket = desk.ticket(OBSTACLES[code])
    for_ticket, for_segment = {"ticket_id": ticket["ticket_id"]}, {"segment_id": ticket["segment_id"]}
    assert desk.refused("select_seat", **for_ticket, seat="10A") == code
    assert desk.refused("add_bags", **for_ticket, bags=1) == code
    assert desk.refused("check_in", **for_segment) == code
    assert desk.refused("upgrade_segment", **for_segment) == code
    if code != "flight_cancelled":
        new_flight_id = desk.free_flight()["flight_id"]
        assert desk.refused("change_flight", **for_segment, new_flight_id=new_flight_id) == code


# The environment as a whole ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_a_scenario_has_its_size_and_every_state(size: Any) -> None:
    episode = Episode.open([env], seed=3, size=size)
    rows: Rows = episode.rows("airline")
    bounds = {"small": (250, 550), "medium": (1_500, 2_500), "large": (15_000, 25_000)}[size]
    assert bounds[0] <= sum(len(table) for table in rows.values()) <= bounds[1]
    _, states = episode.query("airline", "SELECT DISTINCT status FROM booking_states ORDER BY status", {})
    assert [state for (state,) in states] == ["cancelled", "confirmed", "expired", "flown", "held"]
    assert episode.violations() == {}
    episode.close()


@pytest.mark.parametrize("seed", range(6))
def test_equal_seeds_give_equal_rows_and_trips_keep_their_references(seed: int) -> None:
    one, two = env.populate(World(seed)), env.populate(World(seed))
    assert one == two
    references = {booking["reference"] for booking in one["bookings"]}
    assert {trip.reference for trip in World(seed).trips[:14]} <= references
