"""A stock: databases that episodes have done with, kept so that the next copies find their statements prepared.

To prepare a statement over views takes SQLite a hundred times as long as to run it, and what is prepared belongs to a
connection. So a database of the stock is a file that is refilled underneath its connection: a second one writes the
copy into it and puts the number of the schema's version back to what the first knows, to which its statements thus
stay valid. That is right only where every table has its root on the same page, which is compared before.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from weakref import WeakKeyDictionary

from servers.runtime.database import Database, connect
from servers.runtime.quota import Quota

_STATEMENTS: Final = 512
"""Statements that a connection of the stock remembers: more than others, since it serves many episodes."""
_VERSION: Final = 1
"""What each of them says the version of its schema is, whatever the copied one said."""
_QUICK: Final = ("PRAGMA journal_mode = MEMORY", "PRAGMA synchronous = OFF")
"""Such a file is of no use after a crash."""


@dataclass(frozen=True)
class _Shape:
    """What two databases must have in common so that statements for one are valid for the other."""

    schema: str
    page_size: int
    quota: Quota

    @classmethod
    def of(cls, database: Database, quota: Quota) -> _Shape:
        version: int = database.execute("PRAGMA schema_version").fetchone()[0]
        if database.described is None or database.described[0] != version:
            parts = database.execute("SELECT type, name, rootpage, sql FROM sqlite_schema").fetchall()
            database.described = (version, repr([tuple(part) for part in parts]))
        page_size: int = database.execute("PRAGMA page_size").fetchone()[0]
        return cls(database.described[1], page_size, quota)


@dataclass(frozen=True)
class _Vessel:
    """A database of the stock, and the connection by which it is refilled."""

    path: Path
    database: Database
    filler: sqlite3.Connection
    shape: _Shape

    @classmethod
    def made(cls, path: Path, shape: _Shape) -> _Vessel:
        """Give an empty one, in a new file."""
        with ExitStack() as stack:
            filler = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
            stack.callback(filler.close)
            database = connect(path, quota=shape.quota, statements=_STATEMENTS)
            stack.callback(database.close)
            for pragma in _QUICK:
                filler.execute(pragma)
                database.execute(pragma)
            if shape.quota.pages is not None:
                filler.execute(f"PRAGMA max_page_count = {shape.quota.pages:d}")
            stack.pop_all()
        return cls(path, database, filler, shape)

    def fill(self, source: Database) -> None:
        """Take on the rows of a database; `sqlite3.OperationalError` where there are too many, or somebody reads."""
        self.filler.execute("BEGIN EXCLUSIVE")  # a backup would wait for a reader for ever
        self.filler.execute("ROLLBACK")
        with source.steady() as steady:
            steady.backup(self.filler)
        self.filler.execute(f"PRAGMA schema_version = {_VERSION}")
        self.database.refilled(source)

    def close(self) -> None:
        """Close both connections, and delete the file."""
        self.filler.close()
        self.database.keeper = None
        self.database.close()
        self.path.unlink(missing_ok=True)


class Stock:
    """Gives copies of databases, and takes them back when they are closed.

    It has so many at the most, in use or not; further copies are plain clones.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[_Vessel] = []
        """The one that was used last comes last, and is the first to be taken."""
        self._used: dict[int, _Vessel] = {}
        self._shapes: WeakKeyDictionary[Database, tuple[int, _Shape]] = WeakKeyDictionary()
        """Of what was copied, such as templates, by the version of the schema."""
        self._made = 0
        self._folder: TemporaryDirectory[str] | None = None
        self._open = True

    def copy(self, source: Database, quota: Quota) -> Database:
        """Give a database with the rows of `source`, which comes back when it is closed; or else a plain clone."""
        with self._lock:
            vessel = None if source.busy else self._taken(self._shape_of(source, quota))
            if vessel is not None:
                try:
                    vessel.fill(source)
                except sqlite3.Error:  # a clone goes around it, or says what is wrong
                    self._end(vessel)
                else:
                    vessel.database.keeper = partial(self._take_back, vessel)
                    self._used[id(vessel)] = vessel
                    return vessel.database
        return source.clone(quota=quota)

    def close(self) -> None:
        """Close what is idle now, and from now on whatever comes back."""
        with self._lock:
            self._open = False
            while self._idle:
                self._end(self._idle.pop())

    def _shape_of(self, source: Database, quota: Quota) -> _Shape:
        """Give the shape of a source; that of one which is a vessel itself is another after each filling."""
        if source.keeper is not None:
            return _Shape.of(source, quota)
        version: int = source.execute("PRAGMA schema_version").fetchone()[0]
        known = self._shapes.get(source)
        if known is None or known[0] != version or known[1].quota != quota:
            known = self._shapes[source] = (version, _Shape.of(source, quota))
        return known[1]

    def _taken(self, shape: _Shape) -> _Vessel | None:
        """Give a vessel to be filled; None where there is no room for another."""
        fitting = next((vessel for vessel in reversed(self._idle) if vessel.shape == shape), None)
        if fitting is not None:
            self._idle.remove(fitting)
            return fitting
        if not self._open or len(self._used) >= self._most:
            return None
        if len(self._used) + len(self._idle) >= self._most:
            self._end(self._idle.pop(0))
        try:
            self._folder = self._folder or TemporaryDirectory(prefix="envfactory-stock-")
            self._made += 1
            return _Vessel.made(Path(self._folder.name) / f"{self._made}.db", shape)
        except (OSError, sqlite3.Error):  # there is nowhere to write, so everything is copied in memory
            self._open = False
            return None

    def _take_back(self, vessel: _Vessel) -> None:
        """Keep a database that an episode has done with, if it is at rest; do nothing if it is back already."""
        with self._lock:
            if self._used.pop(id(vessel), None) is None:
                return
            vessel.database.let_go()
            if self._open and not vessel.database.in_transaction:
                self._idle.append(vessel)
                return
            self._end(vessel)

    def _end(self, vessel: _Vessel) -> None:
        """Close a vessel, and with the last one the folder."""
        vessel.close()
        if self._folder is not None and not self._used and not self._idle:
            self._folder.cleanup()
            self._folder = None
