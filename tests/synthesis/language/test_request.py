"""Requests: what is told first and asked for at the end is asked in many ways, and only where that is sure to fit."""

from __future__ import annotations

from random import Random

import pytest

from synthesis.draft import Clause, Mention, Part
from synthesis.language.lexicon import lexicon
from synthesis.language.request import Filled, ended, leads_up, requested
from synthesis.language.voice import Voice


def said(template: str, *, effect: str = "update") -> set[str]:
    """Give the ways in which a voice says a template whose verb is "call off" and whose row is "the trip"."""
    words = {"goal": "call off", "row": "the trip"}
    parts = {"goal": Part("verb", "verb", ("call off",)), "row": Part("argument", "trip", ("the trip",))}
    clause = Clause(template.format(**words), imperative=False, template=template, parts=parts)
    voice = Voice("formal", lexicon().voices["formal"])
    filled = Filled(clause, words, {}, effect)
    return {requested(filled, voice, Random(seed)).text for seed in range(60)}


def test_what_follows_from_something_told_is_asked_in_many_ways() -> None:
    found = said("{row} has become too dear, so please {goal} it")
    assert len(found) > 12
    for text in found:
        assert text.startswith("the trip has become too dear")
        assert "call it off" in text
        asked = text.rpartition(". ")[2] if "?" in text else ""
        assert text.endswith("?") == bool(asked)


@pytest.mark.parametrize(
    "template",
    [
        "if there is still time, please {goal} {row}",
        "for {row}, {goal} it",
        "is it too late for {row}? If so, please {goal} it",
        "has {row} begun? If not, please {goal} it",
        "{row} is too dear: {goal} it",
    ],
)
def test_what_only_leads_up_to_a_request_stays_with_it(template: str) -> None:
    words = {"goal": "call off", "row": "the trip"}
    plain = template.replace("{goal} it", "call it off").format(**words)
    assert said(template) == {f"{plain}."}


def test_what_goes_on_behind_the_request_is_no_question() -> None:
    for text in said("{row} is too dear, so please {goal} it; if not, leave it"):
        assert text.endswith("; if not, leave it.")
        assert "?" not in text


def test_nothing_is_concluded_twice() -> None:
    for text in said("I don't want {row} because it is too dear; please {goal} it"):
        assert " so " not in text
        assert " why " not in text


def test_an_act_that_is_asked_as_a_question_is_not_wrapped_as_one() -> None:
    assert said("could you {goal} {row}?") == {"could you call off the trip?"}
    assert len(said("how dear is {row}?", effect="")) > 10


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{row} is too dear, so please {goal} it", True),
        ("there's no need for {row} any more; please {goal} it", True),
        ("is there still room on {row}? If so, please {goal} it", True),
        ("{goal} {row}", False),
        ("I'd like to have {row} called off", False),
    ],
)
def test_what_tells_something_first_has_its_reason_in_it(template: str, told: bool) -> None:
    assert leads_up(template) is told


def test_nothing_is_asked_behind_a_reason_that_ends_a_request() -> None:
    for text in said("{goal} {row} because it is too dear"):
        assert text.rstrip("?.").endswith("because it is too dear")


def rowed(template: str, text: str, *people: str) -> set[str]:
    """Give the ways in which a voice says a template whose row is said by the text."""
    mention = Mention("library", "loans", "loan_id", 1, text, text, "anaphora" if text == "it" else "description", "")
    words = {"goal": "call off", "row": text}
    parts = {"goal": Part("verb", "verb", ("call off",)), "row": Part("row", "loans", mentions=(mention,))}
    clause = Clause(template.format(**words), imperative=True, template=template, parts=parts)
    filled = Filled(clause, words, {"row": (mention,)}, "update", frozenset(people))
    voices = [Voice(name, register) for name, register in lexicon().voices.items()]
    return {requested(filled, voice, Random(seed)).text for voice in voices for seed in range(60)}


def test_a_particle_stands_behind_a_pronoun() -> None:
    for template in ("{goal} {row}", "I want out, so please {goal} {row}"):
        found = rowed(template, "it")
        assert any("call it off" in text for text in found)
        assert not any(f"{verb} off it" in text for text in found for verb in ("call", "calling", "called"))


def test_nobody_speaks_of_a_person_as_it() -> None:
    assert any("call it off" in text for text in rowed("{goal} {row}", "my colleague"))
    assert not any("call it off" in text for text in rowed("{goal} {row}", "my colleague", "row"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("it broke. can you mend it", "it broke. can you mend it?"),
        ("can you mend it. it broke", "can you mend it. it broke."),
        ("it broke", "it broke."),
    ],
)
def test_the_last_sentence_decides_on_the_end_mark(text: str, told: str) -> None:
    assert ended(text) == told


def test_a_particle_stands_behind_one_thing_and_not_behind_a_number() -> None:
    assert said("it got late; ahem - {goal} one") == {"it got late; ahem - call one off."}
    assert said("it got late; ahem - {goal} one more trip") == {"it got late; ahem - call off one more trip."}


def test_what_is_done_as_a_favour_stays_in_its_sentence() -> None:
    assert said("as a favour, please {goal} {row}") == {"as a favour, please call off the trip."}
