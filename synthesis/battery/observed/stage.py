"""A stage: a state on which tools are called and watched, each call undone unless it is to be kept.

What is watched is what SQLite sees: the traced statements, the rows that changed, and the answer.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from servers.runtime import Environment, Episode
from servers.runtime.state import TableChanges, changes
from servers.runtime.tool import Outcome
from synthesis.battery.observed.lineage import Lineage, Origins, Place
from synthesis.battery.observed.statement import Scalar, Statements

Row = Sequence[Any]


class Book:
    """All rows of a state, read when they are first asked for."""

    def __init__(
        self,
        database: sqlite3.Connection,
        lineage: Lineage,
        *,
        old: Book | None = None,
        changed: Mapping[str, TableChanges] | None = None,
    ) -> None:
        self._database = database
        self._lineage = lineage
        self._old = old
        self._changed = changed or {}
        self._fresh = frozenset().union(*(lineage.readers[table] for table in self._changed))
        self._rows: dict[str, list[Row]] = {}
        self._by: dict[Place, dict[Any, list[Row]]] = {}

    def is_new(self, relation: str) -> bool:
        """Whether a relation may hold other rows than in the older book."""
        return self._old is None or relation in self._fresh

    def rows(self, relation: str) -> list[Row]:
        """The rows of a table or view."""
        if self._old is not None and relation not in self._fresh:
            return self._old.rows(relation)
        if relation not in self._rows:
            names = ", ".join(f'"{column}"' for column in self._lineage.relations[relation])
            cursor = self._database.cursor()
            cursor.row_factory = None
            self._rows[relation] = cursor.execute(f'SELECT {names} FROM "{relation}"').fetchall()  # noqa: S608
        return self._rows[relation]

    def by(self, place: Place) -> Mapping[Any, list[Row]]:
        """The rows of a relation by the value of one column."""
        if self._old is not None and place.relation not in self._fresh:
            return self._old.by(place)
        if place not in self._by:
            position = self._lineage.relations[place.relation].index(place.column)
            found: dict[Any, list[Row]] = defaultdict(list)
            for row in self.rows(place.relation):
                found[row[position]].append(row)
            self._by[place] = dict(found)
        return self._by[place]

    def values(self, place: Place) -> list[Any]:
        """The distinct values of a column, without null."""
        return [value for value in self.by(place) if value is not None]

    @cached_property
    def identified(self) -> dict[str, Origins]:
        """Texts that identify rows, with the key columns that hold them; of new rows alone beside an older book."""
        found: dict[str, Origins] = {}
        for key in self._lineage.keys:
            new = [row[key.column] for row in self._changed.get(key.relation, {}).get("inserted", ())]
            for value in self.values(key) if self._old is None else new:
                if isinstance(value, str):
                    found[value] = found.get(value, frozenset()) | {key}
        return found


@dataclass(frozen=True)
class Seen:
    """One call and what SQLite saw of it."""

    tool: str
    arguments: Mapping[str, Any]
    """What was given, and the published defaults of what wasn't."""
    statements: Sequence[tuple[str, tuple[Scalar, ...]]]
    relations: frozenset[str]
    """What its statements name."""
    changed: Mapping[str, TableChanges]
    """What is different after it; nothing for a call that is kept."""
    outcome: Outcome
    after: Book
    """The rows after the call; only good until it is undone."""


class Stage:
    """One state of an environment, open for watched calls."""

    def __init__(self, environment: Environment, episode: Episode, lineage: Lineage, statements: Statements) -> None:
        self.environment = environment
        self.episode = episode
        self.lineage = lineage
        self._statements = statements
        self.settle()

    @property
    def database(self) -> Any:
        """The environment's database."""
        return self.episode.databases[self.environment.name]

    def settle(self) -> None:
        """Take the state as it is now for the one that calls are compared with."""
        self.database.execute("DELETE FROM ef_touched")  # what is noted there is compared with this state from now on
        self.today = self.episode.now[:10]
        self._before = self.database.clone()
        self.book = Book(self._before, self.lineage)

    @contextmanager
    def call(self, tool: str, arguments: Mapping[str, Any], *, keep: bool = False) -> Iterator[Seen]:
        """Call a tool and give what was seen; afterwards the call is undone, or kept."""
        database = self.database
        traced: list[str] = []
        written = database.total_changes
        database.execute("BEGIN")
        database.set_trace_callback(traced.append)
        try:
            with self.episode.active():
                outcome = self.environment.call(self.environment.tools[tool], arguments)
            database.set_trace_callback(None)
            wrote = database.total_changes != written
            changed = changes(self._before, database, self.environment.tables) if wrote and not keep else {}
            yield self._seen(tool, arguments, outcome, traced, changed)
        finally:
            database.set_trace_callback(None)
            database.execute("COMMIT" if keep else "ROLLBACK")

    def _seen(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        outcome: Outcome,
        traced: Iterable[str],
        changed: Mapping[str, TableChanges],
    ) -> Seen:
        schema = self.environment.tools[tool].input_schema.get("properties", {})
        defaults = {name: field["default"] for name, field in schema.items() if "default" in field}
        after = Book(self.database, self.lineage, old=self.book, changed=changed)
        said = [self._statements.read(sql) for sql, _ in groupby(traced) if _is_the_tools_own(sql)]
        named = frozenset().union(*(self._statements.shape(text).relations for text in {text for text, _ in said}))
        return Seen(tool, {**defaults, **arguments}, said, named, changed, outcome, after)


def _is_the_tools_own(sql: str) -> bool:
    """Whether a traced statement isn't a trigger's, nor the transaction's that the runtime holds around the call."""
    return not sql.startswith(("--", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT"))
