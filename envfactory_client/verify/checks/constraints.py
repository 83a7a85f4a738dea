"""Constraints: the schema of the state refuses what contracts and results promise never to be.

Each promise is about one column: a value that breaks it is written into a copy of the starting rows, and SQLite has to
say no. A column of a view counts as the column of the same name in a table once the value is seen through the view.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from envfactory_client.episode import Row, Rows
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.example import Edit, Example
from envfactory_client.verify.layout import Layout
from envfactory_client.verify.promises import Promise, promises
from envfactory_client.verify.subject import Subject

_ROWS_TRIED = 24
_ROWS_SEEN_THROUGH_A_VIEW = 12


class Constraints(Experiment):
    """D7: what must never be can't be stored."""

    id, name = "D7", "constraints"
    sentence = "The schema refuses every value that contracts and result schemas promise never to be there."
    needs = frozenset({"harness", "contracts"})

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Try every promise on some rows of the starting state."""
        start = Example(seed=bench.effort.seed, size="small")
        assert bench.subject.facts is not None
        layout = bench.subject.facts.layout
        known = promises(bench.subject.tools.values(), layout)
        with closing(await _copy(bench.subject, start)) as db:
            rows = _stored(db, layout)
            broken: set[str] = set()
            for promise in known:
                bench.tried(self)
                still = promise.column not in broken and promise.kept_by(rows)
                if still and (edit := _taken(db, layout, promise, rows)) is not None:
                    broken.add(promise.column)
                    example = start.model_copy(update={"edits": (edit,)})
                    yield Broken(_sentence(promise, edit), example, promise.column)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Try the example's edit, and nothing else."""
        if len(example.edits) != 1 or subject.facts is None:
            return None
        layout, edit = subject.facts.layout, example.edits[0]
        of_column = f"{edit.table}.{edit.column}"
        known = [promise for promise in promises(subject.tools.values(), layout) if promise.column == of_column]
        with closing(await _copy(subject, example)) as db:
            stored = _stored(db, layout)
            rows = stored.get(edit.table, [])
            meant = [row for row in rows if edit.key.items() <= row.items()]
            for promise in known if meant else ():
                if not promise.kept_by(stored):
                    continue
                if promise.broken_by(edit.value, rows, meant[0]) and _takes(db, layout, edit, promise):
                    return _sentence(promise, edit)
        return None


CONSTRAINTS: tuple[Check, ...] = (Constraints(),)


async def _copy(subject: Subject, example: Example) -> sqlite3.Connection:
    """A local copy of the starting state without the example's edits, in which links are looked at when asked."""
    assert subject.facts is not None
    session = await subject.open(example.model_copy(update={"edits": (), "steps": ()}))
    try:
        db = subject.facts.layout.filled(await session.rows(), (await session.state()).now)
    finally:
        await session.close()
    db.execute("PRAGMA foreign_keys = OFF")
    return db


def _stored(db: sqlite3.Connection, layout: Layout) -> Rows:
    return {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in layout.tables}  # noqa: S608


def _taken(db: sqlite3.Connection, layout: Layout, promise: Promise, rows: Rows) -> Edit | None:
    """The first edit that breaks a promise and is taken."""
    table, _, column = promise.column.partition(".")
    most = _ROWS_SEEN_THROUGH_A_VIEW if promise.view else _ROWS_TRIED
    for value in promise.bad_values(rows):
        for row in _spread(rows.get(table, ()), most):
            if not promise.broken_by(value, rows.get(table, ()), row):
                continue
            edit = Edit(table=table, key={name: row[name] for name in layout.keys[table]}, column=column, value=value)
            if edit.key and _takes(db, layout, edit, promise):
                return edit
    return None


def _spread(rows: Sequence[Row], most: int) -> Sequence[Row]:
    return rows[:: max(1, len(rows) // most)]


def _takes(db: sqlite3.Connection, layout: Layout, edit: Edit, promise: Promise) -> bool:
    """Whether the schema takes an edit, and what promises the contrary then shows it."""
    before = _dangling(db, edit.table, layout)
    with _undone(db):
        where = " AND ".join(f"{name} IS ?" for name in edit.key) or "1"
        sql = f"UPDATE {edit.table} SET {edit.column} = ? WHERE {where}"  # noqa: S608
        try:
            db.execute(sql, (edit.value, *edit.key.values()))
        except (sqlite3.IntegrityError, OverflowError):
            return False
        if _dangling(db, edit.table, layout) > before:
            return False
        return promise.view is None or _shows(db, promise.view, edit.value)


@contextmanager
def _undone(db: sqlite3.Connection) -> Iterator[None]:
    """A block whose changes are taken back at its end."""
    db.execute("SAVEPOINT tried")
    try:
        yield
    finally:
        db.execute("ROLLBACK TO tried")
        db.execute("RELEASE tried")


def _dangling(db: sqlite3.Connection, table: str, layout: Layout) -> int:
    if not any(source == table for source, _ in layout.links):
        return 0
    return len(db.execute(f"PRAGMA foreign_key_check({table})").fetchall())


def _shows(db: sqlite3.Connection, view: str, value: Any) -> bool:
    """Whether a view such as "shelf.genre" shows a value somewhere, which no promise allows."""
    source, _, column = view.partition(".")
    return bool(db.execute(f"SELECT 1 FROM {source} WHERE {column} IS ? LIMIT 1", (value,)).fetchall())  # noqa: S608


def _sentence(promise: Promise, edit: Edit) -> str:
    key = ", ".join(f"{name} {value}" for name, value in edit.key.items())
    return f"{promise.column} takes {edit.value!r} ({key}), although {promise.reason}; {promise.remedy}"
