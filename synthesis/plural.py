"""The plural: how all rows of a kind are spoken of, out of the words for one."""

from __future__ import annotations

import re

from synthesis.language.nouns import plural

_SINGULAR_VERB = re.compile(
    r"\bthat (is|isn't|was|wasn't|has|hasn't|does|doesn't|goes|comes|waits|ends|repeats|falls|leaves|begins|starts)\b"
)
_VERBS = {
    "is": "are",
    "isn't": "aren't",
    "was": "were",
    "wasn't": "weren't",
    "has": "have",
    "hasn't": "haven't",
    "does": "do",
    "doesn't": "don't",
    "goes": "go",
}
_IT = {"it's": "they're", "it": "them"}
_IT_WORD = re.compile(r"\b(it's|it)\b")


def all_of(noun: str, modifiers: str) -> tuple[str, ...]:
    """Give ways to speak of all of one's rows that the modifiers, which were made for one row, fit."""
    every = " ".join(word for word in (f"every {noun} of mine", modifiers) if word)
    many = _SINGULAR_VERB.sub(lambda found: f"that {_VERBS.get(found[1], found[1][:-1])}", modifiers)
    return (" ".join(word for word in (f"all my {plural(noun)}", many) if word), every)


def told_to_many(template: str) -> str:
    """Give a request whose "it" stands for one row as one whose "them" stands for several."""
    return _IT_WORD.sub(lambda found: _IT[found[1]], template)
