"""The company's starting state: the persona's calendars in every stage of their life, and other people's around them.

What the world knows of appointments stands here as it does elsewhere: flights at their times and under their
reference, meetings with the same people. Beside it others invite the persona, let them into their calendars, and meet
without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from servers.runtime import Rows, World
from servers.runtime.world import Appointment, Person, related, zipf
from servers.runtime.world.places import zone

Row = dict[str, Any]
Span = tuple[datetime, datetime]
Day = timedelta(days=1)

ID_PATTERNS = {
    "people.person_id": r"^PN[0-9]{4}$",
    "calendars.calendar_id": r"^CL[0-9]{4}$",
    "rooms.room_id": r"^RM[0-9]{3}$",
    "events.event_id": r"^EV[0-9]{6}$",
    "occurrences.occurrence_id": r"^OC[0-9]{6}$",
    "invitations.invitation_id": r"^IN[0-9]{6}$",
    "proposals.proposal_id": r"^PR[0-9]{6}$",
}
ROOMS = (
    ("Alder", 1, 8, 1),
    ("Birch", 1, 6, 0),
    ("Cedar", 2, 10, 1),
    ("Dogwood", 2, 2, 0),
    ("Elder", 3, 4, 1),
    ("Fir", 3, 20, 1),
    ("Gorse", 4, 3, 0),
)
"""The rooms of the persona's office: name, floor, seats, and whether there is a screen."""
ELSEWHERE = (("Hazel", 1, 12, 1), ("Juniper", 5, 5, 0), ("Larch", 2, 16, 1))
"""One room each in the offices of three other cities."""
DEPARTMENTS = ("Finance", "Marketing", "Engineering", "Sales", "Legal", "People", "Operations")
GUESTS = "Guest"
"""The department of those who don't work here: friends, family, a dentist."""
PRIVATE_KINDS = ("dentist", "doctor", "lunch", "birthday", "class")
HALF_HOURS = [time(hour, minute) for hour in range(9, 17) for minute in (0, 30)]
STEP = {"weekly": 7, "daily": 1}


@dataclass(frozen=True)
class Plan:
    """An event to be made: so many days from today, how often, what became of it, and what the persona answered."""

    title: str
    day: int
    answer: str = "accepted"
    status: str = "confirmed"
    clash: bool = False
    """Whether it falls on something that the persona has accepted."""
    dates: int = 1
    """Of a weekly series, when there are several."""
    guests: int = 1
    """Beside the organizer and the persona."""
    room: str = ""


FROM_OTHERS = (
    Plan("Launch briefing", 3, "needs_action"),
    Plan("Onboarding talk", 5, "needs_action"),
    Plan("Market update", 8, "needs_action", dates=3),
    Plan("Security training", 4, "needs_action", clash=True),
    Plan("Travel policy talk", 9, "needs_action", clash=True),
    Plan("Brand workshop", 6, "tentative"),
    Plan("Vendor demo", 12, "tentative", clash=True),
    Plan("Customer panel", 2, "declined"),
    Plan("Data review", 10, "declined", dates=3),
    Plan("Office move planning", 7, dates=4),
    Plan("Sales forecast", 11),
    Plan("Press preview", -2, "needs_action"),
    Plan("Lessons learned", -4),
    Plan("Partner summit", 6, "needs_action", status="cancelled"),
    Plan("Town hall", 13, status="cancelled"),
)
"""What colleagues have invited the persona to."""

OWN = (
    Plan("Project sync", -11, dates=7, guests=3, room="Birch"),
    Plan("Design critique", 2, guests=3, room="Elder"),
    Plan("Interview debrief", 5, guests=2, room="Gorse"),
    Plan("Release check", 9, room="Dogwood"),
    Plan("Archive clean-up", 7, status="cancelled"),
)
"""What the persona has set up in the project's calendar. One date of the series has moved, another was called off."""

MANAGED = (
    Plan("Leadership round", -6, dates=4),
    Plan("Salary talks", 3, room="Elder"),
    Plan("Press interview", 8),
    Plan("Investor call", -3),
)
"""What stands in the manager's calendar, whose delegate the persona is."""

