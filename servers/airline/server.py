"""Airline: customers find flights, hold and pay for them, change their minds, and check in.

A booking is held without money, confirmed when the customer approves its payment, and flown when its flights have
left; it may be cancelled, and a hold that nobody pays for expires. What a fare allows and what it costs stands in
`fare_rules`; what the clock makes of a row stands in the views of schema.sql.
"""

# ruff: noqa: S608 - the SQL here is made of constants of this file; values are bound

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from servers.runtime import (
    Cents,
    Environment,
    Filter,
    IsoDate,
    IsoDateTime,
    Key,
    Record,
    Refusal,
    Sets,
    Shared,
    Shows,
    find,
)

env = Environment(__file__)

HOLD_HOURS = 24
MOST_BAGS = 3

# Vocabulary ----------------------------------------------------------------------------------------------------------

AirportCode = Annotated[str, Key("airports.airport_code", pattern=r"^[A-Z]{3}$", description="IATA code, such as BOS.")]
FlightId = Annotated[str, Key("flights.flight_id", pattern=r"^FL[0-9]{5}$", description="Flight id.")]
CustomerId = Annotated[str, Key("customers.customer_id", pattern=r"^CU[0-9]{5}$", description="Customer id.")]
BookingId = Annotated[str, Key("bookings.booking_id", pattern=r"^BK[0-9]{6}$", description="Booking id.")]
Reference = Annotated[
    str,
    Key("bookings.reference", pattern=r"^[A-HJ-NP-Z2-9]{6}$", description="Six characters that the customer knows."),
]
SegmentId = Annotated[
    str, Key("segments.segment_id", pattern=r"^SG[0-9]{6}$", description="Id of one flight of a booking.")
]
PassengerId = Annotated[str, Key("passengers.passenger_id", pattern=r"^PX[0-9]{6}$", description="Passenger id.")]
TicketId = Annotated[
    str, Key("tickets.ticket_id", pattern=r"^TK[0-9]{6}$", description="Id of one passenger on one segment.")
]
PaymentId = Annotated[str, Key("payments.payment_id", pattern=r"^PY[0-9]{6}$", description="Payment id.")]
EntryId = Annotated[str, Key("point_entries.entry_id", pattern=r"^PT[0-9]{6}$", description="Ledger entry id.")]
Email = Annotated[
    str, Shared("person.email", pattern=r"^[^@ ]+@[^@ ]+$", max_length=254, description="The customer's email address.")
]

Cabin = Literal["economy", "business"]
FareType = Literal["basic", "standard", "flex"]
Leg = Literal["outbound", "return"]
Position = Literal["window", "middle", "aisle"]
FlightStatus = Literal["scheduled", "delayed", "cancelled", "departed"]
BookingStatus = Literal["held", "expired", "confirmed", "flown", "cancelled"]
PaymentStatus = Literal["pending", "expired", "paid", "declined", "withdrawn"]
PaymentKind = Literal["fare", "change", "bags", "refund"]

FlightNumber = Annotated[str, Field(pattern=r"^EV[1-9][0-9]{2,3}$")]
LocalTime = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$", description="The airport's clock.")
]
SeatName = Annotated[
    str, Key("seat_plan.seat", pattern=r"^[1-9][0-9]?[A-F]$", description="Row and letter, such as 10A.")
]
Count = Annotated[int, Field(ge=0)]
Party = Annotated[int, Field(ge=1, description="How many people are on it.")]
Fee = Annotated[Cents | None, Field(description="Per passenger; null if the fare doesn't allow it.")]

# Results -------------------------------------------------------------------------------------------------------------


class Airport(Record, table="airports"):
    """An airport of the network."""

    airport_code: AirportCode
    name: str
    city: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO code of the country.")]


class AirportList(Record):
    """Airports."""

    airports: list[Airport]
    total: Count


class FlightLine(Record, table="departures"):
    """A flight that has not left yet."""

    flight_id: FlightId
    flight_number: FlightNumber
    origin_code: AirportCode
    destination_code: AirportCode
    departs_on: IsoDate
    departs_local: LocalTime
    arrives_local: LocalTime
    duration_minutes: Count
    stops: Annotated[int, Field(ge=0, le=1)]
    status: FlightStatus
    delay_minutes: Count
    fare_cents: Annotated[Cents, Field(description="Standard economy fare of one passenger.")]
    seats_left: Annotated[Count, Field(description="In economy.")]
    business_fare_cents: Annotated[Cents | None, Field(description="Null if there is no business cabin.")]
    business_seats_left: Count | None


class FlightList(Record):
    """Flights."""

    flights: list[FlightLine]
    total: Count


class Fare(Record, table="fare_board"):
    """What a seat costs and allows."""

    cabin: Cabin
    fare_type: FareType
    fare_cents: Annotated[Cents, Field(description="For one passenger.")]
    seats_left: Count
    change_fee_cents: Fee
    cancel_fee_cents: Fee
    bag_fee_cents: Annotated[Cents, Field(description="For each bag.")]
    seat_choice: Annotated[bool, Field(description="Whether passengers may choose their seats.")]


class Flight(Record, table="flight_board"):
    """A flight with its fares."""

    flight_id: FlightId
    flight_number: FlightNumber
    arrives_local: LocalTime
    duration_minutes: Count
    status: FlightStatus
    closes_at: Annotated[IsoDateTime, Field(description="When booking and altering end.")]
    fares: list[Fare]


class Seat(Record, table="free_seats"):
    """A free seat."""

    seat: SeatName
    position: Position


class SeatList(Record):
    """Free seats."""

    seats: list[Seat]
    total: Count


class Customer(Record, table="customers"):
    """A customer."""

    customer_id: CustomerId
    name: str
    email: Email
    phone: str
    points: Count


class PointEntry(Record, table="point_entries"):
    """Points that came or went."""

    entry_id: EntryId
    kind: Literal["welcome", "earned", "upgrade"]
    points: Annotated[int, Field(description="Negative when spent.")]
    segment_id: SegmentId | None
    entered_at: IsoDateTime


class Points(Record, table="customers"):
    """A customer's points."""

    customer_id: CustomerId
    points: Annotated[Count, Field(description="The balance.")]
    entries: list[PointEntry]
    total: Annotated[Count, Field(description="How many entries there are, listed or not.")]


class BookingLine(Record, table="booking_board"):
    """A booking, told from others."""

    booking_id: BookingId
    reference: Reference
    status: BookingStatus
    fare_type: FareType
    cabin: Cabin
    flight_number: FlightNumber
    origin_code: AirportCode
    origin_city: str
    destination_code: AirportCode
    destination_city: str
    departs_on: IsoDate
    departs_local: LocalTime
    returns_on: Annotated[IsoDate | None, Field(description="Null when one way.")]
    flight_status: Annotated[FlightStatus, Field(description="Of the outbound flight.")]
    delay_minutes: Count
    passengers: Party
    bags: Count
    paid_cents: Cents
    booked_at: IsoDateTime


