"""The airline's starting state: the persona's bookings in every stage of their life, and other people's around them.

Bookings are the world's journeys: flights, fares, travellers, prices and states are theirs, so that bank and calendar
speak of the same. What the airline alone knows is added here: cabins, seats, points, and the flights around. Each
booking that the persona can still alter has eight other flights on its route to choose from, on the days around it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from servers.runtime import Rows, World
from servers.runtime.world import (
    FARES,
    FLIGHT_NUMBERS,
    City,
    Journey,
    Leg,
    Person,
    Terms,
    Trip,
    draw_flight,
    zipf,
)

Row = dict[str, Any]
Day = timedelta(days=1)

ID_PATTERNS = {
    "flights.flight_id": r"^FL[0-9]{5}$",
    "customers.customer_id": r"^CU[0-9]{5}$",
    "bookings.booking_id": r"^BK[0-9]{6}$",
    "bookings.reference": r"^[A-HJ-NP-Z2-9]{6}$",
    "segments.segment_id": r"^SG[0-9]{6}$",
    "passengers.passenger_id": r"^PX[0-9]{6}$",
    "tickets.ticket_id": r"^TK[0-9]{6}$",
    "payments.payment_id": r"^PY[0-9]{6}$",
    "point_entries.entry_id": r"^PT[0-9]{6}$",
}
SEAT_PLAN = {
    "business": ["1A", "1C", "1D", "1F"],
    "economy": [f"{number}{letter}" for number in (10, 11) for letter in "ABCDEF"],
}
SEAT_CHOICE = ("standard", "flex")
POSITIONS = {"A": "window", "B": "middle", "C": "aisle", "D": "aisle", "E": "middle", "F": "window"}
WELCOME_POINTS = 15_000


@dataclass(frozen=True)
class Cabins:
    """How many seats a flight sells; where none are given they are drawn."""

    economy: int = 0
    business: int = 0


@dataclass(frozen=True)
class Service:
    """What the airline knows of a booking beyond the journey: seats, check-in, and the cabins of the way there."""

    seats: int = 0
    checked_in: bool = False
    cabins: Cabins = Cabins()


PAST = (Service(seats=1), Service(cabins=Cabins(business=2)), Service(), Service(), Service(), Service())
"""For the persona's trips that are over, the oldest first."""

COMING = (
    Service(seats=1, cabins=Cabins(business=4)),
    Service(cabins=Cabins(business=2)),
    Service(),
    Service(seats=2, cabins=Cabins(business=1)),
    Service(),
    Service(),
    Service(cabins=Cabins(business=4)),
    Service(),
)
"""For the persona's trips to come, the next first."""

ASIDE = (Service(), Service(), Service(cabins=Cabins(economy=1)), Service())
"""For what the persona called off or didn't pay for; one hold has the last seat of its flight."""

FRIENDS = (Service(cabins=Cabins(business=3)), Service(checked_in=True), Service())
"""For what the persona booked for friends, who fly within a day."""

NEXT = len(PAST)
UP_FRONT = Service(cabins=Cabins(economy=6, business=3))
"""For strangers on a flight that has a business cabin."""

SOLD_OUT = (0, 1, 3)
"""The trips to come beside which another flight is sold out."""


def populate(world: World) -> Rows:
    """Give the rows of the airline in a world."""
    own = [journey for journey in world.journeys if journey.person_id == world.persona.person_id]
    others = [journey for journey in world.journeys if journey.person_id != world.persona.person_id]
    others = others[: world.scale(2, 95, 1_900)]
    desk = Desk(world, [*own, *others])
    bookings = [
        desk.book(journey, service) for journey, service in zip(own, PAST + COMING + ASIDE + FRIENDS, strict=True)
    ]
    desk.ask_for_bag(bookings[NEXT + 2], hours_ago=2)
    surround(desk, own)
    wait_for_strangers(desk, own[NEXT])
    for journey in others:
        desk.book(journey, Service(seats=desk.rng.choice((0, 0, 1))))
    fill_timetable(desk, world.scale(0, 40, 1_500))
    return desk.rows


# What else flies -----------------------------------------------------------------------------------------------------


