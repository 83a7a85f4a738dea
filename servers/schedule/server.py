"""Schedule: a company's people meet, once or in a series, in rooms and across time zones.

An event has dates, written out as occurrences, and invitations that each person answers for all of them. One date may
be moved or cancelled without the others. What speaks in somebody's name to others, a new meeting or a shared calendar,
is only proposed by these tools; it takes effect when the person approves it. What the clock makes of a row stands in
the views of schema.sql.
"""

# ruff: noqa: S608 - the SQL here is made of constants of this file; values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from servers.runtime import (
    Environment,
    Filter,
    Free,
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
from servers.runtime.vocabulary import Unit

env = Environment(__file__)

PROPOSAL_HOURS = 24
MOST_DATES = 60
DAY_BEGINS, DAY_ENDS = "09:00", "18:00"
HALF_HOUR = timedelta(minutes=30)

# Vocabulary ----------------------------------------------------------------------------------------------------------

PersonId = Annotated[str, Key("people.person_id", pattern=r"^PN[0-9]{4}$", description="Person id.")]
CalendarId = Annotated[str, Key("calendars.calendar_id", pattern=r"^CL[0-9]{4}$", description="Calendar id.")]
RoomId = Annotated[str, Key("rooms.room_id", pattern=r"^RM[0-9]{3}$", description="Room id.")]
EventId = Annotated[
    str, Key("events.event_id", pattern=r"^EV[0-9]{6}$", description="Id of an event with all its dates.")
]
OccurrenceId = Annotated[
    str, Key("occurrences.occurrence_id", pattern=r"^OC[0-9]{6}$", description="Id of one date of an event.")
]
InvitationId = Annotated[
    str,
    Key("invitations.invitation_id", pattern=r"^IN[0-9]{6}$", description="Id of one person's invitation."),
]
ProposalId = Annotated[str, Key("proposals.proposal_id", pattern=r"^PR[0-9]{6}$", description="Proposal id.")]
Email = Annotated[
    str, Shared("person.email", pattern=r"^[^@ ]+@[^@ ]+$", max_length=254, description="Whom you act for, by email.")
]

Frequency = Literal["once", "daily", "weekly", "monthly"]
Kind = Literal["meeting", "appointment", "travel", "focus"]
CalendarKind = Literal["primary", "team", "private"]
Role = Literal["reader", "writer", "delegate"]
Access = Literal["owner", "reader", "writer", "delegate"]
Answer = Literal["needs_action", "accepted", "tentative", "declined"]
EventStatus = Literal["proposed", "lapsed", "dropped", "confirmed", "past", "cancelled"]
OccurrenceStatus = Literal["proposed", "scheduled", "moved", "past", "cancelled"]
ProposalStatus = Literal["pending", "expired", "approved", "declined", "withdrawn"]
StartTime = Literal[
    "07:00", "07:30", "08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30", "13:00",
    "13:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00", "17:30", "18:00", "18:30", "19:00",
]  # fmt: skip
Lead = Literal[0, 5, 10, 15, 30, 60, 120, 1440]

LocalTime = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$", description="Wall clock of its time zone."),
    Unit("time"),
]
Count = Annotated[int, Field(ge=0)]
Zone = Annotated[str, Field(description="IANA time zone.")]

# Results -------------------------------------------------------------------------------------------------------------


class Person(Record, table="people"):
    """Somebody of the company."""

    person_id: PersonId
    name: str
    email: Email
    department: str
    city: str
    timezone: Zone


class PersonList(Record):
    """People."""

    people: list[Person]
    total: Count


class Share(Record, table="shares"):
    """Somebody who was let into a calendar."""

    person_id: PersonId
    name: Annotated[str, Shows("people.name", description="Name of the person.")]
    role: Role


class Calendar(Record, table="calendar_board"):
    """A calendar that the person may see."""

    calendar_id: CalendarId
    name: str
    kind: CalendarKind
    owner_name: str
    timezone: Zone
    access: Annotated[Access, Shows("calendar_access.role", description="What the person may do in it.")]
    shares: Annotated[list[Share], Field(description="Listed for the person's own calendars.")]


class Sharing(Record, table="proposal_board"):
    """A proposal to let somebody into a calendar."""

    proposal_id: ProposalId
    calendar_id: CalendarId
    title: Annotated[str, Field(description="The calendar's name.")]
    other_name: Annotated[str, Field(description="Who would be let in.")]
    role: Role
    status: ProposalStatus


class CalendarList(Record):
    """Calendars, and what was proposed about sharing the person's own."""

    calendars: list[Calendar]
    sharings: list[Sharing]
    total: Annotated[Count, Field(description="How many calendars.")]


class EventLine(Record, table="event_board"):
    """An event, told from others."""

    event_id: EventId
    title: str
    kind: Kind
    calendar_name: str
    organizer_name: str
    frequency: Frequency
    starts_on: Annotated[IsoDate, Field(description="Of its next date, or of the last if none is to come.")]
    starts_local: LocalTime
    status: EventStatus
    created_at: IsoDateTime


class EventList(Record):
    """Events."""

    events: list[EventLine]
    total: Count


class Invitation(Record, table="received_invitations"):
    """What a person is asked to, and their answer."""

    invitation_id: InvitationId
    event_id: EventId
    title: str
    organizer_name: str
    frequency: Frequency
    starts_on: Annotated[IsoDate, Field(description="Of the event's next date, or of the last.")]
    starts_local: LocalTime
    event_status: EventStatus
    answer: Answer
    sent_at: IsoDateTime


class InvitationList(Record):
    """A person's invitations to the events of others."""

    invitations: list[Invitation]
    total: Count


class Attendee(Record, table="invitation_board"):
    """Somebody who is asked to an event."""

    person_id: PersonId
    person_name: str
    answer: Answer


class Date(Record, table="occurrence_board"):
    """One date of an event."""

    occurrence_id: OccurrenceId
    starts_on: IsoDate
    starts_local: LocalTime
    room_name: Annotated[str | None, Field(description="Null while no room is booked.")]
    status: OccurrenceStatus


class Event(Record, table="event_board"):
    """An event with all that belongs to it."""

    event_id: EventId
    title: str
    status: EventStatus
    organizer_email: str
    timezone: Zone
    frequency: Frequency
    until_on: Annotated[IsoDate | None, Field(description="Last day that a series may have; null for a single event.")]
    starts_at: IsoDateTime
    starts_local: LocalTime
    ends_local: LocalTime
    place: Annotated[str | None, Field(description="Where, when it isn't in one of the rooms.")]
    note: str | None
    attendees: Annotated[Count, Field(description="How many are invited, the organizer among them.")]
    unanswered: Annotated[Count, Field(description="How many of them haven't answered.")]
    may_edit: Annotated[bool, Field(description="Whether the person may change it.")]
    minutes_before: Annotated[
        int | None, Shows("reminders.minutes_before", description="When the person is reminded; null for never.")
    ]
    proposal_id: Annotated[ProposalId | None, Field(description="The proposal that it came from, if any.")]
    guests: list[Attendee]
    dates: list[Date]


class Occurrence(Record, table="occurrence_board"):
    """One date of an event, in somebody's day."""

    occurrence_id: OccurrenceId
    event_id: EventId
    title: str
    kind: Kind
    organizer_name: str
    frequency: Frequency
    starts_on: IsoDate
    starts_local: LocalTime
    ends_local: LocalTime
    minutes: Count
    timezone: Zone
    room_name: str | None
    attendees: Count
    status: OccurrenceStatus
    answer: Annotated[
        Answer | None, Shows("invitations.answer", description="The person's; null when they aren't invited.")
    ]


class Agenda(Record):
    """A person's day."""

    occurrences: list[Occurrence]
    total: Count
    upcoming: Annotated[Count, Field(description="How many of them are still to come and not cancelled.")]


class BusyTime(Record, table="busy_times"):
    """A time at which a person is taken."""

    from_local: LocalTime
    until_local: LocalTime


class FreeBusy(Record):
    """When a person is taken, on their own wall clock."""

    timezone: Zone
    busy: list[BusyTime]
    busy_minutes: Annotated[Count, Field(description="Minutes taken; what overlaps is counted once.")]
    free_from: Annotated[
        str | None, Field(description="First half hour between 09:00 and 18:00 that is free, such as 10:30.")
    ]


class Room(Record, table="rooms"):
    """A meeting room."""

    room_id: RoomId
    name: str
    city: str
    floor: Count
    capacity: Count
    has_screen: bool


class RoomList(Record):
    """Rooms."""

    rooms: list[Room]
    total: Count


