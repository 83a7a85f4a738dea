"""Places of messages: nobody takes their leave before their last message, or speaks of one thing who asks for more."""

from __future__ import annotations

from random import Random

import pytest

from synthesis.language.lexicon import lexicon
from synthesis.language.message import Place

LEAVES = ["that's all for now.", "thanks, have to go.", "before I go,", "thanks, gotta go.", "need to run."]


@pytest.mark.parametrize("text", LEAVES)
def test_leave_is_taken_in_the_last_message_only(text: str) -> None:
    assert Place(first=False, facts=(), kind="request", last=True).bears(text)
    assert not Place(first=False, facts=(), kind="request").bears(text)


def test_one_thing_is_spoken_of_where_there_is_one() -> None:
    text = "I've got just one request:"
    assert Place(first=True, facts=(), kind="request", alone=True).bears(text)
    assert not Place(first=True, facts=(), kind="request").bears(text)


@pytest.mark.parametrize("voice", sorted(lexicon().closings))
def test_every_voice_can_close_where_more_follows(voice: str) -> None:
    place = Place(first=False, facts=(), kind="request")
    for seed in range(40):
        text = place.drawn(lexicon().closings[voice], Random(seed))
        assert text
        assert place.bears(text)


def test_nothing_is_said_where_nothing_fits() -> None:
    assert Place(first=True, facts=(), kind="request").drawn(["that's all."], Random(1)) == ""