def surround(desk: Desk, journeys: Sequence[Journey]) -> None:
    """Add flights around those that the persona is to take: some to change to, some sold out, one cancelled."""
    trips = {trip.trip_id: trip for trip in desk.world.trips}
    for number, journey in enumerate(journeys[NEXT : NEXT + len(COMING)]):
        trip = trips[str(journey.trip_id)]
        offer_rivals(desk, trip, journey, trip.departs_on - (Day if number else 0 * Day))
        if number in SOLD_OUT:
            sell_out(desk, trip)
    trip = trips[str(journeys[NEXT + 3].trip_id)]
    moment = desk.time_on(trip.departs_on)
    desk.publish(desk.drawn(trip.origin, trip.destination, moment, Terms(flight_cancelled=True)))


def offer_rivals(desk: Desk, trip: Trip, journey: Journey, first_day: date) -> None:
    """Add eight flights to a trip's place, on three days, and a few back, one of them before the way there.

    The last of each way is cheaper than the persona's own flight.
    """
    there = [desk.time_on(first_day + offset * Day) for offset in (0, 0, 0, 1, 1, 1, 2, 2)]
    back = []
    if len(journey.legs) > 1 and trip.returns_on:
        days = (trip.departs_on - Day, trip.returns_on, trip.returns_on + Day)
        back = [desk.time_on(day, first=12) for day in days]
    for leg, moments in zip(journey.legs, (there, back), strict=False):
        rivals = [desk.drawn(leg.origin, leg.destination, moment) for moment in moments]
        fare = min(leg.economy_fare_cents, rivals[-1].economy_fare_cents) * 4 // 500 * 100
        for rival in (*rivals[:-1], replace(rivals[-1], economy_fare_cents=fare)):
            desk.publish(rival)


def sell_out(desk: Desk, trip: Trip) -> None:
    """Add a flight to a trip's place whose seats somebody else has bought, and somebody who asked to change to it."""
    seats, first = desk.rng.choice((1, 2)), 30 + desk.rng.randrange(8)
    leg = desk.drawn(trip.origin, trip.destination, desk.time_on(trip.departs_on))
    full = desk.publish(leg, Cabins(economy=seats))
    desk.book(strangers_journey(desk, leg, desk.world.people[first : first + seats]), Service())
    other = desk.drawn(trip.origin, trip.destination, desk.time_on(trip.departs_on))
    late = desk.book(strangers_journey(desk, other, desk.world.people[38:39]), Service())
    desk.ask_for_change(late, full, hours_ago=3)


def wait_for_strangers(desk: Desk, journey: Journey) -> None:
    """Add bookings of strangers who fly within a day: with a bag to pay still, called off, and up front."""
    leg, people = journey.legs[0], desk.world.people
    soon = [
        desk.drawn(leg.origin, leg.destination, (desk.world.now + timedelta(hours=hours)).astimezone(leg.origin.zone))
        for hours in (14, 17, 20)
    ]
    unpaid = desk.book(strangers_journey(desk, soon[0], people[39:40], fare_type="flex"), UP_FRONT)
    desk.enter_points(desk.customer(people[39]), "welcome", WELCOME_POINTS, desk.world.now - 300 * Day)
    desk.ask_for_bag(unpaid, hours_ago=4)
    desk.book(strangers_journey(desk, soon[1], people[40:41], state="cancelled"), Service())
    desk.book(strangers_journey(desk, soon[2], people[41:42], fare_type="flex", cabin="business"), UP_FRONT)
    desk.enter_points(desk.customer(people[41]), "welcome", WELCOME_POINTS, desk.world.now - 300 * Day)


def strangers_journey(desk: Desk, leg: Leg, party: Sequence[Person], **more: Any) -> Journey:
    """Give the journey of people who have nothing to do with the persona; `more` says what is out of the ordinary."""
    usual = Journey(
        trip_id=None,
        reference=desk.new_id("bookings.reference"),
        person_id=party[0].person_id,
        legs=(leg,),
        cabin="economy",
        fare_type="standard",
        travellers=tuple(person.name for person in party),
        bags=0,
        upgraded=False,
        price_cents=len(party) * leg.economy_fare_cents,
        booked_at=desk.world.now - timedelta(days=3 + desk.rng.randrange(45), minutes=desk.rng.randrange(24 * 60)),
        state="confirmed",
        refunded_cents=0,
        refunded_at=None,
    )
    journey = replace(usual, **more)
    return replace(journey, price_cents=len(party) * journey.fare_cents(leg))


