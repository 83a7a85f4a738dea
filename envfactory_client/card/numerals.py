"""Numerals: the numbers that a text says, in digits or in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

_ONES: Final = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL: Final = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: value * 10 for value, word in enumerate(_TENS, start=2)},
}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_COLLECTIVE: Final = {"single": 1, "both": 2, "couple": 2, "pair": 2, "dozen": 12}
_DIGITS: Final = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(k\b)?(?![\w@])", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z]+")


_DURATIONS: Final = (
    (re.compile(r"\b(?:an?|one) hour and a half\b|\bone and a half hours\b"), 90),
    (re.compile(r"\bthree[ -]quarters of an hour\b"), 45),
    (re.compile(r"\bhalf an hour\b|\ba half[ -]hour\b"), 30),
    (re.compile(r"\ba quarter of an hour\b"), 15),
    (re.compile(r"\b(?:an|one) hour\b"), 60),
)
_IN_HOURS: Final = re.compile(r"\b([\w.]+) hours\b")


def numbers(text: str) -> frozenset[Decimal]:
    """Every number that a text in lower case says: "1,250.50", "2k", "twenty-five"; hours as minutes too."""
    return frozenset((*_in_digits(text), *_in_words(text), *_minutes(text)))


def _minutes(text: str) -> Iterator[Decimal]:
    """The minutes of lengths of time that are said in hours."""
    if "hour" in text:
        for form, minutes in _DURATIONS:
            if form.search(text):
                yield Decimal(minutes)
                text = form.sub(" ", text)
        for count in _IN_HOURS.findall(text):
            yield from (60 * number for number in (*_in_digits(count), *_in_words(count)))


def _in_digits(text: str) -> Iterator[Decimal]:
    for whole, rest, thousands in _DIGITS.findall(text):
        number = Decimal(whole.replace(",", "") + rest)
        yield number * 1_000 if thousands else number


def _in_words(text: str) -> Iterator[Decimal]:
    run: list[str] = []
    for word in (*_WORD.findall(text), ""):
        if word in _SMALL or word in _SCALES or (run and word == "and"):
            run.append(word)
        else:
            yield from map(Decimal, _values(run))
            run = []
            if word in _COLLECTIVE:
                yield Decimal(_COLLECTIVE[word])


def _values(run: Sequence[str]) -> Iterator[int]:
    """The numbers of a run of number words: "two" "hundred" "and" "five" is one, "one" "and" "two" are two."""
    total = part = 0
    last = ""
    for word in run:
        if word in _SCALES:
            part = max(part, 1) * _SCALES[word]
            if word != "hundred":
                total, part = total + part, 0
        elif word in _SMALL:
            if last and not _joins(last, word):
                yield total + part
                total = part = 0
            part += _SMALL[word]
        if word != "and":
            last = word
    if last:
        yield total + part


def _joins(last: str, word: str) -> bool:
    """Whether a small number goes on with the one before: after a scale, or ones after tens."""
    return last in _SCALES or (last in _TENS and _SMALL[word] < 10)
