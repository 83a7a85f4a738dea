"""A meter: how much a process asks of SQLite's machine, and a ceiling for what one statement may ask.

A changed condition can multiply rows, so that a statement that took a moment takes minutes. Time would notice it at
another point on every machine; instructions are the same on each. The battery's searches limit their queries by
themselves, so of these the sum is looked at: it grows without end where nothing is to be found any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

_EVERY = 1000
"""Instructions between two looks."""
_TIMES = 10
"""How much more than any of the unchanged environment a statement may take."""
_LEAST = 1000
"""Thousands of instructions that a statement may always take, about a tenth of a second."""
_MOST_SEARCHED = 30_000
"""Thousands of instructions that all searches may take together: of sound environments, none takes half of it."""
_QUOTED = 100


def ceiling_over(largest: int) -> int:
    """Give how many thousand instructions a statement may take where the largest of the unchanged code took these."""
    return max(_LEAST, _TIMES * largest)


class Meter:
    """Counts, in thousands of instructions, what statements take on databases that are opened under it."""

    def __init__(self, ceiling: int | None = None, over: Callable[[str], None] | None = None) -> None:
        self.largest = 0
        """What the largest statement took."""
        self._ceiling = ceiling
        self._over = over
        self._here = 0
        self._searched = 0
        self._sql = ""

    def begins(self, sql: str) -> None:
        """Note that a connection is asked for something new."""
        self._here, self._sql = 0, sql

    def ticks(self, thousands: int = 1) -> bool:
        """Note so many instructions more; true, once `over` was told, where that is too much."""
        self._here += thousands
        self.largest = max(self.largest, self._here)
        return self._is_over("A statement", self._here, self._ceiling)

    def searches(self, thousands: int) -> bool:
        """Note so many instructions of a query that limits itself; true where that is too much, as above."""
        self._searched += thousands
        return self._is_over("Searching", self._searched, self._ceiling and _MOST_SEARCHED)

    def _is_over(self, what: str, spent: int, most: int | None) -> bool:
        if most is None or spent <= most:
            return False
        if self._over is not None:
            self._over(f"{what} ran away: {_in_short(self._sql)}")
        return True

    @contextmanager
    def running(self) -> Iterator[Meter]:
        """Count for every database that is opened in this process as far as the block goes."""
        connect = sqlite3.connect

        def counted(*arguments: Any, factory: type[sqlite3.Connection] = sqlite3.Connection, **more: Any) -> Any:
            connection = connect(*arguments, factory=_metered(factory), **more)
            cast("_Metered", connection).watched_by(self)
            return connection

        sqlite3.connect = cast("Any", counted)
        try:
            yield self
        finally:
            sqlite3.connect = connect


class _Metered(sqlite3.Connection):
    """A connection that tells a meter of what it does, beside its own progress handler."""

    _meter: Meter | None = None

    def watched_by(self, meter: Meter) -> None:
        """Tell this meter from now on."""
        self._meter = meter
        self.set_progress_handler(None, 0)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement."""
        self._begins(sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """Run a statement again and again."""
        self._begins(sql)
        return super().executemany(sql, parameters)

    def executescript(self, script: str, /) -> sqlite3.Cursor:
        """Run a script."""
        self._begins(script)
        return super().executescript(script)

    def set_progress_handler(self, callback: Any, n: int) -> None:
        """Ask `callback` every `n` instructions, thousands as a rule, and tell the meter.

        What limits itself on a plain connection is one of the battery's searches, which end at their limit.
        """
        meter = self._meter
        if meter is None:
            super().set_progress_handler(callback, n)
        elif callback is None:
            super().set_progress_handler(meter.ticks, _EVERY)
        else:
            tell = meter.searches if type(self) is _metered(sqlite3.Connection) else meter.ticks
            super().set_progress_handler(lambda: tell(n // _EVERY) or callback(), n)

    def _begins(self, sql: str) -> None:
        if self._meter is not None:
            self._meter.begins(sql)


_KINDS: dict[type[sqlite3.Connection], type[sqlite3.Connection]] = {}


def _metered(factory: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
    """Give the kind of connection that is a factory's and can be watched."""
    if factory not in _KINDS:
        _KINDS[factory] = type(f"Metered{factory.__name__}", (_Metered, factory), {})
    return _KINDS[factory]


def _in_short(sql: str) -> str:
    flat = " ".join(sql.split())
    return flat if len(flat) <= _QUOTED else f"{flat[: _QUOTED - 1]}…"