SHARED = (
    Plan("Team lunch", 4),
    Plan("Sprint review", 1, dates=3, room="Cedar"),
    Plan("Customer visit", 2, clash=True, room="Fir"),
)
"""What stands in the team's calendar, in which the persona may write."""

READ = (Plan("Fire drill", 6), Plan("Flu vaccination", 9), Plan("Building tour", 13))
"""What stands in the calendar of the office, which the persona may only read."""

PROPOSED = (
    Plan("Budget follow-up", 4, "pending"),
    Plan("Hiring plan", 8, "pending", dates=3),
    Plan("Offsite ideas", 6, "expired"),
    Plan("Tool training", 9, "declined"),
)
"""Meetings that the persona was asked to approve, and what came of it."""

ASIDE = (Plan("Supplier talk", 6, room="Birch"), Plan("Pricing review", 8, room="Birch"))
"""Meetings of colleagues without the persona, in one room."""

TOPICS = ("Stand-up", "Planning", "Review", "Retrospective", "Coffee", "Interview", "Workshop", "Status call")


def populate(world: World) -> Rows:
    """Give the rows of the company's calendars in a world."""
    office = Office(world)
    office.furnish()
    keep_appointments(office, world.scale(10, 30, 30), world.scale(24, 60, 60))
    circle = Circle.of(office)
    set_up(office, circle)
    for plan, organizer in zip(FROM_OTHERS, circle.organizers(len(FROM_OTHERS)), strict=True):
        office.hold(plan, organizer, [world.persona, *circle.others(organizer, plan.guests)])
    propose(office, circle)
    share(office, circle)
    for plan, organizer, guest in zip(ASIDE, circle.colleagues, reversed(circle.colleagues), strict=False):
        office.hold(plan, organizer, [guest])
    remind(office)
    fill(office, world.scale(0, 40, 380), world.scale(0, 90, 2_400))
    office.set_clocks()
    return office.rows


# The persona ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Circle:
    """Whom the persona works with, and the calendars that they use together."""

    office: Office
    manager: Person
    colleagues: tuple[Person, ...]
    project: str
    team: str
    house: str

    @staticmethod
    def of(office: Office) -> Circle:
        """Give the persona's circle, with its calendars made."""
        world = office.world
        people = {person.person_id: person for person in world.people}
        manager, *colleagues = [
            people[other] for other in related(world.relations, world.persona.person_id, "manager", "colleague")
        ]
        for person in (manager, *colleagues):
            office.person(person)
        return Circle(
            office,
            manager,
            tuple(colleagues),
            project=office.calendar(world.persona, "Project Heron", "team"),
            team=office.calendar(manager, "Team calendar", "team"),
            house=office.calendar(colleagues[-1], "Office events", "team"),
        )

    def organizers(self, count: int) -> list[Person]:
        """Give so many organizers, the manager and the colleagues in turn."""
        everybody = (self.manager, *self.colleagues)
        return [everybody[number % len(everybody)] for number in range(count)]

    def others(self, organizer: Person, count: int) -> list[Person]:
        """Give so many colleagues beside an organizer, by chance."""
        rest = [person for person in self.colleagues if person is not organizer]
        return self.office.rng.sample(rest, min(count, len(rest)))


def keep_appointments(office: Office, back: int, ahead: int) -> None:
    """Add what the world knows: the persona's flights and series, and whatever else lies within some days."""
    world = office.world
    first, last = world.today - back * Day, world.today + ahead * Day
    for appointment in world.appointments:
        own = world.persona.person_id in (appointment.owner_id, *appointment.attendee_ids)
        lasting = own and (appointment.kind == "travel" or appointment.recurrence is not None)
        if lasting or ((own or world.size != "small") and first <= appointment.starts_on <= last):
            office.keep(appointment)


