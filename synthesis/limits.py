"""Limits: round values a little above or below another one, as people say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

NEAR, FAR = (0.5, 0.6, 0.75, 0.9), (1.15, 1.3, 1.5, 2.0)
"""How far from a value a round one lies, as a share of it."""
AMOUNTS = (100000, 10000, 5000, 1000, 500, 100)
"""Cents to which amounts are rounded, the largest unit of which there are at least two."""
COUNTS = ((1000, 500), (100, 50), (20, 5), (0, 1))
"""From which number on counts are rounded to which."""
DAYS = (3, 7, 10, 14)
WHOLES = (60, 30, 15, 10, 5, 1)
"""To which numbers that several things come to are rounded, the largest unit that fits."""


def limit(kind: str, value: Any, rng: Random, *, above: bool) -> Any:
    """Give a round value of a kind above or below another one; None when there is none."""
    found = _LIMITS[kind](value, rng, above)
    if found is None or kind in ("date", "time"):
        return found
    return found if found > 1 and (found > value if above else found < value) else None


def total(kind: str, least: int, beyond: int) -> int | None:
    """Give the roundest number from `least` on that is less than `beyond`; None when no round one is."""
    units = AMOUNTS[:-1] if kind == "money" else WHOLES
    rounded = (-(-least // unit) * unit for unit in units)
    return next((number for number in rounded if least <= number < beyond), None)


def _date(value: Any, rng: Random, above: bool) -> str:
    days = _drawn(rng, DAYS) * (1 if above else -1)
    return (date.fromisoformat(str(value)[:10]) + timedelta(days=days)).isoformat()


def _count(value: int, rng: Random, above: bool) -> int:
    unit = next(unit for least, unit in COUNTS if value >= least)
    steps = rng.randrange(1, 3) * (1 if above else -1)
    return (value + unit * steps) // unit * unit


def _money(value: Any, rng: Random, above: bool) -> int:
    wanted = int(value) * _drawn(rng, FAR if above else NEAR)
    unit = next((unit for unit in AMOUNTS if wanted >= 2 * unit), AMOUNTS[-1])
    return int(round(wanted / unit) * unit)


def _time(value: Any, rng: Random, above: bool) -> str | None:
    """Give a full hour of the same day, as "13:00"."""
    hour, minute = int(str(value)[11:13]), int(str(value)[14:16])
    wanted = hour + _drawn(rng, (1, 2)) if above else hour - _drawn(rng, (0, 1)) - (minute == 0)
    return f"{wanted:02d}:00" if 0 < wanted < 24 else None


def round_up(cents: int) -> int:
    """Give the next round amount that isn't less than one."""
    unit = next((unit for unit in AMOUNTS if cents >= 2 * unit), AMOUNTS[-1])
    return -(-cents // unit) * unit


def _drawn(rng: Random, options: tuple[Any, ...]) -> Any:
    return options[rng.randrange(len(options))]


_LIMITS: Mapping[str, Callable[[Any, Random, bool], Any]] = {
    "count": _count,
    "date": _date,
    "money": _money,
    "time": _time,
}
