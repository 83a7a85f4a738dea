"""Appointments: what stands in the persona's calendar and in those of the people around them.

Whoever owns or attends an appointment is busy then, and nobody is made to be in two places at once, except by a series
that goes on while its people fly. Flights stand in the calendar as the journeys have them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal

from servers.runtime.world.background import Background
from servers.runtime.world.draw import Stream
from servers.runtime.world.journeys import Journey
from servers.runtime.world.people import Person
from servers.runtime.world.places import City, zone
from servers.runtime.world.relations import RelationKind, by_person, related
from servers.runtime.world.trips import Trip

SECTION = "appointments@1"
BACK, AHEAD = 30, 60
"""So many days before and after today the calendars are filled."""

AppointmentKind = Literal["meeting", "one_on_one", "dentist", "doctor", "lunch", "birthday", "travel", "focus", "class"]
Recurrence = Literal["daily", "weekly", "monthly"]
Span = tuple[datetime, datetime]
Day = timedelta(days=1)
_STEP = timedelta(minutes=15)
_ATTEMPTS = 60
_CANCELLED_EVERY = 9


@dataclass(frozen=True, slots=True)
class Appointment:
    """Something in the calendar of `owner_id`; `attendee_ids` are the others who take part.

    Times are UTC; `timezone` is that of the place, in which a series keeps its hour. A series comes back from
    `starts_on` by `recurrence` until the day `until`, itself included; both are None for what comes once. `reference`
    is the journey's for the kind "travel", else None. `place` is empty for what has none.
    """

    appointment_id: str
    owner_id: str
    title: str
    kind: AppointmentKind
    starts_at: datetime
    ends_at: datetime
    timezone: str
    place: str
    attendee_ids: tuple[str, ...]
    reference: str | None = None
    cancelled: bool = False
    recurrence: Recurrence | None = None
    until: date | None = None

    @property
    def starts_on(self) -> date:
        """The day of the first time, by the clock of the place."""
        return self.starts_at.astimezone(zone(self.timezone)).date()

    def occurrences(self) -> tuple[Span, ...]:
        """Give each time that it takes place, in UTC: at the same hour of its place in summer and winter."""
        return tuple(_occurrences(self))


def _occurrences(appointment: Appointment) -> Iterator[Span]:
    """Give the times of an appointment, one after another; a month that lacks the day is left out."""
    local, length = (
        appointment.starts_at.astimezone(zone(appointment.timezone)),
        appointment.ends_at - appointment.starts_at,
    )
    day = local.date()
    while day <= (appointment.until or local.date()):
        start = datetime.combine(day, local.time(), local.tzinfo).astimezone(UTC)
        if appointment.recurrence != "monthly" or day.day == local.day:
            yield start, start + length
        day += Day * (7 if appointment.recurrence == "weekly" else 1)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A kind of appointment to be made: how often, between which hours of a working day or any day, and with whom."""

    kind: AppointmentKind
    titles: tuple[str, ...]
    places: tuple[str, ...]
    count: int
    hours: tuple[int, int]
    minutes: tuple[int, ...]
    company: tuple[RelationKind, ...] = ()
    most: int = 1
    any_day: bool = False


_ROOMS = ("Room Alder", "Room Birch", "Room Cedar", "Video call")
_CLINICS = ("City Dental Practice", "Elm Street Clinic")
_CAFES = ("Cafe Lumen", "Noodle Bar Kumo", "Trattoria Bella", "The Copper Spoon")
_TOPICS = (
    "Budget review",
    "Project kick-off",
    "Design review",
    "Quarterly planning",
    "Supplier call",
    "Roadmap review",
    "Hiring panel",
    "Contract review",
)
_OWN = (
    _Plan("dentist", ("Dentist check-up",), _CLINICS[:1], 2, (8, 17), (30, 45), ("dentist",)),
    _Plan("doctor", ("Doctor's appointment",), _CLINICS[1:], 2, (8, 17), (30,), ("doctor",)),
    _Plan("meeting", _TOPICS, _ROOMS, 18, (9, 17), (30, 60, 90), ("colleague",), 3),
    _Plan("one_on_one", ("One-on-one",), ("Video call",), 6, (9, 17), (30,), ("colleague",)),
    _Plan("lunch", ("Lunch",), _CAFES, 7, (12, 13), (60,), ("friend", "partner", "colleague")),
    _Plan("focus", ("Focus time", "Write report", "Prepare slides"), ("",), 7, (8, 17), (90, 120)),
    _Plan("class", ("Pottery class", "Cooking class"), ("Community Centre",), 3, (18, 20), (90,), any_day=True),
)
"""What comes once in the persona's calendar."""

_TEAM = (
    _Plan("meeting", _TOPICS, _ROOMS, 4, (9, 17), (30, 60), ("colleague",), 2),
    _Plan("focus", ("Focus time", "Write report"), ("",), 3, (8, 17), (60, 120)),
    _Plan("lunch", ("Lunch",), _CAFES, 2, (12, 13), (60,)),
)
"""What comes in the calendar of each colleague and of the manager, in three weeks from a week ago."""

