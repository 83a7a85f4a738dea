"""The calendars' tools, called as an assistant and a person call them, on the persona's own scenario."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from servers.runtime.desk import Desk
from servers.runtime.tool import Outcome
from servers.runtime.world.places import zone
from servers.schedule.server import env

EDITABLE = "event_id IN (SELECT event_id FROM event_editors WHERE email = :email)"
OWN = "organizer_id = :person_id"
COMING = "status IN ('scheduled', 'moved') AND kind <> 'travel'"


class Office(Desk):
    """A desk with the persona's calendars at hand, whose email goes with every call."""

    def __init__(self) -> None:
        super().__init__(env)
        self.person_id = self.known["person_id"] = self.one("SELECT person_id FROM people WHERE email = :email")

    def outcome(self, tool: str, arguments: dict[str, Any]) -> Outcome:
        if "email" in env.tools[tool].contract.parameters:
            arguments = {"email": self.email, **arguments}
        return super().outcome(tool, arguments)

    def event(self, condition: str) -> dict[str, Any]:
        """Give an event that fulfils a condition."""
        return self.row(f"SELECT * FROM event_board WHERE {condition} ORDER BY starts_at DESC, event_id")

    def date(self, condition: str) -> dict[str, Any]:
        """Give a date that fulfils a condition, the last."""
        return self.row(f"SELECT * FROM occurrence_board WHERE {condition} ORDER BY starts_at DESC, occurrence_id")

    def invitation(self, condition: str) -> dict[str, Any]:
        """Give an invitation of the persona's that fulfils a condition."""
        mine = "email = :email AND organizer_id <> person_id"
        return self.row(f"SELECT * FROM invitation_board WHERE {mine} AND {condition} ORDER BY invitation_id")

    def colleague(self, condition: str = "1") -> dict[str, Any]:
        """Give somebody of the company beside the persona."""
        staff = "department <> 'Guest' AND email <> :email"
        return self.row(f"SELECT * FROM people WHERE {staff} AND {condition} ORDER BY person_id")

    def calendar(self, condition: str) -> dict[str, Any]:
        return self.row(f"SELECT * FROM calendar_board WHERE {condition} ORDER BY calendar_id")

    def day(self, offset: int) -> str:
        return (self.world.today + timedelta(days=offset)).isoformat()

    @staticmethod
    def day_of(day: str, offset: int) -> str:
        """Give the day so many days after another."""
        return (datetime.fromisoformat(day) + timedelta(days=offset)).date().isoformat()

    def free_day(self) -> str:
        """Give a coming day on which the persona has nothing at all."""
        days = [self.day(offset) for offset in range(30, 200)]
        return next(day for day in days if not self.call("get_agenda", starts_on=day)["total"])

    def propose(self, **more: Any) -> dict[str, Any]:
        return self.call("propose_meeting", **self.meeting(**more))

    def accepted(self, day: str, start_time: str, minutes: int, **more: Any) -> str:
        """Give the first date of a meeting that was proposed and approved."""
        meeting = self.propose(starts_on=day, start_time=start_time, minutes=minutes, **more)
        self.call("approve_proposal", proposal_id=meeting["proposal_id"])
        dates = "SELECT occurrence_id FROM occurrences WHERE event_id = :event_id ORDER BY starts_at"
        return str(self.one(dates, event_id=meeting["event_id"]))

    def foretold(self, tool: str, **arguments: Any) -> set[str]:
        """Give the refusal codes that a tool's own queries foretell for a call."""
        queries = self.env.tools[tool].refuses.items()
        return {code for code, sql in queries if self.rows(sql, **arguments)}

    def series(self, count: int, **more: Any) -> str:
        """Give the first date of an approved daily series of so many dates, 15 minutes each at seven."""
        day = more.pop("starts_on", None) or self.free_day()
        return self.accepted(day, "07:00", 15, frequency="daily", until_on=self.day_of(day, count - 1), **more)

    def dates(self, occurrence_id: str) -> list[dict[str, Any]]:
        """Give the dates of the event that one of them belongs to, in order."""
        return self.rows(
            "SELECT * FROM occurrence_board WHERE event_id ="
            " (SELECT event_id FROM occurrences WHERE occurrence_id = :one) ORDER BY starts_at",
            one=occurrence_id,
        )

    def meeting(self, **more: Any) -> dict[str, Any]:
        """Give the arguments of a meeting on a free day."""
        plain = {
            "title": "Catch-up",
            "invitee_id": self.colleague()["person_id"],
            "starts_on": more.get("starts_on") or self.free_day(),
            "start_time": "10:00",
            "minutes": 60,
        }
        return {**plain, **more}


@pytest.fixture
def desk() -> Iterator[Office]:
    with Office() as desk:
        yield desk


# Looking things up ---------------------------------------------------------------------------------------------------


def test_people_are_found_by_a_part_of_their_name(desk: Office) -> None:
    person = desk.colleague()
    found = desk.call("find_people", name=person["name"][1:-1].upper())
    assert person["person_id"] in [entry["person_id"] for entry in found["people"]]


def test_people_and_guests_stand_by_name_and_dates_by_their_day(desk: Office) -> None:
    people = [person["name"] for person in desk.call("find_people", name="an")["people"]]
    assert len(set(people)) >= 2
    assert people == sorted(people)
    event = desk.call("get_event", event_id=desk.event("title = 'Project sync'")["event_id"])
    guests = [guest["person_name"] for guest in event["guests"]]
    days = [date["starts_on"] for date in event["dates"]]
    assert (guests, days) == (sorted(set(guests)), sorted(set(days)))


def test_own_calendars_stand_first_and_what_is_asked_the_latest_first(desk: Office) -> None:
    found = desk.call("list_calendars")
    own = [entry["access"] == "owner" for entry in found["calendars"]]
    assert own == sorted(own, reverse=True)
    for mine in (True, False):
        names = [entry["name"] for entry in found["calendars"] if (entry["access"] == "owner") == mine]
        assert names == sorted(set(names))
    asked = {row["proposal_id"]: row["created_at"] for row in desk.rows("SELECT * FROM proposals")}
    for listed in (found["sharings"], desk.call("list_proposals")["proposals"]):
        moments = [asked[entry["proposal_id"]] for entry in listed]
        assert moments == sorted(set(moments), reverse=True)
    sent = [invitation["sent_at"] for invitation in desk.call("list_invitations")["invitations"]]
    assert sent == sorted(sent, reverse=True) != sorted(sent)


def test_an_unknown_email_has_no_calendar(desk: Office) -> None:
    for tool, more in (
        ("list_calendars", {}),
        ("list_invitations", {}),
        ("search_events", {"title": "Team"}),
        ("get_agenda", {"starts_on": desk.day(0)}),
    ):
        assert desk.refused(tool, email="nobody@example.com", **more) == "not_found"


