"""Filling: databases made of rows, each from nothing or from another one that is much alike."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from servers.runtime.database import Database, connect
from servers.runtime.errors import ScenarioError
from servers.runtime.state import RESERVED_SCHEMA, Row, Table, all_rows, canonical, rows_texts

if TYPE_CHECKING:
    from servers.runtime.environment import Environment

_PLAIN = (str, int, float, type(None))
_WITH_A_MEMORY = re.compile(r"\b(TRIGGER|AUTOINCREMENT)\b", re.IGNORECASE)
"""What a schema may have that makes it matter what rows a table had before."""


@dataclass(frozen=True)
class Filled:
    """A database that was filled with rows, and how these are spelled, by table."""

    database: Database
    texts: Mapping[str, bytes]
    """The rows that there are, in canonical order."""
    given: Mapping[str, bytes]
    """The rows as they were given, in that order; empty where nobody has asked, or they can't be spelled."""


def filled(environment: Environment, rows: Mapping[str, Sequence[Row]]) -> Filled:
    """Give a database filled with `rows`, its own tables of the runtime empty.

    Raises `ScenarioError` when the rows don't fit.
    """
    _check_names(environment, rows)
    database = connect(tools=False)
    database.executescript(RESERVED_SCHEMA + environment.schema)
    _insert(database, environment, rows)
    for table in environment.tables:
        for trigger in table.triggers():
            database.execute(trigger)
    return Filled(database, rows_texts(all_rows(database, environment.tables)), {})


def filled_like(environment: Environment, rows: Mapping[str, Sequence[Row]], like: Filled | None) -> Filled:
    """Give what `filled` gives, and keep how the rows were given; where `like` was given the same, take its tables."""
    given = {table.name: _spelled(rows.get(table.name, ())) for table in environment.tables}
    if like is None or _WITH_A_MEMORY.search(environment.schema):
        anew = filled(environment, rows)
        return Filled(anew.database, anew.texts, given)
    _check_names(environment, rows)
    changed = [
        table for table in environment.tables if not given[table.name] or given[table.name] != like.given[table.name]
    ]
    database = connect(tools=False)
    with like.database.steady() as steady:
        steady.backup(database)
    _refill(database, changed, rows)
    return Filled(database, {**like.texts, **rows_texts(all_rows(database, changed))}, given)


def _spelled(rows: Sequence[Row]) -> bytes:
    """Give how rows are spelled, in their order; nothing where that can't be, which inserting them will tell."""
    try:
        return canonical(list(rows))
    except (TypeError, ValueError):
        return b""


def _refill(database: Database, changed: Sequence[Table], rows: Mapping[str, Sequence[Row]]) -> None:
    """Give some tables other rows, and leave those of the runtime empty."""
    database.execute("PRAGMA foreign_keys = OFF")  # what refers to the rows that go may stay; it's looked at below
    database.execute("BEGIN IMMEDIATE")
    for table in changed:
        database.execute(f"DELETE FROM {table.name}")  # noqa: S608
    for table in changed:
        _insert_rows(database, table, rows.get(table.name, ()))
    for reserved in ("ef_meta", "ef_clock", "ef_counters", "ef_touched"):
        database.execute(f"DELETE FROM {reserved}")  # noqa: S608
    _commit(database)
    database.execute("PRAGMA foreign_keys = ON")


def _check_names(environment: Environment, rows: Mapping[str, Sequence[Row]]) -> None:
    tables = [table.name for table in environment.tables]
    for name in rows:
        if name not in tables:
            raise ScenarioError(f"{environment.name} has no table '{name}'; its tables are {', '.join(tables)}.")


def _insert(database: Database, environment: Environment, rows: Mapping[str, Sequence[Row]]) -> None:
    tables = {table.name: table for table in environment.tables}
    database.execute("BEGIN IMMEDIATE")
    database.execute("PRAGMA defer_foreign_keys = ON")
    for name, entries in rows.items():
        _insert_rows(database, tables[name], entries)
    _commit(database)


def _commit(database: Database) -> None:
    broken = database.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        database.rollback()
        raise ScenarioError(f"A row of {broken[0]} refers to a row of {broken[2]} that isn't there; add it.")
    database.commit()


def _insert_rows(database: Database, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows in their order, those with the same columns by one statement."""
    place = 0

    def sound(alike: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
        nonlocal place
        for row in alike:
            place += 1
            _check_values(table, place, row)
            yield tuple(row.values())

    for columns, alike in groupby(rows, key=tuple):
        unknown = sorted(set(columns) - set(table.columns))
        if unknown:
            raise ScenarioError(f"{table.name} row {place + 1} has the unknown column '{unknown[0]}'; leave it out.")
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        first = place + 1
        try:
            database.executemany(sql, sound(alike))
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            database.rollback()
            raise ScenarioError(f"{table.name} row {max(first, place)} does not fit the schema: {error}.") from error


def _check_values(table: Table, place: int, row: Row) -> None:
    for column, value in row.items():
        if not isinstance(value, _PLAIN) or (isinstance(value, float) and not math.isfinite(value)):
            raise ScenarioError(f"{table.name} row {place}: {column} must be text, a number or null, not {value!r}.")
