"""State as values: rows in canonical order, digests, and what changed between two moments.

Every table of an environment carries triggers that note the keys of touched rows in `ef_touched`, from the template
on. So a digest or a diff costs by the change, not by the size of the state.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from servers.runtime.errors import DefinitionError

Row = dict[str, Any]
Rows = dict[str, list[Row]]
RowKey = tuple[Any, ...]
TableChanges = dict[str, list[Row]]
KnownRows = dict[str, dict[RowKey, tuple[Any, ...] | None]]
"""Rows that were looked up, by table and key; None for those that there aren't."""

RESERVED_SCHEMA = """
CREATE TABLE ef_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE ef_clock (one INTEGER PRIMARY KEY CHECK (one = 1), now TEXT NOT NULL) STRICT;
CREATE TABLE ef_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE ef_touched (name TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Table:
    """One table of an environment: its columns and its primary key, in order."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @cached_property
    def select(self) -> str:
        """The query that gives all rows in canonical order."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name} ORDER BY {', '.join(self.key)}"  # noqa: S608

    @cached_property
    def select_one(self) -> str:
        """The query that gives the row of one key."""
        condition = " AND ".join(f"{column} IS ?" for column in self.key)
        return f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE {condition}"  # noqa: S608

    @cached_property
    def select_some(self) -> str:
        """The query that gives the rows of a JSON list of keys."""
        parts = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(self.key)))
        condition = f"({', '.join(self.key)}) IN (SELECT {parts} FROM json_each(?))"  # noqa: S608
        return f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE {condition}"  # noqa: S608

    def triggers(self) -> Iterable[str]:
        """Give the triggers that note touched keys."""
        for event, sides in {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}.items():
            notes = "".join(self._note(side) for side in sides)
            yield f"CREATE TRIGGER ef_{self.name}_{event.lower()} AFTER {event} ON {self.name} BEGIN {notes} END"

    def _note(self, side: str) -> str:
        key = ", ".join(f"{side}.{column}" for column in self.key)
        # Not INSERT OR IGNORE: a statement with a conflict clause of its own that fires the trigger would override it.
        return f"INSERT INTO ef_touched VALUES ('{self.name}', json_array({key})) ON CONFLICT DO NOTHING; "  # noqa: S608


_MANY = 4
"""Keys from which on it is faster to ask for their rows at once."""

_KEY_COLLATIONS = """
SELECT columns.name, columns.coll
FROM pragma_index_list(?) AS indexes, pragma_index_xinfo(indexes.name) AS columns
WHERE indexes.origin = 'pk' AND columns.key
"""


def reflect(db: sqlite3.Connection) -> tuple[Table, ...]:
    """Give the tables of a schema in order of their names; raises `DefinitionError` for one that can't be followed."""
    names = db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'ef_*' AND name NOT GLOB 'sqlite_*'"
        " ORDER BY name"
    )
    return tuple(_reflect_table(db, row[0]) for row in names.fetchall())


