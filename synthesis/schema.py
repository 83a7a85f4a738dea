"""A schema: the tables, views, keys and links of one environment's state, read off its schema.sql."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

CLOCK = "CREATE TABLE ef_clock (one INTEGER PRIMARY KEY, now TEXT NOT NULL) STRICT;"
"""The reserved table that views may read the time from."""


@dataclass(frozen=True)
class Schema:
    """Columns by table or view, single primary keys, and foreign keys as (table, column) to (table, column)."""

    columns: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, str]
    links: Mapping[tuple[str, str], tuple[str, str]]

    def link_to(self, table: str, key: str) -> str | None:
        """Give the column of `table` that refers to the key column "table.column", when there is exactly one."""
        target = tuple(key.split("."))
        found = [column for (source, column), end in self.links.items() if source == table and end == target]
        return found[0] if len(found) == 1 else None


def read_schema(sql: str) -> Schema:
    """Give the schema that these statements make."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(CLOCK + sql)
        names = [
            row[0]
            for row in db.execute(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name <> 'ef_clock'"
            )
        ]
        columns = {name: _columns(db, name) for name in names}
        keys = {name: key for name in names if (key := _single_key(db, name))}
        links = {source: end for name in names for source, end in _links(db, name, keys).items()}
        return Schema(columns, keys, links)
    finally:
        db.close()


def _columns(db: sqlite3.Connection, name: str) -> tuple[str, ...]:
    return tuple(row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (name,)))


def _single_key(db: sqlite3.Connection, name: str) -> str | None:
    key = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0", (name,))]
    return key[0] if len(key) == 1 else None


def _links(db: sqlite3.Connection, name: str, keys: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
    rows = db.execute('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', (name,)).fetchall()
    return {(name, source): (table, to or keys[table]) for source, table, to in rows}
