"""The airline's starting state: the persona's bookings in every stage of their life, and other people's around them.

References and routes come from the world's trips, so that mail and bank speak of the same journeys. Each booking that
the persona can still alter has eight other flights on its route to choose from, on the days around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from random import Random
from typing import Any

from servers.runtime import Rows, World
from servers.runtime.world import City, Person, Trip, deal, zipf

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
FARE_RULES: dict[str, Row] = {
    "basic": {
        "percent": 80,
        "change_fee_cents": None,
        "cancel_fee_cents": None,
        "bag_fee_cents": 4500,
        "seat_choice": 0,
    },
    "standard": {
        "percent": 100,
        "change_fee_cents": 7500,
        "cancel_fee_cents": 10000,
        "bag_fee_cents": 3500,
        "seat_choice": 1,
    },
    "flex": {"percent": 130, "change_fee_cents": 0, "cancel_fee_cents": 0, "bag_fee_cents": 2500, "seat_choice": 1},
}
SEAT_PLAN = {
    "business": ["1A", "1C", "1D", "1F"],
    "economy": [f"{number}{letter}" for number in (10, 11) for letter in "ABCDEF"],
}
POSITIONS = {"A": "window", "B": "middle", "C": "aisle", "D": "aisle", "E": "middle", "F": "window"}
WELCOME_POINTS = 15_000
UPGRADE_POINTS = 7_500
KM_PER_HOUR = 800


@dataclass(frozen=True)
class Plan:
    """What is particular about a flight; seats left out are drawn."""

    delay_minutes: int = 0
    cancelled: bool = False
    economy_seats: int = 0
    business_seats: int = 0


@dataclass(frozen=True)
class Draft:
    """A booking to be made: on what terms, for whom, and what became of it."""

    status: str = "confirmed"
    fare_type: str = "standard"
    cabin: str = "economy"
    round_trip: bool = False
    companions: int = 0
    without_customer: bool = False
    seats: int = 0
    bags: int = 0
    upgraded: bool = False
    checked_in: bool = False
    booked_hours_ago: int = 0
    flight: Plan = Plan()


PAST = (
    Draft(seats=1),
    Draft(fare_type="flex", cabin="business", upgraded=True, flight=Plan(business_seats=2)),
    Draft(fare_type="basic", companions=1),
    Draft(round_trip=True, bags=1),
    Draft(fare_type="basic"),
    Draft(fare_type="flex", companions=1, bags=1),
)
"""The persona's trips that are over, the oldest first."""

COMING = (
    Draft(companions=1, seats=1, flight=Plan(business_seats=4)),
    Draft(fare_type="flex", round_trip=True, flight=Plan(business_seats=2)),
    Draft(fare_type="basic"),
    Draft(companions=1, round_trip=True, seats=2, bags=1, flight=Plan(business_seats=1)),
    Draft(flight=Plan(cancelled=True)),
    Draft(fare_type="basic", flight=Plan(delay_minutes=400)),
    Draft(fare_type="basic", companions=3, booked_hours_ago=3, flight=Plan(business_seats=4)),
    Draft(status="held", booked_hours_ago=4),
)
"""The persona's trips to come, the next first; the last was held this morning and is not paid for yet."""

SOLD_OUT = (0, 1, 3)
"""The trips to come beside which another flight is sold out."""


SEEN_OFF = (
    Draft(cabin="business", companions=2, without_customer=True, flight=Plan(business_seats=3)),
    Draft(companions=1, without_customer=True, checked_in=True),
    Draft(companions=1, without_customer=True),
)
"""What the persona has booked for friends who fly within a day."""


def populate(world: World) -> Rows:
    """Give the rows of the airline in a world."""
    desk = Desk(world)
    own = [trip for trip in world.trips if trip.person_id == world.persona.person_id]
    others = [trip for trip in world.trips if trip.person_id != world.persona.person_id]
    book_past(desk, [trip for trip in own if trip.departs_on < world.today])
    book_coming(desk, [trip for trip in own if trip.departs_on >= world.today])
    book_others(desk, others[: world.scale(2, 95, 1_900)])
    fill_timetable(desk, world.scale(0, 40, 1_500))
    return desk.rows


# The persona's bookings ----------------------------------------------------------------------------------------------


