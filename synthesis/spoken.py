"""Spoken values: how an amount, a day or an hour is said, and so that it stands for that value alone."""

from __future__ import annotations

from datetime import date, datetime
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


def money(cents: int) -> str:
    """Give an amount in dollars, without cents where they are zero."""
    dollars, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}${dollars:,}.{rest:02d}" if rest else f"{sign}${dollars:,}"


def day(text: str, rng: Random | None = None) -> str:
    """Give a date as a person says it; the year is left to the season at hand."""
    moment = date.fromisoformat(text[:10])
    name, month = DAYS[moment.weekday()], MONTHS[moment.month - 1]
    forms = (f"{name} {moment.day} {month}", f"{month} {moment.day}", f"{name}, {month} {moment.day}")
    return forms[rng.randrange(len(forms)) if rng else 0]


def hour(text: str) -> str:
    """Give the time of day of "2026-03-06T08:15…" as "8:15 am"."""
    moment = datetime.fromisoformat(text.removesuffix("Z"))
    return f"{moment.hour % 12 or 12}:{moment.minute:02d} {'am' if moment.hour < 12 else 'pm'}"


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