class Proposal(Record, table="proposal_board"):
    """What waits for the person's approval."""

    proposal_id: ProposalId
    kind: Literal["meeting", "sharing"]
    title: Annotated[str, Field(description="Of the meeting, or the calendar's name.")]
    other_name: Annotated[str, Field(description="Who would be invited, or let in.")]
    role: Annotated[Role | None, Field(description="Null for a meeting.")]
    starts_on: Annotated[IsoDate | None, Field(description="First day of the meeting; null for a calendar.")]
    status: ProposalStatus
    expires_at: IsoDateTime


class ProposalList(Record):
    """What you were asked to approve."""

    proposals: list[Proposal]
    total: Count


class ProposedMeeting(Record, table="event_board"):
    """A meeting that waits for approval."""

    event_id: EventId
    title: str
    starts_on: IsoDate
    starts_local: LocalTime
    starts_at: IsoDateTime
    dates: Annotated[Count, Field(description="How many dates it has.")]
    proposal_id: ProposalId
    expires_at: IsoDateTime


class ProposedSharing(Record, table="proposal_board"):
    """A sharing that waits for approval."""

    proposal_id: ProposalId
    title: Annotated[str, Field(description="The calendar's name.")]
    other_name: str
    role: Role
    expires_at: IsoDateTime


class Invited(Record, table="invitation_board"):
    """An invitation that went out."""

    invitation_id: InvitationId
    event_id: EventId
    person_name: str
    attendees: Annotated[Count, Field(description="How many are invited now.")]


class Answered(Record, table="invitation_board"):
    """An invitation as it was answered."""

    invitation_id: InvitationId
    event_id: EventId
    title: str
    organizer_name: str
    answer: Answer


class Moved(Record, table="occurrence_board"):
    """A date at its new time."""

    occurrence_id: OccurrenceId
    event_id: EventId
    title: str
    starts_on: IsoDate
    starts_at: IsoDateTime
    starts_local: LocalTime
    room_name: Annotated[str | None, Field(description="The room, which moved along.")]
    asked_again: Annotated[Count, Field(description="How many must answer anew; none for one date of a series.")]


class DateCancelled(Record, table="occurrence_board"):
    """A date that was taken out of its series."""

    occurrence_id: OccurrenceId
    event_id: EventId
    title: str
    dates_left: Annotated[Count, Field(description="Dates of the series that are still to come.")]


class EventCancelled(Record, table="event_board"):
    """An event that won't take place."""

    event_id: EventId
    title: str
    status: EventStatus
    dates_cancelled: Count
    people_told: Annotated[Count, Field(description="Invited people beside the organizer.")]


class RoomBooked(Record, table="occurrence_board"):
    """A date with its room."""

    occurrence_id: OccurrenceId
    event_id: EventId
    room_name: str
    starts_local: LocalTime
    seats_spare: Annotated[Count, Field(description="Seats left beside those invited.")]


class Reminder(Record, table="reminders"):
    """When a person is reminded of an event."""

    event_id: EventId
    minutes_before: Count
    next_at: Annotated[IsoDateTime, Field(description="When the next reminder comes.")]


# Rules that several tools share --------------------------------------------------------------------------------------

BROKEN = {
    "event_cancelled": "status IN ('cancelled', 'dropped', 'lapsed')",
    "awaiting_approval": "status = 'proposed'",
    "event_past": "status = 'past'",
    "journey_fixed": "status IN ('confirmed', 'scheduled', 'moved') AND kind = 'travel'",
}
"""What makes an event, or one date of it, unalterable, by refusal code."""

MINE = "event_id IN (SELECT event_id FROM event_editors WHERE email = :email)"
"""Whether the person acted for may change the event."""


def rules(board: str, key: str) -> dict[str, str]:
    """Give the queries by which a change to a row of a board is refused."""
    found = {"not_permitted": f"SELECT 1 FROM {board} WHERE {key} = :{key} AND NOT {MINE}"}
    for code, broken in BROKEN.items():
        found[code] = f"SELECT 1 FROM {board} WHERE {key} = :{key} AND {MINE} AND {broken}"
    return found


EVENT_RULES = rules("event_board", "event_id")
DATE_RULES = rules("occurrence_board", "occurrence_id")
OPEN_EVENT = (
    f"SELECT 1 FROM event_board e WHERE event_id = :event_id AND status = 'confirmed' AND kind <> 'travel' AND {MINE}"
)
OPEN_DATE = (
    "SELECT 1 FROM occurrence_board o"
    f" WHERE occurrence_id = :occurrence_id AND status IN ('scheduled', 'moved') AND kind <> 'travel' AND {MINE}"
)


def may_edit(event_id: str, email: str) -> bool:
    """Say whether a person may change an event."""
    found = env.db.execute("SELECT 1 FROM event_editors WHERE event_id = ? AND email = ?", (event_id, email))
    return found.fetchone() is not None


def require_alterable(row: sqlite3.Row, email: str) -> None:
    """Refuse an event, or one date of it, that isn't this person's to change or can't be changed any more."""
    title = row["title"]
    if not may_edit(row["event_id"], email):
        raise Refusal("not_permitted", f"{email} may not change {title}; ask its organizer, {row['organizer_name']}.")
    if row["status"] in ("cancelled", "dropped", "lapsed"):
        raise Refusal("event_cancelled", f"{title} is {row['status']}; propose a new meeting instead.")
    if row["status"] == "proposed":
        raise Refusal("awaiting_approval", f"{title} is only proposed; it can be changed once it is approved.")
    if row["status"] == "past":
        raise Refusal("event_past", f"{title} has begun or is over; pick a date that is still to come.")
    if row["kind"] == "travel":
        raise Refusal("journey_fixed", f"{title} stands here as it was booked; change the booking with the airline.")


LOCAL = ":starts_on || 'T' || :start_time"
OFFSET = """coalesce((SELECT u.offset_minutes FROM utc_offsets u
    WHERE u.timezone = {zone} AND u.since_local <= {local} ORDER BY u.since_local DESC LIMIT 1), 0)"""
"""How many minutes a time zone is ahead of UTC when its wall clock shows a local time."""

PLANNED = f"""
WITH RECURSIVE chosen AS (
    SELECT c.calendar_id, c.timezone, iif(a.role IN ('owner', 'delegate'), c.owner_id, a.person_id) AS organizer_id
    FROM calendar_access a
    JOIN calendars c ON c.calendar_id = a.calendar_id
    WHERE a.email = :email AND a.role <> 'reader'
      AND iif(:calendar_id IS NULL, c.kind = 'primary' AND a.role = 'owner', c.calendar_id = :calendar_id)
), steps (n) AS (
    SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < {MOST_DATES - 1} AND :frequency <> 'once'
), days AS (
    SELECT CASE :frequency
        WHEN 'daily' THEN date(:starts_on, n || ' days')
        WHEN 'weekly' THEN date(:starts_on, (7 * n) || ' days')
        WHEN 'monthly' THEN date(:starts_on, n || ' months')
        ELSE :starts_on
    END AS starts_on
    FROM steps
), moments AS (
    SELECT c.*, d.starts_on, d.starts_on || 'T' || :start_time AS starts_local,
           strftime('%Y-%m-%dT%H:%M:%SZ', d.starts_on || 'T' || :start_time,
                    -{OFFSET.format(zone="c.timezone", local="d.starts_on || 'T' || :start_time")} || ' minutes')
               AS starts_at
    FROM days d
    CROSS JOIN chosen c
    WHERE d.starts_on <= coalesce(:until_on, :starts_on)
      AND (:frequency <> 'monthly' OR substr(d.starts_on, 9) = substr(:starts_on, 9))
), slots AS MATERIALIZED (
    SELECT *, strftime('%Y-%m-%dT%H:%M', starts_local, :minutes || ' minutes') AS ends_local,
           strftime('%Y-%m-%dT%H:%M:%SZ', starts_at, :minutes || ' minutes') AS ends_at
    FROM moments
)
"""
"""The dates of a meeting to be: `chosen` is the calendar, none when the person may not write in it."""

CLASHES = """
SELECT b.starts_at FROM slots s
JOIN busy b ON b.person_id = s.organizer_id AND b.starts_at < s.ends_at AND b.ends_at > s.starts_at
"""

MOVED = f"""
WITH moments AS (
    SELECT o.*, {LOCAL} AS new_local, strftime('%Y-%m-%dT%H:%M:%SZ', {LOCAL},
           -{OFFSET.format(zone="o.timezone", local=LOCAL)} || ' minutes') AS new_starts_at
    FROM occurrence_board o
    WHERE o.occurrence_id = :occurrence_id AND o.status IN ('scheduled', 'moved') AND o.kind <> 'travel' AND {MINE}
), slots AS MATERIALIZED (
    SELECT *, strftime('%Y-%m-%dT%H:%M', new_local, minutes || ' minutes') AS new_ends_local,
           strftime('%Y-%m-%dT%H:%M:%SZ', new_starts_at, minutes || ' minutes') AS new_ends_at
    FROM moments
)
"""
"""A date at the time to which it is to be moved."""

