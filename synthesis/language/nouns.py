"""Nouns: several of a thing, and how many, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from envfactory_client.score.spoken import NUMBERS

MOST_IN_WORDS = 12
"""Numbers up to this are written in words."""
_ODD: Final[Mapping[str, str]] = {
    "bookshelf": "bookshelves", "child": "children", "foot": "feet", "goose": "geese", "half": "halves",
    "knife": "knives", "leaf": "leaves",
    "life": "lives", "loaf": "loaves", "man": "men", "mouse": "mice", "person": "people", "salesperson": "salespeople",
    "shelf": "shelves", "thief": "thieves", "tooth": "teeth", "wife": "wives", "woman": "women",
    "criterion": "criteria", "medium": "media", "quiz": "quizzes", "hero": "heroes", "potato": "potatoes",
    "tomato": "tomatoes",
}  # fmt: skip
_UNCHANGED: Final = frozenset({"aircraft", "series", "species", "sheep", "fish", "deer", "means"})
_LAST: Final = re.compile(r"^(.*?)(\w+)$", re.DOTALL)
_ENDINGS: Final = (
    (re.compile(r"sis$"), "ses"),
    (re.compile(r"(?<=[^aeiou])y$"), "ies"),
    (re.compile(r"(?<=s|x|z)$|(?<=ch|sh)$"), "es"),
    (re.compile(r"$"), "s"),
)


def plural(noun: str) -> str:
    """Give several of a thing, whose last word is the noun itself: "standing orders"."""
    found = _LAST.match(noun)
    return found[1] + _several(found[2]) if found else noun


def _several(word: str) -> str:
    if word in _UNCHANGED or word in _ODD:
        return _ODD.get(word, word)
    return next(ending.sub(many, word, count=1) for ending, many in _ENDINGS if ending.search(word))


def in_words(number: int) -> str:
    """Give a number in words while it is small."""
    return NUMBERS[number] if number <= MOST_IN_WORDS else str(number)