class BookingList(Record):
    """Bookings."""

    bookings: list[BookingLine]
    total: Count


class Segment(Record, table="segment_board"):
    """One flight of a booking."""

    segment_id: SegmentId
    leg: Leg
    flight_id: FlightId
    flight_number: FlightNumber
    origin_code: AirportCode
    destination_code: AirportCode
    destination_city: str
    departs_on: IsoDate
    departs_local: LocalTime
    flight_status: FlightStatus
    cabin: Cabin
    fare_cents: Annotated[Cents, Field(description="Value of each passenger's fare.")]
    checkin_opens_at: IsoDateTime
    checked_in: bool
    disrupted: Annotated[bool, Field(description="Cancelled or very late: may be changed or refunded for free.")]
    change_fee_cents: Fee
    upgrade_points: Annotated[Count, Field(description="Price of an upgrade for all its passengers.")]


class Ticket(Record, table="ticket_board"):
    """One passenger on one segment."""

    ticket_id: TicketId
    segment_id: SegmentId
    passenger_id: PassengerId
    passenger_name: str
    destination_city: str
    departs_on: IsoDate
    seat: SeatName | None
    bags: Annotated[int, Field(ge=0, le=MOST_BAGS)]


class Payment(Record, table="payment_board"):
    """A charge or a refund."""

    payment_id: PaymentId
    kind: PaymentKind
    amount_cents: Cents
    status: PaymentStatus


class Booking(Record, table="booking_board"):
    """A booking with all that belongs to it."""

    booking_id: BookingId
    reference: Reference
    customer_id: CustomerId
    status: BookingStatus
    fare_type: FareType
    held_until: Annotated[IsoDateTime | None, Field(description="Null unless it is on hold.")]
    paid_cents: Cents
    refund_cents: Annotated[Cents | None, Field(description="What cancelling now pays back; null if it is refused.")]
    segments: list[Segment]
    tickets: list[Ticket]
    payments: list[Payment]


class Hold(Record, table="hold_board"):
    """A hold and the payment it waits for."""

    booking_id: BookingId
    reference: Reference
    passengers: Party
    held_until: IsoDateTime
    payment_id: PaymentId
    amount_cents: Annotated[Cents, Field(description="What the customer is asked to approve.")]


class Change(Record, table="segment_board"):
    """A change, made or waiting for its payment."""

    segment_id: SegmentId
    flight_id: Annotated[FlightId, Field(description="The flight that the segment is on now.")]
    status: Literal["made", "awaiting_payment"]
    amount_cents: Cents
    payment_id: PaymentId | None


class Cancellation(Record, table="booking_board"):
    """A booking that was cancelled."""

    booking_id: BookingId
    status: BookingStatus
    refunded_cents: Annotated[Cents, Field(description="What goes back to the customer.")]


class SeatChoice(Record, table="ticket_board"):
    """A passenger and their seat."""

    ticket_id: TicketId
    passenger_name: str
    seat: SeatName


class BagRequest(Record, table="payment_board"):
    """A payment for bags that waits."""

    payment_id: PaymentId
    amount_cents: Annotated[Cents, Field(description="What the customer is asked to approve.")]
    expires_at: IsoDateTime


class CheckIn(Record, table="point_entries"):
    """A segment that is checked in."""

    segment_id: SegmentId
    boarding_passes: list[SeatChoice]
    points_earned: Annotated[int, Shows("point_entries.points", description="For all its passengers.", ge=0)]


class Upgrade(Record, table="segment_board"):
    """A segment that was upgraded."""

    segment_id: SegmentId
    cabin: Cabin
    points_spent: Count
    points_left: Count


class PaymentRequest(Record, table="payment_requests"):
    """A payment that you were asked for."""

    payment_id: PaymentId
    booking_id: BookingId
    reference: Reference
    kind: Literal["fare", "change", "bags"]
    destination_city: str
    departs_on: IsoDate
    amount_cents: Cents
    status: PaymentStatus
    expires_at: IsoDateTime


class PaymentRequestList(Record):
    """Payments that you were asked for."""

    payments: list[PaymentRequest]
    total: Count


# Rules that several tools share --------------------------------------------------------------------------------------

OBSTACLES = {
    "not_confirmed": "booking_status <> 'confirmed'",
    "flight_closed": "closed",
    "checked_in": "checked_in",
    "payment_pending": "payment_pending",
    "flight_cancelled": "flight_status = 'cancelled'",
}
"""What stands in the way of altering a segment, by refusal code, in the order in which it is said."""

TICKET_OBSTACLES = {
    code: f"SELECT 1 FROM ticket_board WHERE ticket_id = :ticket_id AND {obstacle}"
    for code, obstacle in OBSTACLES.items()
}
SEGMENT_OBSTACLES = {
    code: f"SELECT 1 FROM segment_board WHERE segment_id = :segment_id AND {obstacle}"
    for code, obstacle in OBSTACLES.items()
}
CHANGE_OBSTACLES = {code: sql for code, sql in SEGMENT_OBSTACLES.items() if code != "flight_cancelled"}


def require_alterable(segment: sqlite3.Row) -> None:
    """Refuse a segment, or a ticket of one, that can't be altered any more or not now."""
    reference, number = segment["reference"], segment["flight_number"]
    if segment["booking_status"] != "confirmed":
        raise Refusal(
            "not_confirmed", f"Booking {reference} is {segment['booking_status']}; only a confirmed one can be altered."
        )
    if segment["closed"]:
        raise Refusal(
            "flight_closed", f"{number} closed at {segment['closes_at']}; nothing about it can be altered now."
        )
    if segment["checked_in"]:
        raise Refusal("checked_in", f"The passengers have checked in for {number}, which is final; keep it as it is.")
    if segment["payment_pending"]:
        raise Refusal(
            "payment_pending", f"A payment for booking {reference} waits; ask the customer to approve or decline it."
        )


def require_serviceable(segment: sqlite3.Row) -> None:
    """Refuse a segment, or a ticket of one, that can't be altered or whose flight was cancelled."""
    require_alterable(segment)
    if segment["flight_status"] == "cancelled":
        raise Refusal("flight_cancelled", f"{segment['flight_number']} was cancelled; move to another flight first.")


# Looking things up ---------------------------------------------------------------------------------------------------


