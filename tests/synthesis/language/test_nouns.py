"""Nouns: several of a thing, and how many, in words."""

from __future__ import annotations

import pytest

from synthesis.language.nouns import in_words, plural


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


def test_small_numbers_are_words_and_others_figures() -> None:
    assert (in_words(2), in_words(12), in_words(13)) == ("two", "twelve", "13")
