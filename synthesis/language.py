"""Language: the sentences of a turn, made from its clauses, the user's card and a voice drawn for the persona."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from synthesis.draft import Clause, DraftTurn

GREETINGS = ("Hi", "Hello", "Hey", "Hi there", "Good day")
POLITE = (
    "Please {}.",
    "Could you {}?",
    "Can you {}, please?",
    "I'd like to {}.",
    "I need to {}.",
    "Can you {}?",
    "Would you {}?",
    "I want to {}.",
)
BRISK = ("Please {}.", "{}, please.", "I need to {}.", "I want to {}.", "{}.")
ALSO = ("Also, {}.", "And {}, please.", "While you're at it, {}.", "Then {}, please.")
QUESTION_WORDS = re.compile(
    r"(and )?(how|what|when|which|who|where|why|is|are|was|were|do|does|did|can|could|will|would|has|have|am|should)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Voice:
    """How one persona writes."""

    greets: bool
    polite: bool
    thanks: float
    """How often a message ends with thanks."""

    @classmethod
    def drawn(cls, rng: Random) -> Voice:
        """Give a voice by chance."""
        return cls(greets=rng.random() < 0.6, polite=rng.random() < 0.6, thanks=rng.choice((0.0, 0.2, 0.6)))


_ADDRESSED = re.compile(r"\b(me|us)\b|;")
"""What only the assistant can do, or a request of two parts: it fits neither "I want to" nor a "please" at the end."""
REPLIES = ("{}.", "{}, please.", "{}, thanks.")


@dataclass(frozen=True)
class Speaker:
    """Who writes the user's messages: what they know of themself, and how they write."""

    card: Mapping[str, Any]
    voice: Voice


def compose(turn: DraftTurn, speaker: Speaker, *, first: bool, new_facts: Sequence[str], rng: Random) -> str:
    """Give the user's message: who they are where it is needed, why, and what they want."""
    if turn.is_reply:
        return _sentence(_pick(rng, REPLIES).format(turn.clauses[0].text))
    voice = speaker.voice
    sentences = [_introduction(new_facts, speaker, first, rng)]
    if turn.reason:
        sentences.append(_sentence(turn.reason))
    sentences += [_request(clause, place, voice, rng) for place, clause in enumerate(turn.clauses)]
    if turn.clauses and rng.random() < voice.thanks:
        sentences.append(_pick(rng, ("Thanks!", "Thank you.", "Thanks a lot.")))
    return " ".join(part for part in sentences if part)


def answer(parts: Sequence[str]) -> str:
    """Give the assistant's message."""
    return " ".join(_sentence(part) for part in parts)


def _introduction(facts: Sequence[str], speaker: Speaker, first: bool, rng: Random) -> str:
    greeting, card = _pick(rng, GREETINGS), speaker.card
    name = str(card.get("name", ""))
    if "email" in facts:
        forms = (
            f"{greeting}, this is {name} ({card['email']}).",
            f"{greeting}, {name} here, {card['email']}.",
            f"{greeting}, my name is {name} and my email is {card['email']}.",
            f"My account is under {card['email']}.",
            f"I'm booked in as {card['email']}." if not first else f"{greeting}! I'm {name}, {card['email']}.",
        )
        return _pick(rng, forms[:3] + forms[4:] if first else (forms[3], f"My email is {card['email']}."))
    if "name" in facts:
        return _pick(rng, (f"{greeting}, this is {name}.", f"{greeting}, {name} here.", f"{greeting}! I'm {name}."))
    return f"{greeting}!" if first and speaker.voice.greets else ""


def _request(clause: Clause, place: int, voice: Voice, rng: Random) -> str:
    if place:
        return _sentence(_pick(rng, ALSO).format(clause.text) if clause.imperative else f"And {clause.text}")
    if not clause.imperative:
        return _sentence(clause.text)
    frames: tuple[str, ...] = POLITE if voice.polite else BRISK
    if _ADDRESSED.search(clause.text):
        frames = tuple(frame for frame in frames if not frame.startswith("I") and frame[-3:] in ("{}.", "{}?"))
    return _sentence(_pick(rng, frames).format(clause.text))


def _sentence(text: str) -> str:
    """Give a text with its first letter large and an end mark."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    if text[-1:] in ".!?":
        return text
    return text + ("?" if QUESTION_WORDS.match(text) else ".")


def _pick(rng: Random, options: Sequence[str]) -> str:
    return options[rng.randrange(len(options))]
