"""Values are read in a message whatever form they are said in, and phrases by the words that tell something."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from envfactory_client.score import spoken, wording
from envfactory_client.score.slots import says, told
from envfactory_client.trajectory import Slot


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("It came to $5,214.", 521400),
        ("That is 31.20 in all.", 3120),
        ("you get 40 dollars back", 4000),
        ("€12.5 were charged", 1250),
        ("a balance of -$3", -300),
        ("USD 1,200 went out", 120000),
    ],
)
def test_money_is_read_in_any_form(text: str, cents: int) -> None:
    assert spoken.amounts(text) == {cents}


def test_a_number_that_is_no_amount_is_none() -> None:
    assert not spoken.amounts("Flight 214 leaves at 10:30 on 2026-03-06 with 3 people.")


@pytest.mark.parametrize(
    "text", ["Friday 6 March", "March 6", "on March 6th, 2026", "the 6th of March", "2026-03-06", "6 Mar 2026"]
)
def test_a_day_is_read_in_any_form(text: str) -> None:
    assert [day.is_(date(2026, 3, 6)) for day in spoken.days(f"It is due {text}.")] == [True]


@pytest.mark.parametrize(
    ("text", "hour"), [("8:15 am", (8, 15)), ("at 8 pm", (20, 0)), ("noon", (12, 0)), ("09:30", (9, 30))]
)
def test_an_hour_is_read_in_any_form(text: str, hour: tuple[int, int]) -> None:
    assert spoken.hours(f"It begins {text} on 6 March.") == {hour}


def test_counts_are_the_numbers_that_nothing_else_claims() -> None:
    assert spoken.counts("I count 1,204 since 6 March at 8:15 am, for $50, on flight EV123 (9 of them).") == {1204, 9}
    assert spoken.number_words("There are three, and no more.") == {3, 0}


@pytest.mark.parametrize(
    ("kind", "value", "right", "wrong"),
    [
        ("money", 5000, "It costs $50.", "It costs $51."),
        ("date", "2026-03-06", "On March 6.", "On March 7."),
        ("time", "2026-03-06T20:00:00Z", "On Friday 6 March at 8 pm.", "On Friday 6 March at 8 am."),
        ("count", 3, "There are three.", "There are 13."),
        ("name", "O'Hare (ORD)", "It's at O\u2019Hare (ORD).", "It's at Heathrow."),
        ("flag", True, "Yes, it is.", "No, it isn't."),
        ("list", ["Ana", "Bo"], "Ana and Bo.", "Ana alone."),
    ],
)
def test_a_slot_is_told_by_its_value_alone(kind: Any, value: Any, right: str, wrong: str) -> None:
    assert says(kind, value, right)
    assert not says(kind, value, wrong)


def test_hedging_between_many_values_tells_nothing() -> None:
    slot = Slot(name="refund_cents", type="money", value=5000)
    assert told(slot, "You get $50 of your $80 back.", heard="", seen=()).ok
    assert not told(slot, "It's $40, $50 or $60.", heard="", seen=()).ok
    assert told(slot, "You get $50 for the ones of $40 and $60.", heard="those of $40 and $60", seen=()).ok


def test_telling_all_that_was_seen_tells_nothing() -> None:
    slot = Slot(name="phone", type="name", value="+1 555 0100")
    seen = ["+1 555 0100", *(f"CU9000{number}" for number in range(9))]
    assert told(slot, "We have +1 555 0100.", heard="", seen=seen).ok
    assert not told(slot, " ".join(seen), heard="", seen=seen).ok


REASONS = {
    "sold_out": ("That flight has no seat left in that cabin.",),
    "flight_closed": ("That flight has closed for booking.",),
    "cancelled": ("The airline has cancelled that flight.",),
}


def test_a_reason_is_known_by_most_of_its_telling_words() -> None:
    assert wording.gives_reason("I'm afraid the cabin has no seats left on this flight.", "sold_out", REASONS)
    assert wording.gives_reason("Sorry, it's sold out!", "sold_out", REASONS)
    assert not wording.gives_reason("I'm sorry, but I can't do that.", "sold_out", REASONS)
    assert not wording.gives_reason("That flight has closed for booking.", "sold_out", REASONS)


def test_giving_every_reason_gives_none() -> None:
    everything = " ".join(form for forms in REASONS.values() for form in forms)
    assert not any(wording.gives_reason(everything, code, REASONS) for code in REASONS)


def test_a_question_is_known_by_what_it_asks_for() -> None:
    phrases = ("Which fare shall it be: basic, standard or flex?", "fare type")
    assert wording.asks_for("What fare would you like?", phrases)
    assert not wording.asks_for("Could you give me some more details, please?", phrases)
    assert not wording.asks_for("You are on the basic fare.", phrases)
