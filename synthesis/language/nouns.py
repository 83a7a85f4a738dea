"""Nouns: several of a thing, and how many, in words, by inflect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import typeguard

if TYPE_CHECKING:
    from inflect import engine

_Checked = TypeVar("_Checked", bound=Callable[..., object])

_ONE = re.compile(r"(?<![\d.,$])\b(are )?1 ([a-z]+s|people)\b( are\b)?")
MOST_IN_WORDS = 12
"""Numbers up to this are written in words."""


@lru_cache(maxsize=1)
def _engine() -> engine:
    with _unchecked():
        from inflect import engine
    return engine()


@contextmanager
def _unchecked() -> Iterator[None]:
    """Let a module be imported without checks of types: to write them into all of inflect takes two seconds."""
    checked = typeguard.typechecked
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        yield
    finally:
        typeguard.typechecked = checked


def _as_it_is(target: _Checked) -> _Checked:
    return target


@lru_cache(maxsize=256)
def plural(noun: str) -> str:
    """Give several of a thing: "standing orders"."""
    return str(_engine().plural_noun(noun))


def listed(words: Sequence[str]) -> str:
    """Give several words in a row: "one, two and three"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def one_of(text: str) -> str:
    """Give a text in which one of a thing isn't spoken of as several: "1 days" as "1 day"."""
    return _ONE.sub(_for_one, text)


def _for_one(found: re.Match[str]) -> str:
    before, noun, behind = found.groups()
    return f"{'is ' if before else ''}1 {_single(noun)}{' is' if behind else ''}"


@lru_cache(maxsize=256)
def _single(noun: str) -> str:
    return str(_engine().singular_noun(noun) or noun)


@lru_cache(maxsize=64)
def in_words(number: int) -> str:
    """Give a number in words while it is small."""
    return str(_engine().number_to_words(str(number))) if number <= MOST_IN_WORDS else str(number)