def book_past(desk: Desk, trips: Sequence[Trip]) -> None:
    """Book the journeys that are over, and one that was called off."""
    persona = desk.world.persona
    for trip, draft in zip(trips, PAST, strict=True):
        desk.book(persona, desk.flights_of(trip, draft), draft, trip.reference)
    first = trips[0]
    called_off = desk.fly(first.destination, first.origin, desk.time_on(first.departs_on + 9 * Day))
    desk.book(persona, [called_off], Draft(status="cancelled"))


def book_coming(desk: Desk, trips: Sequence[Trip]) -> None:
    """Book the journeys to come, each among other flights, and what the persona has booked beside them."""
    persona = desk.world.persona
    bookings, rivals = [], []
    for number, (trip, draft) in enumerate(zip(trips, COMING, strict=True)):
        bookings.append(desk.book(persona, desk.flights_of(trip, draft), draft, trip.reference))
        rivals.append(offer_rivals(desk, trip, draft, trip.departs_on - (Day if number else 0 * Day)))
        if number in SOLD_OUT:
            sell_out(desk, trip)
    desk.ask_for_bag(bookings[2], hours_ago=2)
    desk.book(persona, rivals[1][:1], Draft(status="expired", fare_type="flex", booked_hours_ago=75))
    last_seat = desk.fly(
        trips[2].origin, trips[2].destination, desk.time_on(trips[2].departs_on), Plan(economy_seats=1)
    )
    desk.book(persona, [last_seat], Draft(status="held", fare_type="basic", booked_hours_ago=23))
    desk.book(persona, rivals[3][:1], Draft(status="cancelled"))
    desk.fly(trips[3].origin, trips[3].destination, desk.time_on(trips[3].departs_on), Plan(cancelled=True))
    see_off(desk, trips[0])


def offer_rivals(desk: Desk, trip: Trip, draft: Draft, first_day: date) -> list[Row]:
    """Add eight flights to a trip's place, on three days; and a few back, one of them before the way there."""
    days = [first_day + offset * Day for offset in (0, 0, 0, 1, 1, 1, 2, 2)]
    if draft.round_trip and trip.returns_on:
        for day in (trip.departs_on - Day, trip.returns_on, trip.returns_on + Day):
            desk.fly(trip.destination, trip.origin, desk.time_on(day, first=12))
    return [desk.fly(trip.origin, trip.destination, desk.time_on(day)) for day in days]


def sell_out(desk: Desk, trip: Trip) -> None:
    """Add a flight to a trip's place whose seats somebody else has bought."""
    seats = desk.rng.choice((1, 2))
    local = desk.time_on(trip.departs_on)
    flight = desk.fly(trip.origin, trip.destination, local, Plan(economy_seats=seats))
    desk.book(desk.world.people[30 + desk.rng.randrange(8)], [flight], Draft(companions=seats - 1))


def see_off(desk: Desk, trip: Trip) -> None:
    """Book flights of the next hours for friends of the persona, the last on one that closes before they check in."""
    now, zone = desk.world.now, trip.origin.zone
    moments = [(now + timedelta(hours=hour)).astimezone(zone) for hour in range(4, 21)]
    by_day = [moment.replace(minute=5 * desk.rng.randrange(12)) for moment in moments if 6 <= moment.hour <= 21]
    leaving = [*desk.rng.sample(by_day, 2), now.astimezone(zone) + timedelta(minutes=40)]
    for moment, draft in zip(leaving, SEEN_OFF, strict=True):
        flight = desk.fly(trip.origin, trip.destination, moment.replace(tzinfo=None), draft.flight)
        desk.book(desk.world.persona, [flight], draft)


# Everybody else ------------------------------------------------------------------------------------------------------


def book_others(desk: Desk, trips: Sequence[Trip]) -> None:
    """Book other people's trips on shared flights; of those to come some are held, expired or cancelled."""
    people = {person.person_id: person for person in desk.world.people}
    states = deal(desk.rng, {"confirmed": 12, "held": 2, "expired": 1, "cancelled": 2}, len(trips))
    fares = deal(desk.rng, {"basic": 4, "standard": 5, "flex": 2}, len(trips))
    for trip, state, fare_type in zip(trips, states, fares, strict=True):
        coming = trip.departs_on > desk.world.today + 2 * Day
        draft = Draft(
            status=state if coming or state == "cancelled" else "confirmed",
            fare_type=fare_type,
            round_trip=trip.returns_on is not None,
            companions=desk.rng.choice((0, 0, 0, 1, 1, 2)),
            seats=desk.rng.choice((0, 0, 1)),
            booked_hours_ago={"held": 1 + desk.rng.randrange(22), "expired": 30 + desk.rng.randrange(200)}.get(
                state, 0
            ),
        )
        flights = [desk.shared_flight(*leg) for leg in legs(trip, draft)]
        if all(desk.seats_left(flight, draft.cabin) > draft.companions for flight in flights):
            desk.book(people[trip.person_id], flights, draft, trip.reference)


