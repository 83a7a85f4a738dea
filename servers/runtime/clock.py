"""The clock of an episode: a moment in UTC, which goes on only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from servers.runtime.errors import InvalidRequest

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST_ADVANCE = 3660 * 24 * 60 * 60


def later(now: str, seconds: int) -> str:
    """Give the moment some seconds after another; raises `InvalidRequest` for what is no way forward."""
    if not 0 <= seconds <= _LONGEST_ADVANCE:
        raise InvalidRequest(f"The clock moves forward by 0 to ten years of seconds, not by {seconds}.")
    try:
        moment = datetime.strptime(now, _TIME).replace(tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidRequest(f"The calendar ends with the year 9999, so {now} is as far as the clock goes.") from error
    return moment.strftime(_TIME)