def test_a_person_sees_own_and_shared_calendars_with_what_they_may_do(desk: Office) -> None:
    found = desk.call("list_calendars")
    assert {entry["access"] for entry in found["calendars"]} == {"owner", "reader", "writer", "delegate"}
    assert all(not entry["shares"] for entry in found["calendars"] if entry["access"] != "owner")
    assert {sharing["status"] for sharing in found["sharings"]} == {"pending", "expired", "declined"}


def test_an_owner_sees_by_name_whom_they_have_let_in(desk: Office) -> None:
    for calendar in desk.call("list_calendars")["calendars"]:
        if calendar["access"] == "owner":
            let_in = desk.rows(
                "SELECT s.person_id, p.name, s.role FROM shares s JOIN people p USING (person_id)"
                " WHERE s.calendar_id = :calendar_id ORDER BY p.name",
                calendar_id=calendar["calendar_id"],
            )
            assert let_in
            assert calendar["shares"] == let_in


def test_events_are_searched_by_title_and_state(desk: Office) -> None:
    found = desk.call("search_events", title="project SYNC")
    assert [event["title"] for event in found["events"]] == ["Project sync"]
    assert desk.call("search_events", title="Project sync", status="cancelled")["total"] == 0


def test_events_to_come_are_found_before_those_that_are_over_and_each_in_order(desk: Office) -> None:
    found = desk.call("search_events", title="in")["events"]
    starts = {row["event_id"]: row["starts_at"] for row in desk.rows("SELECT event_id, starts_at FROM event_board")}
    coming = [starts[event["event_id"]] for event in found if starts[event["event_id"]] > desk.episode.now]
    over = [starts[event["event_id"]] for event in found if starts[event["event_id"]] <= desk.episode.now]
    assert len(coming) >= 2
    assert len(over) >= 2
    assert [starts[event["event_id"]] for event in found] == sorted(coming) + sorted(over)


def test_a_series_is_told_by_its_next_date_that_stands_and_at_last_by_the_one_that_was(desk: Office) -> None:
    dates = desk.dates(desk.series(4))
    event = {"event_id": dates[0]["event_id"]}
    for date in (dates[1], dates[3]):
        desk.call("cancel_occurrence", occurrence_id=date["occurrence_id"])
    desk.wait_until(dates[0]["starts_at"], seconds_before=1)
    assert desk.call("get_event", **event)["starts_at"] == dates[0]["starts_at"]
    desk.wait_until(dates[0]["starts_at"])
    told = desk.call("get_event", **event)
    assert (told["starts_at"], told["status"]) == (dates[2]["starts_at"], "confirmed")
    assert [date["status"] for date in told["dates"]] == ["past", "cancelled", "scheduled", "cancelled"]
    desk.wait_until(dates[2]["starts_at"])
    told = desk.call("get_event", **event)
    assert (told["starts_at"], told["status"]) == (dates[2]["starts_at"], "past")


def test_the_persona_has_events_in_every_state(desk: Office) -> None:
    seen = "event_id IN (SELECT event_id FROM event_viewers WHERE email = :email)"
    states = {row["status"] for row in desk.rows(f"SELECT DISTINCT status FROM event_board WHERE {seen}")}
    assert states == {"proposed", "lapsed", "dropped", "confirmed", "past", "cancelled"}
    answers = {row["answer"] for row in desk.call("list_invitations")["invitations"]}
    assert answers == {"needs_action", "accepted", "tentative", "declined"}


@pytest.mark.parametrize(
    ("tool", "argument", "value", "likeness"),
    [
        ("search_events", "title", "Sync", "Sync%"),
        ("search_events", "title", "Sync", "%Sync"),
        ("search_events", "title", "Sy", "S"),
        ("find_people", "name", "Ann", "%Ann"),
        ("find_people", "name", "Ann", "Ann_"),
        ("find_people", "name", "An", "A"),
        ("get_agenda", "starts_on", "2026-02-28", "2026-02-30"),
        ("list_rooms", "min_capacity", 1, 0),
        ("list_rooms", "min_capacity", 200, 201),
    ],
)
def test_what_only_looks_like_a_value_is_no_argument(
    desk: Office, tool: str, argument: str, value: object, likeness: object
) -> None:
    assert desk.call(tool, **{argument: value})["total"] >= 0
    assert desk.refused(tool, **{argument: likeness}) is None


def test_what_only_looks_like_an_id_or_an_email_is_none(desk: Office) -> None:
    for event_id in ("EV0000001", "an EV000000"):
        assert desk.refused("get_event", event_id=event_id) is None
    for email in (f"{desk.email} or so", f"to {desk.email}"):
        assert desk.refused("list_calendars", email=email) is None


def test_invitations_are_those_of_others(desk: Office) -> None:
    found = desk.call("list_invitations", answer="needs_action")
    assert found["total"] >= 5
    assert desk.world.persona.name not in {entry["organizer_name"] for entry in found["invitations"]}


def test_flights_stand_at_their_times_under_their_reference(desk: Office) -> None:
    travel = [one for one in desk.world.appointments if one.kind == "travel"]
    assert len(travel) >= 8
    for flight in travel:
        event = desk.event(f"note = 'Booking reference {flight.reference}' AND title = '{flight.title}'")
        date = desk.date(f"event_id = '{event['event_id']}'")
        assert datetime.fromisoformat(date["starts_at"]) == flight.starts_at
        assert datetime.fromisoformat(date["ends_at"]) == flight.ends_at
        assert event["timezone"] == flight.timezone


def test_an_event_comes_with_guests_dates_and_the_persons_own_reminder(desk: Office) -> None:
    event = desk.event("title = 'Project sync'")
    found = desk.call("get_event", event_id=event["event_id"])
    assert found["attendees"] == len(found["guests"]) == 4
    assert found["may_edit"] is True
    assert {date["status"] for date in found["dates"]} >= {"scheduled", "moved", "cancelled", "past"}
    reminded = desk.row("SELECT * FROM reminders WHERE person_id = :person_id ORDER BY event_id")
    assert desk.call("get_event", event_id=reminded["event_id"])["minutes_before"] == reminded["minutes_before"]


def test_an_event_that_a_person_does_not_see_stays_closed_to_them(desk: Office) -> None:
    event = desk.event("title = 'Project sync'")
    stranger = desk.one(
        "SELECT email FROM people WHERE email NOT IN (SELECT email FROM event_viewers WHERE event_id = :event_id)",
        event_id=event["event_id"],
    )
    assert desk.refused("get_event", email=stranger, event_id=event["event_id"]) == "not_permitted"


