"""Patterns: choices in parentheses, places in braces, and clear words for what can't be read."""

from __future__ import annotations

from random import Random

import pytest

from synthesis.errors import LanguageError
from synthesis.language.pattern import expand, pattern_flaws, slots, tidy, ways


def sentences(pattern: str) -> set[str]:
    return {expand(pattern, Random(seed), {"act": "go"}) for seed in range(200)}


def test_every_choice_is_drawn() -> None:
    assert sentences("(could|can) you (please|) {act}?") == {
        "could you please go?",
        "could you go?",
        "can you please go?",
        "can you go?",
    }


def test_choices_stand_inside_choices() -> None:
    assert sentences("a(b(c|d)|e)") == {"abc", "abd", "ae"}
    assert ways("a(b(c|d)|e) (x|y)") == 6


def test_brackets_are_read_as_parentheses() -> None:
    assert expand("I am {name} [{email}].", Random(0), {"name": "Ana", "email": "a@b.c"}) == "I am Ana (a@b.c)."


def test_marks_stand_close_to_their_word() -> None:
    assert tidy(" yes , please  do .") == "yes, please do."


def test_words_that_fill_a_place_are_not_read_as_a_pattern() -> None:
    assert expand("{act}", Random(0), {"act": "say (this|that) [now]"}) == "say (this|that) [now]"


@pytest.mark.parametrize("pattern", ["a (b", "a | b", "a) b", "(a"])
def test_a_pattern_that_cannot_be_read_is_named(pattern: str) -> None:
    with pytest.raises(LanguageError, match="The pattern '"):
        expand(pattern, Random(0))
    assert pattern_flaws(pattern)


def test_choices_must_name_the_same_places() -> None:
    assert pattern_flaws("(to {row}|for {row}) and {goal}") == []
    assert pattern_flaws("(to {row}|away)") == [
        "The choices of '(to {row}|away)' don't all name the same places; name them outside the choice."
    ]
    assert pattern_flaws("(please {goal} it|do it) {row}", frozenset({"goal"})) == []


def test_slots_are_the_names_in_braces() -> None:
    assert slots("{a} (x|{b.c})") == {"a", "b.c"}
