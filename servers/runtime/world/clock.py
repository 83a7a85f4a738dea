"""The clock: the minute at which every episode of a world begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from servers.runtime.world.draw import Stream

SECTION = "clock@1"

_FIRST_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_WEEKS = 50
_WORKING_DAYS = 5
_FIRST_HOUR = 12
_LAST_HOUR = 14


def draw_now(stream: Stream) -> datetime:
    """Give a minute of a working day of 2026, in UTC.

    It lies between 12:00 and 14:59 UTC, when it is the same date everywhere that a persona may live: "today" and
    "tomorrow" then mean the same day to the person and to the server.
    """
    rng = stream("clock")
    day = 7 * rng.randrange(_WEEKS) + rng.randrange(_WORKING_DAYS)
    hour = _FIRST_HOUR + rng.randrange(_LAST_HOUR - _FIRST_HOUR + 1)
    return _FIRST_MONDAY + timedelta(days=day, hours=hour, minutes=rng.randrange(60))