def test_a_day_lists_what_is_seen_with_the_persons_answers(desk: Office) -> None:
    date = desk.date("title = 'Sprint review'")
    (entry,) = [
        entry
        for entry in desk.call("get_agenda", starts_on=date["starts_on"])["occurrences"]
        if entry["occurrence_id"] == date["occurrence_id"]
    ]
    assert entry["answer"] is None
    assert (entry["room_name"], entry["status"]) == (date["room_name"], "scheduled")


def test_a_day_counts_as_upcoming_what_is_to_come_and_stands(desk: Office) -> None:
    called_off = desk.row(
        f"SELECT * FROM occurrence_board WHERE title = 'Project sync' AND {OWN} AND status = 'cancelled'"
    )
    day = desk.call("get_agenda", starts_on=called_off["starts_on"])
    states = {entry["occurrence_id"]: entry["status"] for entry in day["occurrences"]}
    assert states[called_off["occurrence_id"]] == "cancelled"
    assert day["upcoming"] == sum(status in ("scheduled", "moved") for status in states.values()) < day["total"]


def test_a_day_that_is_over_has_nothing_upcoming(desk: Office) -> None:
    day = desk.free_day()
    date = desk.accepted(day, "10:00", 30)
    later = desk.accepted(day, "15:00", 30)
    desk.call("move_occurrence", occurrence_id=later, starts_on=day, start_time="16:00")
    assert desk.call("get_agenda", starts_on=day)["upcoming"] == 2
    desk.wait_until(desk.date(f"occurrence_id = '{date}'")["starts_at"])
    assert desk.call("get_agenda", starts_on=day)["upcoming"] == 1
    desk.wait_until(desk.date(f"occurrence_id = '{later}'")["starts_at"])
    found = desk.call("get_agenda", starts_on=day)
    assert [entry["occurrence_id"] for entry in found["occurrences"]] == [date, later]
    assert (found["upcoming"], found["total"]) == (0, 2)


def test_only_what_a_person_accepted_keeps_them_busy(desk: Office) -> None:
    invitation = desk.invitation("title = 'Launch briefing'")
    date = desk.date(f"event_id = '{invitation['event_id']}'")
    asked = {"person_id": desk.person_id, "busy_on": date["starts_on"]}
    before = desk.call("get_free_busy", **asked)["busy_minutes"]
    desk.call("answer_invitation", invitation_id=invitation["invitation_id"], answer="accepted")
    assert desk.call("get_free_busy", **asked)["busy_minutes"] == before + date["minutes"]


def test_a_day_with_nothing_in_it_is_free_from_nine(desk: Office) -> None:
    day = desk.free_day()
    found = desk.call("get_free_busy", person_id=desk.person_id, busy_on=day)
    assert (found["free_from"], found["busy_minutes"], found["busy"]) == ("09:00", 0, [])
    meeting = desk.propose(starts_on=day, start_time="09:00", minutes=45)
    desk.call("approve_proposal", proposal_id=meeting["proposal_id"])
    found = desk.call("get_free_busy", person_id=desk.person_id, busy_on=day)
    assert (found["free_from"], found["busy_minutes"]) == ("10:00", 45)


def test_a_half_hour_is_free_up_to_the_next_meeting_and_up_to_six(desk: Office) -> None:
    day = desk.free_day()
    asked = {"person_id": desk.person_id, "busy_on": day}
    desk.accepted(day, "09:30", 90)
    assert desk.call("get_free_busy", **asked)["free_from"] == "09:00"
    desk.accepted(day, "09:00", 30)
    assert desk.call("get_free_busy", **asked)["free_from"] == "11:00"
    for start in ("11:00", "13:00", "15:00"):
        desk.accepted(day, start, 120)
    desk.accepted(day, "17:00", 30)
    assert desk.call("get_free_busy", **asked)["free_from"] == "17:30"
    desk.accepted(day, "17:30", 30)
    found = desk.call("get_free_busy", **asked)
    assert (found["free_from"], found["busy_minutes"]) == (None, 9 * 60)
    begins = [time["from_local"][-5:] for time in found["busy"]]
    assert begins == ["09:00", "09:30", "11:00", "13:00", "15:00", "17:00", "17:30"]


def test_minutes_that_meetings_share_are_counted_once(desk: Office) -> None:
    guest = desk.colleague("timezone = (SELECT timezone FROM people WHERE email = :email)")
    day = desk.day_of(desk.free_day(), 1)
    desk.accepted(day, "10:00", 120, email=guest["email"], invitee_id=desk.person_id)
    for start, minutes in (("10:30", 30), ("11:30", 60)):
        series = {"frequency": "weekly", "until_on": desk.day_of(day, 20), "invitee_id": guest["person_id"]}
        date = desk.accepted(desk.day_of(day, -1), start, minutes, **series)
        invitation = desk.one(
            "SELECT invitation_id FROM invitations JOIN occurrences USING (event_id)"
            " WHERE occurrence_id = :date AND person_id = :guest",
            date=date,
            guest=guest["person_id"],
        )
        desk.call("answer_invitation", invitation_id=invitation, answer="accepted")
        desk.call("move_occurrence", occurrence_id=date, starts_on=day, start_time=start)
    found = desk.call("get_free_busy", person_id=guest["person_id"], busy_on=day)
    assert [(time["from_local"][-5:], time["until_local"][-5:]) for time in found["busy"]] == [
        ("10:00", "12:00"),
        ("10:30", "11:00"),
        ("11:30", "12:30"),
    ]
    assert found["busy_minutes"] == 150


def test_what_begins_as_the_clocks_change_stands_by_the_changed_clock(desk: Office) -> None:
    turn = desk.row(
        "SELECT u.* FROM utc_offsets u JOIN people p ON p.timezone = u.timezone"
        " WHERE p.email = :email AND u.since_at > :now ORDER BY u.since_at"
    )
    host = desk.colleague("timezone = 'Europe/London'")
    local = datetime.fromisoformat(turn["since_at"]).astimezone(zone(host["timezone"]))
    date = desk.accepted(
        local.strftime("%Y-%m-%d"),
        local.strftime("%H:%M"),
        30,
        email=host["email"],
        invitee_id=desk.person_id,
    )
    event = desk.date(f"occurrence_id = '{date}'")["event_id"]
    invitation = desk.invitation(f"event_id = '{event}'")["invitation_id"]
    desk.call("answer_invitation", invitation_id=invitation, answer="accepted")
    day = turn["since_local"][:10]
    found = desk.call("get_free_busy", person_id=desk.person_id, busy_on=day)
    assert turn["since_local"] in [time["from_local"] for time in found["busy"]]