TOO_FAR = "SELECT 1 WHERE {last} > date(:today, '+9 months')"

MOVE_RULES = {
    "too_far_ahead": TOO_FAR.format(last=":starts_on"),
    "in_past": f"{MOVED} SELECT 1 FROM slots WHERE new_starts_at <= :now",
    "outside_series": f"""{MOVED}
        SELECT 1 FROM slots s WHERE s.frequency <> 'once' AND (
            :starts_on > s.until_on
            OR :starts_on < (SELECT min(x.original_on) FROM occurrences x WHERE x.event_id = s.event_id)
            OR EXISTS (SELECT 1 FROM occurrences x WHERE x.event_id = s.event_id AND iif(
                x.original_on < s.original_on, x.starts_on >= :starts_on,
                x.original_on > s.original_on AND x.starts_on <= :starts_on)))""",
    "conflict": f"""{MOVED}
        SELECT 1 FROM slots s JOIN busy b ON b.person_id = s.organizer_id AND b.occurrence_id <> s.occurrence_id
        AND b.starts_at < s.new_ends_at AND b.ends_at > s.new_starts_at""",
    "room_taken": f"""{MOVED}
        SELECT 1 FROM slots s JOIN room_bookings k ON k.room_id = s.room_id AND k.occurrence_id <> s.occurrence_id
        JOIN occurrences x ON x.occurrence_id = k.occurrence_id
        AND x.starts_at < s.new_ends_at AND x.ends_at > s.new_starts_at""",
}

# Looking things up ---------------------------------------------------------------------------------------------------

NO_SUCH_EMAIL = {"not_found": "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM people WHERE email = :email)"}
ViewerEmail = Annotated[Email, Filter("event_viewers.email", "=", description="Whose, by email.")]


@env.reads
def find_people(
    name: Annotated[
        str,
        Filter("people.name", "like", description="Name or part of it.", max_length=60, pattern=r"^[^%_]{2,}$"),
    ],
) -> PersonList:
    """Find people of the company by name."""
    rows = env.db.execute(
        "SELECT * FROM people WHERE name LIKE '%' || ? || '%' ORDER BY name, person_id", (name,)
    ).fetchall()
    return PersonList(people=[Person.of(row) for row in rows], total=len(rows))


@env.reads(refuses=NO_SUCH_EMAIL)
def list_calendars(
    email: Annotated[Email, Filter("calendar_access.email", "=", description="Whose, by email.")],
) -> CalendarList:
    """List the calendars that a person owns, shares or manages for somebody, and the sharings they were asked about."""
    db = env.db
    person = find(db, "people", email=email)
    rows = db.execute(
        "SELECT b.*, a.role AS access FROM calendar_access a JOIN calendar_board b ON b.calendar_id = a.calendar_id"
        " WHERE a.email = ? ORDER BY b.owner_id <> a.person_id, b.name, b.calendar_id",
        (email,),
    ).fetchall()
    sharings = db.execute(
        "SELECT * FROM proposal_board WHERE kind = 'sharing' AND person_id = ? ORDER BY created_at DESC, proposal_id",
        (person["person_id"],),
    )
    return CalendarList(
        calendars=[Calendar.of(row, shares=shares_of(row)) for row in rows],
        sharings=[Sharing.of(sharing) for sharing in sharings],
        total=len(rows),
    )


def shares_of(calendar: sqlite3.Row) -> list[Share]:
    """Give whom an owner has let into a calendar; nobody else is told."""
    if calendar["access"] != "owner":
        return []
    rows = env.db.execute(
        "SELECT s.*, p.name FROM shares s JOIN people p ON p.person_id = s.person_id"
        " WHERE s.calendar_id = ? ORDER BY p.name, s.person_id",
        (calendar["calendar_id"],),
    )
    return [Share.of(row) for row in rows]


@env.reads(refuses=NO_SUCH_EMAIL)
def search_events(
    email: ViewerEmail,
    title: Annotated[
        str,
        Filter("event_board.title", "like", description="Title or part of it.", max_length=60, pattern=r"^[^%_]{2,}$"),
    ],
    status: Annotated[
        EventStatus | None, Filter("event_board.status", "=", description="Only events in this state.")
    ] = None,
) -> EventList:
    """Search the events that a person is invited to or sees in a calendar, those to come first."""
    find(env.db, "people", email=email)
    rows = env.db.execute(
        "SELECT * FROM event_board WHERE event_id IN (SELECT event_id FROM event_viewers WHERE email = :email)"
        " AND title LIKE '%' || :title || '%' AND status = coalesce(:status, status)"
        " ORDER BY starts_at <= :now, starts_at, event_id",
        {"email": email, "title": title, "status": status, "now": env.now},
    ).fetchall()
    return EventList(events=[EventLine.of(row) for row in rows], total=len(rows))


@env.reads(refuses=NO_SUCH_EMAIL)
def list_invitations(
    email: Annotated[Email, Filter("received_invitations.email", "=", description="Whose, by email.")],
    answer: Annotated[
        Answer | None, Filter("received_invitations.answer", "=", description="Only those answered so.")
    ] = None,
) -> InvitationList:
    """List what others have invited a person to, with their answers, the latest first."""
    find(env.db, "people", email=email)
    rows = env.db.execute(
        "SELECT * FROM received_invitations WHERE email = ? AND answer = coalesce(?, answer)"
        " ORDER BY sent_at DESC, invitation_id",
        (email, answer),
    ).fetchall()
    return InvitationList(invitations=[Invitation.of(row) for row in rows], total=len(rows))


@env.reads(
    refuses={
        "not_permitted": "SELECT 1 FROM events WHERE event_id = :event_id"
        " AND event_id NOT IN (SELECT event_id FROM event_viewers WHERE email = :email)"
    }
)
def get_event(
    email: ViewerEmail,
    event_id: Annotated[EventId, Filter("event_board.event_id", "=", description="Event id.")],
) -> Event:
    """Get an event with its guests and their answers, all its dates with their rooms, and the person's reminder."""
    db = env.db
    row = find(db, "event_board", event_id=event_id)
    where = {"event_id": event_id, "email": email}
    if not db.execute("SELECT 1 FROM event_viewers WHERE event_id = :event_id AND email = :email", where).fetchone():
        raise Refusal("not_permitted", f"{email} doesn't see this event; list the events that they do see.")
    guests = db.execute(
        "SELECT * FROM invitation_board WHERE event_id = :event_id ORDER BY person_name, person_id", where
    ).fetchall()
    dates = db.execute(
        "SELECT * FROM occurrence_board WHERE event_id = :event_id ORDER BY original_on, occurrence_id", where
    )
    extras = db.execute(
        "SELECT (SELECT r.minutes_before FROM reminders r JOIN people p ON p.person_id = r.person_id"
        " WHERE r.event_id = :event_id AND p.email = :email) AS minutes_before,"
        " (SELECT q.proposal_id FROM proposals q WHERE q.event_id = :event_id) AS proposal_id",
        where,
    ).fetchone()
    return Event.of(
        row,
        may_edit=may_edit(event_id, email),
        minutes_before=extras["minutes_before"],
        proposal_id=extras["proposal_id"],
        unanswered=sum(1 for guest in guests if guest["answer"] == "needs_action"),
        guests=[Attendee.of(guest) for guest in guests],
        dates=[Date.of(date) for date in dates],
    )


@env.reads(refuses=NO_SUCH_EMAIL)
def get_agenda(
    email: ViewerEmail,
    starts_on: Annotated[
        IsoDate, Filter("occurrence_board.starts_on", "=", description="The day, in each event's own time zone.")
    ],
) -> Agenda:
    """Get a person's day: every date of an event that they are invited to or see in a calendar, in order."""
    person = find(env.db, "people", email=email)
    rows = env.db.execute(
        "SELECT o.*, i.answer FROM occurrence_board o"
        " LEFT JOIN invitations i ON i.event_id = o.event_id AND i.person_id = :person_id"
        " WHERE o.starts_on = :starts_on AND o.event_id IN (SELECT event_id FROM event_viewers WHERE email = :email)"
        " ORDER BY o.starts_at, o.occurrence_id",
        {"person_id": person["person_id"], "starts_on": starts_on, "email": email},
    ).fetchall()
    return Agenda(
        occurrences=[Occurrence.of(row) for row in rows],
        total=len(rows),
        upcoming=sum(1 for row in rows if row["status"] in ("scheduled", "moved")),
    )


