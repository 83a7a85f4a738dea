"""A database: one environment's state in one SQLite connection, guarded while tool code runs on it.

The runtime alone begins, commits and rolls back. While a tool's body runs, an authorizer denies what would escape the
transaction, the episode or determinism: transaction control, ATTACH, PRAGMA, chance, the clock's names and extensions.
It looks at statements when they are prepared, so the runtime's own statements are prepared outside; and it sees the
names of functions, not their arguments, so `date('now')` and `INSERT OR ROLLBACK` pass: tools must not write them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
_DENIED_FUNCTIONS = frozenset(
    {"random", "randomblob", "current_date", "current_time", "current_timestamp", "load_extension"}
)
_RESERVED = "ef_"
BUSY_SECONDS = 5.0
"""How long a statement waits for another process that holds the file."""


class Database(sqlite3.Connection):
    """A connection that knows whether tool code is running on it; made by `connect`."""

    guarded: bool = False

    def authorize(self, action: int, first: str | None, second: str | None, _db: str | None, by: str | None) -> int:
        """Answer SQLite's question whether a statement may do `action`; called at preparation only."""
        if not self.guarded:
            return sqlite3.SQLITE_OK
        denied = (
            action in _DENIED_ACTIONS
            or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _DENIED_FUNCTIONS)
            or (action in _WRITING_ACTIONS and by is None and (first or "").startswith((_RESERVED, "sqlite_")))
        )
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run tool code in one transaction: commit when it ends well, leave no trace when it raises.

        Under a transaction that somebody outside already holds, a savepoint takes its place.
        """
        nested = self.in_transaction
        try:
            self.execute("SAVEPOINT ef_call" if nested else "BEGIN IMMEDIATE")
            try:
                self.guarded = True
                yield
                self.guarded = False
                self._keep(nested)  # may fail, too: on a deferred foreign key, or while another process reads the file
            except BaseException:
                self.guarded = False
                self._undo(nested)
                raise
        except sqlite3.OperationalError as error:
            if _is_busy(error):
                raise EpisodeBusy("Another process holds the file of this state; try again in a moment.") from error
            raise

    @contextmanager
    def _guard(self) -> Iterator[None]:
        self.guarded = True
        try:
            yield
        finally:
            self.guarded = False

    def _keep(self, nested: bool) -> None:
        if nested:
            self.execute("RELEASE ef_call")
        else:
            self.commit()

    def _undo(self, nested: bool) -> None:
        if nested:
            self.execute("ROLLBACK TO ef_call")
            self.execute("RELEASE ef_call")
        else:
            self.rollback()

    @contextmanager
    def read_only(self, steps: int) -> Iterator[None]:
        """Refuse writes, and stop a statement after about `steps` thousand instructions of SQLite's machine."""
        budget = iter(range(steps))
        self.execute("PRAGMA query_only = ON")
        self.set_progress_handler(lambda: next(budget, None) is None, 1000)
        try:
            with self._guard():
                yield
        finally:
            self.set_progress_handler(None, 0)
            self.execute("PRAGMA query_only = OFF")

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
        """Give a new in-memory database with the same rows; refuses while a transaction is open."""
        if self.in_transaction:
            raise EpisodeBusy("A transaction is open, so the state can't be copied; finish the call first.")
        copy = connect()
        self.backup(copy)
        return copy


def _is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another process holds the file of a database for longer than we wait."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


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
