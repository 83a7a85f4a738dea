"""The lexicon: six voices that differ, and patterns that can be read and filled."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from synthesis.language.effects import EFFECTS
from synthesis.language.lexicon import lexicon
from synthesis.language.message import FOLLOWS, JOINS
from synthesis.language.pattern import expand, pattern_flaws, pick, slots


def patterns() -> Iterator[str]:
    found = lexicon()
    yield from (*found.tails, *found.ends)
    for group in (found.requests, found.effects, found.questions, found.before, found.introductions, found.follow):
        yield from (pattern for one in group.values() for pattern in one)
    for group in (found.joins, found.reasons, found.side, found.closings, found.replies):
        yield from (pattern for one in group.values() for pattern in one)
    for manner in found.assistant.values():
        yield from (
            *manner.done,
            *manner.answer,
            *manner.left,
            *manner.refuse,
            *manner.ask,
            *manner.more,
            *manner.instead,
        )
    for voice in found.voices.values():
        yield from voice.greetings


def test_every_pattern_can_be_read() -> None:
    assert [flaw for pattern in patterns() for flaw in pattern_flaws(pattern)] == []


def test_only_what_was_done_pleases_and_only_an_answer_is_helpful() -> None:
    pleased = ("great", "perfect", "lovely", "glad that's done", "went smoothly")

    def drawn(outcome: str) -> set[str]:
        group = lexicon().follow[FOLLOWS.get(outcome, outcome)]
        rng = Random(7)
        return {expand(pick(rng, group), rng) for _ in range(600)}

    assert all(any(word in text for text in drawn("done")) for word in pleased)
    for outcome in ("", "ask", "left", "already", "refuse"):
        assert not [text for text in drawn(outcome) if any(word in text for word in (*pleased, "helpful"))]


def test_there_are_six_voices_and_each_has_its_own_end() -> None:
    found = lexicon()
    assert len(found.voices) == 6
    assert found.voices.keys() == found.closings.keys()
    for voice in found.voices.values():
        assert voice.frames.keys() <= found.before.keys()
        assert voice.groups.keys() - {"effect"} <= found.requests.keys()


def test_every_frame_and_group_belongs_to_a_voice() -> None:
    voices = lexicon().voices.values()
    assert lexicon().before.keys() == {frame for voice in voices for frame in voice.frames}
    assert lexicon().requests.keys() == {group for voice in voices for group in voice.groups} - {"effect"}


def test_a_further_request_of_every_kind_is_joined_in_ways_of_its_own() -> None:
    assert lexicon().joins.keys() == set(JOINS.values())


def test_who_writes_letters_signs_them_as_such_and_nobody_else_does() -> None:
    letters = {name for name, voice in lexicon().voices.items() if voice.letters}
    assert letters == {"formal", "apologetic"}
    for plain in ("signed", "named_at_the_end"):
        introductions = lexicon().introductions
        assert any("regards" in pattern for pattern in introductions[f"{plain}_as_in_a_letter"])
        assert not any("regards" in pattern for pattern in introductions[plain])
    assert not any("regards" in pattern for closings in lexicon().closings.values() for pattern in closings)


def test_requests_only_use_what_an_act_has() -> None:
    known = {"act", "acting", "acting_bare", "done", "object", "passive", "pronoun_act"}
    for group in (*lexicon().requests.values(), *lexicon().effects.values()):
        assert all(slots(pattern) and slots(pattern) <= known for pattern in group)


def test_every_effect_has_requests_of_its_own() -> None:
    assert lexicon().effects.keys() == set(EFFECTS)


def test_every_tail_leads_up_to_what_is_asked_for() -> None:
    assert all(slots(pattern) == {"lead", "act"} for pattern in lexicon().tails)
    assert any(pattern.endswith("{act}") for pattern in lexicon().tails)
