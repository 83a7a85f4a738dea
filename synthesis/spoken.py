"""Spoken values: how an amount, a day or an hour is said, and so that it stands for that value alone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NEAR_BY = timedelta(days=270)
"""Within that time a date goes without its year."""
_TEENS = range(10, 20)
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
_DATE = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})"
    rf"|(?P<first>{_MONTH}) (?P<number>\d{{1,2}})(?:st|nd|rd|th)?)\b"
)


def money(cents: int) -> str:
    """Give an amount in dollars, without cents where they are zero."""
    dollars, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}${dollars:,}.{rest:02d}" if rest else f"{sign}${dollars:,}"


def amounts(cents: int) -> tuple[str, ...]:
    """Give the ways to say an amount."""
    plain = money(cents)
    if cents < 0:
        return (plain,)
    number = plain.removeprefix("$")
    bare = number.replace(",", "")
    ways = (plain, f"{number} dollars", f"{number} USD", f"${bare}", f"{bare} dollars", f"{bare} USD")
    return tuple(dict.fromkeys(ways if cents % 100 else (*ways, f"{bare} bucks")))


def day(text: str, rng: Random | None = None) -> str:
    """Give a date as a person says it; the year is left to the season at hand."""
    forms = days(text)[:3]
    return forms[rng.randrange(len(forms)) if rng else 0]


def with_year(way: str, text: str) -> str:
    """Give one of the ways to say a date with its year: "2 February 2028", "February 2, 2028"."""
    between = ", " if way.rsplit(maxsplit=1)[-1][0].isdigit() else " "
    return f"{way}{between}{text[:4]}"


def year_is_said(text: str, today: str) -> bool:
    """Whether a date is so far off that somebody says its year with it."""
    return abs(date.fromisoformat(text[:10]) - date.fromisoformat(today)) > NEAR_BY


def days(text: str) -> tuple[str, ...]:
    """Give the ways to say a date, the year left to the season at hand."""
    moment = date.fromisoformat(text[:10])
    name, month, number = DAYS[moment.weekday()], MONTHS[moment.month - 1], moment.day
    nth = f"{number}{_ending(number)}"
    return tuple(
        dict.fromkeys(
            (
                f"{name} {number} {month}",
                f"{month} {number}",
                f"{name}, {month} {number}",
                f"{number} {month}",
                f"{month} {nth}",
                f"{name} {month} {number}",
                f"the {nth} of {month}",
                f"{name} the {nth} of {month}",
                f"{name[:3]}, {month[:3]} {number}",
                f"{month[:3]} {number}",
                f"{name[:3]} {number} {month[:3]}",
                f"{name}, {month} {nth}",
            )
        )
    )


def dates_in(text: str) -> frozenset[tuple[str, int]]:
    """Give the dates that a text names, each by the beginning of its month and its day."""
    return frozenset(
        ((one["month"] or one["first"])[:3], int(one["day"] or one["number"])) for one in _DATE.finditer(text)
    )


def _ending(number: int) -> str:
    return "th" if number % 100 in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def hour(text: str) -> str:
    """Give the time of day of "2026-03-06T08:15…" as "8:15 am"."""
    return hours(text)[0]


def hours(text: str) -> tuple[str, ...]:
    """Give the ways to say the time of day of "2026-03-06T08:15…" or "08:15"."""
    clock = text.removesuffix("Z")
    moment = datetime.fromisoformat(clock).time() if "T" in clock else time.fromisoformat(clock)
    number, half = moment.hour % 12 or 12, "am" if moment.hour < 12 else "pm"
    minutes = f"{moment.minute:02d}"
    ways = [f"{number}:{minutes} {half}", f"{number}:{minutes}{half}", f"{moment.hour:02d}:{minutes}"]
    ways += [f"{number}.{minutes} {half}", f"{number}:{minutes} {half[0]}.m."]
    if not moment.minute:
        ways += [f"{number} {half}", f"{number}{half}"]
    return tuple(dict.fromkeys(ways))


def forms(kind: str | None, value: Any) -> tuple[str, ...]:
    """Give every way in which a user may say a value of a kind: money, date, hour, or plain."""
    match kind:
        case "money":
            return amounts(int(value))
        case "date":
            return days(str(value))
        case "hour":
            return hours(str(value))
        case _:
            return (say(kind, value),)


def say(kind: str | None, value: Any, rng: Random | None = None) -> str:
    """Give the spoken form of a value of a kind: money, date, time, or plain."""
    match kind:
        case "money":
            return money(int(value))
        case "date":
            return day(str(value), rng)
        case "time":
            return f"{day(str(value))} at {hour(str(value))}"
        case "hour":
            return hour(str(value))
        case _ if isinstance(value, bool):
            return "yes" if value else "no"
        case _ if isinstance(value, int):
            return f"{value:,}"
        case _ if isinstance(value, list):
            return " and ".join(say(kind, item) for item in value)
        case _:
            return str(value).replace("_", " ")
