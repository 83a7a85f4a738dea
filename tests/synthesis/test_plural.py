"""The plural: one row's words made into those for all."""

from __future__ import annotations

from synthesis.plural import many, said_of_many, told_to_many


def test_verbs_after_that_agree_with_the_plural() -> None:
    assert many("card", "that is in use", "all")[0] == "all my cards that are in use"
    assert many("event", "that comes every day", "all")[0] == "all my events that come every day"
    assert many("booking", "that I called off", "all")[0] == "all my bookings that I called off"


def test_a_shortened_verb_agrees_as_well() -> None:
    assert many("card", "that's locked at the moment", "all")[-1] == "each of my cards that are locked at the moment"
    assert many("trip", "that takes me to Berlin", "own") == ("my trips that take me to Berlin",)


def test_several_are_spoken_of_with_and_without_an_owner() -> None:
    assert many("trip", "to Denver", "own") == ("my trips to Denver",)
    assert many("trip", "to Denver", "bare") == ("trips to Denver",)


def test_it_becomes_them() -> None:
    assert told_to_many("I can't make {x} any more, so {goal} it") == "I can't make {x} any more, so {goal} them"


def test_what_is_said_of_one_is_said_of_many() -> None:
    assert said_of_many("it was stolen") == "they were stolen"
    assert said_of_many("I can't find it anywhere") == "I can't find them anywhere"
    assert said_of_many("it got stolen") == "they got stolen"
