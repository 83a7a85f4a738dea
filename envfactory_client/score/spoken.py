"""Spoken values: the amounts, days, hours, numbers and names that a text holds, each as one normal value.

A value is read by its type, whatever form it is said in, so that "$1,200" and "1200.00 dollars" are one amount. What
a more telling type has read is no longer read as a plain number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
NUMBERS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_MONTH: Final = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
_AMOUNT: Final = r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?"
_MONEY: Final = (
    re.compile(rf"(-)?(?:[$€£]|\b(?:USD|EUR|GBP)\s?)(-)?{_AMOUNT}(?![\d.]\d)", re.IGNORECASE),
    re.compile(rf"(?<![\w.,$-])(-)?()?{_AMOUNT}\s?(?:dollars?|bucks|usd|euros?|eur|pounds?|gbp)\b", re.IGNORECASE),
    re.compile(r"(?<![\w.,$:-])(-)?()?(\d{1,3}(?:,\d{3})+|\d+)\.(\d{2})(?![\d.:]\d|\d)"),
)
_DATES: Final = (
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<name>{_MONTH})\b\.?(?:,? (?P<year>\d{{4}})\b)?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<name>{_MONTH})\b\.? (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}})\b)?",
        re.IGNORECASE,
    ),
)
_HOUR: Final = re.compile(
    r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))(?::\d{2})?(?:\s?(?P<half>[ap])\.?m\b\.?)?"
    r"|\b(?P<whole>\d{1,2})\s?(?P<part>[ap])\.?m\b\.?|\b(?P<noon>noon|midnight)\b",
    re.IGNORECASE,
)
_COUNT: Final = re.compile(r"(?<![\w.,:/$€£+-])(\d{1,3}(?:,\d{3})+|\d+)(?![\w/:]|[.,]\d)")
_WORD_COUNT: Final = re.compile(rf"\b({'|'.join(NUMBERS)})\b", re.IGNORECASE)
_NO: Final = re.compile(r"\b(no|none|nothing|nobody)\b", re.IGNORECASE)
_KEPT: Final = 1024
"""Texts whose values are kept, since the messages of one task are judged again and again."""

_LONGEST_NAME: Final = 200
"""Texts up to this length are names or values, which are compared again and again."""


@dataclass(frozen=True)
class Day:
    """A day as it is said; without a year it stands for that day of any year."""

    month: int
    day: int
    year: int | None = None

    def is_(self, wanted: date) -> bool:
        """Whether it can mean a date."""
        return (self.month, self.day) == (wanted.month, wanted.day) and self.year in (None, wanted.year)


@lru_cache(maxsize=_KEPT)
def amounts(text: str) -> frozenset[int]:
    """The amounts of money in a text, in hundredths."""
    return frozenset(cents for _, cents in _amounts(text))


@lru_cache(maxsize=_KEPT)
def days(text: str) -> frozenset[Day]:
    """The days that a text names."""
    return frozenset(day for _, day in _days(text))


@lru_cache(maxsize=_KEPT)
def hours(text: str) -> frozenset[tuple[int, int]]:
    """The times of day in a text, as hour and minute."""
    return frozenset(hour for _, hour in _hours(_without(text, _days(text))))


@lru_cache(maxsize=_KEPT)
def counts(text: str) -> frozenset[int]:
    """The plain numbers in a text that are written in digits: no amounts, days, hours or parts of names."""
    rest = text
    for find in (_amounts, _days, _hours):
        rest = _without(rest, find(rest))
    return frozenset(int(found.group(1).replace(",", "")) for found in _COUNT.finditer(rest))


@lru_cache(maxsize=_KEPT)
def number_words(text: str) -> frozenset[int]:
    """The numbers up to twenty that a text writes as words; a "no" or "none" is zero."""
    said = frozenset(NUMBERS.index(found.group(1).lower()) for found in _WORD_COUNT.finditer(text))
    return said | {0} if _NO.search(text) else said


def plain(text: Any) -> str:
    """A text as names are compared: lower case, single blanks, no underscores, one kind of quote."""
    text = str(text)
    return _plain_name(text) if len(text) <= _LONGEST_NAME else _made_plain(text)


def _made_plain(text: str) -> str:
    return " ".join(text.replace("_", " ").replace("\u2019", "'").lower().split())


_plain_name = lru_cache(maxsize=16 * _KEPT)(_made_plain)


def names(wanted: Any, text: str) -> bool:
    """Whether a text has a name in it, as whole words."""
    return has_words(plain(text), plain(wanted))


def has_words(text: str, name: str) -> bool:
    """Whether a plain text has a plain name in it, not as part of a longer word."""
    start = text.find(name) if name else -1
    while start >= 0:
        end = start + len(name)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(name, start + 1)
    return False


def as_moment(value: Any) -> datetime | None:
    """The moment that a time such as "2026-03-06T08:15:00Z" stands for; None when it is none."""
    try:
        return datetime.fromisoformat(str(value).removesuffix("Z"))
    except ValueError:
        return None


Span = tuple[int, int]


def _amounts(text: str) -> Iterator[tuple[Span, int]]:
    for pattern in _MONEY:
        for found in pattern.finditer(text):
            before, after, whole, part = found.groups()
            cents = int(whole.replace(",", "")) * 100 + int((part or "").ljust(2, "0"))
            yield found.span(), -cents if before or after else cents


def _days(text: str) -> Iterator[tuple[Span, Day]]:
    for pattern in _DATES:
        for found in pattern.finditer(text):
            parts = found.groupdict()
            name = parts.get("name")
            month = int(parts["month"]) if name is None else _month(name)
            year = int(parts["year"]) if parts["year"] else None
            yield found.span(), Day(month, int(parts["day"]), year)


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower()[:3]))


def _hours(text: str) -> Iterator[tuple[Span, tuple[int, int]]]:
    for found in _HOUR.finditer(text):
        parts = found.groupdict()
        if parts["noon"]:
            yield found.span(), (12 if parts["noon"].lower() == "noon" else 0, 0)
            continue
        hour, half = int(parts["hour"] or parts["whole"]), (parts["half"] or parts["part"] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        yield found.span(), (hour, int(parts["minute"] or 0))


def _without(text: str, found: Iterable[tuple[Span, object]]) -> str:
    """A text with the places of what was found in it blanked out."""
    for (start, end), _ in found:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
