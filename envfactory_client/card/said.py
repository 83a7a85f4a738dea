"""What was said: whether a user's words give away a value, however they put it.

Values and words are compared in a common form: days and hours as dates and times, money and counts as numbers in
digits or words, and names as words without case, accents, punctuation or plural.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from envfactory_client.card.days import Calendar, calendar
from envfactory_client.card.numerals import numbers
from envfactory_client.naming import singular

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_WORD: Final = re.compile(r"[^\W_]+")
_POSSESSIVE: Final = re.compile(r"['\u2019]s\b")
_PHONE: Final = re.compile(r"\+?\d[\d ()-]{5,}\d")
_LONGEST_NAME: Final = 3


class Said:
    """What the user has said so far in an episode that began at a moment."""

    def __init__(self, now: date) -> None:
        self._now = now
        self._calendars: list[Calendar] = []
        self._numbers: set[Decimal] = set()
        self._texts: list[str] = []
        self._words = " "
        self._phones: set[str] = set()

    def hear(self, text: str) -> None:
        """Add a message of the user."""
        read = calendar(text.lower(), self._now)
        self._calendars.append(read)
        self._numbers |= numbers(read.rest)
        self._words += f"; {plain(text)} "
        self._phones |= {_digits(phone) for phone in _PHONE.findall(text)}
        self._texts.append(text.casefold())

    def gives(self, value: Any, parameter: str = "") -> bool:
        """Whether the words give away a value, of a list or an object every part of it."""
        match value:
            case Mapping():
                return all(self.gives(part, name) for name, part in value.items())
            case list() | tuple():
                return all(self.gives(part, parameter) for part in value)
            case bool() | None:
                return False
            case int() | float():
                return Decimal(str(value)) / (100 if is_money(parameter) else 1) in self._numbers
            case _:
                return self._gives_text(str(value))

    def repeats(self, value: Any) -> bool:
        """Whether a value stands in the words letter by letter, but for case."""
        parts = value.values() if isinstance(value, Mapping) else value
        if isinstance(value, Mapping | list | tuple):
            return all(self.repeats(part) for part in parts)
        return any(_holds(text, str(value).casefold()) for text in self._texts)

    def _gives_text(self, value: str) -> bool:
        if _DATE.fullmatch(value):
            return self._gives_day(value)
        if _MONTH.fullmatch(value):
            return any(form.names(int(value[:4]), int(value[5:])) for read in self._calendars for form in read.days)
        if _TIME.fullmatch(value):
            return self._gives_time(time.fromisoformat(value))
        if _MOMENT.fullmatch(value):
            return self._gives_day(value[:10]) and self._gives_time(datetime.fromisoformat(value).time())
        if len(digits := _digits(value)) >= 7 and _PHONE.fullmatch(value):
            return digits in self._phones
        words = plain(value)
        return bool(words) and any(f" {form} " in self._words for form in _orders(words))

    def _gives_day(self, text: str) -> bool:
        try:
            value = date.fromisoformat(text)
        except ValueError:
            return False
        return any(form.fits(value, self._now) for read in self._calendars for form in read.days)

    def _gives_time(self, value: time) -> bool:
        return any(value.replace(second=0) in read.times for read in self._calendars)


def _holds(text: str, words: str) -> bool:
    """Whether words stand in a text, not as a part of longer ones."""
    start = text.find(words)
    while start >= 0:
        end = start + len(words)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(words, start + 1)
    return False


def is_money(parameter: str) -> bool:
    """Whether a parameter takes an amount in hundredths, as its name says."""
    return parameter.partition("[")[0].endswith("_cents")


def plain(text: str) -> str:
    """The singular lower-case words of a text without accents and punctuation, with a blank between."""
    return " ".join(map(_plain_word, _WORD.findall(_POSSESSIVE.sub("", text))))


@lru_cache(maxsize=1 << 16)
def _plain_word(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.casefold())
    return singular("".join(letter for letter in letters if not unicodedata.combining(letter)))


def _orders(words: str) -> tuple[str, ...]:
    """The orders in which a name may be said: "ana ruiz" as "ruiz ana" too."""
    first, *rest = parts = words.split()
    turned = 1 < len(parts) <= _LONGEST_NAME and words.replace(" ", "").isalpha()
    return (words, " ".join((*parts[-1:], first, *rest[:-1]))) if turned else (words,)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
