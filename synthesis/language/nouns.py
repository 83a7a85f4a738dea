"""Nouns: several of a thing, and how many, in words, by inflect."""

from __future__ import annotations

from functools import lru_cache

MOST_IN_WORDS = 12
"""Numbers up to this are written in words."""


@lru_cache(maxsize=256)
def plural(noun: str) -> str:
    """Give several of a thing: "standing orders"."""
    from inflect import engine

    return str(engine().plural_noun(noun))


@lru_cache(maxsize=64)
def in_words(number: int) -> str:
    """Give a number in words while it is small."""
    from inflect import engine

    return str(engine().number_to_words(str(number))) if number <= MOST_IN_WORDS else str(number)