def fill_timetable(desk: Desk, count: int) -> None:
    """Add flights of the coming weeks between cities, most of them between the big ones."""
    starts, ends = zipf(desk.rng, desk.world.cities, count), zipf(desk.rng, desk.world.cities, count)
    for origin, destination in zip(starts, ends, strict=True):
        day = desk.world.today + (2 + desk.rng.randrange(60)) * Day
        if origin != destination:
            desk.shared_flights[origin.name, destination.name, day].append(
                desk.fly(origin, destination, desk.time_on(day))
            )


# Small shapes --------------------------------------------------------------------------------------------------------


def legs(trip: Trip, draft: Draft) -> list[tuple[City, City, date]]:
    """Give the ways of a trip, there and perhaps back, each with its day."""
    there = [(trip.origin, trip.destination, trip.departs_on)]
    if draft.round_trip and trip.returns_on:
        return [*there, (trip.destination, trip.origin, trip.returns_on)]
    return there


def distance(one: City, other: City) -> float:
    """Give the kilometres between two cities."""
    (lat, lon), (lat2, lon2) = ((radians(city.latitude), radians(city.longitude)) for city in (one, other))
    chord = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin((lon2 - lon) / 2) ** 2
    return 2 * 6371 * asin(sqrt(chord))


def spelled(moment: datetime) -> str:
    """Write a moment as the schema does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The desk ------------------------------------------------------------------------------------------------------------


class Desk:
    """The rows so far, grown booking by booking so that seats, money and points agree."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng: Random = world.stream("airline/desk")
        self.rows: Rows = defaultdict(list)
        self.ids = {column: world.ids(f"airline/{column}", pattern) for column, pattern in ID_PATTERNS.items()}
        self.numbers = iter(world.stream("airline/numbers").sample(range(100, 10_000), 9_900))
        self.shared_flights: dict[tuple[str, str, date], list[Row]] = defaultdict(list)
        self.cabins: dict[tuple[str, str], Row] = {}
        self.held: dict[tuple[str, str], int] = defaultdict(int)
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
        for fare_type, rules in FARE_RULES.items():
            self.add("fare_rules", fare_type=fare_type, **rules)
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

    def fly(self, origin: City, destination: City, local: datetime, plan: Plan = Plan()) -> Row:
        """Add a flight between the main airports of two cities, planned for a local time, with its cabins."""
        self.serve(origin)
        self.serve(destination)
        kilometres = distance(origin, destination)
        stops = int(kilometres > 1_000 and self.rng.randrange(4) == 0)
        minutes = 40 + 60 * kilometres / KM_PER_HOUR + stops * (70 + self.rng.randrange(60))
        departs = (local + timedelta(minutes=plan.delay_minutes)).replace(tzinfo=origin.zone)
        arrives = departs.astimezone(UTC) + timedelta(minutes=5 * round(minutes / 5))
        flight = self.add(
            "flights",
            flight_id=self.new_id("flights.flight_id"),
            flight_number=f"EV{next(self.numbers)}",
            origin_code=origin.airports[0].code,
            destination_code=destination.airports[0].code,
            departs_at=spelled(departs),
            departs_on=departs.strftime("%Y-%m-%d"),
            departs_local=departs.strftime("%Y-%m-%dT%H:%M"),
            arrives_at=spelled(arrives),
            arrives_local=arrives.astimezone(destination.zone).strftime("%Y-%m-%dT%H:%M"),
            stops=stops,
            status="cancelled" if plan.cancelled else "delayed" if plan.delay_minutes else "scheduled",
            delay_minutes=plan.delay_minutes,
        )
        dollars = round((40 + kilometres * (0.07 + 0.05 * self.rng.random())) * (1 - 0.15 * stops))
        self.furnish(flight, plan, dollars)
        return flight

    def furnish(self, flight: Row, plan: Plan, dollars: int) -> None:
        """Give a flight an economy cabin at this fare, and a business cabin if planned or drawn."""
        seats = {"economy": plan.economy_seats or 6 + self.rng.randrange(7), "business": plan.business_seats}
        if not plan.business_seats and self.rng.randrange(5) == 0:
            seats["business"] = 2 + self.rng.randrange(3)
        fares = {"economy": 100 * dollars, "business": 100 * (dollars * 13 // 5)}
        for cabin in (cabin for cabin, count in seats.items() if count):
            self.cabins[flight["flight_id"], cabin] = self.add(
                "cabins",
                flight_id=flight["flight_id"],
                cabin=cabin,
                seats=seats[cabin],
                seats_sold=0,
                fare_cents=fares[cabin],
            )

    def flights_of(self, trip: Trip, draft: Draft) -> list[Row]:
        """Add the flights of a trip; what is particular about the draft's flight holds for the way there."""
        (origin, destination, day), *back = legs(trip, draft)
        there = self.fly(origin, destination, self.time_on(day, last=14), draft.flight)
        return [there, *(self.fly(start, end, self.time_on(when, first=12)) for start, end, when in back)]

    def shared_flight(self, origin: City, destination: City, day: date) -> Row:
        """Give a flight of a route and day, a new one when most seats of the last are gone."""
        flights = self.shared_flights[origin.name, destination.name, day]
        if not flights or self.seats_left(flights[-1], "economy") < 3:
            trouble = self.rng.randrange(40)
            delay = 5 * (4 + self.rng.randrange(90)) if trouble == 1 else 0
            plan = Plan(delay_minutes=delay, cancelled=trouble == 0)
            flights.append(self.fly(origin, destination, self.time_on(day, last=14), plan))
        return flights[-1]

    def seats_left(self, flight: Row, cabin: str) -> int:
        """Give how many seats of a cabin are neither sold nor held."""
        key = (flight["flight_id"], cabin)
        return int(self.cabins[key]["seats"] - self.cabins[key]["seats_sold"] - self.held[key])

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

    def book(self, person: Person, flights: Sequence[Row], draft: Draft, reference: str = "") -> Row:
        """Add a booking with its segments, passengers, tickets and payments, in the state that the draft says."""
        customer, booked = self.customer(person), self.booking_time(flights[0], draft)
        booking = self.add(
            "bookings",
            booking_id=self.new_id("bookings.booking_id"),
            reference=reference or self.new_id("bookings.reference"),
            customer_id=customer["customer_id"],
            fare_type=draft.fare_type,
            status="held" if draft.status == "expired" else draft.status,
            booked_at=spelled(booked),
            expires_at=spelled(booked + Day),
            paid_cents=0,
        )
        passengers = [
            self.add(
                "passengers",
                passenger_id=self.new_id("passengers.passenger_id"),
                booking_id=booking["booking_id"],
                name=name,
            )
            for name in self.names(person, draft)
        ]
        tickets = []
        for leg, flight in zip(("outbound", "return"), flights, strict=False):
            segment = self.add_segment(booking, leg, flight, draft)
            tickets += self.issue_tickets(segment, passengers, draft, self.check_in_time(flight, draft))
            if tickets[-1]["checked_in_at"]:
                earned = segment["fare_cents"] * len(passengers) // 100
                self.enter_points(
                    customer, "earned", earned, datetime.fromisoformat(tickets[-1]["checked_in_at"]), segment
                )
        self.settle(booking, tickets, draft)
        return booking

    def booking_time(self, flight: Row, draft: Draft) -> datetime:
        """Give when a booking was made: as long ago as the draft says, or some weeks before now or departure."""
        now = self.world.now
        if draft.booked_hours_ago:
            return now - timedelta(hours=draft.booked_hours_ago, minutes=1 + self.rng.randrange(49))
        before = min(now, datetime.fromisoformat(flight["departs_at"]))
        return before - timedelta(days=3 + self.rng.randrange(45), minutes=self.rng.randrange(24 * 60))

    def names(self, person: Person, draft: Draft) -> list[str]:
        """Give the names of the passengers of a draft that a person books."""
        friends = [friend.name for friend in self.world.people[20:24] if friend is not person][: draft.companions]
        return friends if draft.without_customer else [person.name, *friends]

    def add_segment(self, booking: Row, leg: str, flight: Row, draft: Draft) -> Row:
        """Add a flight to a booking, at the fare of its cabin and type."""
        fare = self.cabins[flight["flight_id"], "economy" if draft.upgraded else draft.cabin]["fare_cents"]
        return self.add(
            "segments",
            segment_id=self.new_id("segments.segment_id"),
            booking_id=booking["booking_id"],
            leg=leg,
            flight_id=flight["flight_id"],
            cabin=draft.cabin,
            fare_cents=fare * FARE_RULES[draft.fare_type]["percent"] // 100,
        )

    def check_in_time(self, flight: Row, draft: Draft) -> str | None:
        """Give when the passengers of a flight checked in: in time for one that has left, or as the draft says."""
        departs = datetime.fromisoformat(flight["departs_at"])
        if draft.status != "confirmed" or flight["status"] == "cancelled":
            return None
        if departs <= self.world.now:
            return spelled(departs - timedelta(hours=23, minutes=self.rng.randrange(50)))
        return spelled(self.world.now - timedelta(minutes=90)) if draft.checked_in else None

    def issue_tickets(
        self, segment: Row, passengers: Sequence[Row], draft: Draft, checked_in_at: str | None
    ) -> list[Row]:
        """Add the tickets of a segment and take their seats; the first passenger has the bags."""
        key = (segment["flight_id"], segment["cabin"])
        if draft.status == "confirmed":
            self.cabins[key]["seats_sold"] += len(passengers)
        if draft.status == "held":
            self.held[key] += len(passengers)
        chooses = draft.status == "confirmed" and FARE_RULES[draft.fare_type]["seat_choice"]
        return [
            self.add(
                "tickets",
                ticket_id=self.new_id("tickets.ticket_id"),
                segment_id=segment["segment_id"],
                passenger_id=passenger["passenger_id"],
                seat=self.take_seat(key) if checked_in_at or (chooses and number < draft.seats) else None,
                bags=0 if number else draft.bags,
                checked_in_at=checked_in_at,
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

    def settle(self, booking: Row, tickets: Sequence[Row], draft: Draft) -> None:
        """Add the payments of a booking: what was asked for, what was paid, and what was paid back."""
        booked, rules = datetime.fromisoformat(booking["booked_at"]), FARE_RULES[draft.fare_type]
        fares = {row["segment_id"]: row["fare_cents"] for row in self.rows["segments"][-2:]}
        total = sum(fares[ticket["segment_id"]] for ticket in tickets)
        paid = draft.status in ("confirmed", "cancelled")
        self.ask(booking, "fare", total, booked, status="paid" if paid else "pending")
        for ticket in (ticket for ticket in tickets if ticket["bags"]):
            amount, bags = rules["bag_fee_cents"] * ticket["bags"], ticket["bags"]
            when = booked + timedelta(hours=1)
            self.ask(booking, "bags", amount, when, status="paid", ticket_id=ticket["ticket_id"], bags=bags)
        if draft.status == "cancelled":
            fee = rules["cancel_fee_cents"]
            passengers = len({ticket["passenger_id"] for ticket in tickets})
            self.pay_back(booking, 0 if fee is None else max(0, total - fee * passengers))

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

    def ask_for_bag(self, booking: Row, *, hours_ago: int) -> None:
        """Add a request to pay for a bag on a booking's first flight, not answered yet."""
        when, fee = self.world.now - timedelta(hours=hours_ago), FARE_RULES[booking["fare_type"]]["bag_fee_cents"]
        segment = next(row for row in self.rows["segments"] if row["booking_id"] == booking["booking_id"])
        ticket = next(row for row in self.rows["tickets"] if row["segment_id"] == segment["segment_id"])
        self.ask(booking, "bags", fee, when, status="pending", ticket_id=ticket["ticket_id"], bags=1)

    def pay_back(self, booking: Row, amount: int) -> None:
        """Add the refund of a cancelled booking, a day after it was made."""
        if amount:
            booking["paid_cents"] -= amount
            self.add(
                "payments",
                payment_id=self.new_id("payments.payment_id"),
                booking_id=booking["booking_id"],
                kind="refund",
                amount_cents=amount,
                status="paid",
                created_at=spelled(datetime.fromisoformat(booking["booked_at"]) + Day),
            )
