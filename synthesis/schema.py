"""A schema: the tables, views, keys and links of one environment's state, read off its schema.sql."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

CLOCK = "CREATE TABLE ef_clock (one INTEGER PRIMARY KEY, now TEXT NOT NULL) STRICT;"
"""The reserved table that views may read the time from."""


@dataclass(frozen=True)
class Attribute:
    """What a column or a path over foreign keys says of a row: the column at its end, and the SQL that reads it."""

    column: str
    """Such as "books.title"."""
    expression: str


@dataclass(frozen=True)
class Schema:
    """Columns by table or view, single primary keys, and foreign keys as (table, column) to (table, column)."""

    sql: str
    columns: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, str]
    links: Mapping[tuple[str, str], tuple[str, str]]

    def link_to(self, table: str, key: str) -> str | None:
        """Give the column of `table` that refers to the key column "table.column", when there is exactly one."""
        target = tuple(key.split("."))
        found = [column for (source, column), end in self.links.items() if source == table and end == target]
        return found[0] if len(found) == 1 else None

    def attribute(self, source: str, path: str) -> Attribute | None:
        """Give the attribute of a table or view that a column or a path such as "book_id.title" names."""
        table, expression = source, ""
        first, *rest = path.split(".")
        if first not in self.columns.get(source, ()):
            return None
        expression = f"{source}.{first}" if rest else first
        column = first
        for name in rest:
            end = self.links.get((table, column))
            if end is None or name not in self.columns.get(end[0], ()):
                return None
            table, key = end
            expression = f"(SELECT {name} FROM {table} WHERE {table}.{key} = {expression})"  # noqa: S608
            column = name
        return Attribute(f"{table}.{column}", expression)


def read_schema(sql: str) -> Schema:
    """Give the schema that these statements make."""
    with memory(sql) as db:
        found = db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name <> 'ef_clock'")
        names = [row[0] for row in found]
        columns = {name: _columns(db, name) for name in names}
        keys = {name: key for name in names if (key := _single_key(db, name))}
        links = {source: end for name in names for source, end in _links(db, name, keys).items()}
        return Schema(sql, columns, keys, links)


@contextmanager
def memory(sql: str) -> Iterator[sqlite3.Connection]:
    """Give an empty database with a schema, for as long as the block lasts."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(CLOCK + sql)
        yield db
    finally:
        db.close()


def _columns(db: sqlite3.Connection, name: str) -> tuple[str, ...]:
    return tuple(row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (name,)))


def _single_key(db: sqlite3.Connection, name: str) -> str | None:
    key = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0", (name,))]
    return key[0] if len(key) == 1 else None


def _links(db: sqlite3.Connection, name: str, keys: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
    rows = db.execute('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', (name,)).fetchall()
    return {(name, source): (table, to or keys.get(table, "")) for source, table, to in rows}
