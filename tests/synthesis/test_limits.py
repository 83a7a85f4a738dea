"""Limits: round values on the side that is asked for."""

from __future__ import annotations

from random import Random

import pytest

from synthesis.limits import limit, total


@pytest.mark.parametrize(
    ("kind", "value"),
    [("money", 63570), ("count", 9), ("count", 265), ("date", "2026-03-06"), ("time", "2026-03-06T13:40")],
)
@pytest.mark.parametrize("above", [True, False])
def test_a_limit_lies_on_its_side(kind: str, value: object, above: bool) -> None:
    shown = str(value)[11:16] if kind == "time" else value
    for seed in range(30):
        found = limit(kind, value, Random(seed), above=above)
        if found is not None:
            assert (found > shown) == above
            assert found != shown


def test_amounts_are_round() -> None:
    found = {limit("money", 63570, Random(seed), above=True) for seed in range(30)}
    assert all(cents % 500 == 0 for cents in found)
    assert limit("count", 2, Random(0), above=False) is None


@pytest.mark.parametrize(
    ("kind", "least", "beyond", "found"),
    [
        ("money", 47400, 76200, 50000),
        ("money", 47400, 48000, 47500),
        ("money", 47400, 47500, None),
        ("money", 50000, 50001, 50000),
        ("count", 75, 120, 90),
        ("count", 75, 90, 75),
        ("count", 76, 77, 76),
        ("count", 76, 76, None),
    ],
)
def test_a_total_is_the_roundest_number_that_leaves_room_and_no_more(
    kind: str, least: int, beyond: int, found: int | None
) -> None:
    assert total(kind, least, beyond) == found
