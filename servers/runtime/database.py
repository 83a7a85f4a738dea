"""A database: one environment's state in one SQLite connection, guarded while tool code runs on it.

The runtime alone begins, commits and rolls back. While a tool's body runs, an authorizer denies what would escape the
transaction, the episode or determinism: transaction control, ATTACH, PRAGMA, chance, the clock's names and extensions.
It looks at statements when they are prepared, so the runtime's own statements are prepared outside; and it sees the
names of functions, not their arguments, so `date('now')` and `INSERT OR ROLLBACK` pass: tools must not write them.
"""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from servers.runtime.errors import EpisodeBusy, QuotaExceeded
from servers.runtime.quota import UNLIMITED, Quota

if TYPE_CHECKING:
    from servers.runtime.standing import Moment, Standing

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
_FREE_ACTIONS = _READING_ACTIONS - {sqlite3.SQLITE_FUNCTION}
"""What any statement may do; to prepare one takes hundreds of questions, nearly all of them about these."""
_OK, _UPDATE = sqlite3.SQLITE_OK, sqlite3.SQLITE_UPDATE
_DENIED_FUNCTIONS = frozenset(
    {"random", "randomblob", "current_date", "current_time", "current_timestamp", "load_extension"}
)
_RESERVED = "ef_"
_SELECTED = "/* selected */ "
"""Tells the statements of `select` from those of tools, so that none of theirs, prepared and kept, is taken for one."""
BUSY_SECONDS = 5.0
"""How long a statement waits for another process that holds the file."""
_STATEMENTS = 256
_STEPS = 20_000
"""Instructions of SQLite's machine between two looks at the time, about a tenth of a millisecond."""


