"""Spoken values: each form stands for its value alone."""

from __future__ import annotations

import pytest

from synthesis.spoken import dates_in, day, days, hour, money, say, with_year, year_is_said


@pytest.mark.parametrize(
    ("cents", "words"),
    [(0, "$0"), (5, "$0.05"), (12_300, "$123"), (123_450, "$1,234.50"), (99, "$0.99"), (-4_250, "-$42.50")],
)
def test_money_is_said_in_dollars(cents: int, words: str) -> None:
    assert money(cents) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [("2026-03-06T00:05", "12:05 am"), ("2026-03-06T12:00:00Z", "12:00 pm"), ("2026-03-06T23:59", "11:59 pm")],
)
def test_hours_go_from_twelve_to_eleven(moment: str, words: str) -> None:
    assert hour(moment) == words


def test_days_carry_their_name() -> None:
    assert day("2026-03-06") == "Friday 6 March"


def test_a_year_stands_behind_every_way_to_say_a_day() -> None:
    ways = [with_year(way, "2028-02-02") for way in days("2028-02-02")]
    assert {"Wednesday 2 February 2028", "February 2, 2028", "February 2nd, 2028", "the 2nd of February 2028"} <= set(
        ways
    )
    assert all(way.endswith("2028") for way in ways)


@pytest.mark.parametrize(
    ("today", "far"), [("2026-11-26", True), ("2027-01-26", False), ("2027-12-01", False), ("2028-09-11", True)]
)
def test_a_year_is_said_of_what_is_about_a_year_off(today: str, far: bool) -> None:
    assert year_is_said("2027-09-12", today) is far


def test_lists_and_words_read_as_language() -> None:
    assert say(None, ["a_b", "c"]) == "a b and c"
    assert say(None, True) == "yes"


def test_the_dates_that_a_text_names_are_found_however_they_are_said() -> None:
    for way in days("2026-03-06"):
        assert dates_in(f"it leaves on {way} at 8:15 am") == {("Mar", 6)}
    assert dates_in("from Monday 5 May to May 7th, and 12 of us may come") == {("May", 5), ("May", 7)}
    assert dates_in("it takes 90 minutes and costs $5") == frozenset()
