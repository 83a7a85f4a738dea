"""Noise: how a voice types, with every piece untouched and no word changed that anything hangs on."""

from __future__ import annotations

import re
from random import Random

from synthesis.language.lexicon import lexicon
from synthesis.language.noise import SLIPS, typed
from synthesis.language.script import Piece, Script
from synthesis.language.voice import Voice

NAME = "Maya O'Dowd would like 5 Things"


def voice(name: str, **changes: float) -> Voice:
    return Voice(name, lexicon().voices[name].model_copy(update=changes))


def test_pieces_are_never_touched() -> None:
    script = Script()
    text = f"please send {script.seal(Piece('argument', 'name', NAME))} to you, I would like that."
    for seed in range(100):
        assert NAME in script.spoken(typed(text, voice("texting", typos=1.0, lower=1.0), Random(seed))).text


def test_a_plain_voice_only_begins_its_sentences_large() -> None:
    assert typed("please do. thanks.", voice("brisk"), Random(0)) == "Please do. Thanks."


def test_typing_small_spares_pieces_alone() -> None:
    script = Script()
    text = f"I am {script.seal(Piece('fact', 'name', 'Ana Ruiz'))}."
    said = {script.spoken(typed(text, voice("texting", lower=1.0, typos=0.0), Random(seed))).text for seed in range(30)}
    assert all(one.startswith("i am Ana Ruiz") for one in said)


def test_at_most_one_word_slips() -> None:
    text = "please could you just about know the right thing"
    for seed in range(50):
        found = typed(text, voice("texting", lower=1.0, typos=1.0, bare_end=0.0), Random(seed))
        changed = [one for one, other in zip(text.split(), found.split(), strict=True) if one != other]
        assert len(changed) == 1
        assert changed[0] in SLIPS


def test_no_word_slips_that_a_meaning_hangs_on() -> None:
    assert not SLIPS.keys() & {"not", "no", "never", "without", "if", "unless", "only", "before", "after", "or", "all"}
    assert all(re.fullmatch("[a-z]+", word) for word in SLIPS)
