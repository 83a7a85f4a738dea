"""A layout: the tables and views of a schema with their columns, keys, links and rules, read off a local database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from envfactory_client.errors import VerifyError
from envfactory_client.nulls import Nulls

_Name = TypeVar("_Name")

_RESERVED = """
CREATE TABLE ef_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE ef_clock (one INTEGER PRIMARY KEY CHECK (one = 1), now TEXT NOT NULL) STRICT;
CREATE TABLE ef_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    required: bool
    """Whether it must have a value."""


@dataclass(frozen=True)
class Layout:
    """The shape of a state."""

    sql: str
    tables: Mapping[str, tuple[Column, ...]]
    views: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, tuple[str, ...]]
    """Table to the columns of its primary key."""
    links: Mapping[tuple[str, str], tuple[str, str]]
    """(table, column) to the (table, column) that it refers to."""
    stirring: frozenset[str]
    """Columns, such as "books.title", whose update may change others: by a trigger, a link, or what is generated."""

    @classmethod
    def of(cls, sql: str) -> Layout:
        """The layout of a schema; VerifyError if SQLite doesn't take it."""
        with _opened(sql) as db:
            names = {kind: _names(db, kind) for kind in ("table", "view")}
            described = {name: _described(db, name) for name in names["table"]}
            keys = {name: _key(db, name) for name in names["table"]}
            views = {name: tuple(column.name for column in _described(db, name)) for name in names["view"]}
            links = {link: end for name in names["table"] for link, end in _links(db, name, keys).items()}
            stirring = {f"{table}.{column}" for table, column in links.values()}
            stirring |= {f"{name}.{column.name}" for name in _lively(db) for column in described.get(name, ())}
        return cls(sql, described, views, keys, links, frozenset(stirring))

    def columns(self, name: str) -> tuple[str, ...]:
        """The column names of a table or view; none if there is no such."""
        if name in self.tables:
            return tuple(column.name for column in self.tables[name])
        return self.views.get(name, ())

    def reads(self, queries: Mapping[_Name, str]) -> dict[_Name, frozenset[str]]:
        """The columns that each query reads, such as "books.title"; VerifyError if SQLite doesn't take one."""
        with _opened(self.sql) as db:
            return {name: _read_by(db, sql) for name, sql in queries.items()}

    def filled(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], now: str) -> sqlite3.Connection:
        """A local database with these rows in it and its clock set; whoever gets it closes it.

        Raises VerifyError when the rows don't fit the schema.
        """
        db = _connected(self.sql)
        try:
            db.execute("INSERT INTO ef_clock VALUES (1, ?)", (now,))
            for table, entries in rows.items():
                _insert(db, table, entries)
            broken = db.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.Error as error:
            db.close()
            raise VerifyError(f"The rows don't fit the schema that declares them: {error}.") from error
        if broken is not None:
            db.close()
            raise VerifyError(f"A row of {broken[0]} refers to a row of {broken[2]} that isn't there.")
        db.execute("PRAGMA foreign_keys = ON")
        return db


def _opened(sql: str) -> Any:
    from contextlib import closing

    return closing(_connected(sql))


def _connected(sql: str) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        db.executescript(_RESERVED + sql)
    except sqlite3.Error as error:
        db.close()
        raise VerifyError(f"SQLite doesn't take the schema: {error}.") from error
    return db


def _insert(db: sqlite3.Connection, table: str, entries: Iterable[Mapping[str, Any]]) -> None:
    for row in entries:
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", dict(row))  # noqa: S608


def _names(db: sqlite3.Connection, kind: str) -> list[str]:
    sql = "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT GLOB 'ef_*' AND name NOT GLOB 'sqlite_*'"
    return [row[0] for row in db.execute(f"{sql} ORDER BY name", (kind,))]


def _described(db: sqlite3.Connection, name: str) -> tuple[Column, ...]:
    rows = db.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid', (name,))
    return tuple(Column(row[0], row[1], bool(row[2] or row[3])) for row in rows)


def _key(db: sqlite3.Connection, name: str) -> tuple[str, ...]:
    rows = db.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (name,))
    return tuple(row[0] for row in rows)


def _lively(db: sqlite3.Connection) -> set[str]:
    """The tables that have triggers or generated columns."""
    triggers = db.execute("SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger'")
    generated = db.execute(
        "SELECT DISTINCT tables.name FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns"
        " WHERE tables.type = 'table' AND columns.hidden IN (2, 3)"
    )
    return {row[0] for cursor in (triggers, generated) for row in cursor.fetchall()}


def _read_by(db: sqlite3.Connection, sql: str) -> frozenset[str]:
    found: set[str] = set()

    def note(action: int, first: str | None, second: str | None, _db: str | None, _by: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            found.add(f"{first}.{second}")
        return sqlite3.SQLITE_OK

    db.set_authorizer(note)
    try:
        db.execute(f"EXPLAIN {sql}", Nulls())
    except sqlite3.Error as error:
        raise VerifyError(f"A declared query can't be asked ({error}): {sql:.200}") from error
    finally:
        db.set_authorizer(None)
    return frozenset(found)


def _links(
    db: sqlite3.Connection, name: str, keys: Mapping[str, tuple[str, ...]]
) -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for place, table, source, target in db.execute(
        'SELECT seq, "table", "from", "to" FROM pragma_foreign_key_list(?)', (name,)
    ).fetchall():
        column = target or (keys[table][place] if len(keys.get(table, ())) > place else None)
        if column is not None:
            found.setdefault((name, source), (table, column))
    return found