def test_rooms_are_listed_by_city_seats_and_whether_they_are_free(desk: Office) -> None:
    home = desk.world.persona.home.name
    found = desk.call("list_rooms", city=home, min_capacity=8)
    assert [room["name"] for room in found["rooms"]] == ["Alder", "Cedar", "Fir"]
    taken = desk.date("title = 'Customer visit'")
    other = desk.date(f"starts_at = '{taken['starts_at']}' AND occurrence_id <> '{taken['occurrence_id']}'")
    free = [room["name"] for room in desk.call("list_rooms", free_for=other["occurrence_id"])["rooms"]]
    assert "Fir" not in free
    assert desk.refused("list_rooms", free_for="OC000000") == "not_found"


def test_as_few_or_as_many_seats_may_be_asked_for_as_a_room_can_have(desk: Office) -> None:
    assert desk.call("list_rooms", min_capacity=1)["total"] == desk.one("SELECT count(*) FROM rooms")
    assert desk.call("list_rooms", min_capacity=20)["total"] == 1
    assert desk.call("list_rooms", min_capacity=200)["total"] == 0


def test_a_room_is_free_for_what_only_touches_its_other_date(desk: Office) -> None:
    day, fir = desk.free_day(), desk.one("SELECT room_id FROM rooms WHERE name = 'Fir'")
    desk.call("book_room", occurrence_id=desk.accepted(day, "11:00", 60), room_id=fir)
    for start, minutes in (("10:00", 60), ("12:00", 30)):
        date = desk.accepted(day, start, minutes)
        assert "Fir" in [room["name"] for room in desk.call("list_rooms", free_for=date)["rooms"]]
        assert desk.call("book_room", occurrence_id=date, room_id=fir)["room_name"] == "Fir"
        assert "Fir" in [room["name"] for room in desk.call("list_rooms", free_for=date)["rooms"]]


# Proposing -----------------------------------------------------------------------------------------------------------


def test_a_proposed_meeting_invites_nobody_until_it_is_approved(desk: Office) -> None:
    guest = desk.colleague()
    meeting = desk.propose(invitee_id=guest["person_id"])
    event = desk.call("get_event", event_id=meeting["event_id"])
    assert (event["status"], event["attendees"], event["proposal_id"]) == ("proposed", 1, meeting["proposal_id"])
    assert desk.refused("get_event", email=guest["email"], event_id=meeting["event_id"]) == "not_permitted"
    approved = desk.call("approve_proposal", proposal_id=meeting["proposal_id"])
    assert (approved["status"], approved["other_name"]) == ("approved", guest["name"])
    event = desk.call("get_event", email=guest["email"], event_id=meeting["event_id"])
    assert (event["status"], event["attendees"], event["unanswered"]) == ("confirmed", 2, 1)
    assert [date["status"] for date in event["dates"]] == ["scheduled"]
    assert desk.refused("approve_proposal", proposal_id=meeting["proposal_id"]) == "not_pending"


def test_declining_drops_a_proposed_meeting(desk: Office) -> None:
    meeting = desk.propose()
    assert desk.call("decline_proposal", proposal_id=meeting["proposal_id"])["status"] == "declined"
    assert desk.call("get_event", event_id=meeting["event_id"])["status"] == "dropped"
    assert desk.one("SELECT status FROM occurrences WHERE event_id = :id", id=meeting["event_id"]) == "cancelled"
    assert desk.refused("decline_proposal", proposal_id=meeting["proposal_id"]) == "not_pending"
    assert desk.refused("cancel_event", event_id=meeting["event_id"]) == "event_cancelled"


def test_a_proposal_lapses_after_24_hours_and_not_a_second_sooner(desk: Office) -> None:
    meeting = desk.propose()
    desk.wait_until(meeting["expires_at"], seconds_before=1)
    assert desk.call("get_event", event_id=meeting["event_id"])["status"] == "proposed"
    desk.wait_until(meeting["expires_at"])
    assert desk.call("get_event", event_id=meeting["event_id"])["status"] == "lapsed"
    assert desk.refused("approve_proposal", proposal_id=meeting["proposal_id"]) == "proposal_expired"
    assert desk.refused("decline_proposal", proposal_id=meeting["proposal_id"]) == "proposal_expired"


def test_nothing_hangs_on_a_meeting_before_it_is_approved(desk: Office) -> None:
    meeting = desk.propose()
    date = desk.date(f"event_id = '{meeting['event_id']}'")["occurrence_id"]
    room = desk.one("SELECT room_id FROM rooms WHERE name = 'Fir'")
    someone = desk.colleague("person_id > 'PN2'")["person_id"]
    move = {"starts_on": desk.day(3), "start_time": "11:00"}
    assert desk.refused("invite_person", event_id=meeting["event_id"], person_id=someone) == "awaiting_approval"
    assert desk.refused("book_room", occurrence_id=date, room_id=room) == "awaiting_approval"
    assert desk.refused("move_occurrence", occurrence_id=date, **move) == "awaiting_approval"
    assert desk.refused("cancel_occurrence", occurrence_id=date) == "awaiting_approval"
    withdrawn = desk.call("cancel_event", event_id=meeting["event_id"])
    assert (withdrawn["status"], withdrawn["people_told"]) == ("dropped", 0)
    assert desk.refused("approve_proposal", proposal_id=meeting["proposal_id"]) == "not_pending"


def test_a_weekly_meeting_keeps_its_hour_when_the_clocks_change(desk: Office) -> None:
    start = desk.free_day()
    until = (datetime.fromisoformat(start) + timedelta(days=80)).date().isoformat()
    series = {"frequency": "weekly", "until_on": until, "start_time": "19:00", "minutes": 15}
    meeting = desk.propose(starts_on=start, **series)
    assert meeting["dates"] == 12
    dates = desk.rows("SELECT * FROM occurrences WHERE event_id = :id ORDER BY starts_at", id=meeting["event_id"])
    clock = zone(desk.world.persona.home.timezone)
    for date in dates:
        local = datetime.fromisoformat(date["starts_at"]).astimezone(clock)
        assert local.strftime("%Y-%m-%dT%H:%M") == date["starts_local"] == f"{date['starts_on']}T19:00"


def test_a_monthly_meeting_leaves_out_months_without_its_day(desk: Office) -> None:
    long_months = [day for day in (desk.day(offset) for offset in range(1, 120)) if day.endswith("-31")]
    start = long_months[0]
    until = (datetime.fromisoformat(start) + timedelta(days=120)).date().isoformat()
    meeting = desk.propose(starts_on=start, start_time="07:00", minutes=15, frequency="monthly", until_on=until)
    days = desk.rows("SELECT starts_on FROM occurrences WHERE event_id = :id", id=meeting["event_id"])
    assert all(day["starts_on"].endswith("-31") for day in days)


@pytest.mark.parametrize(
    ("frequency", "days"), [("once", 7), ("daily", None), ("weekly", 0), ("daily", -1), ("daily", 60)]
)
def test_a_series_needs_a_last_day_within_sixty_dates(desk: Office, frequency: str, days: int | None) -> None:
    start = desk.day(20)
    until = None if days is None else desk.day(20 + days)
    meeting = desk.meeting(starts_on=start, frequency=frequency, until_on=until)
    assert desk.refused("propose_meeting", **meeting) == "bad_series"