@env.reads
def find_airports(
    city: Annotated[
        str,
        Filter(
            "airports.city",
            "like",
            description="Name of a city, or part of it.",
            min_length=2,
            max_length=40,
            pattern=r"^[^%_]+$",
        ),
    ],
) -> AirportList:
    """Find the airports of a city."""
    rows = env.db.execute(
        "SELECT * FROM airports WHERE city LIKE '%' || ? || '%' ORDER BY city, airport_code", (city,)
    ).fetchall()
    return AirportList(airports=[Airport.of(row) for row in rows], total=len(rows))


@env.reads
def search_flights(
    origin: Annotated[AirportCode, Filter("departures.origin_code", "=", description="Airport of departure.")],
    destination: Annotated[AirportCode, Filter("departures.destination_code", "=", description="Airport of arrival.")],
    departs_on: Annotated[IsoDate, Filter("departures.departs_on", "=", description="Local date of departure.")],
    max_fare_cents: Annotated[
        Cents | None, Filter("departures.fare_cents", "<=", description="Highest standard economy fare.")
    ] = None,
    max_stops: Annotated[
        int | None, Filter("departures.stops", "<=", description="0 for direct flights only.", ge=0, le=1)
    ] = None,
) -> FlightList:
    """Search the flights from one airport to another that have not left yet, with their fares and seats."""
    find(env.db, "airports", airport_code=origin)
    find(env.db, "airports", airport_code=destination)
    rows = env.db.execute(
        """SELECT * FROM departures WHERE origin_code = :origin AND destination_code = :destination
            AND departs_on = :departs_on
            AND (:max_fare_cents IS NULL OR fare_cents <= :max_fare_cents)
            AND (:max_stops IS NULL OR stops <= :max_stops)
            ORDER BY departs_at, flight_id""",
        {
            "origin": origin,
            "destination": destination,
            "departs_on": departs_on,
            "max_fare_cents": max_fare_cents,
            "max_stops": max_stops,
        },
    ).fetchall()
    return FlightList(flights=[FlightLine.of(row) for row in rows], total=len(rows))


@env.reads
def get_flight(flight_id: FlightId) -> Flight:
    """Get a flight with all its fares and what each allows."""
    row = find(env.db, "flight_board", flight_id=flight_id)
    fares = env.db.execute(
        "SELECT * FROM fare_board WHERE flight_id = ? ORDER BY fare_cents, cabin, fare_type", (flight_id,)
    )
    return Flight.of(row, fares=[Fare.of(fare) for fare in fares])


@env.reads
def list_free_seats(
    flight_id: Annotated[FlightId, Filter("free_seats.flight_id", "=", description="Flight id.")],
    cabin: Annotated[Cabin, Filter("free_seats.cabin", "=", description="Cabin to look in.")] = "economy",
    position: Annotated[
        Position | None, Filter("free_seats.position", "=", description="Only seats at this place in the row.")
    ] = None,
) -> SeatList:
    """List the seats of a cabin that nobody has chosen yet."""
    find(env.db, "flights", flight_id=flight_id)
    rows = env.db.execute(
        """SELECT * FROM free_seats WHERE flight_id = ? AND cabin = ? AND position = coalesce(?, position)
            ORDER BY ordinal""",
        (flight_id, cabin, position),
    ).fetchall()
    return SeatList(seats=[Seat.of(row) for row in rows], total=len(rows))


@env.reads(refuses={"not_found": "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM customers WHERE email = :email)"})
def find_customer(email: Email) -> Customer:
    """Find a customer by email address."""
    return Customer.of(find(env.db, "customers", email=email))


@env.reads
def get_points(
    customer_id: CustomerId,
    limit: Annotated[int, Field(ge=1, le=50, description="How many entries to list, the latest first.")] = 10,
) -> Points:
    """Get a customer's loyalty points and the ledger behind them."""
    row = find(env.db, "customers", customer_id=customer_id)
    entries = env.db.execute(
        "SELECT * FROM point_entries WHERE customer_id = ? ORDER BY entered_at DESC, entry_id", (customer_id,)
    ).fetchall()
    return Points.of(row, entries=[PointEntry.of(entry) for entry in entries[:limit]], total=len(entries))


@env.reads
def list_bookings(
    customer_id: Annotated[CustomerId, Filter("booking_board.customer_id", "=", description="Customer id.")],
    status: Annotated[
        BookingStatus | None, Filter("booking_board.status", "=", description="Only bookings in this state.")
    ] = None,
) -> BookingList:
    """List a customer's bookings, the latest departure first."""
    find(env.db, "customers", customer_id=customer_id)
    rows = env.db.execute(
        f"""SELECT {BookingLine.columns()} FROM booking_board WHERE customer_id = ? AND status = coalesce(?, status)
            ORDER BY departs_at DESC, booking_id""",
        (customer_id, status),
    ).fetchall()
    return BookingList(bookings=[BookingLine.of(row) for row in rows], total=len(rows))


@env.reads
def get_booking(
    booking_id: Annotated[BookingId, Filter("booking_board.booking_id", "=", description="Booking id.")],
) -> Booking:
    """Get a booking with its segments, tickets and payments, and what cancelling it would pay back."""
    db = env.db
    row = find(db, "booking_board", booking_id=booking_id)
    segments = db.execute(
        f"SELECT {Segment.columns()} FROM segment_board WHERE booking_id = ? ORDER BY leg, segment_id", (booking_id,)
    )
    tickets = db.execute(
        f"SELECT {Ticket.columns()} FROM ticket_board WHERE booking_id = ? ORDER BY leg, passenger_name, ticket_id",
        (booking_id,),
    )
    payments = db.execute(
        f"SELECT {Payment.columns()} FROM payment_board WHERE booking_id = ? ORDER BY created_at, payment_id",
        (booking_id,),
    )
    return Booking.of(
        row,
        segments=[Segment.of(segment) for segment in segments],
        tickets=[Ticket.of(ticket) for ticket in tickets],
        payments=[Payment.of(payment) for payment in payments],
    )


# Booking -------------------------------------------------------------------------------------------------------------


