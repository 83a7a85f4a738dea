"""The plural: one row's words made into those for all."""

from __future__ import annotations

from synthesis.plural import many, of_several, said_of_many, told_to_many


def test_verbs_after_that_agree_with_the_plural() -> None:
    assert of_several("that is in use") == "that are in use"
    assert of_several("that comes every day") == "that come every day"
    assert of_several("that I called off") == "that I called off"
    assert of_several("that's locked at the moment") == "that are locked at the moment"
    assert of_several("that takes me to Berlin") == "that take me to Berlin"


def test_what_is_said_of_another_row_stays() -> None:
    assert of_several("charged to my account that ends in 8579") == "charged to my account that ends in 8579"


def test_several_are_spoken_of_with_and_without_an_owner() -> None:
    assert many("card", "that are in use", "all")[0] == "all my cards that are in use"
    assert many("trip", "to Denver", "own") == ("my trips to Denver",)
    assert many("trip", "to Denver", "bare") == ("trips to Denver",)


def test_it_becomes_them() -> None:
    assert told_to_many("I can't make {x} any more, so {goal} it") == "I can't make {x} any more, so {goal} them"


def test_what_is_said_of_one_is_said_of_many() -> None:
    assert said_of_many("it was stolen") == "they were stolen"
    assert said_of_many("I can't find it anywhere") == "I can't find them anywhere"
    assert said_of_many("it got stolen") == "they got stolen"
    assert said_of_many('"I have the mails to show it"') == '"I have the mails to show it"'
