"""The plural: one row's words made into those for all."""

from __future__ import annotations

from synthesis.plural import all_of, told_to_many


def test_verbs_after_that_agree_with_the_plural() -> None:
    assert all_of("card", "that is in use")[0] == "all my cards that are in use"
    assert all_of("event", "that comes every day")[0] == "all my events that come every day"
    assert all_of("booking", "that I called off")[0] == "all my bookings that I called off"


def test_every_one_keeps_the_singular() -> None:
    assert all_of("card", "that is in use")[1] == "every card of mine that is in use"


def test_it_becomes_them() -> None:
    assert told_to_many("I can't make {x} any more, so {goal} it") == "I can't make {x} any more, so {goal} them"