@env.reads
def get_free_busy(
    person_id: Annotated[PersonId, Filter("busy_times.person_id", "=", description="Person id.")],
    busy_on: Annotated[IsoDate, Filter("busy_times.busy_on", "=", description="The day, where that person is.")],
) -> FreeBusy:
    """Get when a person is taken on a day, without what for; only what they accepted counts."""
    person = find(env.db, "people", person_id=person_id)
    rows = env.db.execute(
        "SELECT * FROM busy_times WHERE person_id = ? AND busy_on = ? ORDER BY starts_at, ends_at, occurrence_id",
        (person_id, busy_on),
    ).fetchall()
    times = [(moment(row["from_local"]), moment(row["until_local"])) for row in rows]
    return FreeBusy(
        timezone=person["timezone"],
        busy=[BusyTime.of(row) for row in rows],
        busy_minutes=minutes_covered(times),
        free_from=first_free(busy_on, times),
    )


Span = tuple[datetime, datetime]


def moment(local: str) -> datetime:
    """Give a local time as a moment to reckon with."""
    return datetime.fromisoformat(local)


def minutes_covered(times: Sequence[Span]) -> int:
    """Give the minutes that times in order cover, those that they share counted once."""
    total = timedelta()
    covered: datetime | None = None
    for begins, ends in times:
        total += max(timedelta(), ends - max(begins, covered or begins))
        covered = max(covered or ends, ends)
    return int(total.total_seconds()) // 60


def first_free(day: str, times: Sequence[Span]) -> str | None:
    """Give the first half hour of a working day that none of the times touches."""
    begins, last = moment(f"{day}T{DAY_BEGINS}"), moment(f"{day}T{DAY_ENDS}") - HALF_HOUR
    while begins <= last:
        if all(until <= begins or begins + HALF_HOUR <= since for since, until in times):
            return begins.strftime("%H:%M")
        begins += HALF_HOUR
    return None


@env.reads
def list_rooms(
    city: Annotated[
        str | None,
        Filter("rooms.city", "=", description="Only rooms of this city's office.", min_length=2, max_length=40),
    ] = None,
    min_capacity: Annotated[
        int | None, Filter("rooms.capacity", ">=", description="Seats needed.", ge=1, le=200)
    ] = None,
    free_for: Annotated[
        OccurrenceId | None, Field(description="Only rooms that nobody has at the time of this date of an event.")
    ] = None,
) -> RoomList:
    """List the meeting rooms, the smallest first."""
    if free_for:
        find(env.db, "occurrences", occurrence_id=free_for)
    rows = env.db.execute(
        "SELECT r.* FROM rooms r WHERE (:city IS NULL OR city = :city)"
        " AND (:min_capacity IS NULL OR capacity >= :min_capacity)"
        " AND NOT EXISTS (SELECT 1 FROM room_bookings k JOIN occurrences x ON x.occurrence_id = k.occurrence_id"
        " JOIN occurrences o ON o.occurrence_id = :free_for AND x.starts_at < o.ends_at AND x.ends_at > o.starts_at"
        " WHERE k.room_id = r.room_id AND k.occurrence_id <> :free_for)"
        " ORDER BY capacity, name, room_id",
        {"city": city, "min_capacity": min_capacity, "free_for": free_for},
    ).fetchall()
    return RoomList(rooms=[Room.of(row) for row in rows], total=len(rows))


# Meetings ------------------------------------------------------------------------------------------------------------

BAD_SERIES = f"""
SELECT 1 WHERE (:frequency = 'once') <> (:until_on IS NULL) OR :until_on <= :starts_on OR :until_on >= date(:starts_on,
    CASE :frequency WHEN 'daily' THEN '{MOST_DATES} days' WHEN 'weekly' THEN '{7 * MOST_DATES} days'
    ELSE '{MOST_DATES} months' END)
"""


@env.writes(
    changes={"events": "insert", "occurrences": "insert", "invitations": "insert", "proposals": "insert"},
    refuses={
        "not_permitted": f"{PLANNED} SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM chosen)",
        "bad_series": BAD_SERIES,
        "too_far_ahead": TOO_FAR.format(last="coalesce(:until_on, :starts_on)"),
        "in_past": f"{PLANNED} SELECT 1 FROM slots WHERE starts_on = :starts_on AND starts_at <= :now",
        "already_invited": f"{PLANNED} SELECT 1 FROM chosen WHERE organizer_id = :invitee_id",
        "conflict": f"{PLANNED} {CLASHES}",
    },
)
def propose_meeting(  # noqa: PLR0913, PLR0917 - what a meeting consists of
    email: Email,
    title: Annotated[
        str,
        Sets("events.title", description="What it is about.", max_length=60, pattern=r"^[A-Za-z][A-Za-z0-9 ',:-]+$"),
    ],
    invitee_id: Annotated[PersonId, Field(description="Whom to invite; invite more people once it is approved.")],
    starts_on: Annotated[IsoDate, Sets("occurrences.starts_on", description="First day.")],
    start_time: Annotated[
        StartTime, Sets("occurrences.starts_local", description="Wall clock of the calendar's time zone.")
    ],
    minutes: Annotated[Literal[15, 30, 45, 60, 90, 120], Field(description="How long it lasts.")],
    frequency: Annotated[Frequency, Sets("events.frequency", description="How often.")] = "once",
    until_on: Annotated[
        IsoDate | None, Sets("events.until_on", description="Last day of a series, within 60 dates.")
    ] = None,
    calendar_id: Annotated[CalendarId | None, Field(description="By default the person's primary calendar.")] = None,
    note: Annotated[str | None, Free("events.note", description="For the invitation.", max_length=200)] = None,
) -> ProposedMeeting:
    """Propose a meeting, single or a series; the invitation goes out once the person approves the proposal."""
    db, now = env.db, env.now
    plan = {
        "email": email,
        "starts_on": starts_on,
        "start_time": start_time,
        "minutes": minutes,
        "frequency": frequency,
        "until_on": until_on,
        "calendar_id": calendar_id,
    }
    find(db, "people", person_id=invitee_id)
    if calendar_id:
        find(db, "calendars", calendar_id=calendar_id)
    chosen = chosen_calendar(plan)
    require_series(plan)
    require_near(until_on or starts_on)
    slots = db.execute(f"{PLANNED} SELECT * FROM slots ORDER BY starts_on", plan).fetchall()
    require_free(chosen, slots, invitee_id)
    expires_at = min(hours_later(now, PROPOSAL_HOURS), slots[0]["starts_at"])
    event_id, organizer_id = env.new_id("events.event_id"), chosen["organizer_id"]
    db.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, 'meeting', ?, ?, ?, NULL, ?, 'proposed', ?)",
        (event_id, chosen["calendar_id"], organizer_id, title, frequency, until_on, chosen["timezone"], note, now),
    )
    for slot in slots:
        add_date(event_id, slot)
    invite(event_id, organizer_id, "accepted")
    proposal_id = ask({"email": email, "kind": "meeting", "event_id": event_id, "other_id": invitee_id}, expires_at)
    event = find(db, "event_board", event_id=event_id)
    return ProposedMeeting.of(event, dates=len(slots), proposal_id=proposal_id, expires_at=expires_at)


def chosen_calendar(plan: Mapping[str, Any]) -> sqlite3.Row:
    """Give the calendar of a meeting to be and who organizes it, if the person acted for may write there."""
    row: sqlite3.Row | None = env.db.execute(f"{PLANNED} SELECT * FROM chosen", plan).fetchone()
    if row is None:
        raise Refusal("not_permitted", f"{plan['email']} may not write in that calendar; pick one of their own.")
    return row


def require_near(day: str) -> None:
    """Refuse a day to which the calendars don't reach."""
    if env.db.execute(TOO_FAR.format(last=":day"), {"day": day, "today": env.today}).fetchone():
        raise Refusal(
            "too_far_ahead", f"Calendars are open nine months ahead, and {day} is later; pick an earlier day."
        )


def require_series(plan: Mapping[str, Any]) -> None:
    """Refuse a frequency without a last day, a last day without a frequency, and a series without end."""
    if env.db.execute(BAD_SERIES, plan).fetchone():
        raise Refusal("bad_series", f"A series needs a last day after its first and at most {MOST_DATES} dates.")


def require_free(chosen: sqlite3.Row, slots: Sequence[sqlite3.Row], invitee_id: str) -> None:
    """Refuse dates that have begun or on which the organizer is taken, and an organizer who invites themself."""
    if slots[0]["starts_at"] <= env.now:
        raise Refusal("in_past", f"{slots[0]['starts_local']} is over; pick a time that is still to come.")
    if chosen["organizer_id"] == invitee_id:
        raise Refusal("already_invited", "The organizer is invited to their own meeting anyway; name somebody else.")
    for slot in slots:
        require_untaken(chosen["organizer_id"], slot["starts_at"], slot["ends_at"])