def test_a_series_may_have_sixty_dates(desk: Office) -> None:
    start = desk.free_day()
    series = {"start_time": "07:00", "minutes": 15, "frequency": "daily", "until_on": desk.day_of(start, 59)}
    assert desk.propose(starts_on=start, **series)["dates"] == 60


def test_calendars_reach_nine_months_ahead(desk: Office) -> None:
    last = desk.one("SELECT date(:today, '+9 months')")
    later = desk.one("SELECT date(:today, '+9 months', '+1 day')")
    assert desk.propose(starts_on=last)["dates"] == 1
    assert desk.refused("propose_meeting", **desk.meeting(starts_on=later)) == "too_far_ahead"
    series = {"frequency": "weekly", "start_time": "07:00", "minutes": 15}
    start = desk.day_of(last, -14)
    assert desk.propose(starts_on=start, until_on=last, **series)["dates"] == 3
    assert desk.refused("propose_meeting", **desk.meeting(starts_on=start, until_on=later, **series)) == "too_far_ahead"
    date = desk.date(f"{OWN} AND {COMING} AND frequency = 'once'")["occurrence_id"]
    move = {"occurrence_id": date, "starts_on": later, "start_time": "10:00"}
    assert desk.refused("move_occurrence", **move) == "too_far_ahead"


def test_a_title_is_plain_from_its_first_letter_to_its_last(desk: Office) -> None:
    assert desk.propose(title="Catch-up")["title"] == "Catch-up"
    for title in ("1st Catch-up", "Catch-up!"):
        assert desk.refused("propose_meeting", **desk.meeting(title=title)) is None


def test_nobody_meets_in_the_past(desk: Office) -> None:
    for day in (desk.day(-1), "0001-01-01"):
        assert desk.refused("propose_meeting", **desk.meeting(starts_on=day)) == "in_past"
    assert desk.refused("propose_meeting", **desk.meeting(starts_on="9999-12-31")) == "too_far_ahead"


def test_an_organizer_is_not_put_in_two_places(desk: Office) -> None:
    meeting = desk.propose()
    first = desk.call("approve_proposal", proposal_id=meeting["proposal_id"])["starts_on"]
    assert desk.refused("propose_meeting", **desk.meeting(starts_on=first, start_time="10:30")) == "conflict"
    assert desk.propose(starts_on=first, start_time="11:00")["dates"] == 1


@pytest.mark.parametrize(
    ("start", "minutes", "code"),
    [("09:00", 60, None), ("11:00", 30, None), ("09:30", 45, "conflict"), ("10:30", 60, "conflict")],
)
def test_a_conflict_is_foretold_where_meetings_overlap_and_not_where_they_touch(
    desk: Office, start: str, minutes: int, code: str | None
) -> None:
    day = desk.free_day()
    plain = {"frequency": "once", "until_on": None, "calendar_id": None}
    asked = desk.meeting(starts_on=day, start_time=start, minutes=minutes, **plain)
    waiting = {"proposal_id": desk.call("propose_meeting", **asked)["proposal_id"]}
    desk.accepted(day, "10:00", 60)
    for tool, arguments in (("propose_meeting", asked), ("approve_proposal", waiting)):
        assert desk.foretold(tool, **arguments) == ({code} if code else set())
        assert desk.outcome(tool, arguments).refusal == code


def test_who_is_taken_is_told_since_when_first(desk: Office) -> None:
    day = desk.free_day()
    series = {"frequency": "daily", "until_on": desk.day_of(day, 1), "start_time": "07:00", "minutes": 120}
    waiting = desk.propose(starts_on=day, **series)
    later, last = (desk.accepted(day, start, 30) for start in ("07:30", "08:30"))
    desk.accepted(desk.day_of(day, 1), "07:00", 30)
    first = desk.date(f"occurrence_id = '{later}'")["starts_at"]
    proposed = desk.outcome("propose_meeting", desk.meeting(starts_on=day, **series))
    approved = desk.outcome("approve_proposal", {"proposal_id": waiting["proposal_id"]})
    for outcome in (proposed, approved):
        assert outcome.refusal == "conflict"
        assert first in outcome.text
    assert desk.date(f"occurrence_id = '{last}'")["starts_at"] > first


def test_a_meeting_that_begins_now_is_over_and_one_that_begins_soon_lapses_then(desk: Office) -> None:
    day = desk.free_day()
    date = desk.date(f"occurrence_id = '{desk.accepted(day, '10:00', 30)}'")
    other = desk.accepted(day, "15:00", 30)
    desk.wait_until(date["starts_at"])
    found = [event["event_id"] for event in desk.call("search_events", title="Catch-up")["events"]]
    assert found.index(date["event_id"]) > found.index(desk.dates(other)[0]["event_id"])
    assert desk.refused("propose_meeting", **desk.meeting(starts_on=day, start_time="10:00")) == "in_past"
    now = {"starts_on": day, "start_time": "10:00"}
    assert desk.refused("move_occurrence", occurrence_id=other, **now) == "in_past"
    soon = desk.propose(starts_on=day, start_time="10:30", minutes=30)
    assert soon["expires_at"] == soon["starts_at"] == date["ends_at"]
    desk.wait_until(soon["expires_at"])
    states = {one["proposal_id"]: one["status"] for one in desk.call("list_proposals")["proposals"]}
    assert states[soon["proposal_id"]] == "expired"
    assert desk.date(f"event_id = '{soon['event_id']}'")["status"] == "cancelled"


def test_a_time_that_was_taken_meanwhile_cannot_be_approved(desk: Office) -> None:
    day = desk.free_day()
    one, other = desk.propose(starts_on=day), desk.propose(starts_on=day)
    desk.call("approve_proposal", proposal_id=one["proposal_id"])
    assert desk.refused("approve_proposal", proposal_id=other["proposal_id"]) == "conflict"


def test_a_delegate_plans_in_the_owners_name_and_a_reader_not_at_all(desk: Office) -> None:
    managed = desk.one("SELECT calendar_id FROM shares WHERE person_id = :person_id AND role = 'delegate'")
    owner = desk.calendar(f"calendar_id = '{managed}'")["owner_id"]
    read = desk.one("SELECT calendar_id FROM shares WHERE person_id = :person_id AND role = 'reader'")
    other = desk.colleague(f"person_id <> '{owner}'")["person_id"]
    day = desk.day(100)
    meeting = desk.propose(starts_on=day, calendar_id=managed, invitee_id=other)
    assert desk.event(f"event_id = '{meeting['event_id']}'")["organizer_id"] == owner
    own = desk.meeting(starts_on=day, calendar_id=managed, invitee_id=owner)
    assert desk.refused("propose_meeting", **own) == "already_invited"
    assert desk.refused("propose_meeting", **desk.meeting(calendar_id=read)) == "not_permitted"
    assert desk.refused("propose_meeting", **desk.meeting(), email="nobody@example.com") == "not_permitted"
    assert desk.refused("propose_meeting", **desk.meeting(calendar_id="CL0000")) == "not_found"
    assert desk.refused("propose_meeting", **desk.meeting(invitee_id="PN0000")) == "not_found"


