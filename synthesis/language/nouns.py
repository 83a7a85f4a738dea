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

_ALONE = r"(?<![\w.,$:/-])"
_BETWEEN = r"(?P<between>(?:(?:more|free|other) )?(?:[a-z]+ (?=seats\b))?)"
_ONE = re.compile(
    rf"(?P<before>\bare )?{_ALONE}1 {_BETWEEN}(?P<noun>[a-z]+s|people|ones)\b(?P<behind> (?:are|haven't|have)\b)?"
)
_ONE_ARE = re.compile(rf"{_ALONE}1 are\b")
_ZERO = re.compile(rf"{_ALONE}0(?![\w:/%]|[.,]\d)(?P<noun> {_BETWEEN}(?:[a-z]+s|people)\b)?(?P<still> are still)?")
_MINUTES = re.compile(rf"{_ALONE}(\d{{1,3}}(?:,\d{{3}})+|\d+) minutes\b(?!\))")
_AGREES = {" are": " is", " haven't": " hasn't", " have": " has"}
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


def counted(text: str) -> str:
    """Give a text in which no number stands for none of a thing, and one of it isn't spoken of as several.

    "1 days" becomes "1 day", "0 answers are" becomes "no answers are", and "I count 0" becomes "I count none".
    """
    return _ZERO.sub(_for_none, _ONE_ARE.sub("1 is", _ONE.sub(_for_one, text)))


def _for_one(found: re.Match[str]) -> str:
    before, between, noun, behind = found.group("before", "between", "noun", "behind")
    return f"{'is ' if before else ''}1 {between or ''}{_single(noun)}{_AGREES.get(behind or '', '')}"


def _for_none(found: re.Match[str]) -> str:
    text = ("no" + found["noun"] if found["noun"] else "none") + (" are" if found["still"] else "")
    starts = found.start() == 0 or found.string[: found.start()].rstrip()[-1:] in ".!?"
    return text[:1].upper() + text[1:] if starts else text


def in_hours(text: str) -> str:
    """Give a text in which minutes that make an hour or more are told in hours, with the minutes behind.

    "980 minutes" becomes "sixteen hours and twenty minutes (980 minutes)".
    """
    return _MINUTES.sub(_as_hours, text)


def _as_hours(found: re.Match[str]) -> str:
    hours, rest = divmod(int(found[1].replace(",", "")), 60)
    if not hours:
        return found[0]
    parts = ((hours, "hour"), (rest, "minute"))
    words = [f"{_spelled(number)} {unit if number == 1 else f'{unit}s'}" for number, unit in parts if number]
    whole = f"{' and '.join(words)} ({found[0]})"
    starts = found.string[: found.start()].rstrip()[-1:] in ("", ".", "!", "?")
    return whole[:1].upper() + whole[1:] if starts else whole


@lru_cache(maxsize=64)
def _spelled(number: int) -> str:
    return str(_engine().number_to_words(str(number)))


@lru_cache(maxsize=256)
def _single(noun: str) -> str:
    return str(_engine().singular_noun(noun) or noun)


@lru_cache(maxsize=64)
def in_words(number: int) -> str:
    """Give a number in words while it is small."""
    return _spelled(number) if number <= MOST_IN_WORDS else str(number)
