"""Slots: whether a message tells the value that was asked for, and not just everything.

A slot is told when its value is in the message under its type's normal form, and when the values of that type that
the message tells beside it, apart from what the user had said, don't outnumber it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from envfactory_client.score import spoken
from envfactory_client.trajectory import Slot

MOST_BESIDE: Final = 6
"""Values out of results that a message may tell beside a slot, whatever their type."""
_LEAST_PRECISION: Final = 0.5


@dataclass(frozen=True)
class Told:
    """Whether a slot was told, and how that was seen."""

    ok: bool
    reason: str


def told(slot: Slot, message: str, *, heard: str, seen: Iterable[Any]) -> Told:
    """Whether a message tells a slot; `heard` is what the user has said, `seen` are the values of earlier results."""
    if not says(slot.type, slot.value, message):
        return Told(ok=False, reason=f"{slot.name} isn't told: {slot.value!r}")
    alike = _values(slot.type, message) - _values(slot.type, heard)
    right = {value for value in alike if _is_the(slot.type, value, slot.value)}
    if len(alike) * _LEAST_PRECISION > max(len(right), 1):
        return Told(ok=False, reason=f"{slot.name} is told among {len(alike)} values of its kind")
    apart = slot.value if isinstance(slot.value, list) else [slot.value]
    others = beside(message, heard=heard, seen=seen, apart=apart)
    if others > MOST_BESIDE:
        return Told(ok=False, reason=f"{slot.name} is told among {others} other values out of results")
    return Told(ok=True, reason=f"{slot.name} is told")


def says(kind: str, value: Any, text: str) -> bool:
    """Whether a text says a value of a kind."""
    match kind:
        case "list":
            return all(says("name", item, text) for item in value)
        case "count":
            return int(value) in spoken.counts(text) | spoken.number_words(text)
        case "flag":
            words = {word for word in ("yes", "no") if spoken.names(word, text)}
            return words == {"yes" if value else "no"}
        case "money" | "date" | "time":
            return any(_is_the(kind, said, value) for said in _values(kind, text))
    return spoken.names(value, text)


def _values(kind: str, text: str) -> set[Hashable]:
    """The values of a kind in a text that can be told apart."""
    match kind:
        case "money":
            return set(spoken.amounts(text))
        case "date":
            return set(spoken.days(text))
        case "time":
            named: set[spoken.Day | None] = {*spoken.days(text)}
            return {(day, hour) for day in named or {None} for hour in spoken.hours(text)}
        case "count":
            return set(spoken.counts(text))
    return set()


def _is_the(kind: str, said: Any, value: Any) -> bool:
    """Whether a value as it is said is the one that is meant."""
    if kind not in ("date", "time"):
        return bool(said == value)
    moment = spoken.as_moment(value)
    if moment is None:
        return False
    day, hour = said if kind == "time" else (said, None)
    return (day is not None and day.is_(moment.date())) and hour in (None, (moment.hour, moment.minute))


def beside(message: str, *, heard: str, seen: Iterable[Any], apart: Iterable[Any] = ()) -> int:
    """How many values out of results a message tells that the user hadn't said, other than those in `apart`."""
    here, before = spoken.plain(message), spoken.plain(heard)
    values = {name for value in seen if isinstance(value, str | int) and (name := _recognised(value))}
    told = {value for value in values if value in here} - {spoken.plain(value) for value in apart}
    return sum(1 for value in told if spoken.has_words(here, value) and not spoken.has_words(before, value))


@lru_cache(maxsize=1 << 14)
def _recognised(value: str | int) -> str:
    """Give a value as names are compared; "" for one that is too short to be recognised in a sentence."""
    is_small = isinstance(value, bool) or (isinstance(value, int) and abs(value) < 100) or len(str(value)) < 3
    return "" if is_small else spoken.plain(value)