def require_untaken(person_id: str, starts_at: str, ends_at: str, except_for: str = "") -> None:
    """Refuse a time at which a person is taken by something other than the date excepted."""
    taken = env.db.execute(
        "SELECT b.starts_at FROM busy b WHERE b.person_id = ? AND b.starts_at < ? AND b.ends_at > ?"
        " AND b.occurrence_id <> ? ORDER BY b.starts_at, b.occurrence_id",
        (person_id, ends_at, starts_at, except_for),
    ).fetchone()
    if taken:
        raise Refusal("conflict", f"The organizer is taken at {taken['starts_at']}; look for a free time.")


def add_date(event_id: str, slot: sqlite3.Row) -> None:
    """Write out one date of an event."""
    env.db.execute(
        "INSERT INTO occurrences VALUES (:occurrence_id, :event_id, :starts_on, :starts_at, :ends_at, :starts_on,"
        " :starts_local, :ends_local, 'scheduled')",
        {**slot, "occurrence_id": env.new_id("occurrences.occurrence_id"), "event_id": event_id},
    )


def invite(event_id: str, person_id: str, answer: str) -> str:
    """Add a person to an event, with an answer, and give the invitation's id."""
    invitation_id = env.new_id("invitations.invitation_id")
    env.db.execute(
        "INSERT INTO invitations VALUES (?, ?, ?, ?, ?, ?)",
        (invitation_id, event_id, person_id, answer, env.now, None if answer == "needs_action" else env.now),
    )
    return invitation_id


def ask(subject: Mapping[str, Any], expires_at: str) -> str:
    """Ask the person acted for to approve something, and give the proposal's id."""
    proposal_id = env.new_id("proposals.proposal_id")
    env.db.execute(
        "INSERT INTO proposals SELECT :proposal_id, person_id, :kind, :event_id, :calendar_id, :other_id, :role,"
        " 'pending', :now, :expires_at FROM people WHERE email = :email",
        {
            "event_id": None,
            "calendar_id": None,
            "role": None,
            **subject,
            "proposal_id": proposal_id,
            "now": env.now,
            "expires_at": expires_at,
        },
    )
    return proposal_id