# Invitations ---------------------------------------------------------------------------------------------------------


def test_a_person_is_invited_once_and_only_where_there_is_a_seat(desk: Office) -> None:
    event = desk.event("title = 'Archive clean-up'")
    assert desk.refused("invite_person", event_id=event["event_id"], person_id=desk.person_id) == "event_cancelled"
    series = desk.event("title = 'Project sync'")["event_id"]
    new = desk.colleague(f"person_id NOT IN (SELECT person_id FROM invitations WHERE event_id = '{series}')")[
        "person_id"
    ]
    assert desk.call("invite_person", event_id=series, person_id=new)["attendees"] == 5
    assert desk.refused("invite_person", event_id=series, person_id=new) == "already_invited"
    full = desk.event("title = 'Interview debrief'")["event_id"]
    other = desk.one(
        "SELECT person_id FROM people WHERE person_id NOT IN"
        " (SELECT person_id FROM invitations WHERE event_id = :event_id) ORDER BY person_id",
        event_id=full,
    )
    assert desk.refused("invite_person", event_id=full, person_id=other) == "room_too_small"


def test_a_room_is_full_when_everybody_has_a_seat(desk: Office) -> None:
    date = desk.date(f"occurrence_id = '{desk.accepted(desk.free_day(), '10:00', 30)}'")
    rooms = {room["name"]: room["room_id"] for room in desk.rows("SELECT * FROM rooms")}
    where = {"occurrence_id": date["occurrence_id"]}
    assert desk.call("book_room", **where, room_id=rooms["Dogwood"])["seats_spare"] == 0
    uninvited = f"person_id NOT IN (SELECT person_id FROM invitations WHERE event_id = '{date['event_id']}')"
    third = {"event_id": date["event_id"], "person_id": desk.colleague(uninvited)["person_id"]}
    assert desk.refused("invite_person", **third) == "room_too_small"
    assert desk.call("book_room", **where, room_id=rooms["Gorse"])["seats_spare"] == 1
    assert desk.call("invite_person", **third)["attendees"] == 3


def test_only_those_who_may_write_invite(desk: Office) -> None:
    event = desk.event("title = 'Fire drill'")["event_id"]
    assert desk.refused("invite_person", event_id=event, person_id=desk.person_id) == "not_permitted"
    managed = desk.event("title = 'Press interview'")["event_id"]
    assert desk.call("invite_person", event_id=managed, person_id=desk.person_id)["attendees"] == 3


def test_an_answer_may_change_but_not_to_itself(desk: Office) -> None:
    invitation = desk.invitation("title = 'Brand workshop'")["invitation_id"]
    assert desk.refused("answer_invitation", invitation_id=invitation, answer="tentative") == "already_answered"
    answered = desk.call("answer_invitation", invitation_id=invitation, answer="declined")
    assert answered["answer"] == "declined"
    assert desk.invitation(f"invitation_id = '{invitation}'")["answered_at"] == desk.episode.now


def test_accepting_needs_all_dates_free_but_a_maybe_does_not(desk: Office) -> None:
    invitation = desk.invitation("title = 'Security training'")["invitation_id"]
    assert desk.refused("answer_invitation", invitation_id=invitation, answer="accepted") == "conflict"
    assert desk.call("answer_invitation", invitation_id=invitation, answer="tentative")["answer"] == "tentative"


def test_what_only_touches_or_has_begun_is_no_clash_for_who_accepts(desk: Office) -> None:
    host = desk.colleague("timezone = (SELECT timezone FROM people WHERE email = :email)")
    day = desk.free_day()
    first, *_ = desk.dates(desk.series(2, starts_on=day, email=host["email"], invitee_id=desk.person_id))
    desk.accepted(desk.day_of(day, 1), "07:30", 30)
    desk.accepted(day, "07:00", 30)
    between = desk.accepted(day, "07:30", 30, email=host["email"], invitee_id=desk.person_id)
    desk.accepted(day, "08:00", 30)
    (touching,) = desk.dates(between)
    for date in (touching, first):
        date["invitation_id"] = desk.invitation(f"event_id = '{date['event_id']}'")["invitation_id"]
    accept = {"invitation_id": touching["invitation_id"], "answer": "accepted"}
    assert desk.call("answer_invitation", **accept)["answer"] == "accepted"
    accept = {"invitation_id": first["invitation_id"], "answer": "accepted"}
    desk.wait_until(first["starts_at"], seconds_before=1)
    assert desk.refused("answer_invitation", **accept) == "conflict"
    desk.wait_until(first["starts_at"])
    assert desk.call("answer_invitation", **accept)["answer"] == "accepted"


def test_who_cannot_accept_is_told_of_the_first_clash(desk: Office) -> None:
    host = desk.colleague("timezone = (SELECT timezone FROM people WHERE email = :email)")
    day = desk.free_day()
    series = {"frequency": "daily", "until_on": desk.day_of(day, 2), "email": host["email"]}
    date = desk.date(f"occurrence_id = '{desk.accepted(day, '07:00', 30, invitee_id=desk.person_id, **series)}'")
    for offset, title in ((2, "Later clash"), (1, "First clash")):
        desk.accepted(desk.day_of(day, offset), "07:00", 30, title=title)
    invitation = desk.invitation(f"event_id = '{date['event_id']}'")["invitation_id"]
    outcome = desk.outcome("answer_invitation", {"invitation_id": invitation, "answer": "accepted"})
    assert outcome.refusal == "conflict"
    assert f"{desk.day_of(day, 1)}T07:00 there is First clash" in outcome.text


@pytest.mark.parametrize(("title", "code"), [("Press preview", "event_past"), ("Partner summit", "event_cancelled")])
def test_what_is_over_or_off_is_not_answered(desk: Office, title: str, code: str) -> None:
    invitation = desk.invitation(f"title = '{title}'")["invitation_id"]
    assert desk.refused("answer_invitation", invitation_id=invitation, answer="tentative") == code


# Dates ---------------------------------------------------------------------------------------------------------------


