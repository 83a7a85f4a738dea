"""The plural: how all rows of a kind are spoken of, out of the words for one."""

from __future__ import annotations

import re
from typing import Literal

from synthesis.language.nouns import plural

Quantity = Literal["all", "own", "bare"]
"""How several rows are spoken of: "all my cards", "my cards", or "cards" where the sentence says whose."""
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


def many(noun: str, modifiers: str, quantity: Quantity) -> tuple[str, ...]:
    """Give ways to speak of several of one's rows that the modifiers, which were made for one row, fit."""
    behind = _SINGULAR_VERB.sub(lambda found: f"that {_VERBS.get(found[1], found[1][:-1])}", modifiers)
    rows = " ".join(word for word in (plural(noun), behind) if word)
    match quantity:
        case "own":
            return (f"my {rows}",)
        case "bare":
            return (rows,)
    every = " ".join(word for word in (f"every {noun} of mine", modifiers) if word)
    return (f"all my {rows}", f"all of my {rows}", every)


def told_to_many(template: str) -> str:
    """Give a request whose "it" stands for one row as one whose "them" stands for several."""
    return _IT_WORD.sub(lambda found: _IT[found[1]], template)
