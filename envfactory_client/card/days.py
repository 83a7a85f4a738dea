"""Days and hours: the dates and times of day that a text says, and which values they may stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from envfactory_client.card.numerals import numbers

_MONTHS: Final = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
_DAYS: Final = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTH: Final = "|".join(f"{name}|{name[:3]}" for name in _MONTHS) + "|sept"
_DAY: Final = "|".join(_DAYS)
_NTH: Final = r"(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:,?\s+(?P<year>\d{4})\b)?"
_FORMS: Final = (
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\d-])"),
    re.compile(
        rf"\b(?:(?:{_DAY}),?\s+)?(?:the\s+)?(?P<day>\d{{1,2}}){_NTH}\s+(?:of\s+)?(?P<name>{_MONTH})\b\.?{_YEAR}"
    ),
    re.compile(rf"\b(?:(?:{_DAY}),?\s+)?(?P<name>{_MONTH})\.?\s+(?:the\s+)?(?P<day>\d{{1,2}}){_NTH}\b(?!:){_YEAR}"),
    re.compile(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{4}))?\b"),
)
_ALONE: Final = re.compile(
    rf"\bthe\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)\b|\b(?P<weekday>{_DAY})\b"
    rf"|\b(?P<name>{'|'.join(_MONTHS)})\b(?:\s+(?P<year>\d{{4}})\b)?"
)
_RELATIVE: Final = {
    "the day before yesterday": -2,
    "the day after tomorrow": 2,
    "yesterday": -1,
    "tomorrow": 1,
    "today": 0,
    "tonight": 0,
}
_AHEAD: Final = re.compile(
    r"\bin\s+(?P<count>[\w-]+)\s+(?P<unit>days?|weeks?)\b"
    r"|\b(?P<count2>[\w-]+)\s+(?P<unit2>days?|weeks?)\s+from\s+(?:now|today)\b"
)
_WEEKDAY_REACH: Final = timedelta(days=14)
_DAY_REACH: Final = timedelta(days=31)
_HOURS: Final = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_HOUR: Final = rf"\d{{1,2}}|{'|'.join(_HOURS)}"
_PART: Final = r"\s*(?P<half{0}>[ap]\.?m\b\.?)|\s+(?:in\s+the|at)\s+(?P<part{0}>morning|afternoon|evening|night)\b"
_CLOCK: Final = re.compile(
    rf"\b(?P<hour1>\d{{1,2}}):(?P<minute>\d{{2}})(?::\d{{2}})?(?:{_PART.format(1)})?"
    rf"|\b(?P<past>half\s+past|quarter\s+past|quarter\s+to)\s+(?P<hour2>{_HOUR})\b(?:{_PART.format(2)})?"
    rf"|\b(?P<hour3>{_HOUR})(?:{_PART.format(3)}|\s*o['\u2019]clock\b(?:{_PART.format(4)})?)"
    r"|\b(?P<word>noon|midday|midnight)\b"
)
_PAST: Final = {"half past": 30, "quarter past": 15, "quarter to": -15}
_NAMES: Final = re.compile(r"\?P<\w+>")
DAY_PATTERN: Final = "|".join(
    _NAMES.sub("?:", pattern)
    for pattern in (*(form.pattern for form in (*_FORMS, _AHEAD, _ALONE)), rf"\b(?:{'|'.join(_RELATIVE)})\b")
)
"""What looks like a day, for a search that minds no case."""
TIME_PATTERN: Final = _NAMES.sub("?:", _CLOCK.pattern)
"""What looks like a time of day, for a search that minds no case."""
_WORDS: Final = {"noon": time(12), "midday": time(12), "midnight": time(0)}


@dataclass(frozen=True, slots=True)
class DayForm:
    """A day or a month as it was said: what was left out is None."""

    day: int | None = None
    month: int | None = None
    year: int | None = None
    weekday: int | None = None

    def fits(self, value: date, now: date) -> bool:
        """Whether it may stand for a date: a day without a month, or a weekday, only reaches so far."""
        if self.weekday is not None:
            return value.weekday() == self.weekday and abs(value - now) <= _WEEKDAY_REACH
        if self.day != value.day or self.year not in {None, value.year}:
            return False
        return self.month == value.month or (self.month is None and abs(value - now) <= _DAY_REACH)

    def names(self, year: int, month: int) -> bool:
        """Whether it is said of a month."""
        return self.month == month and self.year in {None, year}


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days and times of day that a text says."""

    days: frozenset[DayForm]
    times: frozenset[time]
    rest: str
    """What is left of the text."""