def test_a_single_event_that_moves_asks_its_guests_again(desk: Office) -> None:
    date = desk.date("title = 'Design critique'")
    day = desk.free_day()
    moved = desk.call("move_occurrence", occurrence_id=date["occurrence_id"], starts_on=day, start_time="14:00")
    assert (moved["starts_local"], moved["room_name"]) == (f"{day}T14:00", date["room_name"])
    after = desk.date(f"occurrence_id = '{date['occurrence_id']}'")
    assert (after["minutes"], after["status"]) == (date["minutes"], "moved")
    assert desk.call("get_event", event_id=date["event_id"])["unanswered"] == date["attendees"] - 1


def test_one_date_of_a_series_stays_between_its_neighbours(desk: Office) -> None:
    dates = desk.rows(f"SELECT * FROM occurrence_board WHERE title = 'Team meeting' AND {COMING} ORDER BY starts_at")
    before, date, after = dates[2:5]
    for day in (before["starts_on"], after["starts_on"]):
        move = {"occurrence_id": date["occurrence_id"], "starts_on": day, "start_time": "07:00"}
        assert desk.refused("move_occurrence", **move) == "outside_series"
    last = dates[-1]
    beyond = (datetime.fromisoformat(last["until_on"]) + timedelta(days=1)).date().isoformat()
    move = {"occurrence_id": last["occurrence_id"], "starts_on": beyond, "start_time": "07:00"}
    assert desk.refused("move_occurrence", **move) == "outside_series"
    inside = (datetime.fromisoformat(before["starts_on"]) + timedelta(days=1)).date().isoformat()
    moved = desk.call("move_occurrence", occurrence_id=date["occurrence_id"], starts_on=inside, start_time="07:00")
    assert moved["asked_again"] == 0


def test_a_date_does_not_move_to_a_time_that_is_over_or_taken(desk: Office) -> None:
    date = desk.date("title = 'Design critique'")["occurrence_id"]
    yesterday = {"starts_on": desk.day(-1), "start_time": "10:00"}
    assert desk.refused("move_occurrence", occurrence_id=date, **yesterday) == "in_past"
    meeting = desk.propose(start_time="13:00")
    day = desk.call("approve_proposal", proposal_id=meeting["proposal_id"])["starts_on"]
    onto = {"starts_on": day, "start_time": "13:30"}
    assert desk.refused("move_occurrence", occurrence_id=date, **onto) == "conflict"


def test_a_room_moves_along_unless_somebody_has_it(desk: Office) -> None:
    day, date = desk.free_day(), desk.date("title = 'Design critique'")
    managed = desk.date("title = 'Press interview'")["occurrence_id"]
    desk.call("move_occurrence", occurrence_id=managed, starts_on=day, start_time="12:00")
    elder = desk.one("SELECT room_id FROM rooms WHERE name = 'Elder'")
    desk.call("book_room", occurrence_id=managed, room_id=elder)
    taken = desk.date(f"occurrence_id = '{managed}'")
    local = datetime.fromisoformat(taken["starts_at"]).astimezone(zone(date["timezone"]))
    onto = {"starts_on": local.strftime("%Y-%m-%d"), "start_time": local.strftime("%H:%M")}
    assert date["room_name"] == "Elder"
    assert desk.refused("move_occurrence", occurrence_id=date["occurrence_id"], **onto) == "room_taken"


def test_a_date_is_taken_out_of_a_series_with_its_room(desk: Office) -> None:
    date = desk.date(f"title = 'Project sync' AND {COMING} AND room_id IS NOT NULL")
    left = desk.call("cancel_occurrence", occurrence_id=date["occurrence_id"])["dates_left"]
    after = desk.date(f"occurrence_id = '{date['occurrence_id']}'")
    assert (after["status"], after["room_name"]) == ("cancelled", None)
    dates = desk.call("get_event", event_id=date["event_id"])["dates"]
    assert left == sum(1 for one in dates if one["status"] in ("scheduled", "moved"))
    assert desk.refused("cancel_occurrence", occurrence_id=date["occurrence_id"]) == "event_cancelled"


def test_a_single_event_has_no_other_dates_to_keep(desk: Office) -> None:
    date = desk.date("title = 'Design critique'")
    assert desk.refused("cancel_occurrence", occurrence_id=date["occurrence_id"]) == "not_recurring"


def test_what_has_begun_is_left_alone(desk: Office) -> None:
    date = desk.date("title = 'Design critique'")
    desk.wait_until(date["starts_at"], seconds_before=1)
    room = desk.one("SELECT room_id FROM rooms WHERE name = 'Fir'")
    desk.call("book_room", occurrence_id=date["occurrence_id"], room_id=room)
    desk.wait_until(date["starts_at"])
    move = {"starts_on": desk.day(90), "start_time": "10:00"}
    assert desk.refused("move_occurrence", occurrence_id=date["occurrence_id"], **move) == "event_past"
    assert desk.refused("cancel_event", event_id=date["event_id"]) == "event_past"
    assert desk.refused("book_room", occurrence_id=date["occurrence_id"], room_id=room) == "event_past"
    assert desk.refused("set_reminder", event_id=date["event_id"], minutes_before=0) == "event_past"


def test_cancelling_a_series_spares_the_dates_that_are_over(desk: Office) -> None:
    event = desk.event("title = 'Project sync'")["event_id"]
    cancelled = desk.call("cancel_event", event_id=event)
    states = [date["status"] for date in desk.rows("SELECT status FROM occurrences WHERE event_id = :id", id=event)]
    assert (cancelled["status"], cancelled["people_told"]) == ("cancelled", 3)
    assert "scheduled" in states
    assert (
        desk.rows(
            "SELECT 1 FROM room_bookings JOIN occurrences o USING (occurrence_id)"
            " WHERE event_id = :id AND o.starts_at > :now",
            id=event,
        )
        == []
    )
    assert desk.refused("cancel_event", event_id=event) == "event_cancelled"


def test_a_date_that_begins_now_is_not_among_those_to_come(desk: Office) -> None:
    dates = desk.dates(desk.series(3))
    fir = desk.one("SELECT room_id FROM rooms WHERE name = 'Fir'")
    for date in dates:
        desk.call("book_room", occurrence_id=date["occurrence_id"], room_id=fir)
    booked = "SELECT occurrence_id FROM room_bookings ORDER BY occurrence_id"
    before = [row["occurrence_id"] for row in desk.rows(booked)]
    begun, second, last = (date["occurrence_id"] for date in dates)
    desk.wait_until(dates[0]["starts_at"])
    assert desk.call("cancel_occurrence", occurrence_id=last)["dates_left"] == 1
    cancelled = desk.call("cancel_event", event_id=dates[0]["event_id"])
    assert (cancelled["dates_cancelled"], cancelled["people_told"]) == (1, 1)
    stored = "SELECT status FROM occurrences WHERE event_id = :event_id ORDER BY starts_at"
    states = [row["status"] for row in desk.rows(stored, event_id=dates[0]["event_id"])]
    assert states == ["scheduled", "cancelled", "cancelled"]
    after = [row["occurrence_id"] for row in desk.rows(booked)]
    assert begun in after
    assert after == [one for one in before if one not in (second, last)]


