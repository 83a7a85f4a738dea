"""Standing: what is known of a database, for as long as nothing changes in it.

An invariant that held goes on holding until the clock, a column that it looks at, or which rows a table has is
another. So what has changed of each is kept as a digest, and only what may have been broken since is looked at.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servers.runtime.errors import DefinitionError
from servers.runtime.state import Row, Table, TableChanges, canonical, digest

_CLOCK = "ef_clock"
_MOMENT = frozenset({"now", "today"})


@dataclass(frozen=True)
class Standing:
    """The changes since a template, as digests."""

    digest: str
    """Stands for the template and all changes."""
    parts: Mapping[str, str]
    """What stands for the rows that came or went, by table, and for the cells that changed, by column ("loans.due_on");
    what is as it was isn't there."""

    @classmethod
    def of(cls, template: str, changes: Mapping[str, TableChanges]) -> Standing:
        """The standing of a database that was cloned from the template of this digest, and has changed so since."""
        parts = {
            part: digest(canonical(value)) for table, change in changes.items() for part, value in _parts(table, change)
        }
        return cls(digest(template.encode(), canonical(changes)), parts)


def _parts(table: str, change: TableChanges) -> Iterator[tuple[str, Any]]:
    """Give what has changed of a table as its rows, under its name, and as its columns, under theirs."""
    if change["inserted"] or change["deleted"]:
        yield table, (change["inserted"], change["deleted"])
    columns: dict[str, list[Any]] = {}
    for row in change["updated"]:
        for column, value in row["after"].items():
            columns.setdefault(column, []).append((row["key"], value))
    for column, cells in columns.items():
        yield f"{table}.{column}", cells


def differing_parts(table: Table, before: Sequence[Row], after: Sequence[Row]) -> frozenset[str]:
    """Give the columns in which rows in canonical order differ, or the table where they are rows of other keys."""
    old, new = ({column: [row[column] for row in rows] for column in table.columns} for rows in (before, after))
    if any(old[column] != new[column] for column in table.key):
        return frozenset({table.name})
    columns = (column for column in table.columns if not _are_same(old[column], new[column]))
    return frozenset(f"{table.name}.{column}" for column in columns)


def _are_same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether values are the same, by their types too: 1 isn't 1.0."""
    return some == others and list(map(type, some)) == list(map(type, others))


@dataclass(frozen=True)
class Moment:
    """What is known of the tables and columns at a moment, and the clock."""

    parts: Mapping[str, str]
    now: str

    def differing(self, other: Moment) -> frozenset[str]:
        """The tables and columns that differ between two moments, the clock's table among them."""
        found = {part for part, _ in self.parts.items() ^ other.parts.items()}
        return frozenset(found if self.now == other.now else {*found, _CLOCK})


class _Nulls(dict[str, None]):
    """Null for every parameter of a statement, and the names of those."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __missing__(self, name: str) -> None:
        self.asked.add(name)


_JOINED = re.compile(r"\bUSING\s*\(([^)]*)\)", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_NATURAL = re.compile(r"\bNATURAL\b", re.IGNORECASE)


def parts_read(db: sqlite3.Connection, sql: str, tables: Sequence[Table]) -> frozenset[str]:
    """Give the tables that a query looks at, the clock's among them if it asks for the time, and their columns.

    SQLite doesn't tell of columns that tables are joined by under one name, nor of what a generated column is made of;
    so all tables that have the former are given with them, and all columns of a table that has the latter.

    Raises `DefinitionError` for SQL that SQLite doesn't take. The connection has no authorizer afterwards.
    """
    seen: set[tuple[str, str]] = set()
    nulls = _Nulls()

    def note(action: int, first: str | None, column: str | None, _db: str | None, _by: str | None) -> int:
        if action == sqlite3.SQLITE_READ and first is not None:
            seen.add((first, column or ""))
        return sqlite3.SQLITE_OK

    db.set_authorizer(note)
    try:
        db.execute(f"EXPLAIN {sql}", nulls)
    except sqlite3.Error as error:
        raise DefinitionError(f"SQLite doesn't take this query ({error}): {sql:.200}") from error
    finally:
        db.set_authorizer(None)
    plain = {table.name: {*table.columns, "", "ROWID"} for table in tables}
    hazy = {table for table, column in seen if column not in plain.get(table, {column})}
    joined = _joined_by(db, sql)
    unsaid = {
        part
        for table in tables
        for column in table.columns
        if table.name in hazy or joined is None or column.lower() in joined
        for part in (table.name, f"{table.name}.{column}")
    }
    told = {part for table, column in seen for part in (table, f"{table}.{column}")}
    return frozenset({*told, *unsaid, *({_CLOCK} if nulls.asked & _MOMENT else ())})


def _joined_by(db: sqlite3.Connection, sql: str) -> frozenset[str] | None:
    """Give the names of columns by which a query and the views it names join tables; None where they may be all."""
    views = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'view'").fetchall())
    text, more = "", sql
    while more:
        text += more
        named = set(_WORD.findall(more)) & views.keys()
        more = " ".join(views.pop(name) for name in sorted(named))
    if _NATURAL.search(text) is not None:
        return None
    return frozenset(name.strip(' \t\n"').lower() for listed in _JOINED.findall(text) for name in listed.split(","))