_CIRCLE = (
    _Plan("class", ("Yoga class", "Choir practice"), ("Community Centre",), 2, (17, 20), (60,), any_day=True),
    _Plan("meeting", _TOPICS, _ROOMS, 2, (9, 17), (60,)),
)
"""What comes in the calendar of the partner and of each friend."""


def draw_appointments(stream: Stream, background: Background) -> tuple[Appointment, ...]:
    """Give the persona's appointments in the order of time, then those of the people around them."""
    calendar, own = _Calendar(background), background.own_trips()
    calendar.add_travel(background.own_journeys())
    calendar.leave([trip for trip in own if trip.returns_on is not None])
    calendar.add_series(stream("appointments/series"))
    calendar.add_client_meetings([trip for trip in own if trip.purpose == "work"])
    calendar.add_birthdays()
    rng = stream("appointments/persona")
    for plan in _OWN:
        calendar.fill(rng, background.persona, plan, (BACK, AHEAD))
    rng = stream("appointments/others")
    for person_id in background.of_persona("manager", "colleague"):
        for plan in _TEAM:
            calendar.fill(rng, calendar.people[person_id], plan, (7, 14))
    for person_id in background.of_persona("partner", "friend"):
        for plan in _CIRCLE:
            calendar.fill(rng, calendar.people[person_id], plan, (7, 14))
    return calendar.numbered()