def hours_later(moment_at: str, hours: int) -> str:
    """Give the moment so many hours later."""
    return (datetime.fromisoformat(moment_at) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@env.writes(
    changes={"invitations": "insert"},
    refuses={
        **EVENT_RULES,
        "already_invited": f"{OPEN_EVENT} AND EXISTS (SELECT 1 FROM invitations i"
        " WHERE i.event_id = e.event_id AND i.person_id = :person_id)",
        "room_too_small": f"{OPEN_EVENT} AND EXISTS (SELECT 1 FROM occurrence_board o"
        " JOIN rooms r ON r.room_id = o.room_id WHERE o.event_id = e.event_id AND o.status IN ('scheduled', 'moved')"
        " AND r.capacity <= e.attendees)",
    },
)
def invite_person(email: Email, event_id: EventId, person_id: PersonId) -> Invited:
    """Invite one more person to an event; their room must have a seat for them on every date to come."""
    db = env.db
    event = find(db, "event_board", event_id=event_id)
    person = find(db, "people", person_id=person_id)
    require_alterable(event, email)
    if db.execute("SELECT 1 FROM invitations WHERE event_id = ? AND person_id = ?", (event_id, person_id)).fetchone():
        raise Refusal("already_invited", f"{person['name']} is invited to {event['title']} already.")
    small = db.execute(
        "SELECT o.room_name, r.capacity FROM occurrence_board o JOIN rooms r ON r.room_id = o.room_id"
        " WHERE o.event_id = ? AND o.status IN ('scheduled', 'moved') AND r.capacity <= ?"
        " ORDER BY o.starts_at, o.occurrence_id",
        (event_id, event["attendees"]),
    ).fetchone()
    if small:
        raise Refusal("room_too_small", f"{small['room_name']} seats {small['capacity']}; book a larger room first.")
    invitation_id = invite(event_id, person_id, "needs_action")
    return Invited(
        invitation_id=invitation_id,
        event_id=event_id,
        person_name=person["name"],
        attendees=event["attendees"] + 1,
    )


@env.writes(
    changes={"invitations": "update answer answered_at"},
    refuses={
        "event_cancelled": "SELECT 1 FROM invitation_board WHERE invitation_id = :invitation_id"
        " AND event_status IN ('cancelled', 'dropped', 'lapsed')",
        "event_past": "SELECT 1 FROM invitation_board WHERE invitation_id = :invitation_id AND event_status = 'past'",
        "already_answered": "SELECT 1 FROM invitation_board WHERE invitation_id = :invitation_id"
        " AND event_status IN ('proposed', 'confirmed') AND answer = :answer",
        "conflict": "SELECT 1 FROM invitation_board i"
        " JOIN occurrences o ON o.event_id = i.event_id AND o.status <> 'cancelled' AND o.starts_at > :now"
        " JOIN busy b ON b.person_id = i.person_id AND b.event_id <> i.event_id"
        " AND b.starts_at < o.ends_at AND b.ends_at > o.starts_at"
        " WHERE i.invitation_id = :invitation_id AND i.event_status IN ('proposed', 'confirmed')"
        " AND :answer = 'accepted' AND i.answer <> 'accepted'",
    },
)
def answer_invitation(
    invitation_id: InvitationId,
    answer: Annotated[
        Literal["accepted", "tentative", "declined"],
        Sets("invitations.answer", description="For all dates; accepting needs all of them free."),
    ],
) -> Answered:
    """Answer an invitation for the person who is invited, or change their answer."""
    db = env.db
    invitation = find(db, "invitation_board", invitation_id=invitation_id)
    title, status = invitation["title"], invitation["event_status"]
    if status in ("cancelled", "dropped", "lapsed"):
        raise Refusal("event_cancelled", f"{title} is {status}; there is nothing to answer.")
    if status == "past":
        raise Refusal("event_past", f"{title} has begun or is over; there is nothing to answer.")
    if invitation["answer"] == answer:
        raise Refusal("already_answered", f"{title} is answered with {answer} already.")
    if answer == "accepted":
        require_all_free(invitation)
    db.execute(
        "UPDATE invitations SET answer = ?, answered_at = ? WHERE invitation_id = ?",
        (answer, env.now, invitation_id),
    )
    return Answered.of(invitation, answer=answer)


def require_all_free(invitation: sqlite3.Row) -> None:
    """Refuse to accept an event while the person is taken on one of its dates to come."""
    clash = env.db.execute(
        "SELECT o.starts_local, e.title FROM occurrences o"
        " JOIN busy b ON b.person_id = :person_id AND b.event_id <> o.event_id"
        " AND b.starts_at < o.ends_at AND b.ends_at > o.starts_at"
        " JOIN events e ON e.event_id = b.event_id"
        " WHERE o.event_id = :event_id AND o.status <> 'cancelled' AND o.starts_at > :now"
        " ORDER BY o.starts_at, b.occurrence_id",
        {"person_id": invitation["person_id"], "event_id": invitation["event_id"], "now": env.now},
    ).fetchone()
    if clash:
        raise Refusal("conflict", f"On {clash['starts_local']} there is {clash['title']} already; decline one of them.")


# Changing dates ------------------------------------------------------------------------------------------------------


@env.writes(
    changes={
        "occurrences": "update starts_at ends_at starts_on starts_local ends_local status",
        "invitations": "update answer answered_at",
    },
    refuses={**DATE_RULES, **MOVE_RULES},
)
def move_occurrence(
    email: Email,
    occurrence_id: OccurrenceId,
    starts_on: Annotated[IsoDate, Sets("occurrences.starts_on", description="New day.")],
    start_time: Annotated[
        StartTime, Sets("occurrences.starts_local", description="Wall clock of the event's time zone.")
    ],
) -> Moved:
    """Move one date of an event, as long as before and with its room; guests of a single event are asked anew."""
    db, now = env.db, env.now
    date = find(db, "occurrence_board", occurrence_id=occurrence_id)
    require_alterable(date, email)
    require_near(starts_on)
    plan = {"email": email, "occurrence_id": occurrence_id, "starts_on": starts_on, "start_time": start_time}
    slot = db.execute(f"{MOVED} SELECT * FROM slots", plan).fetchone()
    if slot["new_starts_at"] <= now:
        raise Refusal("in_past", f"{slot['new_local']} is over; pick a time that is still to come.")
    if db.execute(MOVE_RULES["outside_series"], plan).fetchone():
        raise Refusal(
            "outside_series",
            f"A date of {date['title']} must stay between the dates before and after it in the series.",
        )
    require_untaken(date["organizer_id"], slot["new_starts_at"], slot["new_ends_at"], occurrence_id)
    if db.execute(MOVE_RULES["room_taken"], plan).fetchone():
        raise Refusal("room_taken", f"{date['room_name']} is taken then; book another room first or pick another time.")
    db.execute(
        "UPDATE occurrences SET starts_at = ?, ends_at = ?, starts_on = ?, starts_local = ?, ends_local = ?,"
        " status = 'moved' WHERE occurrence_id = ?",
        (
            slot["new_starts_at"],
            slot["new_ends_at"],
            starts_on,
            slot["new_local"],
            slot["new_ends_local"],
            occurrence_id,
        ),
    )
    asked_again = ask_again(date) if date["frequency"] == "once" else 0
    return Moved.of(find(db, "occurrence_board", occurrence_id=occurrence_id), asked_again=asked_again)


def ask_again(date: sqlite3.Row) -> int:
    """Take back the answers of a single event's guests, and give how many there were."""
    return env.db.execute(
        "UPDATE invitations SET answer = 'needs_action', answered_at = NULL"
        " WHERE event_id = ? AND person_id <> ? AND answer <> 'needs_action'",
        (date["event_id"], date["organizer_id"]),
    ).rowcount


@env.writes(
    changes={"occurrences": "update status", "room_bookings": "delete"},
    refuses={**DATE_RULES, "not_recurring": f"{OPEN_DATE} AND frequency = 'once'"},
)
def cancel_occurrence(email: Email, occurrence_id: OccurrenceId) -> DateCancelled:
    """Take one date out of a series and give back its room; the other dates stay."""
    db = env.db
    date = find(db, "occurrence_board", occurrence_id=occurrence_id)
    require_alterable(date, email)
    if date["frequency"] == "once":
        raise Refusal("not_recurring", f"{date['title']} has no other date; cancel the event itself.")
    db.execute("DELETE FROM room_bookings WHERE occurrence_id = ?", (occurrence_id,))
    db.execute("UPDATE occurrences SET status = 'cancelled' WHERE occurrence_id = ?", (occurrence_id,))
    (left,) = db.execute(
        "SELECT count(*) FROM occurrences WHERE event_id = ? AND status <> 'cancelled' AND starts_at > ?",
        (date["event_id"], env.now),
    ).fetchone()
    return DateCancelled.of(date, dates_left=left)


@env.writes(
    changes={
        "events": "update status",
        "occurrences": "update status",
        "room_bookings": "delete",
        "proposals": "update status",
    },
    refuses={code: sql for code, sql in EVENT_RULES.items() if code != "awaiting_approval"},
)
def cancel_event(email: Email, event_id: EventId) -> EventCancelled:
    """Cancel an event with all its dates to come, or withdraw one that is only proposed; its rooms are given back."""
    db, now = env.db, env.now
    event = find(db, "event_board", event_id=event_id)
    proposed = event["status"] == "proposed"
    if not proposed or not may_edit(event_id, email):
        require_alterable(event, email)
    dates = db.execute(
        "UPDATE occurrences SET status = 'cancelled' WHERE event_id = ? AND status <> 'cancelled' AND starts_at > ?"
        " RETURNING occurrence_id",
        (event_id, now),
    ).fetchall()
    db.executemany("DELETE FROM room_bookings WHERE occurrence_id = ?", [(date["occurrence_id"],) for date in dates])
    status = "dropped" if proposed else "cancelled"
    db.execute("UPDATE events SET status = ? WHERE event_id = ?", (status, event_id))
    db.execute("UPDATE proposals SET status = 'withdrawn' WHERE event_id = ? AND status = 'pending'", (event_id,))
    return EventCancelled.of(
        event, status=status, dates_cancelled=len(dates), people_told=0 if proposed else event["attendees"] - 1
    )


@env.writes(
    changes={"room_bookings": "insert, update room_id booked_at"},
    refuses={
        **DATE_RULES,
        "already_booked": f"{OPEN_DATE} AND room_id = :room_id",
        "room_too_small": f"{OPEN_DATE} AND room_id IS NOT :room_id"
        " AND attendees > (SELECT capacity FROM rooms r WHERE r.room_id = :room_id)",
        "room_taken": f"{OPEN_DATE} AND EXISTS (SELECT 1 FROM room_bookings k"
        " JOIN occurrences x ON x.occurrence_id = k.occurrence_id WHERE k.room_id = :room_id"
        " AND x.occurrence_id <> o.occurrence_id AND x.starts_at < o.ends_at AND x.ends_at > o.starts_at)",
    },
)
def book_room(email: Email, occurrence_id: OccurrenceId, room_id: RoomId) -> RoomBooked:
    """Book a room for one date of an event, in place of the one it had."""
    db = env.db
    date = find(db, "occurrence_board", occurrence_id=occurrence_id)
    room = find(db, "rooms", room_id=room_id)
    require_alterable(date, email)
    if date["room_id"] == room_id:
        raise Refusal("already_booked", f"{date['title']} has {room['name']} on that date already.")
    if date["attendees"] > room["capacity"]:
        raise Refusal(
            "room_too_small",
            f"{room['name']} seats {room['capacity']} and {date['attendees']} are invited; take a larger one.",
        )
    if db.execute(
        "SELECT 1 FROM room_bookings k JOIN occurrences x ON x.occurrence_id = k.occurrence_id"
        " WHERE k.room_id = ? AND x.occurrence_id <> ? AND x.starts_at < ? AND x.ends_at > ?",
        (room_id, occurrence_id, date["ends_at"], date["starts_at"]),
    ).fetchone():
        raise Refusal("room_taken", f"{room['name']} is taken at that time; list the rooms that are free.")
    db.execute(
        "INSERT INTO room_bookings VALUES (:occurrence_id, :room_id, :now)"
        " ON CONFLICT (occurrence_id) DO UPDATE SET room_id = :room_id, booked_at = :now",
        {"occurrence_id": occurrence_id, "room_id": room_id, "now": env.now},
    )
    return RoomBooked.of(date, room_name=room["name"], seats_spare=room["capacity"] - date["attendees"])


GUEST = "FROM invitation_board WHERE event_id = :event_id AND email = :email"


@env.writes(
    changes={"reminders": "insert, update minutes_before"},
    refuses={
        "not_invited": f"SELECT 1 FROM events WHERE event_id = :event_id AND NOT EXISTS (SELECT 1 {GUEST})",
        "event_cancelled": f"SELECT 1 {GUEST} AND event_status IN ('cancelled', 'dropped', 'lapsed')",
        "event_past": f"SELECT 1 {GUEST} AND event_status = 'past'",
        "already_set": f"SELECT 1 {GUEST} AND event_status IN ('proposed', 'confirmed') AND EXISTS"
        " (SELECT 1 FROM reminders r WHERE r.event_id = invitation_board.event_id"
        " AND r.person_id = invitation_board.person_id AND r.minutes_before = :minutes_before)",
    },
)
def set_reminder(
    email: Email,
    event_id: EventId,
    minutes_before: Annotated[
        Lead, Sets("reminders.minutes_before", description="How long before each date; 0 is when it starts.")
    ],
) -> Reminder:
    """Remind an invited person of each date of an event, in place of the reminder that they had."""
    db = env.db
    event = find(db, "event_board", event_id=event_id)
    guest = db.execute(f"SELECT * {GUEST}", {"event_id": event_id, "email": email}).fetchone()
    if guest is None:
        raise Refusal("not_invited", f"{email} isn't invited to {event['title']}; nobody reminds them of it.")
    if event["status"] in ("cancelled", "dropped", "lapsed"):
        raise Refusal("event_cancelled", f"{event['title']} is {event['status']}; there is nothing to remind of.")
    if event["status"] == "past":
        raise Refusal("event_past", f"{event['title']} has begun or is over; there is nothing to remind of.")
    reminder = {"event_id": event_id, "person_id": guest["person_id"], "minutes_before": minutes_before}
    if db.execute(
        "SELECT 1 FROM reminders WHERE event_id = :event_id AND person_id = :person_id"
        " AND minutes_before = :minutes_before",
        reminder,
    ).fetchone():
        raise Refusal("already_set", f"The reminder comes {minutes_before} minutes before already.")
    db.execute(
        "INSERT INTO reminders VALUES (:event_id, :person_id, :minutes_before)"
        " ON CONFLICT (event_id, person_id) DO UPDATE SET minutes_before = :minutes_before",
        reminder,
    )
    next_at = datetime.fromisoformat(event["starts_at"]) - timedelta(minutes=minutes_before)
    return Reminder(event_id=event_id, minutes_before=minutes_before, next_at=next_at.strftime("%Y-%m-%dT%H:%M:%SZ"))


# Sharing -------------------------------------------------------------------------------------------------------------

OWNED = """FROM calendars c JOIN people p ON p.person_id = c.owner_id
    WHERE c.calendar_id = :calendar_id AND p.email = :email"""


@env.writes(
    changes={"proposals": "insert"},
    refuses={
        "not_permitted": f"SELECT 1 FROM calendars WHERE calendar_id = :calendar_id AND NOT EXISTS (SELECT 1 {OWNED})",
        "not_primary": f"SELECT 1 {OWNED} AND c.kind <> 'primary' AND :role = 'delegate'",
        "already_shared": f"SELECT 1 {OWNED} AND (c.owner_id = :person_id OR EXISTS (SELECT 1 FROM shares s"
        " WHERE s.calendar_id = c.calendar_id AND s.person_id = :person_id AND s.role = :role))",
        "awaiting_approval": f"SELECT 1 {OWNED} AND EXISTS (SELECT 1 FROM proposal_board q JOIN proposals r"
        " ON r.proposal_id = q.proposal_id WHERE q.calendar_id = c.calendar_id AND r.other_id = :person_id"
        " AND q.status = 'pending')",
    },
)
def share_calendar(
    email: Email,
    calendar_id: CalendarId,
    person_id: Annotated[PersonId, Field(description="Whom to let in.")],
    role: Annotated[
        Role,
        Sets("proposals.role", description="A delegate manages the owner's primary calendar in the owner's name."),
    ],
) -> ProposedSharing:
    """Propose to let somebody into a calendar, or into more of it; it is shared once the owner approves."""
    db = env.db
    calendar = find(db, "calendar_board", calendar_id=calendar_id)
    person = find(db, "people", person_id=person_id)
    where = {"calendar_id": calendar_id, "email": email, "person_id": person_id, "role": role}
    if not db.execute(f"SELECT 1 {OWNED}", where).fetchone():
        raise Refusal("not_permitted", f"Only {calendar['owner_name']}, who owns {calendar['name']}, may share it.")
    if role == "delegate" and calendar["kind"] != "primary":
        raise Refusal("not_primary", f"{calendar['name']} has no delegates; share it with a writer instead.")
    require_new_share(where, calendar["owner_id"], person["name"])
    expires_at = hours_later(env.now, PROPOSAL_HOURS)
    subject = {"email": email, "kind": "sharing", "calendar_id": calendar_id, "other_id": person_id, "role": role}
    proposal_id = ask(subject, expires_at)
    return ProposedSharing.of(find(db, "proposal_board", proposal_id=proposal_id))


def require_new_share(where: Mapping[str, Any], owner_id: str, name: str) -> None:
    """Refuse to ask for what a person has already, or while another request for them waits."""
    held = env.db.execute(
        "SELECT 1 FROM shares WHERE calendar_id = :calendar_id AND person_id = :person_id AND role = :role", where
    ).fetchone()
    if held or owner_id == where["person_id"]:
        raise Refusal("already_shared", f"{name} may do that in this calendar already.")
    waiting = env.db.execute(
        "SELECT 1 FROM proposals q JOIN proposal_board b ON b.proposal_id = q.proposal_id"
        " WHERE q.calendar_id = :calendar_id AND q.other_id = :person_id AND b.status = 'pending'",
        where,
    ).fetchone()
    if waiting:
        raise Refusal("awaiting_approval", f"A request to let {name} in waits; ask the owner to decide on it first.")


# What only the person can do -----------------------------------------------------------------------------------------


@env.reads(actor="user")
def list_proposals(
    email: Annotated[Email, Filter("proposal_board.email", "=", description="Your email address.")],
    status: Annotated[
        ProposalStatus | None, Filter("proposal_board.status", "=", description="Only proposals in this state.")
    ] = None,
) -> ProposalList:
    """List what you were asked to approve, the latest first."""
    rows = env.db.execute(
        "SELECT * FROM proposal_board WHERE email = ? AND status = coalesce(?, status)"
        " ORDER BY created_at DESC, proposal_id",
        (email, status),
    ).fetchall()
    return ProposalList(proposals=[Proposal.of(row) for row in rows], total=len(rows))


SETTLED = {
    "proposal_expired": "SELECT 1 FROM proposal_board WHERE proposal_id = :proposal_id AND status = 'expired'",
    "not_pending": "SELECT 1 FROM proposal_board"
    " WHERE proposal_id = :proposal_id AND status NOT IN ('pending', 'expired')",
}


@env.writes(
    actor="user",
    changes={
        "proposals": "update status",
        "events": "update status",
        "invitations": "insert",
        "shares": "insert, update role since_at",
    },
    refuses={
        **SETTLED,
        "conflict": "SELECT 1 FROM proposal_board q JOIN events e ON e.event_id = q.event_id"
        " JOIN occurrences o ON o.event_id = q.event_id"
        " JOIN busy b ON b.person_id = e.organizer_id AND b.starts_at < o.ends_at AND b.ends_at > o.starts_at"
        " WHERE q.proposal_id = :proposal_id AND q.status = 'pending'",
    },
)
def approve_proposal(proposal_id: ProposalId) -> Proposal:
    """Approve what was proposed: the invitation goes out, or the calendar is shared."""
    db, now = env.db, env.now
    proposal = pending_proposal(proposal_id)
    if proposal["kind"] == "meeting":
        confirm_meeting(proposal)
    else:
        db.execute(
            "INSERT INTO shares VALUES (:calendar_id, :other_id, :role, :now)"
            " ON CONFLICT (calendar_id, person_id) DO UPDATE SET role = :role, since_at = :now",
            {**proposal, "now": now},
        )
    db.execute("UPDATE proposals SET status = 'approved' WHERE proposal_id = ?", (proposal_id,))
    return Proposal.of(find(db, "proposal_board", proposal_id=proposal_id))


def pending_proposal(proposal_id: str) -> sqlite3.Row:
    """Give a proposal that still waits for its answer."""
    state = find(env.db, "proposal_board", proposal_id=proposal_id)
    if state["status"] == "expired":
        raise Refusal("proposal_expired", f"The time to decide ended at {state['expires_at']}; have it proposed anew.")
    if state["status"] != "pending":
        raise Refusal("not_pending", f"This proposal is {state['status']}; there is nothing to decide.")
    return find(env.db, "proposals", proposal_id=proposal_id)


def confirm_meeting(proposal: sqlite3.Row) -> None:
    """Turn a proposed meeting into a confirmed one and invite the guest, if the organizer has kept the time free."""
    event = find(env.db, "events", event_id=proposal["event_id"])
    dates = env.db.execute(
        "SELECT * FROM occurrences WHERE event_id = ? ORDER BY starts_at, occurrence_id", (event["event_id"],)
    )
    for date in dates.fetchall():
        require_untaken(event["organizer_id"], date["starts_at"], date["ends_at"])
    env.db.execute("UPDATE events SET status = 'confirmed' WHERE event_id = ?", (event["event_id"],))
    invite(event["event_id"], proposal["other_id"], "needs_action")


@env.writes(
    actor="user",
    changes={"proposals": "update status", "events": "update status", "occurrences": "update status"},
    refuses=SETTLED,
)
def decline_proposal(proposal_id: ProposalId) -> Proposal:
    """Say no to what was proposed: nobody is invited, nothing is shared."""
    db = env.db
    proposal = pending_proposal(proposal_id)
    db.execute("UPDATE proposals SET status = 'declined' WHERE proposal_id = ?", (proposal_id,))
    if proposal["kind"] == "meeting":
        db.execute("UPDATE events SET status = 'dropped' WHERE event_id = ?", (proposal["event_id"],))
        db.execute("UPDATE occurrences SET status = 'cancelled' WHERE event_id = ?", (proposal["event_id"],))
    return Proposal.of(find(db, "proposal_board", proposal_id=proposal_id))


# What always holds ---------------------------------------------------------------------------------------------------

env.invariant(
    "no_room_holds_two_events_at_once",
    "SELECT k.room_id, o.occurrence_id, x.occurrence_id AS other_id FROM room_bookings k"
    " JOIN occurrences o ON o.occurrence_id = k.occurrence_id"
    " JOIN room_bookings l ON l.room_id = k.room_id AND l.occurrence_id > k.occurrence_id"
    " JOIN occurrences x ON x.occurrence_id = l.occurrence_id AND x.starts_at < o.ends_at AND x.ends_at > o.starts_at",
)
env.invariant(
    "a_cancelled_date_has_no_room",
    "SELECT k.occurrence_id FROM room_bookings k JOIN occurrences o ON o.occurrence_id = k.occurrence_id"
    " WHERE o.status = 'cancelled'",
)
env.invariant(
    "a_room_seats_everybody_invited",
    "SELECT o.occurrence_id, r.capacity, o.attendees FROM occurrence_board o JOIN rooms r ON r.room_id = o.room_id"
    " WHERE o.attendees > r.capacity AND o.status IN ('scheduled', 'moved')",
)
env.invariant(
    "every_event_has_its_organizer_among_the_invited",
    "SELECT e.event_id FROM events e WHERE NOT EXISTS"
    " (SELECT 1 FROM invitations i WHERE i.event_id = e.event_id AND i.person_id = e.organizer_id)",
)
env.invariant(
    "every_event_has_its_dates",
    "SELECT e.event_id, count(o.occurrence_id) AS dates FROM events e"
    " LEFT JOIN occurrences o ON o.event_id = e.event_id GROUP BY e.event_id, e.frequency"
    f" HAVING dates NOT BETWEEN 1 AND iif(e.frequency = 'once', 1, {MOST_DATES})",
)
env.invariant(
    "dates_lie_within_their_series",
    "SELECT o.occurrence_id FROM occurrences o JOIN events e ON e.event_id = o.event_id AND e.frequency <> 'once'"
    " WHERE o.original_on > e.until_on OR o.starts_on > e.until_on"
    " OR o.starts_on < (SELECT min(x.original_on) FROM occurrences x WHERE x.event_id = o.event_id)",
)
env.invariant(
    "dates_of_a_series_keep_their_order",
    "SELECT o.occurrence_id FROM occurrences o JOIN occurrences x ON x.event_id = o.event_id"
    " WHERE x.original_on > o.original_on AND x.starts_on <= o.starts_on",
)
env.invariant(
    "wall_clocks_agree_with_utc",
    "SELECT o.occurrence_id FROM occurrences o JOIN events e ON e.event_id = o.event_id WHERE o.starts_local IS NOT"
    " strftime('%Y-%m-%dT%H:%M', o.starts_at, (SELECT u.offset_minutes FROM utc_offsets u"
    " WHERE u.timezone = e.timezone AND u.since_at <= o.starts_at ORDER BY u.since_at DESC LIMIT 1) || ' minutes')",
)
env.invariant(
    "only_the_invited_are_reminded",
    "SELECT r.event_id, r.person_id FROM reminders r WHERE NOT EXISTS"
    " (SELECT 1 FROM invitations i WHERE i.event_id = r.event_id AND i.person_id = r.person_id)",
)
env.invariant(
    "nobody_shares_a_calendar_with_its_owner",
    "SELECT s.calendar_id FROM shares s JOIN calendars c ON c.calendar_id = s.calendar_id"
    " WHERE s.person_id = c.owner_id OR s.role = 'delegate' AND c.kind <> 'primary'",
)
env.invariant(
    "a_proposed_meeting_has_one_proposal",
    "SELECT e.event_id FROM events e WHERE e.status = 'proposed' AND NOT EXISTS"
    " (SELECT 1 FROM proposals q WHERE q.event_id = e.event_id AND q.status = 'pending')",
)
env.invariant(
    "a_request_stands_for_a_day_or_until_the_meeting",
    "SELECT proposal_id FROM proposals q WHERE unixepoch(expires_at) - unixepoch(created_at) <> 24 * 3600"
    " AND (kind = 'sharing' OR expires_at <> (SELECT min(starts_at) FROM occurrences o WHERE o.event_id = q.event_id))",
)
env.invariant(
    "a_request_tells_of_its_meeting_or_calendar",
    "SELECT b.proposal_id FROM proposal_board b JOIN proposals q USING (proposal_id) JOIN people o"
    " ON o.person_id = q.other_id LEFT JOIN calendars c ON c.calendar_id = q.calendar_id"
    " LEFT JOIN (SELECT event_id, title, min(starts_on) AS first_on FROM events JOIN occurrences USING (event_id)"
    " GROUP BY event_id) e ON e.event_id = q.event_id"
    " WHERE (b.title, b.starts_on, b.other_name, b.role) IS NOT (coalesce(e.title, c.name), e.first_on, o.name, q.role)"
    " OR b.status <> CASE WHEN q.status <> 'pending' THEN q.status WHEN :now < q.expires_at THEN 'pending'"
    " ELSE 'expired' END",
)
env.invariant(
    "an_invitation_is_shown_as_it_was_answered",
    "SELECT i.invitation_id FROM invitations i LEFT JOIN invitation_board b USING (invitation_id)"
    " LEFT JOIN events e ON e.event_id = i.event_id LEFT JOIN people p ON p.person_id = i.person_id"
    " WHERE (i.answer, i.sent_at, i.answered_at, i.event_id, e.title, e.organizer_id, p.name, p.email) IS NOT"
    " (b.answer, b.sent_at, b.answered_at, b.event_id, b.title, b.organizer_id, b.person_name, b.email)",
)
env.invariant(
    "everybody_receives_what_others_invite_them_to",
    "SELECT invitation_id FROM invitations JOIN events USING (event_id) WHERE organizer_id <> person_id"
    " EXCEPT SELECT invitation_id FROM received_invitations"
    " UNION ALL SELECT invitation_id FROM received_invitations JOIN events e USING (event_id)"
    " WHERE e.organizer_id = person_id",
)
env.invariant(
    "an_event_is_seen_by_the_invited_and_by_who_sees_its_calendar",
    "SELECT event_id FROM (SELECT event_id, email FROM invitations JOIN people USING (person_id)"
    " UNION SELECT e.event_id, a.email FROM events e JOIN calendar_access a USING (calendar_id)"
    " EXCEPT SELECT event_id, email FROM event_viewers)"
    " UNION ALL SELECT event_id FROM (SELECT v.event_id, v.email FROM event_viewers v"
    " EXCEPT SELECT e.event_id, a.email FROM events e JOIN calendar_access a USING (calendar_id)"
    " EXCEPT SELECT i.event_id, p.email FROM invitations i JOIN people p USING (person_id))",
)
env.invariant(
    "an_event_is_changed_by_its_organizer_and_by_who_writes_in_its_calendar",
    "SELECT event_id FROM (SELECT event_id, email FROM event_editors"
    " EXCEPT SELECT e.event_id, p.email FROM events e JOIN people p ON p.person_id = e.organizer_id"
    " EXCEPT SELECT e.event_id, a.email FROM events e JOIN calendar_access a USING (calendar_id)"
    " WHERE a.role IN ('owner', 'writer', 'delegate'))"
    " UNION ALL SELECT event_id FROM ("
    " SELECT e.event_id, a.email FROM events e JOIN calendar_access a USING (calendar_id)"
    " WHERE a.role IN ('owner', 'writer', 'delegate') EXCEPT SELECT event_id, email FROM event_editors)",
)
env.invariant(
    "a_calendar_counts_whom_its_owner_has_let_in",
    "SELECT c.calendar_id FROM calendars c LEFT JOIN calendar_board b USING (calendar_id)"
    " LEFT JOIN (SELECT calendar_id, count(*) AS guests FROM shares GROUP BY calendar_id) s USING (calendar_id)"
    " WHERE b.shared_with IS NOT coalesce(s.guests, 0) OR b.owner_id IS NOT c.owner_id",
)
env.invariant(
    "people_are_taken_by_what_they_accepted_and_nothing_else",
    "SELECT occurrence_id FROM (SELECT person_id, occurrence_id FROM busy"
    " EXCEPT SELECT i.person_id, o.occurrence_id FROM invitations i JOIN occurrences o USING (event_id)"
    " JOIN events e USING (event_id)"
    " WHERE (i.answer, e.status) = ('accepted', 'confirmed') AND o.status IN ('scheduled', 'moved'))"
    " UNION ALL"
    " SELECT o.occurrence_id FROM occurrences o JOIN events e USING (event_id) JOIN invitations i USING (event_id)"
    " WHERE (i.answer, e.status) = ('accepted', 'confirmed') AND o.status IN ('scheduled', 'moved')"
    " AND NOT EXISTS (SELECT 1 FROM busy b WHERE b.occurrence_id = o.occurrence_id AND b.person_id = i.person_id)",
)
env.invariant(
    "people_are_taken_by_their_own_clock",
    "SELECT b.occurrence_id FROM busy_times b JOIN people p USING (person_id) JOIN ("
    " SELECT timezone, offset_minutes, since_at, lead(since_at, 1, '9999') OVER"
    " (PARTITION BY timezone ORDER BY since_at) AS until_at FROM utc_offsets) u"
    " ON u.timezone = p.timezone AND b.starts_at >= u.since_at AND b.starts_at < u.until_at"
    " WHERE unixepoch(b.from_local) <> unixepoch(b.starts_at) + 60 * u.offset_minutes"
    " OR unixepoch(b.until_local) - unixepoch(b.from_local) <> unixepoch(b.ends_at) - unixepoch(b.starts_at)"
    " OR b.busy_on <> date(b.from_local)",
)

mcp = env.mcp
