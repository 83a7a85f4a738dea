"""Standing: what is known of a database, for as long as nothing changes in it.

An invariant that held goes on holding until the clock or a table that it looks at is another. So what each table's
changes are is kept as a digest, and only what may have been broken since is looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from servers.runtime.errors import DefinitionError
from servers.runtime.state import TableChanges, canonical, digest

_CLOCK = "ef_clock"
_MOMENT = frozenset({"now", "today"})


@dataclass(frozen=True)
class Standing:
    """The changes since a template, as digests."""

    digest: str
    """Stands for the template and all changes."""
    tables: Mapping[str, str]
    """Table to what stands for its changes; a table without any isn't there."""

    @classmethod
    def of(cls, template: str, changes: Mapping[str, TableChanges]) -> Standing:
        """The standing of a database that was cloned from the template of this digest, and has changed so since."""
        texts = {table: canonical(change) for table, change in changes.items()}
        whole = b",".join(canonical(table) + b":" + texts[table] for table in sorted(texts))
        total = digest(template.encode(), b"{" + whole + b"}")
        return cls(total, {table: digest(text) for table, text in texts.items()})


@dataclass(frozen=True)
class Moment:
    """The changes of all tables at a moment."""

    tables: Mapping[str, str]
    now: str

    def differing(self, other: Moment) -> frozenset[str]:
        """The tables that differ between two moments, the clock's among them."""
        found = {table for table, _ in self.tables.items() ^ other.tables.items()}
        return frozenset(found if self.now == other.now else {*found, _CLOCK})


class _Nulls(dict[str, None]):
    """Null for every parameter of a statement, and the names of those."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __missing__(self, name: str) -> None:
        self.asked.add(name)


def tables_read(db: sqlite3.Connection, sql: str) -> frozenset[str]:
    """Give the tables that a query looks at, the clock's among them if it asks for the time.

    Raises `DefinitionError` for SQL that SQLite doesn't take. The connection has no authorizer afterwards.
    """
    found: set[str] = set()
    nulls = _Nulls()

    def note(action: int, first: str | None, _column: str | None, _db: str | None, _by: str | None) -> int:
        if action == sqlite3.SQLITE_READ and first is not None:
            found.add(first)
        return sqlite3.SQLITE_OK

    db.set_authorizer(note)
    try:
        db.execute(f"EXPLAIN {sql}", nulls)
    except sqlite3.Error as error:
        raise DefinitionError(f"SQLite doesn't take this query ({error}): {sql:.200}") from error
    finally:
        db.set_authorizer(None)
    return frozenset({*found, _CLOCK} if nulls.asked & _MOMENT else found)