class _Calendar:
    """The appointments so far, and when everybody is busy or away because of them."""

    def __init__(self, background: Background) -> None:
        self.background = background
        self.persona = background.persona
        self.today = background.today
        self.people = {person.person_id: person for person in background.people}
        self.relations = by_person(background.relations)
        self.appointments: list[Appointment] = []
        self.busy: dict[str, list[Span]] = defaultdict(list)
        self.away: dict[str, set[date]] = defaultdict(set)

    def numbered(self) -> tuple[Appointment, ...]:
        """Give everything with its id: the persona's in the order of time, then person by person."""
        order = {person_id: number for number, person_id in enumerate(self.people)}
        by_time = sorted(self.appointments, key=lambda made: (order[made.owner_id], made.starts_at, made.title))
        return tuple(replace(made, appointment_id=f"A{number:05d}") for number, made in enumerate(by_time, start=1))

    def add(self, appointment: Appointment) -> None:
        """Add an appointment, which keeps everybody busy unless it is cancelled."""
        self.appointments.append(appointment)
        if not appointment.cancelled:
            for person_id in (appointment.owner_id, *appointment.attendee_ids):
                self.busy[person_id] += appointment.occurrences()

    def is_free(self, person_ids: Sequence[str], span: Span) -> bool:
        """Say whether none of some people is busy in a span of time."""
        return not any(
            start < span[1] and span[0] < end for person_id in person_ids for start, end in self.busy[person_id]
        )

    def made(self, plan: _Plan, owner: Person, place: City, start: datetime, *, minutes: int) -> Appointment:
        """Give an appointment by the clock of a city, with the first title and place of a plan."""
        starts_at = start.replace(tzinfo=place.zone).astimezone(UTC)
        ends_at = starts_at + timedelta(minutes=minutes)
        title, where = plan.titles[0], plan.places[0]
        return Appointment("", owner.person_id, title, plan.kind, starts_at, ends_at, place.timezone, where, ())

    def add_travel(self, journeys: Sequence[Journey]) -> None:
        """Add the flights of the persona that are paid for, and cancelled ones where they called the journey off."""
        by_name = {person.name: person.person_id for person in self.people.values()}
        first = self.today - BACK * Day
        for journey in journeys:
            party = tuple(by_name[name] for name in journey.travellers)
            if journey.state == "held" or party[0] != self.persona.person_id:
                continue
            for leg in (leg for leg in journey.legs if leg.departs_at.date() >= first):
                self.add(
                    Appointment(
                        appointment_id="",
                        owner_id=self.persona.person_id,
                        title=f"Flight {leg.flight_number} to {leg.destination.name}",
                        kind="travel",
                        starts_at=leg.departs_at,
                        ends_at=leg.arrives_at,
                        timezone=leg.origin.timezone,
                        place=f"{leg.origin.airports[0].name} ({leg.origin_code})",
                        attendee_ids=party[1:],
                        reference=journey.reference,
                        cancelled=journey.state == "cancelled",
                    )
                )

    def leave(self, trips: Sequence[Trip]) -> None:
        """Take the persona away from home for the days of their trips."""
        for trip in trips:
            days = ((trip.returns_on or trip.departs_on) - trip.departs_on).days
            self.away[trip.person_id] |= {trip.departs_on + number * Day for number in range(days + 1)}

    def add_series(self, rng: Random) -> None:
        """Add what comes back in the persona's calendar: with the team, the manager and friends, and a class."""
        team = self.background.of_persona("manager", "colleague")
        friends = rng.sample(self.background.of_persona("friend"), 3)
        boss = self.people[team[0]]
        monday = self.today - (BACK - 2 + self.today.weekday()) * Day
        at = [
            (monday + day * Day, time(*clock))
            for day, clock in ((rng.randrange(2), (10, 0)), (3, (14, 0)), (2, (18, 30)))
        ]
        some_day = monday + rng.randrange(20) * Day
        monthly = some_day if some_day.day <= 28 else some_day + 4 * Day
        at += [(monthly, time(19, 30)), (self.today - 10 * Day, time(7, 30))]
        rows: tuple[tuple[AppointmentKind, str, str, Sequence[str], int, Recurrence], ...] = (
            ("meeting", "Team meeting", "Video call", team, 60, "weekly"),
            ("one_on_one", f"One-on-one with {boss.given_name}", "Video call", team[:1], 30, "weekly"),
            ("class", "Spanish class", "Language School", (), 60, "weekly"),
            ("meeting", "Book club", "Public Library", friends, 90, "monthly"),
            ("class", "Language practice", "", (), 15, "daily"),
        )
        for (day, clock), (kind, title, place, attendees, minutes, recurrence) in zip(at, rows, strict=True):
            plan = _Plan(kind, (title,), (place,), 1, (0, 0), ())
            once = self.made(plan, self.persona, self.persona.home, datetime.combine(day, clock), minutes=minutes)
            until = self.today + (20 if recurrence == "daily" else AHEAD) * Day
            self.add(replace(once, attendee_ids=tuple(attendees), recurrence=recurrence, until=until))

    def add_client_meetings(self, trips: Sequence[Trip]) -> None:
        """Add what the persona travels for when they travel for work: a meeting there, on the last morning."""
        for trip in trips:
            last = trip.returns_on
            if last is None or last < self.today - BACK * Day:
                continue
            title, place = f"Client meeting in {trip.destination.name}", f"Client's office, {trip.destination.name}"
            plan = _Plan("meeting", (title,), (place,), 1, (0, 0), ())
            start = datetime.combine(last, time(10))
            meeting = self.made(plan, self.persona, trip.destination, start, minutes=60)
            if self.is_free([trip.person_id], (meeting.starts_at, meeting.ends_at)):
                self.add(meeting)

    def add_birthdays(self) -> None:
        """Add the birthdays of family and friends: an evening together, or a call in the morning of a busy day."""
        me, home = self.persona.person_id, self.persona.home
        for other in self.background.of_persona("partner", "child", "parent", "friend"):
            person = self.people[other]
            for day in (self.today + number * Day for number in range(-BACK, AHEAD)):
                if (day.month, day.day) != (person.born_on.month, min(person.born_on.day, 28 + 3 * (day.month != 2))):
                    continue
                evening = _Plan("birthday", (f"{person.given_name}'s birthday",), (_CAFES[2],), 1, (0, 0), ())
                together = self.made(evening, self.persona, home, datetime.combine(day, time(19)), minutes=90)
                call = self.made(evening, self.persona, home, datetime.combine(day, time(8)), minutes=15)
                span = (together.starts_at, together.ends_at)
                if day not in self.away[me] and self.is_free([me, other], span):
                    self.add(replace(together, attendee_ids=(other,)))
                elif self.is_free([me], (call.starts_at, call.ends_at)):
                    self.add(replace(call, place="", attendee_ids=(other,)))

    def fill(self, rng: Random, owner: Person, plan: _Plan, days: tuple[int, int]) -> None:
        """Add the appointments of a plan to somebody's calendar, every third on the days back, when all are free."""
        back, ahead = days
        for number in range(plan.count):
            for _ in range(_ATTEMPTS):
                offset = -1 - rng.randrange(back) if number % 3 == 0 else rng.randrange(ahead)
                appointment = self._drawn(rng, owner, plan, self.today + offset * Day)
                everybody = [owner.person_id, *appointment.attendee_ids]
                if self._suits(appointment, plan, everybody):
                    self.add(appointment)
                    break

    def _suits(self, appointment: Appointment, plan: _Plan, people: Sequence[str]) -> bool:
        """Say whether the day is one for such a plan, with nobody away, and the time one when all are free."""
        day = appointment.starts_on
        fits = (plan.any_day or day.weekday() < 5) and not any(day in self.away[person_id] for person_id in people)
        return fits and self.is_free(people, (appointment.starts_at, appointment.ends_at))

    def _drawn(self, rng: Random, owner: Person, plan: _Plan, day: date) -> Appointment:
        """Give an appointment of a plan at some time of a day."""
        minutes = rng.choice(plan.minutes)
        first, last = plan.hours
        start = datetime.combine(day, time(first)) + _STEP * rng.randrange((last - first) * 4)
        company = related(self.relations.get(owner.person_id, ()), owner.person_id, *plan.company)
        attendees = tuple(rng.sample(company, min(len(company), 1 + rng.randrange(plan.most))))
        title = rng.choice(plan.titles)
        if plan.kind in ("one_on_one", "lunch") and attendees:
            title = f"{title} with {self.people[attendees[0]].given_name}"
        return replace(
            self.made(plan, owner, owner.home, start, minutes=minutes),
            title=title,
            place=rng.choice(plan.places),
            attendee_ids=attendees,
            cancelled=len(self.appointments) % _CANCELLED_EVERY == 0,
        )
