"""A database: one environment's state in one SQLite connection, guarded while tool code runs on it.

The runtime alone begins, commits and rolls back. While a tool's body runs, an authorizer denies what would escape the
transaction, the episode or determinism: transaction control, ATTACH, PRAGMA, chance, the clock's names and extensions.
It looks at statements when they are prepared, so the runtime's own statements are prepared outside; and it sees the
names of functions, not their arguments, so `date('now')` and `INSERT OR ROLLBACK` pass: tools must not write them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from servers.runtime.errors import EpisodeBusy

_DENIED_ACTIONS = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_PRAGMA,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_ANALYZE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_VTABLE,
    }
)
_WRITING_ACTIONS = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_READING_ACTIONS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_DENIED_FUNCTIONS = frozenset(
    {"random", "randomblob", "current_date", "current_time", "current_timestamp", "load_extension"}
)
_RESERVED = "ef_"
_SELECTED = "/* selected */ "
"""Tells the statements of `select` from those of tools, so that none of theirs, prepared and kept, is taken for one."""
BUSY_SECONDS = 5.0
"""How long a statement waits for another process that holds the file."""


class Database(sqlite3.Connection):
    """A connection that knows whether tool code is running on it; made by `connect`."""

    guarded: bool = False
    _selecting: bool = False
    _calling: bool = False
    _holds: tuple[str, ...] = ()
    """Names of the moments that `undo` can go back to, the latest last; each is a savepoint."""

    def authorize(self, action: int, first: str | None, second: str | None, _db: str | None, by: str | None) -> int:
        """Answer SQLite's question whether a statement may do `action`; called at preparation only.

        It asks for an update of `sqlite_master` when json_each is first used; a real one it refuses by itself.
        """
        if not self.guarded or (action == sqlite3.SQLITE_UPDATE and first == "sqlite_master"):
            return sqlite3.SQLITE_OK
        denied = (
            (self._selecting and action not in _READING_ACTIONS)
            or action in _DENIED_ACTIONS
            or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _DENIED_FUNCTIONS)
            or (action in _WRITING_ACTIONS and by is None and (first or "").startswith((_RESERVED, "sqlite_")))
        )
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run tool code in one transaction: commit when it ends well, leave no trace when it raises.

        Under a transaction that somebody outside already holds, a savepoint takes its place.
        """
        nested, within = self.in_transaction, self._calling
        with _held_elsewhere():
            self.execute("SAVEPOINT ef_call" if nested else "BEGIN IMMEDIATE")
            self._calling = True
            try:
                with self._guard():
                    yield
                self._keep(nested)  # may fail, too: on a deferred foreign key, or while another process reads the file
            except BaseException:
                self._take_back(nested)
                raise
            finally:
                self._calling = within

    @contextmanager
    def _guard(self) -> Iterator[None]:
        self.guarded = True
        try:
            yield
        finally:
            self.guarded = False

    def _keep(self, nested: bool) -> None:
        if nested:
            self._check_deferred()
            self.execute("RELEASE ef_call")
        else:
            self.commit()

    def _check_deferred(self) -> None:
        """Raise `sqlite3.IntegrityError` for a deferred foreign key that is broken, as a commit would."""
        if self._defers and self.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise sqlite3.IntegrityError("FOREIGN KEY constraint failed")

    @cached_property
    def _defers(self) -> bool:
        """Whether the schema has foreign keys that are only looked at when a transaction ends."""
        return self.execute("SELECT 1 FROM sqlite_schema WHERE sql LIKE '%DEFERRED%'").fetchone() is not None

    def _take_back(self, nested: bool) -> None:
        if nested and self.in_transaction:
            self.execute("ROLLBACK TO ef_call")
            self.execute("RELEASE ef_call")
        else:
            self.rollback()
            self._holds = ()  # SQLite ends a whole transaction by itself when a write in it is interrupted

    @property
    def busy(self) -> bool:
        """Whether a call is under way, or somebody outside holds a transaction."""
        return self._calling or (self.in_transaction and not self._holds)

    def hold(self, name: str) -> None:
        """Note this moment as one to go back to; what is prepared stays so, unlike in a copy."""
        self.execute(f"SAVEPOINT ef_hold_{name}")
        self._holds = (*self._holds, name)

    def undo(self, name: str) -> None:
        """Go back to a moment that was noted, and drop it and all later ones."""
        self.execute(f"ROLLBACK TO ef_hold_{name}")
        self.execute(f"RELEASE ef_hold_{name}")
        self._holds = self._holds[: self._holds.index(name)]

    def holds(self, name: str) -> bool:
        """Whether `undo` can go back to a moment of this name."""
        return name in self._holds

    def select(self, sql: str, parameters: Mapping[str, Any], *, steps: int) -> tuple[list[str], list[sqlite3.Row]]:
        """Give columns and rows of one SELECT; it is stopped after about `steps` thousand instructions of SQLite.

        Whatever else a statement would do, the guard refuses when it is prepared. (`PRAGMA query_only` would do as
        much, but each turn of it makes SQLite prepare every statement of the connection anew.)
        """
        budget = iter(range(steps))
        self.set_progress_handler(lambda: next(budget, None) is None, 1000)
        self._selecting = True
        try:
            with self._guard():
                cursor = self.execute(_SELECTED + sql, parameters)
                return [column[0] for column in cursor.description or ()], cursor.fetchall()
        finally:
            self._selecting = False
            self.set_progress_handler(None, 0)

    def next_count(self, name: str) -> int:
        """Give the next number of a counter, from 0; it is taken back if the call is."""
        guarded, self.guarded = self.guarded, False
        try:
            row = self.execute(
                "INSERT INTO ef_counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
                " RETURNING value - 1",
                (name,),
            ).fetchone()
        finally:
            self.guarded = guarded
        return int(row[0])

    def clone(self) -> Database:
        """Give a new in-memory database with the same rows; refuses while a call is under way."""
        if self.busy:
            raise EpisodeBusy("A transaction is open, so the state can't be copied; finish the call first.")
        copy = connect()
        if self.in_transaction:  # for which a backup would wait without end
            copy.deserialize(self.serialize())
        else:
            self.backup(copy)
        return copy


@contextmanager
def _held_elsewhere() -> Iterator[None]:
    """Raise `EpisodeBusy` where another process holds the file of a database for longer than we wait."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise EpisodeBusy("Another process holds the file of this state; try again in a moment.") from error
        raise


def connect(path: Path | str = ":memory:") -> Database:
    """Open a database with foreign keys on, rows by name, and the guard in place."""
    connection = sqlite3.connect(
        path,
        factory=Database,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        timeout=BUSY_SECONDS,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    connection.set_authorizer(connection.authorize)
    return connection
