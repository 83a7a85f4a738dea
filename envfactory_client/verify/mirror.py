"""A mirror: a local copy of an environment's rows, in which declared SQL is asked for the cost of a query.

Whatever is looked for by trying thousands of possibilities (arguments, cells and moments at which a refusal begins to
be due) is looked for here; only what is found is then done to the environment itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from envfactory_client.episode import Rows
from envfactory_client.errors import VerifyError
from envfactory_client.tool import Tool
from envfactory_client.verify.example import Edit
from envfactory_client.verify.subject import Facts
from envfactory_client.verify.walk import bound, due_sql

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Mirror:
    """The rows of one starting state, with a clock that can be set."""

    def __init__(self, facts: Facts, rows: Rows, now: str) -> None:
        self.facts = facts
        self.rows = rows
        self.start = now
        self.db = facts.layout.filled(rows, now)
        self._now = now

    def close(self) -> None:
        """Drop the copy."""
        self.db.close()

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of one SELECT, as a session gives them."""
        return self.select(sql, parameters or {})

    def select(self, sql: str, parameters: Mapping[str, Any], *, steps: int = 0) -> list[dict[str, Any]]:
        """Rows of one SELECT; :now and :today are bound.

        With `steps` the search ends after that many thousand instructions, with the rows found by then.
        """
        moment = {"now": self._now, "today": self._now[:10]}
        found: list[dict[str, Any]] = []
        budget = iter(range(steps))
        if steps:
            self.db.set_progress_handler(lambda: next(budget, None) is None, 1000)
        try:
            for row in self.db.execute(sql, {**moment, **parameters}):
                found.append(dict(row))  # noqa: PERF401 - what was found before an interruption counts
        except sqlite3.Error as error:
            if steps and "interrupted" in str(error):
                return found
            raise _unasked(sql, error) from error
        finally:
            self.db.set_progress_handler(None, 0)
        return found

    def due(self, tool: Tool, arguments: Mapping[str, Any]) -> frozenset[str]:
        """The refusal codes that are due for a call at this moment."""
        refuses = self.facts.refuses(tool.name)
        if not refuses:
            return frozenset()
        return frozenset(row["code"] for row in self.select(due_sql(refuses), bound(tool, arguments)))

    def holds(self, sql: str, parameters: Mapping[str, Any]) -> bool:
        """Whether a query gives any row at this moment."""
        moment = {"now": self._now, "today": self._now[:10]}
        try:
            return self.db.execute(f"SELECT 1 WHERE EXISTS ({sql})", {**moment, **parameters}).fetchone() is not None
        except sqlite3.Error as error:
            raise _unasked(sql, error) from error

    @contextmanager
    def at(self, seconds: int = 0, edits: Sequence[Edit] = ()) -> Iterator[bool]:
        """Look at another moment and at edited cells as far as the block goes; whether the schema takes the edits."""
        if not seconds and not edits:
            yield True
            return
        self.db.execute("SAVEPOINT elsewhere")
        try:
            self._set_clock(later(self.start, seconds))
            yield all(self._edit(edit) for edit in edits)
        finally:
            self.db.execute("ROLLBACK TO elsewhere")
            self.db.execute("RELEASE elsewhere")
            self._now = self.start

    def _set_clock(self, now: str) -> None:
        self._now = now
        self.db.execute("UPDATE ef_clock SET now = ?", (now,))

    def _edit(self, edit: Edit) -> bool:
        where = " AND ".join(f"{column} IS ?" for column in edit.key)
        sql = f"UPDATE {edit.table} SET {edit.column} = ? WHERE {where}"  # noqa: S608
        try:
            return self.db.execute(sql, (edit.value, *edit.key.values())).rowcount > 0
        except (sqlite3.Error, OverflowError):
            return False


def _unasked(sql: str, error: sqlite3.Error) -> VerifyError:
    return VerifyError(f"A declared query can't be asked ({error}): {sql:.200}")


@lru_cache(maxsize=4096)
def later(now: str, seconds: int) -> str:
    """The moment some seconds after another."""
    moment = datetime.strptime(now, _TIME).replace(tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.strftime(_TIME)


def seconds_between(earlier: str, moment: str) -> int:
    """How many seconds one moment is after another."""
    pair = (datetime.strptime(text, _TIME).replace(tzinfo=UTC) for text in (earlier, moment))
    first, second = pair
    return int((second - first).total_seconds())