@env.writes(
    changes={
        "bookings": "insert",
        "passengers": "insert",
        "segments": "insert",
        "tickets": "insert",
        "payments": "insert",
    },
    refuses={
        "flight_cancelled": """SELECT 1 FROM flights WHERE flight_id IN (:flight_id, :return_flight_id)
            AND status = 'cancelled'""",
        "flight_closed": "SELECT 1 FROM flight_times WHERE flight_id IN (:flight_id, :return_flight_id) AND closed",
        "cabin_not_offered": """SELECT 1 FROM flights WHERE flight_id IN (:flight_id, :return_flight_id)
            AND flight_id NOT IN (SELECT flight_id FROM cabins WHERE cabin = :cabin)""",
        "sold_out": """SELECT 1 FROM cabin_board WHERE flight_id IN (:flight_id, :return_flight_id)
            AND cabin = :cabin AND seats_left < 1""",
        "no_way_back": """SELECT 1 FROM flights o JOIN flights r ON r.flight_id = :return_flight_id
            WHERE o.flight_id = :flight_id AND (r.origin_code <> o.destination_code
            OR r.destination_code <> o.origin_code OR r.departs_at <= o.arrives_at)""",
        "already_booked": """SELECT 1 FROM segment_board WHERE customer_id = :customer_id
            AND flight_id IN (:flight_id, :return_flight_id) AND booking_status IN ('held', 'confirmed')""",
    },
)
def hold_flight(
    customer_id: CustomerId,
    flight_id: FlightId,
    fare_type: Annotated[FareType, Sets("bookings.fare_type", description="Decides fees and refunds.")],
    cabin: Annotated[Cabin, Sets("segments.cabin", description="Cabin on all flights.")] = "economy",
    return_flight_id: Annotated[FlightId | None, Field(description="The flight back, if wanted.")] = None,
) -> Hold:
    """Hold a seat for a customer, there or there and back, and ask them to pay within 24 hours."""
    db, now = env.db, env.now
    customer = find(db, "customers", customer_id=customer_id)
    flights = [find(db, "flight_times", flight_id=wanted) for wanted in (flight_id, return_flight_id) if wanted]
    if len(flights) == 2:
        require_way_back(*flights)
    for flight in flights:
        require_takes_booking(flight, customer_id)
    fares = [fare_with_seats(flight["flight_id"], cabin, fare_type, passengers=1) for flight in flights]
    booking_id = env.new_id("bookings.booking_id")
    expires_at = min(hours_later(now, HOLD_HOURS), flights[0]["closes_at"])
    db.execute(
        "INSERT INTO bookings VALUES (?, ?, ?, ?, 'held', ?, ?, 0)",
        (booking_id, env.new_id("bookings.reference"), customer_id, fare_type, now, expires_at),
    )
    for leg, flight, fare in zip(("outbound", "return"), flights, fares, strict=False):
        db.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)",
            (env.new_id("segments.segment_id"), booking_id, leg, flight["flight_id"], cabin, fare),
        )
    seat_passenger(booking_id, customer["name"])
    ask_payment(booking_id, "fare", sum(fares), expires_at)
    return Hold.of(find(db, "hold_board", booking_id=booking_id))


def require_way_back(there: sqlite3.Row, back: sqlite3.Row) -> None:
    """Refuse a return flight that doesn't go back, or leaves before one has arrived."""
    if (back["origin_code"], back["destination_code"]) != (there["destination_code"], there["origin_code"]):
        raise Refusal("no_way_back", "The return flight must fly the same route in the other direction; pick another.")
    if back["departs_at"] <= there["arrives_at"]:
        raise Refusal("no_way_back", "The return flight leaves before the other arrives; pick a later one.")


def require_takes_booking(flight: sqlite3.Row, customer_id: str) -> None:
    """Refuse a flight that is cancelled or closed, or that the customer is booked on already."""
    number = flight["flight_number"]
    if flight["status"] == "cancelled":
        raise Refusal("flight_cancelled", f"{number} was cancelled; pick another flight.")
    if flight["closed"]:
        raise Refusal("flight_closed", f"{number} closed at {flight['closes_at']}; pick a later one.")
    booked = env.db.execute(
        """SELECT 1 FROM segment_board WHERE customer_id = ? AND flight_id = ?
            AND booking_status IN ('held', 'confirmed')""",
        (customer_id, flight["flight_id"]),
    )
    if booked.fetchone():
        raise Refusal("already_booked", f"The customer has a booking for {number} already; add to that one.")


def fare_with_seats(flight_id: str, cabin: str, fare_type: str, *, passengers: int) -> int:
    """Give the fare of one passenger where there are seats for all of them."""
    fare = env.db.execute(
        "SELECT fare_cents, seats_left FROM fare_board WHERE flight_id = ? AND cabin = ? AND fare_type = ?",
        (flight_id, cabin, fare_type),
    ).fetchone()
    if fare is None:
        raise Refusal("cabin_not_offered", f"The flight has no {cabin} cabin; pick another flight.")
    if fare["seats_left"] < passengers:
        raise Refusal("sold_out", f"The flight has {fare['seats_left']} {cabin} seats left; pick another one.")
    return int(fare["fare_cents"])


def seat_passenger(booking_id: str, name: str) -> None:
    """Add a passenger to a booking, with a ticket for each of its segments."""
    passenger_id = env.new_id("passengers.passenger_id")
    env.db.execute("INSERT INTO passengers VALUES (?, ?, ?)", (passenger_id, booking_id, name))
    segments = env.db.execute("SELECT segment_id FROM segments WHERE booking_id = ?", (booking_id,)).fetchall()
    for segment_id in sorted(segment_id for (segment_id,) in segments):
        env.db.execute(
            "INSERT INTO tickets (ticket_id, segment_id, passenger_id) VALUES (?, ?, ?)",
            (env.new_id("tickets.ticket_id"), segment_id, passenger_id),
        )


def ask_payment(booking_id: str, kind: str, amount_cents: int, expires_at: str, **subject: object) -> str:
    """Ask the customer for money and give the payment's id; `subject` says what a change or bags are for."""
    payment_id = env.new_id("payments.payment_id")
    subject = {"segment_id": None, "new_flight_id": None, "ticket_id": None, "bags": None, **subject}
    env.db.execute(
        """INSERT INTO payments VALUES (:payment_id, :booking_id, :kind, :amount_cents, 'pending', :now, :expires_at,
            :segment_id, :new_flight_id, :ticket_id, :bags)""",
        {
            "payment_id": payment_id,
            "booking_id": booking_id,
            "kind": kind,
            "amount_cents": amount_cents,
            "now": env.now,
            "expires_at": expires_at,
            **subject,
        },
    )
    return payment_id


