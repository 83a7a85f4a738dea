"""Nouns: one thing isn't spoken of as several, and several are listed as people list them."""

from __future__ import annotations

import pytest

from synthesis.language.nouns import counted, in_hours, in_words, listed, plural


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It's 1 days later.", "It's 1 day later."),
        ("There are 1 people on it.", "There is 1 person on it."),
        ("There are 11 people on it.", "There are 11 people on it."),
        ("That's $1 dollars, or 2.1 points.", "That's $1 dollars, or 2.1 points."),
        ("1 answers are still open.", "1 answer is still open."),
        ("1 people haven't answered yet.", "1 person hasn't answered yet."),
        ("It has 1 more dates to come.", "It has 1 more date to come."),
        ("1 are left.", "1 is left."),
        ("I see 1 free window seats.", "I see 1 free window seat."),
        ("1 aisle seats are left.", "1 aisle seat is left."),
    ],
)
def test_one_of_a_thing_is_single(text: str, told: str) -> None:
    assert counted(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I count 0.", "I count none."),
        ("0 are left.", "None are left."),
        ("0 answers are still missing.", "No answers are missing."),
        ("There are 0 more dates of it.", "There are no more dates of it."),
        ("It begins at 10:00 in room A-0 for $0.", "It begins at 10:00 in room A-0 for $0."),
        ("It's 0.5 hours, on 10/0, for -0 or 1,000.", "It's 0.5 hours, on 10/0, for -0 or 1,000."),
    ],
)
def test_none_of_a_thing_is_no_number(text: str, told: str) -> None:
    assert counted(text) == told


def test_several_words_are_listed() -> None:
    assert listed(["5702"]) == "5702"
    assert listed(["5702", "4601", "9509"]) == "5702, 4601 and 9509"


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("booking", "bookings"),
        ("standing order", "standing orders"),
        ("calendar entry", "calendar entries"),
        ("key", "keys"),
        ("boarding pass", "boarding passes"),
        ("box", "boxes"),
        ("branch", "branches"),
        ("analysis", "analyses"),
        ("aircraft", "aircraft"),
        ("contact person", "contact people"),
    ],
)
def test_several_go_by_the_last_word(noun: str, many: str) -> None:
    assert plural(noun) == many


@pytest.mark.parametrize(
    ("told", "in_full"),
    [
        ("It takes 980 minutes.", "It takes sixteen hours and twenty minutes (980 minutes)."),
        ("They add up to 1,440 minutes.", "They add up to twenty-four hours (1,440 minutes)."),
        ("61 minutes of that day are taken.", "One hour and one minute (61 minutes) of that day are taken."),
        ("It takes 59 minutes.", "It takes 59 minutes."),
    ],
)
def test_minutes_that_make_an_hour_are_told_in_hours(told: str, in_full: str) -> None:
    assert in_hours(told) == in_full


def test_small_numbers_are_words_and_others_figures() -> None:
    assert (in_words(2), in_words(12), in_words(13), in_words(40)) == ("two", "twelve", "13", "40")
