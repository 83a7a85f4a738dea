"""Naming: things go by what people remember of them, and by one short word once they were spoken of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from envfactory_client.logical_form import Row, Same, Term
from synthesis.draft import DraftTurn, Mention, Salient
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.locate import locate
from synthesis.logical_form import term_of
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.stage import Stage
from synthesis.wanted import Wanted
from tests.synthesis.conftest import on_stage

PLAINLY = Terms(Slot())
SKIPPED = ("schedule.cancel_occurrence", "occurrence_id")


async def mentions_of(stage: Stage, table: str, where: str | None = None, terms: Terms = PLAINLY) -> list[Mention]:
    """Give a few mentions of each row that can be named."""
    found: list[Mention] = []
    for value in await stage.keys(table, where):
        for _ in range(4):
            with suppress(Drop):
                found.append(await locate(stage, table, value, terms))
    return found


def test_a_date_of_an_event_goes_by_its_title_and_its_day() -> None:
    async def use(stage: Stage) -> list[Mention]:
        link = ("schedule.get_event", "dates[].occurrence_id", *SKIPPED)
        there = replace(stage, wanted=Wanted(frozenset({link})))
        return await mentions_of(there, "occurrences", "frequency = 'weekly'", Terms(Slot(), taker=SKIPPED))

    found = on_stage("schedule", use)
    inside = [one for one in found if one.nested]
    assert inside
    for one in inside:
        assert "title" not in {part["column"] for part in one.properties}
        (event,) = one.nested
        assert [part["column"] for part in event.properties] == ["title"]
        assert f'"{event.properties[0]["value"]}"' in one.text


def test_what_only_stands_in_ones_view_is_not_called_mine() -> None:
    async def use(stage: Stage) -> list[tuple[bool, Mention]]:
        sql = "SELECT i.event_id FROM invitations i JOIN people p USING (person_id) WHERE p.email = :persona_email"
        own = {cells[0] for cells in await stage.query(sql)}
        return [(one.value in own, one) for one in await mentions_of(stage, "events")]

    found = on_stage("schedule", use)
    assert {own for own, _ in found} == {True, False}
    for own, one in found:
        assert one.theirs is not own
        assert one.text.startswith("my " if own else "the ")


def test_what_was_named_inside_another_thing_is_pointed_at_inside_the_next() -> None:
    async def use(stage: Stage) -> tuple[Mention, Term]:
        for ticket in await stage.keys("tickets", None):
            with suppress(Drop):
                mention = await locate(stage, "tickets", ticket, Terms(Slot()))
                (booking,) = (one for one in mention.nested if one.table == "bookings")
                stage.draft.topic = [Salient("airline", "bookings", booking.value, booking.origin, rival_only=True)]
                again = await locate(stage, "tickets", ticket, Terms(Slot()))
                return again, term_of(stage, again)
        raise AssertionError("no ticket can be named")

    again, term = on_stage("airline", use)
    (inner,) = again.nested
    assert (inner.kind, inner.text) in {("anaphora", "that booking"), ("anaphora", "that reservation")}
    assert inner.text in again.text
    assert isinstance(term, Row)
    assert any(isinstance(part.value, Same) for part in term.properties)


def test_who_names_one_account_twice_takes_it_for_two() -> None:
    async def use(stage: Stage) -> tuple[Mention, Mention]:
        turn = DraftTurn()
        await ground(stage, GoalKind("bank", "move_money", "refuse", "same_account"), turn)
        named = {name: mention for _, name, mention in turn.mentions}
        return named["from_account_id"], named["to_account_id"]

    one, other = on_stage("bank", use)
    assert one.value == other.value
    assert {part["column"] for part in one.properties}.isdisjoint(part["column"] for part in other.properties)


def test_nobody_asks_for_a_flight_because_it_stops() -> None:
    async def use(stage: Stage) -> None:
        how = stage.catalogue.entity("flights").say["stops"]
        assert how.options(0)
        assert how.options(1) == how.ahead(1) == ()

    on_stage("airline", use)


def test_colleagues_are_invited_to_meetings_alone() -> None:
    async def use(stage: Stage) -> None:
        slot = stage.catalogue.slot("invite_person", "event_id")
        for event in await stage.keys("events", slot.where):
            row = await stage.row("events", event)
            assert row["kind"] == "meeting"
            assert not row["title"].startswith("One-on-one")

    on_stage("schedule", use)