def test_a_journey_is_changed_with_the_airline_only(desk: Office) -> None:
    date = desk.date(f"kind = 'travel' AND status = 'scheduled' AND {OWN}")
    where = {"occurrence_id": date["occurrence_id"]}
    move = {"starts_on": desk.day(50), "start_time": "10:00"}
    room = desk.one("SELECT room_id FROM rooms WHERE name = 'Fir'")
    assert desk.refused("move_occurrence", **where, **move) == "journey_fixed"
    assert desk.refused("cancel_occurrence", **where) == "journey_fixed"
    assert desk.refused("book_room", **where, room_id=room) == "journey_fixed"
    assert desk.refused("cancel_event", event_id=date["event_id"]) == "journey_fixed"
    assert desk.call("set_reminder", event_id=date["event_id"], minutes_before=120)["minutes_before"] == 120


def test_reading_a_calendar_does_not_let_one_change_it(desk: Office) -> None:
    date = desk.date("title = 'Fire drill'")
    where = {"occurrence_id": date["occurrence_id"]}
    move = {"starts_on": desk.day(50), "start_time": "10:00"}
    assert desk.refused("move_occurrence", **where, **move) == "not_permitted"
    assert desk.refused("cancel_occurrence", **where) == "not_permitted"
    assert desk.refused("cancel_event", event_id=date["event_id"]) == "not_permitted"
    assert desk.refused("set_reminder", event_id=date["event_id"], minutes_before=5) == "not_invited"
    room = desk.one("SELECT room_id FROM rooms WHERE name = 'Fir'")
    assert desk.refused("book_room", **where, room_id=room) == "not_permitted"


# Rooms and reminders -------------------------------------------------------------------------------------------------


def test_a_date_has_one_room_large_enough_and_free(desk: Office) -> None:
    date = desk.date("title = 'Design critique'")
    rooms = {room["name"]: room["room_id"] for room in desk.rows("SELECT * FROM rooms")}
    where = {"occurrence_id": date["occurrence_id"]}
    assert desk.refused("book_room", **where, room_id=rooms["Elder"]) == "already_booked"
    assert desk.refused("book_room", **where, room_id=rooms["Dogwood"]) == "room_too_small"
    booked = desk.call("book_room", **where, room_id=rooms["Fir"])
    assert (booked["room_name"], booked["seats_spare"]) == ("Fir", 20 - date["attendees"])
    taken = desk.date("title = 'Customer visit'")
    same = desk.date(
        f"starts_at = '{taken['starts_at']}' AND {OWN} AND {COMING} AND occurrence_id <> '{taken['occurrence_id']}'"
    )
    assert desk.refused("book_room", occurrence_id=same["occurrence_id"], room_id=rooms["Fir"]) == "room_taken"


def test_a_reminder_takes_the_place_of_the_one_before(desk: Office) -> None:
    event = desk.event("title = 'Project sync'")
    first = desk.call("set_reminder", event_id=event["event_id"], minutes_before=1440)
    before = datetime.fromisoformat(event["starts_at"]) - datetime.fromisoformat(first["next_at"])
    assert before == timedelta(days=1)
    assert desk.refused("set_reminder", event_id=event["event_id"], minutes_before=1440) == "already_set"
    desk.call("set_reminder", event_id=event["event_id"], minutes_before=0)
    assert desk.call("get_event", event_id=event["event_id"])["minutes_before"] == 0
    off = desk.event("title = 'Archive clean-up'")["event_id"]
    assert desk.refused("set_reminder", event_id=off, minutes_before=5) == "event_cancelled"


# Sharing -------------------------------------------------------------------------------------------------------------


def test_a_calendar_is_shared_once_its_owner_approves(desk: Office) -> None:
    work = desk.calendar("name = 'Work' AND owner_id = :person_id")["calendar_id"]
    event = desk.event(f"calendar_id = '{work}' AND status = 'confirmed' AND kind = 'meeting'")["event_id"]
    other = desk.row(
        "SELECT * FROM people WHERE person_id NOT IN (SELECT other_id FROM proposals)"
        " AND person_id NOT IN (SELECT person_id FROM shares)"
        " AND person_id NOT IN (SELECT person_id FROM invitations WHERE event_id = :event_id)",
        event_id=event,
    )
    where = {"calendar_id": work, "person_id": other["person_id"]}
    asked = desk.call("share_calendar", **where, role="delegate")
    assert desk.refused("share_calendar", **where, role="reader") == "awaiting_approval"
    assert desk.refused("cancel_event", email=other["email"], event_id=event) == "not_permitted"
    desk.call("approve_proposal", proposal_id=asked["proposal_id"])
    assert desk.refused("share_calendar", **where, role="delegate") == "already_shared"
    assert desk.call("cancel_event", email=other["email"], event_id=event)["status"] == "cancelled"


def test_a_role_is_replaced_by_the_next_that_is_approved(desk: Office) -> None:
    share = desk.row(
        "SELECT s.* FROM shares s JOIN calendars c ON c.calendar_id = s.calendar_id"
        " WHERE c.owner_id = :person_id AND c.kind = 'primary' AND s.role = 'reader'"
    )
    where = {"calendar_id": share["calendar_id"], "person_id": share["person_id"]}
    asked = desk.call("share_calendar", **where, role="writer")
    desk.call("approve_proposal", proposal_id=asked["proposal_id"])
    role = "SELECT role FROM shares WHERE calendar_id = :calendar_id AND person_id = :person"
    assert desk.one(role, calendar_id=share["calendar_id"], person=share["person_id"]) == "writer"


def test_only_owners_share_and_only_primary_calendars_have_delegates(desk: Office) -> None:
    other = desk.colleague()["person_id"]
    team = desk.calendar("name = 'Team calendar'")["calendar_id"]
    personal = desk.calendar("name = 'Personal' AND owner_id = :person_id")["calendar_id"]
    assert desk.refused("share_calendar", calendar_id=team, person_id=other, role="reader") == "not_permitted"
    assert desk.refused("share_calendar", calendar_id=personal, person_id=other, role="delegate") == "not_primary"
    own = {"calendar_id": personal, "person_id": desk.person_id, "role": "reader"}
    assert desk.refused("share_calendar", **own) == "already_shared"


def test_a_person_sees_what_waits_for_them(desk: Office) -> None:
    waiting = desk.call("list_proposals", status="pending")
    assert waiting["total"] >= 4
    assert {proposal["kind"] for proposal in waiting["proposals"]} == {"meeting", "sharing"}
    assert desk.call("list_proposals", email="nobody@example.com")["total"] == 0
