"""The plural: one row's words made into those for all."""

from __future__ import annotations

from synthesis.plural import many, told_to_many


def test_verbs_after_that_agree_with_the_plural() -> None:
    assert many("card", "that is in use", "all")[0] == "all my cards that are in use"
    assert many("event", "that comes every day", "all")[0] == "all my events that come every day"
    assert many("booking", "that I called off", "all")[0] == "all my bookings that I called off"


def test_every_one_keeps_the_singular() -> None:
    assert many("card", "that is in use", "all")[-1] == "every card of mine that is in use"


def test_several_are_spoken_of_with_and_without_an_owner() -> None:
    assert many("trip", "to Denver", "own") == ("my trips to Denver",)
    assert many("trip", "to Denver", "bare") == ("trips to Denver",)


def test_it_becomes_them() -> None:
    assert told_to_many("I can't make {x} any more, so {goal} it") == "I can't make {x} any more, so {goal} them"
