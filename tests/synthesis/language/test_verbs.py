"""Verbs: their forms, and where an object stands."""

from __future__ import annotations

import pytest

from synthesis.language.verbs import Verb


@pytest.mark.parametrize(
    ("phrase", "doing", "done", "around"),
    [
        ("cancel", "cancelling", "cancelled", "cancel it"),
        ("take", "taking", "taken", "take it"),
        ("call off", "calling off", "called off", "call it off"),
        ("set up", "setting up", "set up", "set it up"),
        ("reply to", "replying to", "replied to", "reply to it"),
        ("freeze", "freezing", "frozen", "freeze it"),
    ],
)
def test_verbs_are_inflected_by_their_first_word(phrase: str, doing: str, done: str, around: str) -> None:
    verb = Verb.of(phrase)
    assert (verb.form("VBG"), verb.form("VBN"), verb.around("it")) == (doing, done, around)


def test_only_particles_let_an_object_in_between() -> None:
    assert Verb.of("call off").separable
    assert not Verb.of("check in for").separable
