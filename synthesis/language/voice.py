"""A voice: how one persona writes, in one of six registers that are told apart by more than politeness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from synthesis.language.lexicon import Register, lexicon


@dataclass(frozen=True)
class Voice:
    """How one persona writes."""

    name: str
    register: Register

    @classmethod
    def drawn(cls, rng: Random) -> Voice:
        """Give a voice by chance."""
        voices = lexicon().voices
        name = sorted(voices)[rng.randrange(len(voices))]
        return cls(name, voices[name])

    def frame(self, rng: Random) -> str:
        """Give what a message is framed as, such as "ask" or "apologise"."""
        return weighted(self.register.frames, rng)


@dataclass(frozen=True)
class Speaker:
    """Who writes the user's messages: what they know of themself, and how they write."""

    card: Mapping[str, Any]
    voice: Voice


def weighted(weights: Mapping[str, int], rng: Random) -> str:
    """Give one of the names by its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
