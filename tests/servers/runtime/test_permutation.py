"""Ids drawn from a pattern: all of them, once each, in an order that only the key tells."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.runtime.errors import DefinitionError
from servers.runtime.permutation import IdSpace, id_key

KEY = id_key(7, "airline/bookings.booking_id")


def test_every_id_of_a_space_comes_exactly_once() -> None:
    space = IdSpace.of("^B[0-9]{3}$")
    assert space.size == 1000
    assert {space.nth(KEY, n) for n in range(space.size)} == {f"B{n:03d}" for n in range(1000)}


@given(
    st.sampled_from(["^BK[0-9]{6}$", "^[A-HJ-NP-Z2-9]{6}$", "^FL-[0-9]{5}$", "^[a-f0-9]{12}$"]), st.integers(0, 99_999)
)
def test_an_id_matches_the_pattern_that_it_was_drawn_from(pattern: str, n: int) -> None:
    assert re.fullmatch(pattern, IdSpace.of(pattern).nth(KEY, n))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_tiny_spaces_are_permuted_too(size: int) -> None:
    space = IdSpace.of(f"^X[A-{'ABCDE'[size - 1]}]{{1}}$")
    assert sorted(space.nth(KEY, n) for n in range(size)) == [f"X{letter}" for letter in "ABCDE"[:size]]


def test_ids_depend_on_the_seed_and_on_the_name() -> None:
    space = IdSpace.of("^BK[0-9]{6}$")
    keys = [
        id_key(7, "airline/bookings.booking_id"),
        id_key(8, "airline/bookings.booking_id"),
        id_key(7, "bank/x.x_id"),
    ]
    orders = [tuple(space.nth(key, n) for n in range(20)) for key in keys]
    assert len(set(orders)) == len(keys)


def test_the_next_id_is_not_one_step_from_the_last() -> None:
    numbers = [int(IdSpace.of("^BK[0-9]{6}$").nth(KEY, n)[2:]) for n in range(50)]
    steps = {after - before for before, after in pairwise(numbers)}
    assert len(steps) == 49


def test_ids_are_the_same_in_every_python() -> None:
    space = IdSpace.of("^[A-HJ-NP-Z2-9]{6}$")
    assert [space.nth(KEY, n) for n in range(3)] == ["DQAUL9", "PB3JF3", "YN2X7P"]


def test_a_space_that_is_used_up_says_so() -> None:
    with pytest.raises(DefinitionError, match="describes 10 ids; give it more characters"):
        IdSpace.of("^X[0-9]{1}$").nth(KEY, 10)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^B\d{3}$",
        "B[0-9]{3}",
        "^B[0-9]{3}",
        "^B[0-9]+$",
        "^B[0-9]{2,3}$",
        "^B[^0-9]{3}$",
        "^B[9-0]{3}$",
        "^B[A-z]{3}$",
        "^B[0-9]{0}$",
        "^(A|B)[0-9]{3}$",
        "^B[0-9]{3}[A-Z]{2}$",
        "^B[]{3}$",
        "^B[0-]{3}$",
    ],
)
def test_a_pattern_of_another_form_is_refused(pattern: str) -> None:
    with pytest.raises(DefinitionError, match=r"pattern|character class"):
        IdSpace.of(pattern)