def calendar(text: str, now: date) -> Calendar:
    """What a text, in lower case, says of days and hours."""
    days: set[DayForm] = set()
    for form in _FORMS:
        for match in form.finditer(text):
            days |= _dated(match)
        text = form.sub(" ; ", text)
    for words, offset in _RELATIVE.items():
        if words in text:
            days.add(_form(now + timedelta(days=offset)))
            text = text.replace(words, " ; ")
    days |= {_form(now + ahead) for match in _AHEAD.finditer(text) if (ahead := _ahead(match)) is not None}
    days |= {_alone(match) for match in _ALONE.finditer(text)}
    text = _ALONE.sub(" ; ", text)
    times = {moment for match in _CLOCK.finditer(text) for moment in _times(match)}
    return Calendar(frozenset(days), frozenset(times), _CLOCK.sub(" ; ", text))


def _dated(match: re.Match[str]) -> set[DayForm]:
    parts = match.groupdict()
    name = parts.get("name")
    month = _month(name) if name else int(match["month"])
    day, year = int(match["day"]), int(parts["year"]) if parts.get("year") else None
    found = {DayForm(day, month, year)}
    if "/" in match[0]:
        found.add(DayForm(month, day, year))
    return found


def _alone(match: re.Match[str]) -> DayForm:
    """The day of a month that isn't said, a weekday, or a month as a whole."""
    if match["day"]:
        return DayForm(day=int(match["day"]))
    if match["weekday"]:
        return DayForm(weekday=_DAYS.index(match["weekday"]))
    return DayForm(month=_month(match["name"]), year=int(match["year"]) if match["year"] else None)


def _month(name: str) -> int:
    return 1 + next(place for place, full in enumerate(_MONTHS) if full[:3] == name[:3])


def _form(moment: date) -> DayForm:
    return DayForm(moment.day, moment.month, moment.year)


def _ahead(match: re.Match[str]) -> timedelta | None:
    said, unit = (match["count"], match["unit"]) if match["count"] else (match["count2"], match["unit2"])
    count = 1 if said in {"a", "one"} else int(max(numbers(said), default=0))
    return timedelta(days=count * (7 if unit.startswith("week") else 1)) if 0 < count < 1_000 else None


def _times(match: re.Match[str]) -> set[time]:
    """The times that words stand for: both halves of the day when they leave it open."""
    if match["word"]:
        return {_WORDS[match["word"]]}
    said = match["hour1"] or match["hour2"] or match["hour3"]
    hour = _HOURS.index(said) + 1 if said in _HOURS else int(said)
    minutes = int(match["minute"] or 0) + (_PAST[" ".join(match["past"].split())] if match["past"] else 0)
    half = next((match[name] for name in ("half1", "half2", "half3", "half4") if match[name]), None)
    part = next((match[name] for name in ("part1", "part2", "part3", "part4") if match[name]), None)
    if hour > 23 or not -60 < minutes < 60:
        return set()
    if hour > 12 or (match["hour1"] and not (half or part)):
        hours = {hour}
    elif half or part:
        hours = {hour % 12 + (0 if (half or "").startswith("a") or part == "morning" else 12)}
    else:
        hours = {hour % 12, hour % 12 + 12}
    moments = {(each * 60 + minutes) % (24 * 60) for each in hours}
    return {time(*divmod(moment, 60)) for moment in moments}