def set_up(office: Office, circle: Circle) -> None:
    """Add what the persona organizes with colleagues, and what others hold in calendars that the persona sees."""
    persona = office.world.persona
    for plan in OWN:
        office.hold(plan, persona, circle.others(persona, plan.guests), circle.project)
    for plan in MANAGED:
        office.hold(plan, circle.manager, circle.others(circle.manager, plan.guests))
    for plan in SHARED:
        office.hold(plan, circle.manager, circle.others(circle.manager, plan.guests), circle.team)
    for plan in READ:
        office.hold(plan, circle.colleagues[-1], circle.others(circle.colleagues[-1], plan.guests), circle.house)
    series = next(row for row in office.rows["events"] if row["title"] == OWN[0].title)
    coming = [row for row in office.dates[series["event_id"]] if row["starts_at"] > spelled(office.world.now)]
    office.call_off(coming[1])
    office.shift(coming[2])


def propose(office: Office, circle: Circle) -> None:
    """Add meetings that the persona was asked to approve, and sharings of their calendars."""
    persona = office.world.persona
    for plan, guest in zip(PROPOSED, circle.colleagues, strict=False):
        status = {"declined": "dropped"}.get(plan.answer, "proposed")
        made = Plan(plan.title, plan.day, status=status, dates=plan.dates, guests=0)
        event = office.hold(made, persona, [])
        office.propose(plan.answer, guest, event_id=event["event_id"])
    work, personal = office.primary[persona.person_id], office.private[persona.person_id]
    sharings = (
        ("pending", work, "writer"),
        ("pending", circle.project, "reader"),
        ("expired", work, "reader"),
        ("declined", personal, "writer"),
    )
    for guest, (answer, calendar_id, role) in zip(circle.colleagues[::-1], sharings, strict=False):
        office.propose(answer, guest, calendar_id=calendar_id, role=role)


def share(office: Office, circle: Circle) -> None:
    """Let people into each other's calendars: the persona into three, and others into the persona's."""
    persona = office.world.persona
    first, second, *_ = circle.colleagues
    mine = persona.person_id
    for calendar_id, person, role in (
        (office.primary[circle.manager.person_id], persona, "delegate"),
        (circle.team, persona, "writer"),
        (circle.house, persona, "reader"),
        (office.primary[mine], circle.manager, "reader"),
        (office.primary[mine], first, "delegate"),
        (office.private[mine], second, "reader"),
        (circle.project, first, "writer"),
        (circle.project, second, "writer"),
    ):
        office.let_in(calendar_id, person, role)


def remind(office: Office) -> None:
    """Remind the persona of some of the events that they take part in."""
    person_id = office.people[office.world.persona.person_id]
    invited = [row["event_id"] for row in office.rows["invitations"] if row["person_id"] == person_id]
    for event_id in office.rng.sample(invited, 12):
        minutes = office.rng.choice((5, 10, 15, 30, 60))
        office.add("reminders", event_id=event_id, person_id=person_id, minutes_before=minutes)


# Everybody else ------------------------------------------------------------------------------------------------------


def fill(office: Office, people: int, events: int) -> None:
    """Add people whom the persona has nothing to do with, and their meetings."""
    known = set(office.people)
    strangers = [person for person in office.world.people if person.person_id not in known][:people]
    for person in strangers:
        office.person(person)
    for number, organizer in enumerate(zipf(office.rng, strangers, events)):
        guests = [person for person in office.rng.sample(strangers, 4) if person is not organizer]
        day, dates = office.rng.randrange(-30, 60), office.rng.choice((1, 1, 1, 2, 4))
        status = "cancelled" if number % 12 == 0 else "confirmed"
        plan = Plan(TOPICS[number % len(TOPICS)], day, status=status, dates=dates)
        office.hold(plan, organizer, guests[: 1 + number % 4])


# Small shapes --------------------------------------------------------------------------------------------------------


def spelled(moment: datetime) -> str:
    """Write a moment as the schema does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wall(moment: datetime, timezone: ZoneInfo) -> str:
    """Write what a time zone's clock shows at a moment."""
    return moment.astimezone(timezone).strftime("%Y-%m-%dT%H:%M")


