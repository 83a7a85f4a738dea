"""Noise: how a message looks that was typed in a hurry, with everything that means something left untouched."""

from __future__ import annotations

import re
from random import Random

from synthesis.language.pattern import pick
from synthesis.language.script import LARGE, sentences
from synthesis.language.voice import Voice

SLIPS = {
    "about": ("abuot", "abt"),
    "again": ("agian",),
    "and": ("&", "adn"),
    "because": ("becuase", "bc", "cos"),
    "could": ("coudl", "cld"),
    "have": ("hvae",),
    "hello": ("helo",),
    "just": ("jsut",),
    "know": ("konw",),
    "like": ("liek",),
    "maybe": ("mayb",),
    "morning": ("mornign",),
    "need": ("nede",),
    "please": ("plese", "pleae", "pls"),
    "possible": ("posible",),
    "question": ("quesiton",),
    "really": ("relly",),
    "right": ("rihgt",),
    "should": ("shoud",),
    "sorry": ("sory",),
    "something": ("somethign", "smth"),
    "thanks": ("thnaks", "thanx", "thx"),
    "thing": ("thign",),
    "through": ("thru",),
    "today": ("tody",),
    "tonight": ("tonite",),
    "want": ("wnat",),
    "would": ("woudl", "wld"),
    "you": ("u", "yuo"),
    "your": ("ur", "yuor"),
}
"""What fingers make of common words; none of them is a word that anything hangs on."""
_WORD = re.compile(r"(?<![\w'&])[a-z]+(?![\w'])")
_APOSTROPHE = re.compile(r"(?<=[a-z])'(?=(?:m|s|re|ve|ll|d|t)\b)", re.IGNORECASE)
_END = re.compile(r"[.!]$")
_ENDS = re.compile(r"[.](?=\s)")


def typed(text: str, voice: Voice, rng: Random) -> str:
    """Give a text as a voice types it."""
    manner = voice.register
    if rng.random() >= manner.lower:
        text = sentences(text)
    else:
        text = "".join(letter if letter == LARGE else letter.lower() for letter in text)
        if rng.random() < 0.4:
            text = _APOSTROPHE.sub("", text)
        if rng.random() < 0.3:
            text = _ENDS.sub(pick(rng, (",", " -", "...")), text)
    if rng.random() < manner.typos:
        text = _slipped(text, rng)
    return _END.sub("", text) if rng.random() < manner.bare_end else text


def _slipped(text: str, rng: Random) -> str:
    """Give a text with one common word misspelled, where there is one."""
    found = [match for match in _WORD.finditer(text) if match[0] in SLIPS]
    if not found:
        return text
    slip = pick(rng, found)
    return text[: slip.start()] + pick(rng, SLIPS[slip[0]]) + text[slip.end() :]