def fill_timetable(desk: Desk, count: int) -> None:
    """Add flights of the coming weeks between cities, most of them between the big ones."""
    starts, ends = zipf(desk.rng, desk.world.cities, count), zipf(desk.rng, desk.world.cities, count)
    for origin, destination in zip(starts, ends, strict=True):
        day = desk.world.today + (2 + desk.rng.randrange(60)) * Day
        if origin != destination:
            desk.publish(desk.drawn(origin, destination, desk.time_on(day)))


def spelled(moment: datetime) -> str:
    """Write a moment as the schema does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The desk ------------------------------------------------------------------------------------------------------------


class Desk:
    """The rows so far, grown booking by booking so that seats, money and points agree."""

    def __init__(self, world: World, journeys: Iterable[Journey]) -> None:
        self.world = world
        self.people = {person.person_id: person for person in world.people}
        self.rng: Random = world.stream("airline/desk")
        self.rows: Rows = defaultdict(list)
        self.ids = {column: world.ids(f"airline/{column}", pattern) for column, pattern in ID_PATTERNS.items()}
        taken = {leg.flight_number for journey in world.journeys for leg in journey.legs}
        numbers = world.stream("airline/numbers").sample(FLIGHT_NUMBERS, len(FLIGHT_NUMBERS))
        self.numbers = (number for number in (f"EV{number}" for number in numbers) if number not in taken)
        self.booked: Counter[str] = Counter()
        for journey in journeys:
            self.booked.update({leg.flight_number: len(journey.travellers) for leg in journey.legs})
        self.flights: dict[str, Row] = {}
        self.cabins: dict[tuple[str, str], Row] = {}
        self.chosen: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.customers: dict[str, Row] = {}
        self.served: set[str] = set()
        self.publish_rules()

    def add(self, table: str, **row: Any) -> Row:
        """Add a row to a table."""
        self.rows[table].append(row)
        return row

    def new_id(self, column: str) -> str:
        """Give the next id of a column."""
        return next(self.ids[column])

    def publish_rules(self) -> None:
        """Add what is the same in every world: the fare rules and the plan of the cabins."""
        for fare_type, fare in FARES.items():
            self.add("fare_rules", fare_type=fare_type, seat_choice=int(fare_type in SEAT_CHOICE), **asdict(fare))
        for cabin, seats in SEAT_PLAN.items():
            for ordinal, seat in enumerate(seats, 1):
                self.add("seat_plan", cabin=cabin, seat=seat, ordinal=ordinal, position=POSITIONS[seat[-1]])

    # Flights

    def time_on(self, day: date, first: int = 6, last: int = 21) -> datetime:
        """Draw a local time of a day, between two full hours."""
        return datetime.combine(day, time(first)) + timedelta(minutes=5 * self.rng.randrange(12 * (last - first)))

    def serve(self, city: City) -> None:
        """Add the airports of a city, once."""
        if city.name not in self.served:
            self.served.add(city.name)
            for airport in city.airports:
                self.add("airports", airport_code=airport.code, name=airport.name, city=city.name, country=city.country)

    def drawn(self, origin: City, destination: City, local: datetime, trouble: Terms | None = None) -> Leg:
        """Give a flight between two cities, planned for a local time, that no journey of the world is on."""
        planned = local.replace(tzinfo=origin.zone).astimezone(UTC)
        leg = draw_flight(self.rng, (origin, destination), planned, trouble or Terms())
        return replace(leg, flight_number=next(self.numbers))

    def publish(self, leg: Leg, cabins: Cabins = Cabins()) -> Row:
        """Give the row of a flight, adding it with its cabins once."""
        if leg.flight_number not in self.flights:
            self.serve(leg.origin)
            self.serve(leg.destination)
            departs = leg.departs_at.astimezone(leg.origin.zone)
            self.flights[leg.flight_number] = flight = self.add(
                "flights",
                flight_id=self.new_id("flights.flight_id"),
                flight_number=leg.flight_number,
                origin_code=leg.origin_code,
                destination_code=leg.destination_code,
                departs_at=spelled(leg.departs_at),
                departs_on=departs.strftime("%Y-%m-%d"),
                departs_local=departs.strftime("%Y-%m-%dT%H:%M"),
                arrives_at=spelled(leg.arrives_at),
                arrives_local=leg.arrives_at.astimezone(leg.destination.zone).strftime("%Y-%m-%dT%H:%M"),
                stops=leg.stops,
                status="cancelled" if leg.cancelled else "delayed" if leg.delay_minutes else "scheduled",
                delay_minutes=leg.delay_minutes,
            )
            self.furnish(flight, leg, cabins)
        return self.flights[leg.flight_number]

    def furnish(self, flight: Row, leg: Leg, cabins: Cabins) -> None:
        """Give a flight an economy cabin with room for all that book it, and a business cabin if planned or drawn."""
        drawn = max(6 + self.rng.randrange(6), self.booked[leg.flight_number])
        self.add_cabin(flight, "economy", cabins.economy or drawn, leg.fare_cents("economy"))
        business = 2 + self.rng.randrange(3) if self.rng.randrange(5) == 0 else 0
        if cabins.business or business:
            self.add_cabin(flight, "business", cabins.business or business, leg.fare_cents("business"))

    def add_cabin(self, flight: Row, cabin: str, seats: int, fare_cents: int) -> None:
        """Add a cabin of a flight, of which nothing is sold yet."""
        self.cabins[flight["flight_id"], cabin] = self.add(
            "cabins", flight_id=flight["flight_id"], cabin=cabin, seats=seats, seats_sold=0, fare_cents=fare_cents
        )

    # Customers

    def customer(self, person: Person) -> Row:
        """Give the customer that a person is, adding them once."""
        if person.person_id not in self.customers:
            self.customers[person.person_id] = customer = self.add(
                "customers",
                customer_id=self.new_id("customers.customer_id"),
                name=person.name,
                email=person.email,
                phone=person.phone,
                points=0,
            )
            welcome = WELCOME_POINTS if person is self.world.persona else 500 * (1 + self.rng.randrange(12))
            joined = self.world.now - timedelta(days=400 + self.rng.randrange(900), minutes=self.rng.randrange(720))
            self.enter_points(customer, "welcome", welcome, joined)
        return self.customers[person.person_id]

    def enter_points(self, customer: Row, kind: str, points: int, when: datetime, segment: Row | None = None) -> None:
        """Add an entry to the ledger of points, and to the balance."""
        self.add(
            "point_entries",
            entry_id=self.new_id("point_entries.entry_id"),
            customer_id=customer["customer_id"],
            segment_id=segment and segment["segment_id"],
            kind=kind,
            points=points,
            entered_at=spelled(when),
        )
        customer["points"] += points

    # Bookings

    def book(self, journey: Journey, service: Service) -> Row:
        """Add the booking of a journey with its segments, passengers, tickets and payments."""
        customer = self.customer(self.people[journey.person_id])
        booking = self.add(
            "bookings",
            booking_id=self.new_id("bookings.booking_id"),
            reference=journey.reference,
            customer_id=customer["customer_id"],
            fare_type=journey.fare_type,
            status=journey.state,
            booked_at=spelled(journey.booked_at),
            expires_at=spelled(journey.booked_at + Day),
            paid_cents=0,
        )
        passengers = [self.add_passenger(booking, name) for name in journey.travellers]
        tickets = []
        for way, leg in zip(("outbound", "return"), journey.legs, strict=False):
            flight = self.publish(leg, service.cabins if way == "outbound" else Cabins())
            segment = self.add_segment(booking, way, flight, journey, leg)
            checked_in_at = self.check_in_time(journey, leg, service)
            tickets += self.issue_tickets(segment, passengers, journey, service, checked_in_at)
            if checked_in_at:
                earned = segment["fare_cents"] * len(passengers) // 100
                self.enter_points(customer, "earned", earned, checked_in_at, segment)
        self.settle(booking, tickets, journey)
        return booking

    def add_passenger(self, booking: Row, name: str) -> Row:
        """Add somebody to a booking."""
        passenger_id = self.new_id("passengers.passenger_id")
        return self.add("passengers", passenger_id=passenger_id, booking_id=booking["booking_id"], name=name)

    def add_segment(self, booking: Row, way: str, flight: Row, journey: Journey, leg: Leg) -> Row:
        """Add a flight to a booking, at the fare that the journey has for it."""
        return self.add(
            "segments",
            segment_id=self.new_id("segments.segment_id"),
            booking_id=booking["booking_id"],
            leg=way,
            flight_id=flight["flight_id"],
            cabin=journey.cabin,
            fare_cents=journey.fare_cents(leg),
        )

    def check_in_time(self, journey: Journey, leg: Leg, service: Service) -> datetime | None:
        """Give when the passengers of a flight checked in: in time for one that has left, or as the service says."""
        if journey.state != "confirmed" or leg.cancelled:
            return None
        if leg.departs_at <= self.world.now:
            return leg.departs_at - timedelta(hours=23, minutes=self.rng.randrange(50))
        return self.world.now - timedelta(minutes=90) if service.checked_in else None

    def issue_tickets(
        self,
        segment: Row,
        passengers: Sequence[Row],
        journey: Journey,
        service: Service,
        checked_in_at: datetime | None,
    ) -> list[Row]:
        """Add the tickets of a segment and take their seats; the first passenger has the bags."""
        key = (segment["flight_id"], segment["cabin"])
        if journey.state == "confirmed":
            self.cabins[key]["seats_sold"] += len(passengers)
        chosen = service.seats if journey.state == "confirmed" and journey.fare_type in SEAT_CHOICE else 0
        return [
            self.add(
                "tickets",
                ticket_id=self.new_id("tickets.ticket_id"),
                segment_id=segment["segment_id"],
                passenger_id=passenger["passenger_id"],
                seat=self.take_seat(key) if checked_in_at or number < chosen else None,
                bags=0 if number else journey.bags,
                checked_in_at=checked_in_at and spelled(checked_in_at),
            )
            for number, passenger in enumerate(passengers)
        ]

    def take_seat(self, key: tuple[str, str]) -> str:
        """Take a free seat of a flight's cabin."""
        seats = SEAT_PLAN[key[1]][: self.cabins[key]["seats"]]
        seat = self.rng.choice([seat for seat in seats if seat not in self.chosen[key]])
        self.chosen[key].add(seat)
        return seat

    # Payments

    def settle(self, booking: Row, tickets: Sequence[Row], journey: Journey) -> None:
        """Add the payments of a booking: fares and bags, asked for and paid together, and what was paid back."""
        status, fee = "pending" if journey.state == "held" else "paid", FARES[journey.fare_type].bag_fee_cents
        self.ask(booking, "fare", journey.price_cents - journey.bags_cents, journey.booked_at, status=status)
        for ticket in (ticket for ticket in tickets if ticket["bags"]):
            bags, ticket_id = ticket["bags"], ticket["ticket_id"]
            self.ask(booking, "bags", fee * bags, journey.booked_at, status=status, ticket_id=ticket_id, bags=bags)
        if journey.refunded_at is not None:
            booking["paid_cents"] -= journey.refunded_cents
            self.add(
                "payments",
                payment_id=self.new_id("payments.payment_id"),
                booking_id=booking["booking_id"],
                kind="refund",
                amount_cents=journey.refunded_cents,
                status="paid",
                created_at=spelled(journey.refunded_at),
            )

    def ask(self, booking: Row, kind: str, amount: int, when: datetime, **more: Any) -> None:
        """Add a payment that was asked for at a time, for a day; `more` says its status and what it is for."""
        self.add(
            "payments",
            payment_id=self.new_id("payments.payment_id"),
            booking_id=booking["booking_id"],
            kind=kind,
            amount_cents=amount,
            created_at=spelled(when),
            expires_at=spelled(when + Day),
            **more,
        )
        if more["status"] == "paid":
            booking["paid_cents"] += amount

    def ask_for_change(self, booking: Row, flight: Row, *, hours_ago: int) -> None:
        """Add a request to pay for the change of a booking's first flight to another one, not answered yet."""
        when, fee = self.world.now - timedelta(hours=hours_ago), FARES[booking["fare_type"]].change_fee_cents
        segment = next(row for row in self.rows["segments"] if row["booking_id"] == booking["booking_id"])
        self.ask(
            booking,
            "change",
            fee or 0,
            when,
            status="pending",
            segment_id=segment["segment_id"],
            new_flight_id=flight["flight_id"],
        )

    def ask_for_bag(self, booking: Row, *, hours_ago: int) -> None:
        """Add a request to pay for a bag on a booking's first flight, not answered yet."""
        when, fee = self.world.now - timedelta(hours=hours_ago), FARES[booking["fare_type"]].bag_fee_cents
        segment = next(row for row in self.rows["segments"] if row["booking_id"] == booking["booking_id"])
        ticket = next(row for row in self.rows["tickets"] if row["segment_id"] == segment["segment_id"])
        self.ask(booking, "bags", fee, when, status="pending", ticket_id=ticket["ticket_id"], bags=1)
