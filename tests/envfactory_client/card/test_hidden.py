"""The hidden rate: a value counts as said however a person puts it, and never before it is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from envfactory_client.card.hidden import HiddenCount, arguments
from envfactory_client.card.numerals import numbers
from envfactory_client.card.said import Said
from tests.envfactory_client.card.told import call, found, said, trajectory, turn

MONDAY = date(2026, 5, 4)

SAID = [
    ("2026-05-05", "departs_on", "the flight on Tuesday, May 5 please"),
    ("2026-05-05", "departs_on", "on the 5th of May"),
    ("2026-05-05", "departs_on", "5 May 2026"),
    ("2026-05-05", "departs_on", "on 5/5"),
    ("2026-05-05", "departs_on", "tomorrow"),
    ("2026-05-05", "departs_on", "on the 5th"),
    ("2026-05-08", "departs_on", "this Friday"),
    ("2026-05-18", "departs_on", "in two weeks"),
    ("2026-05-07", "departs_on", "three days from now"),
    ("2026-05", "month", "the statement of May"),
    ("17:00", "start_time", "at five in the afternoon"),
    ("17:00", "start_time", "at 5 pm"),
    ("17:30", "start_time", "at half past five in the afternoon"),
    ("16:45", "start_time", "at quarter to five"),
    ("12:00", "start_time", "around noon"),
    ("2026-05-05T13:35", "starts_at", "May 5 at 1:35 pm"),
    (15000, "amount_cents", "send $150"),
    (125050, "amount_cents", "send $1,250.50 to them"),
    (15000, "amount_cents", "a hundred and fifty dollars"),
    (200000, "amount_cents", "about 2k"),
    (3, "bags", "three bags"),
    (25, "bags", "twenty-five of them"),
    (2, "seats", "for both of us"),
    (90, "minutes", "for an hour and a half"),
    (120, "minutes", "for two hours"),
    ("Tobias Okafor", "name", "it's for Okafor, Tobias"),
    ("José Núñez", "name", "Jose Nunez's ticket"),
    ("checked_bag", "kind", "a checked bag"),
    ("ann@example.org", "email", "write to Ann@Example.org."),
    ("+1 533 555 0155", "phone", "call me at +1 (533) 555-0155"),
    (["Ann Lee", "Bo Fox"], "names", "Ann Lee and Bo Fox"),
]
UNSAID = [
    ("2026-05-06", "departs_on", "on Tuesday, May 5"),
    ("2027-05-05", "departs_on", "5 May 2026"),
    ("2026-06-19", "departs_on", "this Friday"),
    ("2026-02-30", "departs_on", "on 30 February"),
    ("2026-04", "month", "the statement of May"),
    ("05:00", "start_time", "at 5 pm"),
    (1500, "amount_cents", "send $150"),
    (150, "amount_cents", "send $150"),
    (5, "bags", "on May 5"),
    (1, "bags", "a bag"),
    (26, "year", "in 2026"),
    ("not_received", "reason", "it never came"),
    ("Ann Lee", "name", "Ann and Lee"),
    ("BK811140", "booking_id", "my booking to Boston"),
    (["Ann Lee", "Bo Fox"], "names", "Ann Lee"),
    (True, "direct", "true"),
]


def heard(*texts: str) -> Said:
    found = Said(MONDAY)
    for text in texts:
        found.hear(text)
    return found


@pytest.mark.parametrize(("value", "parameter", "text"), SAID, ids=str)
def test_a_value_is_said_in_the_forms_that_people_use(value: Any, parameter: str, text: str) -> None:
    assert heard(text).gives(value, parameter)


@pytest.mark.parametrize(("value", "parameter", "text"), UNSAID, ids=str)
def test_another_value_is_not_said(value: Any, parameter: str, text: str) -> None:
    assert not heard(text).gives(value, parameter)


def test_a_name_is_not_said_across_two_messages() -> None:
    assert not heard("I am Ann", "Lee is my friend").gives("Ann Lee", "name")


def test_numbers_in_words_end_where_another_begins() -> None:
    assert {int(number) for number in numbers("one and two hundred and five, then sixty three")} == {1, 205, 63}


def test_the_literal_rate_takes_only_the_very_letters() -> None:
    words = heard("the 5th of May for $150, from Boston")
    assert words.repeats("boston")
    assert not words.repeats("Bos")
    assert not words.repeats("2026-05-05")
    assert not words.repeats(15000)


def test_what_is_said_later_was_hidden_before() -> None:
    record = trajectory(
        turn("Cancel it.", call("shop.cancel", order_id="O77", reason="late")),
        turn("Order O77 was late.", call("shop.cancel", order_id="O77", reason="late")),
    )
    assert [argument.hidden for argument in arguments(record)] == [True, True, False, False]


def test_calls_of_the_user_and_nulls_do_not_count() -> None:
    record = trajectory(turn("Done.", call("shop.pay", actor="user", payment_id="P1"), call("shop.show", page=None)))
    assert list(arguments(record)) == []


def test_rates_are_told_by_where_arguments_come_from() -> None:
    counts = HiddenCount()
    counts.add(
        trajectory(
            turn(
                "Send $20 to Ann Lee.", call("shop.find", name="Ann Lee"), call("shop.pay", to="P9", amount_cents=2000)
            ),
            ledger=[said((0, 0), "name", "Ann Lee"), found((0, 1), "to", 0, "id"), said((0, 1), "amount_cents", "$20")],
        )
    )
    figures = counts.figures()
    assert (figures.arguments, figures.rate, figures.literal_rate) == (3, 0.3333, 0.6667)
    assert figures.by_source == {"earlier": 1.0, "explicit": 0.0}
    assert figures.trajectories_by_tenth["30-40%"] == 1
    assert figures.trajectories_without == 0
