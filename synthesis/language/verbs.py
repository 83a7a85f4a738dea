"""Verbs: the forms of a verb phrase such as "call off", by lemminflect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_DOUBLED = re.compile(r"ll(?:ed|ing)$")
PARTICLES = frozenset({"up", "off", "out", "in", "down", "back", "away", "through", "over"})


@dataclass(frozen=True)
class Verb:
    """A verb phrase: its first word is inflected, the rest stays."""

    head: str
    rest: str

    @classmethod
    def of(cls, phrase: str) -> Verb:
        """Give the verb of a phrase such as "check in for"."""
        head, _, rest = phrase.partition(" ")
        return cls(head, rest)

    @property
    def separable(self) -> bool:
        """Whether an object may stand right after the first word: "set it up", and not "reply it to"."""
        return not self.rest or self.rest in PARTICLES

    def form(self, tag: str) -> str:
        """Give the phrase in a form such as VBG or VBN."""
        return " ".join(part for part in (inflected(self.head, tag), self.rest) if part)

    def around(self, thing: str) -> str:
        """Give the phrase with its object, a pronoun, at its place."""
        order = (self.head, thing, self.rest) if self.separable else (self.head, self.rest, thing)
        return " ".join(part for part in order if part)


@lru_cache(maxsize=512)
def inflected(word: str, tag: str) -> str:
    """Give a verb in a form; of two spellings the one with the doubled letter, as in "cancelled"."""
    from lemminflect import getInflection  # type: ignore[import-untyped]

    found = getInflection(word, tag)
    return str(next((form for form in found if _DOUBLED.search(form)), found[0])) if found else word