def overlap(one: Span, other: Span) -> bool:
    """Say whether two spans of time share a moment."""
    return one[0] < other[1] and other[0] < one[1]


class Taken:
    """Spans of time that are taken, found by the days that they touch."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._by_day: dict[int, list[Span]] = defaultdict(list)

    def take(self, spans: Sequence[Span]) -> None:
        """Add spans."""
        self.spans += spans
        for span in spans:
            for day in days_of(span):
                self._by_day[day].append(span)

    def overlaps(self, span: Span) -> bool:
        """Say whether any of them shares a moment with a span."""
        return any(overlap(span, other) for day in days_of(span) for other in self._by_day.get(day, ()))


def days_of(span: Span) -> Iterator[int]:
    """Give the numbers of the days that a span of time, told in UTC, touches."""
    yield from range(span[0].toordinal(), span[1].toordinal() + 1)


def changes(timezone: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, int]]:
    """Give when a zone's clocks change between two moments, and to how many minutes ahead of UTC."""
    moment = first
    while moment < last:
        offset = ahead(timezone, moment)
        if ahead(timezone, moment + 7 * Day) != offset:  # no two changes are within a week
            day = next(day for day in range(1, 8) if ahead(timezone, moment + day * Day) != offset)
            quarters = (moment + day * Day - timedelta(minutes=15 * step) for step in range(96))
            turn = min(turn for turn in quarters if ahead(timezone, turn) != offset)
            if turn <= last:
                yield turn, ahead(timezone, turn)
        moment += 7 * Day


