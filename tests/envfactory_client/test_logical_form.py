"""Logical forms as values: sparse, strict, and readable back."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from envfactory_client import Turn
from envfactory_client.logical_form import (
    Condition,
    Derived,
    Extreme,
    Field,
    Given,
    Intent,
    Property,
    Row,
    Said,
    Same,
    Several,
)

DENVER = Property(path="booking_board.destination_city", value=Said(value="Denver"))
BOOKING = Row(environment="airline", entity="bookings", mine=True, properties=(DENVER,))
FULL = Intent(
    act="bank.send_transfer",
    terms={
        "amount_cents": Derived(op="half", of=(Given(type="money"),)),
        "send_on": Field(of=BOOKING, column="booking_board.departs_on"),
        "transfers": Several(of=(Same(environment="bank", entity="transfers"),)),
    },
    unless=Condition(
        of=Field(
            of=Row(environment="bank", entity="accounts", extreme=Extreme(path="a.b", function="max")), column="a.b"
        ),
        op="<",
        value=Said(value=5000, type="money"),
    ),
    told=("email",),
)


def test_a_logical_form_reads_back_from_its_json() -> None:
    assert Intent.model_validate_json(FULL.model_dump_json()) == FULL


def test_what_is_at_its_default_stays_out() -> None:
    assert Intent(reply=True).model_dump(mode="json") == {"reply": True}
    assert DENVER.model_dump(mode="json") == {
        "path": "booking_board.destination_city",
        "value": {"kind": "said", "value": "Denver"},
    }


def test_a_turn_without_a_meaning_says_nothing_of_it() -> None:
    turn = Turn(user="I paid.", assistant="Thanks.", state="0")
    assert "intents" not in turn.model_dump(mode="json")
    assert "intents" in turn.model_copy(update={"intents": (FULL,)}).model_dump(mode="json")


def test_all_terms_are_found_at_any_depth() -> None:
    kinds = [term.kind for term in FULL.all_terms]
    assert sorted(kinds) == sorted(
        ["derived", "given", "field", "row", "said", "several", "same", "field", "row", "said"]
    )


def test_nothing_else_can_stand_in_a_logical_form() -> None:
    with pytest.raises(ValidationError, match="booking_id"):
        Row.model_validate({"environment": "airline", "entity": "bookings", "booking_id": "BK123456"})
    with pytest.raises(ValidationError, match="kind"):
        Intent.model_validate({"act": "a.b", "terms": {"x": {"kind": "key", "value": "BK123456"}}})
