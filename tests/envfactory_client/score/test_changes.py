"""Canonical changes: new rows go by what they hold and what they refer to, never by the ids they happened to get."""

from __future__ import annotations

from typing import Any

import pytest

import envfactory_client as ef
from envfactory_client.score.attempt import changes_of
from envfactory_client.score.changes import atoms

SPEC = ef.RewardSpec(
    state="s",
    generated=("shop.orders.order_id", "shop.lines.line_id", "shop.counters.counter_id"),
    links={"shop.counters.order_no": "shop.orders"},
)


def _shop(first: str, second: str, *, swap: bool = False) -> dict[str, Any]:
    """Two orders, one of tea and one of milk, with a customer who was there before and points at one of them."""
    tea, milk = ("milk", "tea") if swap else ("tea", "milk")
    return {
        "shop": {
            "orders": {"inserted": [{"order_id": first, "for": "Ana"}, {"order_id": second, "for": "Ana"}]},
            "lines": {
                "inserted": [
                    {"line_id": "LN100", "order_id": first, "item": tea},
                    {"line_id": "LN200", "order_id": second, "item": milk},
                ]
            },
            "customers": {
                "updated": [{"key": {"customer_id": "C1"}, "before": {"last": None}, "after": {"last": first}}]
            },
        }
    }


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return atoms(changes_of(one), SPEC) == atoms(changes_of(other), SPEC)


def test_ids_dont_matter_but_what_hangs_on_them_does() -> None:
    assert _equal(_shop("OR111", "OR222"), _shop("OR777", "OR888"))
    assert not _equal(_shop("OR111", "OR222"), _shop("OR111", "OR222", swap=True))


def test_an_id_that_crosses_environments_is_followed() -> None:
    def with_note(order: str, said: str) -> dict[str, Any]:
        note = {"after": {"note": said}, "before": {"note": ""}, "key": {"transfer_id": "T1"}}
        return {**_shop(order, "OR999"), "bank": {"transfers": {"updated": [note]}}}

    assert _equal(with_note("OR111", "OR111"), with_note("OR555", "OR555"))
    assert not _equal(with_note("OR111", "OR111"), with_note("OR555", "OR999"))


@pytest.mark.parametrize(("one", "other", "same"), [(1, 2, True), (1, None, False)])
def test_short_ids_are_followed_along_declared_links_only(one: int, other: int | None, same: bool) -> None:
    def numbered(number: int, shown: int | None) -> dict[str, Any]:
        order = {"order_id": number, "for": "Bo"}
        counter = {"counter_id": "CO100", "order_no": shown, "size": 1}
        return {"shop": {"orders": {"inserted": [order]}, "counters": {"inserted": [counter]}}}

    assert _equal(numbered(1, one), numbered(2, other)) is same


def test_what_a_row_held_before_is_no_part_of_what_was_done() -> None:
    update = {"key": {"customer_id": "C1"}, "before": {"last": "a"}, "after": {"last": "b"}}
    other = {**update, "before": {"last": "z"}}
    assert _equal({"shop": {"customers": {"updated": [update]}}}, {"shop": {"customers": {"updated": [other]}}})


def test_equal_new_rows_are_counted() -> None:
    row = {"order_id": "OR111", "for": "Ana"}
    twice = {"shop": {"orders": {"inserted": [row, {**row, "order_id": "OR222"}]}}}
    assert not _equal({"shop": {"orders": {"inserted": [row]}}}, twice)