def ahead(timezone: ZoneInfo, moment: datetime) -> int:
    """Give how many minutes a zone is ahead of UTC at a moment."""
    offset = moment.astimezone(timezone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60


# The office ----------------------------------------------------------------------------------------------------------


class Office:
    """The rows so far, grown event by event so that rooms, answers and dates agree."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng: Random = world.stream("schedule/office")
        self.rows: Rows = defaultdict(list)
        self.ids = {column: world.ids(f"schedule/{column}", pattern) for column, pattern in ID_PATTERNS.items()}
        self.people: dict[str, str] = {}
        self.primary: dict[str, str] = {}
        self.private: dict[str, str] = {}
        self.kinds: dict[str, set[str]] = defaultdict(set)
        """What the persona has in others, by their id."""
        for relation in world.relations:
            if relation.person_id == world.persona.person_id:
                self.kinds[relation.other_id].add(relation.kind)
        self.zones: set[str] = set()
        self.dates: dict[str, list[Row]] = defaultdict(list)
        self.busy: dict[str, Taken] = defaultdict(Taken)
        self.booked: dict[str, Taken] = defaultdict(Taken)

    def add(self, table: str, **row: Any) -> Row:
        """Add a row to a table, with a new id where the table has one."""
        column = {"people": "person_id"}.get(table, f"{table.removesuffix('s')}_id")
        if f"{table}.{column}" in self.ids:
            row = {column: next(self.ids[f"{table}.{column}"]), **row}
        self.rows[table].append(row)
        return row

    def furnish(self) -> None:
        """Add the rooms of the offices, and the persona with a calendar for what is private."""
        home = self.world.persona.home
        others = [city for city in self.world.cities if city.name != home.name]
        for name, floor, capacity, has_screen in ROOMS:
            self.add("rooms", name=name, city=home.name, floor=floor, capacity=capacity, has_screen=has_screen)
        for city, (name, floor, capacity, has_screen) in zip(others, ELSEWHERE, strict=False):
            self.add("rooms", name=name, city=city.name, floor=floor, capacity=capacity, has_screen=has_screen)
        persona = self.world.persona
        self.person(persona)
        self.private[persona.person_id] = self.calendar(persona, "Personal", "private")

    # People and calendars

    def person(self, person: Person) -> str:
        """Give the id of a person, adding them and their primary calendar once."""
        if person.person_id not in self.people:
            row = self.add(
                "people",
                name=person.name,
                email=person.email,
                department=self.department(person),
                city=person.home.name,
                timezone=self.in_zone(person.home.timezone),
            )
            self.people[person.person_id] = row["person_id"]
            own = person.person_id == self.world.persona.person_id
            name = "Work" if own else f"{person.given_name}'s work"
            self.primary[person.person_id] = self.calendar(person, name, "primary")
        return self.people[person.person_id]

    def department(self, person: Person) -> str:
        """Give the department of a person: the persona's for their colleagues, none for those who don't work here."""
        persona = self.world.persona.person_id
        own = DEPARTMENTS[self.world.seed % len(DEPARTMENTS)]
        kinds = self.kinds.get(person.person_id, set())
        if person.person_id == persona or kinds & {"colleague", "manager"}:
            return own
        return GUESTS if kinds else DEPARTMENTS[int(person.person_id[1:]) % len(DEPARTMENTS)]

    def calendar(self, owner: Person, name: str, kind: str) -> str:
        """Add a calendar of somebody, in the time zone where they live, and give its id."""
        owner_id = self.people[owner.person_id]
        row = self.add("calendars", owner_id=owner_id, name=name, kind=kind, timezone=owner.home.timezone)
        return str(row["calendar_id"])

    def in_zone(self, timezone: str) -> str:
        """Note that a time zone is used."""
        self.zones.add(timezone)
        return timezone

    def set_clocks(self) -> None:
        """Add how far each time zone in use is ahead of UTC, from long ago until beyond what calendars reach."""
        first = datetime.combine(self.world.today - 90 * Day, time.min, UTC)
        for timezone in sorted(self.zones):
            start = datetime(2000, 1, 1, tzinfo=UTC)
            turns = [(start, ahead(zone(timezone), first)), *changes(zone(timezone), first, first + 2 * 365 * Day)]
            for moment, offset in turns:
                local = (moment + timedelta(minutes=offset)).strftime("%Y-%m-%dT%H:%M")
                self.add(
                    "utc_offsets",
                    timezone=timezone,
                    since_at=spelled(moment),
                    since_local=local,
                    offset_minutes=offset,
                )

    def let_in(self, calendar_id: str, person: Person, role: str) -> None:
        """Share a calendar, some weeks ago."""
        since = self.world.now - timedelta(days=10 + self.rng.randrange(200), minutes=self.rng.randrange(600))
        self.add(
            "shares",
            calendar_id=calendar_id,
            person_id=self.people[person.person_id],
            role=role,
            since_at=spelled(since),
        )

    # Events

    def keep(self, appointment: Appointment) -> None:
        """Add an appointment of the world as it is."""
        people = {person.person_id: person for person in self.world.people}
        owner = people[appointment.owner_id]
        self.person(owner)
        calendars = self.private if appointment.kind in PRIVATE_KINDS else self.primary
        kinds = {"travel": "travel", "focus": "focus", "meeting": "meeting", "one_on_one": "meeting"}
        room = appointment.place.removeprefix("Room ")
        event = self.event(
            calendar_id=calendars.get(owner.person_id, self.primary[owner.person_id]),
            organizer_id=self.people[owner.person_id],
            title=appointment.title,
            kind=kinds.get(appointment.kind, "appointment"),
            frequency=appointment.recurrence or "once",
            until_on=appointment.until and appointment.until.isoformat(),
            timezone=appointment.timezone,
            place=None if room != appointment.place else appointment.place or None,
            note=appointment.reference and f"Booking reference {appointment.reference}",
            status="cancelled" if appointment.cancelled else "confirmed",
            first=appointment.starts_at,
        )
        spans = appointment.occurrences()
        self.write_out(event, spans)
        guests = [people[other] for other in appointment.attendee_ids]
        self.invite_all(event, owner, guests, spans)
        if room != appointment.place:
            self.book(event, room)

    def hold(self, plan: Plan, organizer: Person, guests: Sequence[Person], calendar_id: str = "") -> Row:
        """Add an event of a plan, at a time at which its organizer and the persona, if invited, are free or not."""
        spans = self.spans(plan, organizer, guests)
        event = self.event(
            calendar_id=calendar_id or self.primary[organizer.person_id],
            organizer_id=self.people[organizer.person_id],
            title=plan.title,
            kind="meeting",
            frequency="weekly" if plan.dates > 1 else "once",
            until_on=wall(spans[-1][0], organizer.home.zone)[:10] if plan.dates > 1 else None,
            timezone=(self.world.persona if plan.clash else organizer).home.timezone,
            place=None if plan.room else "Video call",
            note=None,
            status=plan.status,
            first=spans[0][0],
        )
        self.write_out(event, spans)
        self.invite_all(event, organizer, guests, spans, plan.answer)
        if plan.room:
            self.book(event, plan.room)
        return event

    def event(self, *, first: datetime, **columns: Any) -> Row:
        """Add an event, made some time before its first date and before now."""
        self.in_zone(columns["timezone"])
        before = min(first, self.world.now - timedelta(hours=2))
        created = before - timedelta(days=1 + self.rng.randrange(20), minutes=self.rng.randrange(24 * 60))
        return self.add("events", **columns, created_at=spelled(created))

    def spans(self, plan: Plan, organizer: Person, guests: Sequence[Person]) -> list[Span]:
        """Give the times of a plan: on a working day and free, if that can be, or just when the persona isn't."""
        persona = self.world.persona
        if plan.clash:
            return [self.taken(plan.day)]
        concerned = [organizer, *([persona] if persona in guests else [])]
        found: list[Span] = []
        minutes, step = self.rng.choice((30, 45, 60)), -1 if plan.day < 0 and plan.dates == 1 else 1
        for shift in range(60):
            day = working_day(self.world.today + (plan.day + shift * step) * Day)
            starts = self.rng.sample(HALF_HOURS, len(HALF_HOURS))
            for start in starts[: 16 if plan.dates == 1 else 4]:
                found = list(self.repeated(day, start, minutes, plan.dates, organizer))
                if not any(self.busy_of(one).overlaps(span) for span in found for one in concerned):
                    return found
        return found

    def repeated(self, day: date, start: time, minutes: int, dates: int, organizer: Person) -> Iterator[Span]:
        """Give the times of a weekly series by the clock of its organizer."""
        for number in range(dates):
            local = datetime.combine(day + 7 * number * Day, start, organizer.home.zone)
            begins = local.astimezone(UTC)
            yield begins, begins + timedelta(minutes=minutes)

    def taken(self, day: int) -> Span:
        """Give the time of something that the persona has accepted, some days from now or soon after."""
        earliest = self.world.now + day * Day
        coming = sorted(span for span in self.busy_of(self.world.persona).spans if span[0] >= earliest)
        begins, ends = next(span for span in coming if span[1] - span[0] >= timedelta(minutes=30))
        return begins, min(ends, begins + timedelta(hours=1))

    def busy_of(self, person: Person) -> Taken:
        """Give when a person is taken so far."""
        return self.busy[self.people[person.person_id]]

    def write_out(self, event: Row, spans: Iterable[Span]) -> None:
        """Add the dates of an event."""
        clock = zone(event["timezone"])
        for begins, ends in spans:
            local = wall(begins, clock)
            date_row = self.add(
                "occurrences",
                event_id=event["event_id"],
                original_on=local[:10],
                starts_at=spelled(begins),
                ends_at=spelled(ends),
                starts_on=local[:10],
                starts_local=local,
                ends_local=wall(ends, clock),
                status="cancelled" if event["status"] in ("cancelled", "dropped") else "scheduled",
            )
            self.dates[event["event_id"]].append(date_row)

    def invite_all(
        self, event: Row, organizer: Person, guests: Sequence[Person], spans: Sequence[Span], answer: str = ""
    ) -> None:
        """Invite the organizer and the guests; the persona's answer is given, the others' are drawn."""
        drawn = ("accepted", "accepted", "accepted", "tentative", "needs_action", "declined")
        persona = self.world.persona.person_id
        for person in (organizer, *guests):
            chosen = "accepted" if person is organizer else self.rng.choice(drawn)
            if person.person_id == persona:
                chosen = answer or "accepted"
            self.invite(event, person, chosen, spans)

    def invite(self, event: Row, person: Person, answer: str, spans: Sequence[Span]) -> None:
        """Add an invitation with its answer, given within a day; who accepts is busy."""
        person_id = self.person(person)
        sent = datetime.fromisoformat(event["created_at"])
        answered = sent + timedelta(minutes=1 + self.rng.randrange(24 * 60 - 1))
        self.add(
            "invitations",
            event_id=event["event_id"],
            person_id=person_id,
            answer=answer,
            sent_at=event["created_at"],
            answered_at=None if answer == "needs_action" else spelled(answered),
        )
        if answer == "accepted" and event["status"] == "confirmed":
            self.busy[person_id].take(spans)

    def book(self, event: Row, name: str) -> None:
        """Book a room for the dates of an event that still stand, or another that is free and large enough."""
        invited = sum(1 for row in self.rows["invitations"] if row["event_id"] == event["event_id"])
        rooms = sorted(self.rows["rooms"], key=lambda room: (room["name"] != name, room["capacity"]))
        for row in self.dates[event["event_id"]]:
            span = (datetime.fromisoformat(row["starts_at"]), datetime.fromisoformat(row["ends_at"]))
            fitting = [room for room in rooms if room["capacity"] >= invited and self.is_vacant(room, span)]
            if fitting and row["status"] != "cancelled":
                self.booked[fitting[0]["room_id"]].take([span])
                self.add(
                    "room_bookings",
                    occurrence_id=row["occurrence_id"],
                    room_id=fitting[0]["room_id"],
                    booked_at=event["created_at"],
                )

    def is_vacant(self, room: Row, span: Span) -> bool:
        """Say whether nobody has a room in a span of time."""
        return not self.booked[room["room_id"]].overlaps(span)

    # Exceptions and proposals

    def call_off(self, row: Row) -> None:
        """Take one date out of its series."""
        row["status"] = "cancelled"
        bookings = self.rows["room_bookings"]
        bookings[:] = [booking for booking in bookings if booking["occurrence_id"] != row["occurrence_id"]]

    def shift(self, row: Row) -> None:
        """Move one date of a series to another working day of its week, at the same hour, without its room."""
        event = next(event for event in self.rows["events"] if event["event_id"] == row["event_id"])
        clock, step = zone(event["timezone"]), Day if date.fromisoformat(row["starts_on"]).weekday() == 0 else -Day
        for moment in ("starts", "ends"):
            local = datetime.fromisoformat(row[f"{moment}_local"]).replace(tzinfo=clock) + step
            row[f"{moment}_local"] = local.strftime("%Y-%m-%dT%H:%M")
            row[f"{moment}_at"] = spelled(local)
        row["starts_on"] = row["starts_local"][:10]
        bookings = self.rows["room_bookings"]
        bookings[:] = [booking for booking in bookings if booking["occurrence_id"] != row["occurrence_id"]]
        row["status"] = "moved"

    def propose(self, answer: str, other: Person, **subject: Any) -> None:
        """Add something that the persona was asked to approve: within the last day, or earlier if the time is over."""
        hours = 30 + self.rng.randrange(20) if answer == "expired" else 1 + self.rng.randrange(12)
        created = self.world.now - timedelta(hours=hours, minutes=self.rng.randrange(60))
        self.add(
            "proposals",
            person_id=self.people[self.world.persona.person_id],
            kind="meeting" if "event_id" in subject else "sharing",
            other_id=self.person(other),
            status="pending" if answer == "expired" else answer,
            created_at=spelled(created),
            expires_at=spelled(created + Day),
            **subject,
        )


def working_day(day: date) -> date:
    """Give a day, or the Monday after when it is at the weekend."""
    return day + max(0, 7 - day.weekday()) * Day if day.weekday() > 4 else day