def _reflect_table(db: sqlite3.Connection, name: str) -> Table:
    columns = db.execute("SELECT name, pk, type FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
    key = tuple(column for column, place, _ in sorted(columns, key=lambda column: column[1]) if place)
    if not key:
        raise DefinitionError(f"Table {name} has no primary key; give it one, or its changes can't be followed.")
    for column, place, kind in columns:
        if kind in ("ANY", "BLOB") or (place and kind == "REAL"):
            raise _unfollowed(name, f"{column} is {kind}; make it INTEGER or TEXT")
    for column, collation in db.execute(_KEY_COLLATIONS, (name,)):
        if collation != "BINARY":
            raise _unfollowed(name, f"{column} is compared by {collation}; leave that out of the primary key")
    return Table(name, tuple(column for column, *_ in columns), key)


def _unfollowed(table: str, why: str) -> DefinitionError:
    return DefinitionError(f"Table {table} can't be followed: {why}, or equal states would have different digests.")


def columns_by_table(db: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Give the column names of every table and view."""
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    return {
        name: frozenset(row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        for name in names
    }


def canonical(value: Any) -> bytes:
    """Give the one JSON spelling of a value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def is_plain(cell: Any) -> bool:
    """Whether JSON can hold what a query gives."""
    return not isinstance(cell, bytes) and not (isinstance(cell, float) and not math.isfinite(cell))


def digest(*parts: bytes) -> str:
    """Give the 32 hex digits that stand for these bytes, in this order."""
    total = blake2b(digest_size=16)
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def all_rows(db: sqlite3.Connection, tables: Sequence[Table]) -> Rows:
    """Give every row by table, in canonical order."""
    return {table.name: [dict(row) for row in db.execute(table.select)] for table in tables}


def rows_texts(rows: Mapping[str, Sequence[Row]]) -> dict[str, bytes]:
    """Give the one spelling of each table's rows, by table in the order of names."""
    return {name: canonical([name, list(rows[name])]) for name in sorted(rows)}


def touched(db: sqlite3.Connection) -> set[tuple[str, RowKey]]:
    """Give the keys of the rows that were written since the template, by table."""
    return {(name, tuple(json.loads(key))) for name, key in db.execute("SELECT name, key FROM ef_touched")}


def changes(
    before: sqlite3.Connection, after: sqlite3.Connection, tables: Sequence[Table], known: KnownRows | None = None
) -> dict[str, TableChanges]:
    """Give what differs between two states of one template, by table; empty tables are left out.

    Each table maps to `inserted` and `deleted` (whole rows) and `updated` (`key`, and the changed columns `before`
    and `after`), all in an order that depends on their keys alone. Where nothing is ever written to `before`, `known`
    keeps what was looked up in it.
    """
    known = {} if known is None else known
    keys: dict[str, set[RowKey]] = {}
    for name, key in touched(before) | touched(after):
        keys.setdefault(name, set()).add(key)
    found = {
        table.name: _table_changes(_looked_up(before, table, keys[table.name], known), after, table, keys[table.name])
        for table in tables
        if table.name in keys
    }
    return {name: change for name, change in found.items() if any(change.values())}


def _looked_up(
    db: sqlite3.Connection, table: Table, keys: set[RowKey], known: KnownRows
) -> Mapping[RowKey, tuple[Any, ...] | None]:
    """Give the rows of some keys, those that there aren't as None, and keep them."""
    here = known.setdefault(table.name, {})
    if missing := {key for key in keys if key not in here}:
        here.update(dict.fromkeys(missing) | _rows(db, table, missing))
    return here


def _table_changes(
    olds: Mapping[RowKey, tuple[Any, ...] | None], after: sqlite3.Connection, table: Table, keys: set[RowKey]
) -> TableChanges:
    change: TableChanges = {"inserted": [], "updated": [], "deleted": []}
    news = _rows(after, table, keys)
    for key in sorted((key for key in keys if olds.get(key) != news.get(key)), key=repr):
        old, new = (
            dict(zip(table.columns, row, strict=True)) if row else None for row in (olds.get(key), news.get(key))
        )
        if old is None and new is not None:
            change["inserted"].append(new)
        elif new is None and old is not None:
            change["deleted"].append(old)
        elif old is not None and new is not None:
            differing = [column for column in table.columns if old[column] != new[column]]
            change["updated"].append(
                {
                    "key": {column: new[column] for column in table.key},
                    "before": {column: old[column] for column in differing},
                    "after": {column: new[column] for column in differing},
                }
            )
    return change


def _rows(db: sqlite3.Connection, table: Table, keys: set[RowKey]) -> dict[RowKey, tuple[Any, ...]]:
    """Give the rows of some keys as tuples; keys that don't come through JSON unharmed are asked for one by one."""
    plain = [key for key in keys if all(part is not None and "\0" not in str(part) for part in key)]
    if len(plain) < _MANY:
        plain = []
    rows = [tuple(row) for row in db.execute(table.select_some, (json.dumps(plain),))] if plain else []
    for key in keys.difference(plain):
        rows += [tuple(row) for row in db.execute(table.select_one, key)]
    places = [table.columns.index(column) for column in table.key]
    return {tuple(row[place] for place in places): row for row in rows}