class Database(sqlite3.Connection):
    """A connection that knows whether tool code is running on it; made by `connect`."""

    guarded: bool = False
    quota: Quota = UNLIMITED
    source: weakref.ref[Database] | None = None
    standing: tuple[tuple[int, int, int], Standing] | None = None
    """The version that was last looked at, and what was found."""
    sound: Moment | None = None
    """When all invariants were last known to hold."""
    keeper: Callable[[], None] | None = None
    """Who takes it back instead of its being closed."""
    described: tuple[int, str] | None = None
    """The version of its schema that was last looked at, and what is in it."""
    _copied_at: int = 0
    """What `total_changes` was when it became a copy."""
    _selecting: bool = False
    _calls: int = 0
    """Calls that are under way."""
    _holds: tuple[str, ...] = ()
    """Names of the moments that `undo` can go back to, the latest last; each is a savepoint."""
    _undone: int = 0
    _until: float = 0.0
    _counted: tuple[int, int] | None = None

    def authorize(self, action: int, first: str | None, second: str | None, _db: str | None, by: str | None) -> int:
        """Answer SQLite's question whether a statement may do `action`; called at preparation only.

        It asks for an update of `sqlite_master` when json_each is first used; a real one it refuses by itself.
        """
        if not self.guarded or action in _FREE_ACTIONS or (action == _UPDATE and first == "sqlite_master"):
            return _OK
        denied = (
            (self._selecting and action not in _READING_ACTIONS)
            or action in _DENIED_ACTIONS
            or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _DENIED_FUNCTIONS)
            or (action in _WRITING_ACTIONS and by is None and (first or "").startswith((_RESERVED, "sqlite_")))
        )
        return sqlite3.SQLITE_DENY if denied else _OK

    def transaction(self) -> Transaction:
        """Run tool code in one transaction: commit when it ends well, leave no trace when it raises.

        Under a transaction that somebody outside already holds, a savepoint takes its place.
        """
        return Transaction(self)

    def begin(self) -> bool:
        """Begin what `finish` ends, and say whether it is within a transaction of somebody else's."""
        nested = self.in_transaction
        if self.quota.call_seconds is not None:
            self._until = time.monotonic() + self.quota.call_seconds
        try:
            self.execute("SAVEPOINT ef_call" if nested else "BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self._until = 0.0
            self._tell(error)
            raise
        self._calls += 1
        self.guarded = True
        return nested

    def finish(self, nested: bool, error: BaseException | None) -> None:
        """Keep what was done, or take it back after an error; raises what an error means, if it means more."""
        self.guarded = False
        try:
            if error is None:
                self._check_and_keep(nested)
            else:
                self._take_back(nested)
                if isinstance(error, sqlite3.OperationalError):
                    self._tell(error)
        finally:
            self._calls -= 1
            self._until = 0.0

    def _check_and_keep(self, nested: bool) -> None:
        try:
            if self.quota.rows is not None:
                self._check_rows(self.quota.rows)
            self._keep(nested)  # may fail, too: on a deferred foreign key, or while another process reads the file
        except BaseException as error:
            self._take_back(nested)
            if isinstance(error, sqlite3.OperationalError):
                self._tell(error)
            raise

    def _tell(self, error: sqlite3.OperationalError) -> None:
        if (told := self.meaning_of(error)) is not None:
            raise told from error

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
        if not self.in_transaction:  # where time or room has run out, SQLite itself takes back the whole transaction
            self._undone += 1
            self._holds, self.sound = (), None
        elif nested:
            self.execute("ROLLBACK TO ef_call")
            self.execute("RELEASE ef_call")
        else:
            self.rollback()

    @property
    def busy(self) -> bool:
        """Whether a call is under way, or somebody outside holds a transaction."""
        return self._calls > 0 or (self.in_transaction and not self._holds)

    def hold(self, name: str) -> None:
        """Note this moment as one to go back to; what is prepared stays so, unlike in a copy."""
        self.execute(f"SAVEPOINT ef_hold_{len(self._holds)}")
        self._holds = (*self._holds, name)

    def undo(self, name: str) -> None:
        """Go back to a moment that was noted, and drop it and all later ones."""
        depth = self._holds.index(name)
        self.execute(f"ROLLBACK TO ef_hold_{depth}")
        self.execute(f"RELEASE ef_hold_{depth}")
        self._undone += 1
        self._holds = self._holds[:depth]

    def let_go(self) -> None:
        """Go back to the first moment that is held, if there is one, so that none is."""
        if self._holds and not self.busy:
            self.undo(self._holds[0])

    def holds(self, name: str) -> bool:
        """Whether `undo` can go back to a moment of this name."""
        return name in self._holds

    def select(self, sql: str, parameters: Mapping[str, Any], *, steps: int) -> tuple[list[str], list[sqlite3.Row]]:
        """Give columns and rows of one SELECT; it is stopped after about `steps` thousand instructions of SQLite.

        Whatever else a statement would do, the guard refuses when it is prepared. (`PRAGMA query_only` would do as
        much, but each turn of it makes SQLite prepare every statement of the connection anew.)
        """
        budget = iter(range(steps))
        self._until = 0.0
        self.set_progress_handler(lambda: next(budget, None) is None, 1000)
        self._selecting = True
        try:
            with self._guard():
                cursor = self.execute(_SELECTED + sql, parameters)
                return [column[0] for column in cursor.description or ()], cursor.fetchall()
        finally:
            self._selecting = False
            self._watch_time()

    def meaning_of(self, error: sqlite3.OperationalError) -> EpisodeBusy | QuotaExceeded | None:
        """Give what an error of SQLite means when it is the surroundings' and not the statement's."""
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY:
                return EpisodeBusy("Another process holds the file of this state; try again in a moment.")
            case sqlite3.SQLITE_FULL if self.quota.pages is not None:
                kib = self.quota.pages * 4
                return QuotaExceeded(f"This episode's state is at its limit of {kib} KiB; delete something first.")
            case sqlite3.SQLITE_INTERRUPT if self.quota.call_seconds is not None:
                seconds = f"{self.quota.call_seconds:g}"
                return QuotaExceeded(f"It took longer than {seconds} s, the limit of a call; ask for less at a time.")
        return None

    def _is_late(self) -> bool:
        return time.monotonic() > self._until > 0

    def _check_rows(self, limit: int) -> None:
        """Raise `QuotaExceeded` above so many rows; they are counted only when changes since then could make them."""
        if self._counted is not None and self._counted[0] + self.total_changes - self._counted[1] <= limit:
            return
        tables = self.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'ef_*' AND name NOT GLOB 'sqlite_*'"
        ).fetchall()
        rows = sum(self.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in tables)  # noqa: S608
        if rows > limit:
            raise QuotaExceeded(f"It would make {rows} rows, and {limit} is the limit of this episode's state.")
        self._counted = (rows, self.total_changes)

    def _watch_time(self) -> None:
        if self.quota.call_seconds is None:
            self.set_progress_handler(None, 0)
        else:
            self.set_progress_handler(self._is_late, _STEPS)

    def limit(self, quota: Quota) -> None:
        """Hold to a quota from now on."""
        self.quota = quota
        self._watch_time()
        if quota.pages is not None:
            self.execute(f"PRAGMA max_page_count = {quota.pages:d}")

    def set_count(self, name: str, value: int) -> None:
        """Set a counter, within the transaction that is open."""
        guarded, self.guarded = self.guarded, False
        try:
            self.execute(
                "INSERT INTO ef_counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
        finally:
            self.guarded = guarded

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

    def clone(self, path: Path | str = ":memory:", *, quota: Quota | None = None) -> Database:
        """Give a new database with the same rows, under the same quota unless told otherwise.

        Refuses while a call is under way.
        """
        if self.busy:
            raise EpisodeBusy("A transaction is open, so the state can't be copied; finish the call first.")
        copy = connect(path, quota=self.quota if quota is None else quota)
        try:
            with self.steady() as steady:
                steady.backup(copy)
        except sqlite3.OperationalError as error:
            copy.close()
            if (told := copy.meaning_of(error)) is None:
                raise
            raise told from error
        copy.source = weakref.ref(self)
        return copy

    @contextmanager
    def steady(self) -> Iterator[sqlite3.Connection]:
        """Give what a backup can be made of: while moments are held a backup would never end, so a copy."""
        if not self.in_transaction:
            yield self
            return
        with closing(sqlite3.connect(":memory:")) as copy:
            copy.deserialize(self.serialize())
            yield copy

    @property
    def version(self) -> tuple[int, int, int]:
        """Another value whenever rows may have changed, by whomever; never told while a call is under way."""
        others: int = self.execute("PRAGMA data_version").fetchone()[0]
        return self.total_changes, others, self._undone

    def is_still(self, source: Database) -> bool:
        """Whether it is a clone of `source`, a template or snapshot, that nothing was written to since."""
        unchanged = self.total_changes == self._copied_at
        return self.source is not None and self.source() is source and unchanged

    def refilled(self, source: Database) -> None:
        """Hear that the rows are now a copy of those of `source`, by another connection's doing."""
        self.source, self._copied_at = weakref.ref(source), self.total_changes
        self.standing = self.sound = self._counted = None
        self._holds = ()

    def close(self) -> None:
        """Give it back to its keeper, or close it if it has none; whoever did so must not use it any more."""
        if self.keeper is None:
            super().close()
        else:
            self.keeper()

    @property
    def bytes(self) -> int:
        """How much room its pages take."""
        pages: int = self.execute("PRAGMA page_count").fetchone()[0]
        return pages * 4096


class Transaction:
    """The block in which tool code runs; a class, since it is entered at every call."""

    __slots__ = ("_database", "_nested")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nested = False

    def __enter__(self) -> None:
        """Begin."""
        self._nested = self._database.begin()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Commit or take back."""
        self._database.finish(self._nested, error)


def connect(
    path: Path | str = ":memory:", *, quota: Quota = UNLIMITED, statements: int = _STATEMENTS, tools: bool = True
) -> Database:
    """Open a database with foreign keys on, rows by name, and the guard in place; it remembers so many statements.

    One on which no tool code will run needs no guard, and prepares its statements faster.
    """
    connection = sqlite3.connect(
        path,
        factory=Database,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=statements,
        timeout=BUSY_SECONDS,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    if quota is not UNLIMITED:
        connection.limit(quota)
    if tools:
        connection.set_authorizer(connection.authorize)
    return connection