def hours_later(moment: str, hours: int) -> str:
    """Give the moment so many hours later."""
    return (datetime.fromisoformat(moment) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@env.writes(
    changes={"passengers": "insert", "tickets": "insert", "payments": "update amount_cents"},
    refuses={
        "hold_expired": "SELECT 1 FROM booking_states WHERE booking_id = :booking_id AND status = 'expired'",
        "not_held": "SELECT 1 FROM booking_states WHERE booking_id = :booking_id AND status NOT IN ('held', 'expired')",
        "duplicate_passenger": "SELECT 1 FROM passengers WHERE booking_id = :booking_id AND name = :name",
        "sold_out": """SELECT 1 FROM segments s JOIN cabin_board c ON c.flight_id = s.flight_id AND c.cabin = s.cabin
            WHERE s.booking_id = :booking_id AND c.seats_left < 1""",
    },
)
def add_passenger(
    booking_id: BookingId,
    name: Annotated[
        str,
        Sets(
            "passengers.name",
            description="Given and family name, in Latin letters as in the passport.",
            pattern=r"^[A-Za-z][A-Za-z.'-]*( [A-Za-z][A-Za-z.'-]*)+$",
            max_length=60,
        ),
    ],
) -> Hold:
    """Add a passenger to a booking that is on hold; the payment asked for grows by their fares."""
    db = env.db
    booking = find(db, "booking_states", booking_id=booking_id)
    if booking["status"] == "expired":
        raise Refusal(
            "hold_expired", f"The hold {booking['reference']} ended at {booking['expires_at']}; hold it anew."
        )
    if booking["status"] != "held":
        raise Refusal(
            "not_held", f"Booking {booking['reference']} is {booking['status']}; make a new booking for them."
        )
    if db.execute("SELECT 1 FROM passengers WHERE booking_id = ? AND name = ?", (booking_id, name)).fetchone():
        raise Refusal("duplicate_passenger", f"{name} is on booking {booking['reference']} already.")
    (fares, seats_left) = db.execute(
        """SELECT sum(s.fare_cents), min(c.seats_left) FROM segments s
            JOIN cabin_board c ON c.flight_id = s.flight_id AND c.cabin = s.cabin WHERE s.booking_id = ?""",
        (booking_id,),
    ).fetchone()
    if seats_left < 1:
        raise Refusal("sold_out", "There is no seat left for another passenger; hold other flights for all of them.")
    seat_passenger(booking_id, name)
    db.execute("UPDATE payments SET amount_cents = amount_cents + ? WHERE booking_id = ?", (fares, booking_id))
    return Hold.of(find(db, "hold_board", booking_id=booking_id))


# Changing and cancelling ---------------------------------------------------------------------------------------------


@env.writes(
    changes={
        "payments": "insert",
        "segments": "update flight_id fare_cents",
        "cabins": "update seats_sold",
        "tickets": "update seat",
    },
    refuses={
        **CHANGE_OBSTACLES,
        "fare_not_changeable": """SELECT 1 FROM segment_board
            WHERE segment_id = :segment_id AND change_fee_cents IS NULL""",
        "wrong_route": """SELECT 1 FROM segment_flights s JOIN flights n ON n.flight_id = :new_flight_id
            WHERE s.segment_id = :segment_id AND (n.flight_id = s.flight_id
            OR n.origin_code <> s.origin_code OR n.destination_code <> s.destination_code)""",
        "new_flight_unavailable": """SELECT 1 FROM flight_times
            WHERE flight_id = :new_flight_id AND (closed OR status = 'cancelled')""",
        "out_of_order": """SELECT 1 FROM segment_flights s JOIN flights n ON n.flight_id = :new_flight_id
            JOIN segment_flights x ON x.booking_id = s.booking_id AND x.leg <> s.leg
            WHERE s.segment_id = :segment_id
            AND iif(s.leg = 'outbound', x.departs_at <= n.arrives_at, n.departs_at <= x.arrives_at)""",
        "cabin_not_offered": """SELECT 1 FROM segments s WHERE segment_id = :segment_id AND NOT EXISTS
            (SELECT 1 FROM cabins c WHERE c.flight_id = :new_flight_id AND c.cabin = s.cabin)""",
        "sold_out": """SELECT 1 FROM segment_board s JOIN cabin_board c ON c.cabin = s.cabin
            WHERE s.segment_id = :segment_id AND c.flight_id = :new_flight_id AND c.seats_left < s.passengers""",
    },
)
def change_flight(
    segment_id: SegmentId,
    new_flight_id: Annotated[
        FlightId, Sets("segments.flight_id", description="Another flight on the same route, by its id.")
    ],
) -> Change:
    """Move a segment to another flight on its route; if that costs anything, once the customer has paid."""
    db = env.db
    segment = find(db, "segment_board", segment_id=segment_id)
    flight = find(db, "flight_times", flight_id=new_flight_id)
    require_changeable(segment)
    require_fits(segment, flight)
    new_fare = fare_for(segment, new_flight_id)
    rise = 0 if segment["disrupted"] else max(0, new_fare - segment["fare_cents"])
    amount = (segment["change_fee_cents"] + rise) * segment["passengers"]
    if amount == 0:
        move_segment(segment, new_flight_id, segment["fare_cents"])
        return Change(segment_id=segment_id, flight_id=new_flight_id, status="made", amount_cents=0, payment_id=None)
    payment_id = ask_payment(
        segment["booking_id"],
        "change",
        amount,
        min(hours_later(env.now, HOLD_HOURS), flight["closes_at"], segment["closes_at"]),
        segment_id=segment_id,
        new_flight_id=new_flight_id,
    )
    return Change.of(segment, status="awaiting_payment", amount_cents=amount, payment_id=payment_id)


def require_changeable(segment: sqlite3.Row) -> None:
    """Refuse a segment whose flight can't be changed, or not now."""
    require_alterable(segment)
    if segment["change_fee_cents"] is None:
        raise Refusal("fare_not_changeable", f"A {segment['fare_type']} fare can't be changed; cancel or keep it.")


def require_fits(segment: sqlite3.Row, flight: sqlite3.Row) -> None:
    """Refuse a new flight that can't take the place of the segment's."""
    same_route = all(flight[end] == segment[end] for end in ("origin_code", "destination_code"))
    if not same_route or flight["flight_id"] == segment["flight_id"]:
        raise Refusal(
            "wrong_route",
            f"The new flight must be another one from {segment['origin_code']} to {segment['destination_code']}.",
        )
    if flight["closed"] or flight["status"] == "cancelled":
        raise Refusal("new_flight_unavailable", f"{flight['flight_number']} takes no more bookings; pick another.")
    other = env.db.execute(
        "SELECT * FROM segment_board WHERE booking_id = ? AND leg <> ?", (segment["booking_id"], segment["leg"])
    ).fetchone()
    there, back = (flight, other) if segment["leg"] == "outbound" else (other, flight)
    if other and back["departs_at"] <= there["arrives_at"]:
        raise Refusal("out_of_order", "The way back must leave after the way there arrives; pick another flight.")


def fare_for(segment: sqlite3.Row, flight_id: str) -> int:
    """Give the fare of each passenger of a segment on another flight, if it has seats for all of them."""
    return fare_with_seats(flight_id, segment["cabin"], segment["fare_type"], passengers=segment["passengers"])


def move_segment(segment: sqlite3.Row, flight_id: str, fare_cents: int) -> None:
    """Put a segment and its passengers on another flight, in the same cabin; the chosen seats are given up."""
    count, cabin = segment["passengers"], segment["cabin"]
    sell_seats(segment["flight_id"], cabin, -count)
    sell_seats(flight_id, cabin, count)
    env.db.execute(
        "UPDATE segments SET flight_id = ?, fare_cents = ? WHERE segment_id = ?",
        (flight_id, fare_cents, segment["segment_id"]),
    )
    give_up_seats(segment["segment_id"])


def give_up_seats(segment_id: str) -> None:
    """Take their chosen seats from the passengers of a segment."""
    env.db.execute("UPDATE tickets SET seat = NULL WHERE segment_id = ?", (segment_id,))


def sell_seats(flight_id: str, cabin: str, count: int) -> None:
    """Count seats of a cabin as sold; a negative count gives them back."""
    env.db.execute(
        "UPDATE cabins SET seats_sold = seats_sold + ? WHERE flight_id = ? AND cabin = ?", (count, flight_id, cabin)
    )


@env.writes(
    changes={
        "bookings": "update status paid_cents",
        "payments": "insert, update status",
        "cabins": "update seats_sold",
        "tickets": "update seat",
    },
    refuses={
        "not_active": """SELECT 1 FROM booking_states WHERE booking_id = :booking_id
            AND status NOT IN ('held', 'confirmed')""",
        "flight_closed": "SELECT 1 FROM booking_board WHERE booking_id = :booking_id AND closed",
        "checked_in": "SELECT 1 FROM booking_board WHERE booking_id = :booking_id AND checked_in",
        "not_refundable": """SELECT 1 FROM booking_board
            WHERE booking_id = :booking_id AND status <> 'held' AND NOT refundable""",
    },
)
def cancel_booking(booking_id: BookingId) -> Cancellation:
    """Cancel a whole booking or hold and pay back what its fare rules allow."""
    db = env.db
    booking = find(db, "booking_board", booking_id=booking_id)
    require_cancellable(booking)
    refund = booking["refund_cents"]
    if booking["status"] == "confirmed":
        for segment in segments_of(booking_id):
            sell_seats(segment["flight_id"], segment["cabin"], -segment["passengers"])
            give_up_seats(segment["segment_id"])
    db.execute("UPDATE payments SET status = 'withdrawn' WHERE booking_id = ? AND status = 'pending'", (booking_id,))
    db.execute(
        "UPDATE bookings SET status = 'cancelled', paid_cents = paid_cents - ? WHERE booking_id = ?",
        (refund, booking_id),
    )
    if refund > 0:
        db.execute(
            """INSERT INTO payments (payment_id, booking_id, kind, amount_cents, status, created_at)
                VALUES (?, ?, 'refund', ?, 'paid', ?)""",
            (env.new_id("payments.payment_id"), booking_id, refund, env.now),
        )
    return Cancellation.of(find(db, "booking_board", booking_id=booking_id))


def require_cancellable(booking: sqlite3.Row) -> None:
    """Refuse a booking that is over, under way or not refundable."""
    if booking["status"] not in ("held", "confirmed"):
        raise Refusal(
            "not_active", f"Booking {booking['reference']} is {booking['status']}; there is nothing to cancel."
        )
    if booking["closed"]:
        raise Refusal("flight_closed", "A flight of this booking has closed or left; change the other one if need be.")
    if booking["checked_in"]:
        raise Refusal("checked_in", "The passengers have checked in, which is final; the booking can't be cancelled.")
    if booking["status"] == "confirmed" and not booking["refundable"]:
        raise Refusal("not_refundable", f"A {booking['fare_type']} fare can't be cancelled or paid back any more.")


def segments_of(booking_id: str) -> list[sqlite3.Row]:
    """Give the segments of a booking."""
    return env.db.execute("SELECT * FROM segment_board WHERE booking_id = ?", (booking_id,)).fetchall()


# Seats, bags, check-in and upgrades ----------------------------------------------------------------------------------


@env.writes(
    changes={"tickets": "update seat"},
    refuses={
        **TICKET_OBSTACLES,
        "no_seat_choice": "SELECT 1 FROM ticket_board WHERE ticket_id = :ticket_id AND NOT seat_choice",
        "no_such_seat": """SELECT 1 FROM ticket_board t JOIN cabins c ON c.flight_id = t.flight_id AND c.cabin = t.cabin
            WHERE t.ticket_id = :ticket_id AND NOT EXISTS (SELECT 1 FROM seat_plan p
            WHERE p.seat = :seat AND p.cabin = c.cabin AND p.ordinal <= c.seats)""",
        "seat_taken": """SELECT 1 FROM ticket_board t JOIN ticket_board x ON x.flight_id = t.flight_id
            WHERE t.ticket_id = :ticket_id AND x.ticket_id <> t.ticket_id AND x.seat = :seat""",
    },
    idempotent=True,
)
def select_seat(
    ticket_id: TicketId,
    seat: Annotated[SeatName, Sets("tickets.seat", description="Row and letter, such as 10A.")],
) -> SeatChoice:
    """Give a passenger a seat on a flight, in place of the one they had."""
    db = env.db
    ticket = find(db, "ticket_board", ticket_id=ticket_id)
    require_serviceable(ticket)
    if not ticket["seat_choice"]:
        raise Refusal("no_seat_choice", f"A {ticket['fare_type']} fare gets its seat at check-in and can't choose.")
    place = db.execute(
        """SELECT p.seat FROM seat_plan p JOIN cabins c ON c.cabin = p.cabin AND c.seats >= p.ordinal
            WHERE c.flight_id = ? AND c.cabin = ? AND p.seat = ?""",
        (ticket["flight_id"], ticket["cabin"], seat),
    )
    if place.fetchone() is None:
        raise Refusal("no_such_seat", f"There is no seat {seat} in {ticket['cabin']}; list the free seats.")
    other = db.execute(
        "SELECT 1 FROM ticket_board WHERE flight_id = ? AND seat = ? AND ticket_id <> ?",
        (ticket["flight_id"], seat, ticket_id),
    )
    if other.fetchone():
        raise Refusal("seat_taken", f"Seat {seat} is taken; list the free seats.")
    db.execute("UPDATE tickets SET seat = ? WHERE ticket_id = ?", (seat, ticket_id))
    return SeatChoice(ticket_id=ticket_id, passenger_name=ticket["passenger_name"], seat=seat)


@env.writes(
    changes={"payments": "insert"},
    refuses={
        **TICKET_OBSTACLES,
        "bag_limit": "SELECT 1 FROM ticket_board WHERE ticket_id = :ticket_id AND bags + :bags > 3",
    },
)
def add_bags(
    ticket_id: TicketId,
    bags: Annotated[int, Sets("payments.bags", description="How many more checked bags.", ge=1, le=MOST_BAGS)],
) -> BagRequest:
    """Ask the customer to pay for more checked bags of a passenger on a flight."""
    ticket = find(env.db, "ticket_board", ticket_id=ticket_id)
    require_serviceable(ticket)
    if ticket["bags"] + bags > MOST_BAGS:
        raise Refusal("bag_limit", f"{ticket['passenger_name']} has {ticket['bags']} of at most {MOST_BAGS} bags.")
    amount = bags * ticket["bag_fee_cents"]
    expires_at = min(hours_later(env.now, HOLD_HOURS), ticket["closes_at"])
    payment_id = ask_payment(ticket["booking_id"], "bags", amount, expires_at, ticket_id=ticket_id, bags=bags)
    return BagRequest(payment_id=payment_id, amount_cents=amount, expires_at=expires_at)


@env.writes(
    changes={"tickets": "update seat checked_in_at", "customers": "update points", "point_entries": "insert"},
    refuses={
        **SEGMENT_OBSTACLES,
        "checkin_not_open": """SELECT 1 FROM segment_board
            WHERE segment_id = :segment_id AND checkin_opens_at > :now""",
    },
)
def check_in(segment_id: SegmentId) -> CheckIn:
    """Check in everybody on a segment, from 24 hours to 1 hour before departure; whoever has no seat gets one."""
    db, now = env.db, env.now
    segment = find(db, "segment_board", segment_id=segment_id)
    require_serviceable(segment)
    if segment["checkin_opens_at"] > now:
        raise Refusal("checkin_not_open", f"Check-in opens at {segment['checkin_opens_at']}; come back then.")
    seat_everybody(segment)
    db.execute("UPDATE tickets SET checked_in_at = ? WHERE segment_id = ?", (now, segment_id))
    earned = segment["fare_cents"] * segment["passengers"] // 100
    enter_points(segment, "earned", earned)
    tickets = db.execute(
        "SELECT * FROM ticket_board WHERE segment_id = ? ORDER BY passenger_name, ticket_id", (segment_id,)
    )
    passes = [SeatChoice.of(ticket) for ticket in tickets]
    return CheckIn(segment_id=segment_id, boarding_passes=passes, points_earned=earned)


def seat_everybody(segment: sqlite3.Row) -> None:
    """Give the first free seats of the cabin to the passengers of a segment who have none."""
    tickets = env.db.execute(
        "SELECT ticket_id FROM tickets WHERE segment_id = ? AND seat IS NULL", (segment["segment_id"],)
    ).fetchall()
    seats = env.db.execute(
        "SELECT seat FROM free_seats WHERE flight_id = ? AND cabin = ? ORDER BY ordinal",
        (segment["flight_id"], segment["cabin"]),
    ).fetchall()
    for ticket_id, (seat,) in zip(sorted(ticket_id for (ticket_id,) in tickets), seats, strict=False):
        env.db.execute("UPDATE tickets SET seat = ? WHERE ticket_id = ?", (seat, ticket_id))


def enter_points(segment: sqlite3.Row, kind: str, points: int) -> None:
    """Enter points in the ledger of the segment's customer, and in their balance."""
    customer_id = segment["customer_id"]
    env.db.execute(
        "INSERT INTO point_entries VALUES (?, ?, ?, ?, ?, ?)",
        (env.new_id("point_entries.entry_id"), customer_id, segment["segment_id"], kind, points, env.now),
    )
    env.db.execute("UPDATE customers SET points = points + ? WHERE customer_id = ?", (points, customer_id))


@env.writes(
    changes={
        "segments": "update cabin",
        "cabins": "update seats_sold",
        "tickets": "update seat",
        "customers": "update points",
        "point_entries": "insert",
    },
    refuses={
        **SEGMENT_OBSTACLES,
        "already_business": "SELECT 1 FROM segments WHERE segment_id = :segment_id AND cabin = 'business'",
        "cabin_not_offered": """SELECT 1 FROM segments s WHERE segment_id = :segment_id AND NOT EXISTS
            (SELECT 1 FROM cabins c WHERE c.flight_id = s.flight_id AND c.cabin = 'business')""",
        "sold_out": """SELECT 1 FROM segment_board s JOIN cabin_board c ON c.flight_id = s.flight_id
            WHERE s.segment_id = :segment_id AND c.cabin = 'business' AND c.seats_left < s.passengers""",
        "points_short": """SELECT 1 FROM segment_board s JOIN customers c USING (customer_id)
            WHERE s.segment_id = :segment_id AND c.points < s.upgrade_points""",
    },
)
def upgrade_segment(segment_id: SegmentId) -> Upgrade:
    """Move everybody on a segment from economy to business, for 7,500 of the customer's points each."""
    db = env.db
    segment = find(db, "segment_board", segment_id=segment_id)
    require_serviceable(segment)
    if segment["cabin"] == "business":
        raise Refusal("already_business", "The segment is in business already; there is nothing above it.")
    fare_with_seats(segment["flight_id"], "business", segment["fare_type"], passengers=segment["passengers"])
    points, price = find(db, "customers", customer_id=segment["customer_id"])["points"], segment["upgrade_points"]
    if points < price:
        raise Refusal("points_short", f"The upgrade takes {price} points and the customer has {points}.")
    sell_seats(segment["flight_id"], "economy", -segment["passengers"])
    sell_seats(segment["flight_id"], "business", segment["passengers"])
    db.execute("UPDATE segments SET cabin = 'business' WHERE segment_id = ?", (segment_id,))
    give_up_seats(segment_id)
    enter_points(segment, "upgrade", -price)
    return Upgrade(segment_id=segment_id, cabin="business", points_spent=price, points_left=points - price)


# What only the customer can do ---------------------------------------------------------------------------------------


@env.reads(actor="user")
def list_payment_requests(
    email: Annotated[Email, Filter("payment_requests.email", "=", description="Your email address.")],
    status: Annotated[
        PaymentStatus | None, Filter("payment_requests.status", "=", description="Only payments in this state.")
    ] = None,
) -> PaymentRequestList:
    """List the payments that you were asked for, the latest first."""
    rows = env.db.execute(
        """SELECT * FROM payment_requests WHERE email = ? AND status = coalesce(?, status)
            ORDER BY created_at DESC, payment_id""",
        (email, status),
    ).fetchall()
    return PaymentRequestList(payments=[PaymentRequest.of(row) for row in rows], total=len(rows))


SETTLED = {
    "payment_expired": "SELECT 1 FROM payment_board WHERE payment_id = :payment_id AND status = 'expired'",
    "not_pending": """SELECT 1 FROM payment_board
        WHERE payment_id = :payment_id AND status NOT IN ('pending', 'expired')""",
}


@env.writes(
    actor="user",
    changes={
        "payments": "update status",
        "bookings": "update status paid_cents",
        "cabins": "update seats_sold",
        "segments": "update flight_id fare_cents",
        "tickets": "update seat bags",
    },
    refuses={
        **SETTLED,
        "sold_out": """SELECT 1 FROM payments p JOIN segment_board s ON s.segment_id = p.segment_id
            JOIN cabin_board c ON c.flight_id = p.new_flight_id AND c.cabin = s.cabin
            WHERE p.payment_id = :payment_id AND c.seats_left < s.passengers""",
    },
)
def approve_payment(payment_id: PaymentId) -> Payment:
    """Pay what you were asked for; the booking, change or bags then take effect."""
    db = env.db
    payment = pending_payment(payment_id)
    match payment["kind"]:
        case "fare":
            confirm_booking(payment["booking_id"])
        case "change":
            segment = find(db, "segment_board", segment_id=payment["segment_id"])
            new_fare = fare_for(segment, payment["new_flight_id"])
            move_segment(segment, payment["new_flight_id"], max(new_fare, segment["fare_cents"]))
        case "bags":
            db.execute(
                "UPDATE tickets SET bags = bags + ? WHERE ticket_id = ?", (payment["bags"], payment["ticket_id"])
            )
    db.execute("UPDATE payments SET status = 'paid' WHERE payment_id = ?", (payment_id,))
    db.execute(
        "UPDATE bookings SET paid_cents = paid_cents + ? WHERE booking_id = ?",
        (payment["amount_cents"], payment["booking_id"]),
    )
    return Payment.of(find(db, "payment_board", payment_id=payment_id))


def pending_payment(payment_id: str) -> sqlite3.Row:
    """Give a payment that still waits for the customer's answer."""
    payment = find(env.db, "payment_board", payment_id=payment_id)
    if payment["status"] == "expired":
        raise Refusal("payment_expired", f"The time to pay ended at {payment['expires_at']}; ask for it anew.")
    if payment["status"] != "pending":
        raise Refusal("not_pending", f"This payment is {payment['status']}; there is nothing to decide.")
    return payment


def confirm_booking(booking_id: str) -> None:
    """Turn a hold into a confirmed booking, so that its seats are sold."""
    for segment in segments_of(booking_id):
        sell_seats(segment["flight_id"], segment["cabin"], segment["passengers"])
    env.db.execute("UPDATE bookings SET status = 'confirmed' WHERE booking_id = ?", (booking_id,))


@env.writes(
    actor="user",
    changes={"payments": "update status", "bookings": "update status"},
    refuses=SETTLED,
)
def decline_payment(payment_id: PaymentId) -> Payment:
    """Refuse to pay what you were asked for; a hold is given up, a change or bags are dropped."""
    db = env.db
    payment = pending_payment(payment_id)
    db.execute("UPDATE payments SET status = 'declined' WHERE payment_id = ?", (payment_id,))
    if payment["kind"] == "fare":
        db.execute("UPDATE bookings SET status = 'cancelled' WHERE booking_id = ?", (payment["booking_id"],))
    return Payment.of(find(db, "payment_board", payment_id=payment_id))


# What always holds ---------------------------------------------------------------------------------------------------

env.invariant(
    "every_booking_flies_out",
    "SELECT booking_id FROM bookings WHERE booking_id NOT IN (SELECT booking_id FROM segments WHERE leg = 'outbound')",
)
env.invariant(
    "sold_seats_have_tickets",
    """SELECT c.flight_id, c.cabin, c.seats_sold FROM cabins c WHERE c.seats_sold <> (SELECT count(*) FROM segments s
        JOIN bookings b ON b.booking_id = s.booking_id AND b.status = 'confirmed'
        JOIN tickets t ON t.segment_id = s.segment_id WHERE s.flight_id = c.flight_id AND s.cabin = c.cabin)""",
)
env.invariant("no_cabin_is_oversold", "SELECT flight_id, cabin, seats_left FROM cabin_board WHERE seats_left < 0")
env.invariant(
    "paid_is_payments_less_refunds",
    """SELECT booking_id, paid_cents FROM bookings b WHERE paid_cents <> (SELECT coalesce(sum(
        iif(kind = 'refund', -amount_cents, amount_cents)), 0) FROM payments p
        WHERE p.booking_id = b.booking_id AND p.status = 'paid')""",
)
env.invariant(
    "points_are_the_ledgers_sum",
    """SELECT customer_id, points FROM customers c WHERE points <>
        (SELECT coalesce(sum(e.points), 0) FROM point_entries e WHERE e.customer_id = c.customer_id)""",
)
env.invariant(
    "every_passenger_has_every_segment",
    """SELECT p.passenger_id, s.segment_id FROM passengers p JOIN segments s ON s.booking_id = p.booking_id
        WHERE NOT EXISTS (SELECT 1 FROM tickets t
        WHERE t.passenger_id = p.passenger_id AND t.segment_id = s.segment_id)""",
)
env.invariant(
    "a_seat_is_taken_once",
    """SELECT s.flight_id, t.seat FROM tickets t JOIN segments s ON s.segment_id = t.segment_id
        WHERE t.seat IS NOT NULL GROUP BY s.flight_id, t.seat HAVING count(*) > 1""",
)
env.invariant(
    "seats_belong_to_the_cabin",
    """SELECT t.ticket_id, t.seat FROM tickets t JOIN segments s ON s.segment_id = t.segment_id
        JOIN cabins c ON c.flight_id = s.flight_id AND c.cabin = s.cabin
        WHERE t.seat IS NOT NULL AND NOT EXISTS (SELECT 1 FROM seat_plan p
        WHERE p.cabin = c.cabin AND p.seat = t.seat AND p.ordinal <= c.seats)""",
)
env.invariant(
    "only_confirmed_bookings_have_seats",
    """SELECT t.ticket_id FROM tickets t JOIN segments s ON s.segment_id = t.segment_id
        JOIN bookings b ON b.booking_id = s.booking_id WHERE t.seat IS NOT NULL AND b.status <> 'confirmed'""",
)
env.invariant(
    "one_payment_waits_at_most",
    "SELECT booking_id FROM payment_board WHERE status = 'pending' GROUP BY booking_id HAVING count(*) > 1",
)
env.invariant(
    "a_hold_owes_its_fares",
    """SELECT b.booking_id FROM bookings b WHERE b.status = 'held' AND NOT EXISTS (SELECT 1 FROM payments p
        WHERE p.booking_id = b.booking_id AND p.kind = 'fare' AND p.status = 'pending' AND p.expires_at = b.expires_at
        AND p.amount_cents = (SELECT sum(s.fare_cents) FROM segments s JOIN tickets t ON t.segment_id = s.segment_id
        WHERE s.booking_id = b.booking_id))""",
)

mcp = env.mcp
