"""Mutants of schema.sql: constraints that are dropped from tables, and edits of what views say."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing

from servers.runtime.state import RESERVED_SCHEMA, columns_by_table
from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.sql_code import Vocabulary, sql_edits
from synthesis.battery.mutation.sql_tokens import Sql

_CREATION = re.compile(r"CREATE\s+(?:UNIQUE\s+)?(TABLE|VIEW|TRIGGER|INDEX)\s+(\w+)", re.IGNORECASE)
_VALUES = re.compile(r"IN\s*\(\s*('[a-z_]+'(?:\s*,\s*'[a-z_]+')+)\s*\)", re.IGNORECASE)


class Schema:
    """The text of a schema.sql, its statements and the words it brings."""

    def __init__(self, text: str) -> None:
        self.text = text
        database = compiled(text)
        if database is None:
            raise ValueError("schema.sql doesn't compile; make it run in SQLite first.")
        with closing(database):
            self.vocabulary = Vocabulary(columns_by_table(database), tuple(_values(text)))
            self._programs = _programs(database, self._reading(""))

    def edits(self, without: Collection[str] = ()) -> Iterator[tuple[str, Edit]]:
        """Give each edit with the table or view it is in, if it compiles to something else than now.

        Edits of the kinds in `without` are left out.
        """
        for kind, name, start, end in statements(self.text):
            statement = self.text[start:end]
            found = _constraints(statement) if kind == "TABLE" else _body(kind, statement, self.vocabulary)
            views = self._reading(name)
            for edit in found:
                moved = edit.moved(start)
                if edit.kind not in without and self._differs(moved, views):
                    yield name, moved

    def _differs(self, edit: Edit, views: Collection[str]) -> bool:
        """Whether a schema with an edit compiles, to other programs for the views that can be concerned."""
        with closing(sqlite3.connect(":memory:")) as database:
            try:
                database.executescript(RESERVED_SCHEMA + edit.apply(self.text))
                programs = _programs(database, views)
            except sqlite3.Error:
                return False
        return edit.kind == "sql_constraint" or any(programs[view] != self._programs[view] for view in views)

    def _reading(self, name: str) -> frozenset[str]:
        """Give the views that read a table or view, directly or not, with the view itself; all for anything else."""
        texts = {view: self.text[start:end] for kind, view, start, end in statements(self.text) if kind == "VIEW"}
        if name not in texts:
            return frozenset(texts)
        spoken = {view: set(re.findall(r"\w+", text.lower())) for view, text in texts.items()}
        found = {name}
        while new := {view for view, words in spoken.items() if words & {one.lower() for one in found}} - found:
            found |= new
        return frozenset(found)


def compiled(schema: str) -> sqlite3.Connection | None:
    """Give an empty database with this schema; none when SQLite doesn't take it, or a view of it."""
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(RESERVED_SCHEMA + schema)
        for (view,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            database.execute(f"EXPLAIN SELECT * FROM {view}")  # noqa: S608 - a name from the schema
    except sqlite3.Error:
        database.close()
        return None
    return database


def _programs(database: sqlite3.Connection, views: Collection[str]) -> dict[str, tuple[object, ...]]:
    """Give the instructions that SQLite runs for each of some views: equal ones read equal rows."""
    return {
        view: tuple(database.execute(f"EXPLAIN SELECT * FROM {view}"))  # noqa: S608 - a name from the schema
        for view in views
    }


def statements(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Give the kind, name, start and end of each CREATE statement of a schema."""
    start = 0
    while start < len(text):
        end = start
        while (end := text.find(";", end) + 1) and not sqlite3.complete_statement(text[start:end]):
            continue
        end = end or len(text)
        if creation := _CREATION.search(_without_comments(text[start:end])):
            yield creation[1].upper(), creation[2], start + creation.start(), end
        start = end


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*", lambda found: " " * len(found[0]), text)


def _values(text: str) -> Iterator[tuple[str, ...]]:
    for found in _VALUES.finditer(_without_comments(text)):
        yield tuple(re.findall(r"'([a-z_]+)'", found[1]))


def _body(kind: str, statement: str, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Give the edits of what a view selects or a trigger does."""
    if kind == "INDEX":
        return
    opening = re.search(r"\bAS\b|\bBEGIN\b", statement, re.IGNORECASE)
    begin = opening.end() if opening else 0
    for edit in sql_edits(statement[begin:].rstrip().rstrip(";"), vocabulary):
        yield edit.moved(begin)


def _constraints(statement: str) -> Iterator[Edit]:
    """Give the edits that drop one constraint of a table each."""
    sql = Sql(statement)
    for place, token in enumerate(sql.tokens):
        if token.depth != 1:
            continue
        last = _last_of_constraint(sql, place)
        if last is not None:
            whole = sql.word(place - 1) in (",", "(") and token.word in ("CHECK", "UNIQUE", "FOREIGN")
            if whole and sql.word(place - 1) == ",":
                yield Edit("sql_constraint", sql.tokens[place - 1].start, sql.tokens[last].end, "")
            elif not whole:
                yield Edit("sql_constraint", sql.tokens[place - 1].end, sql.tokens[last].end, "")


def _last_of_constraint(sql: Sql, place: int) -> int | None:
    """Give the place of the last token of the constraint that begins here; none if none does."""
    match sql.word(place):
        case "CHECK":
            return sql.closing(place + 1)
        case "UNIQUE":
            return sql.closing(place + 1) if sql.word(place + 1) == "(" else place
        case "NOT" if sql.word(place + 1) == "NULL":
            return place + 1
        case "DEFAULT":
            return sql.closing(place + 1) if sql.word(place + 1) == "(" else place + 1
        case "FOREIGN":
            return _last_of_reference(sql, sql.closing(place + 2) + 1)
        case "REFERENCES" if sql.word(place - 1) != ")" or sql.word(_opening_word(sql, place)) != "KEY":
            return _last_of_reference(sql, place)
    return None


def _opening_word(sql: Sql, place: int) -> int:
    """Give the place of the word before the brackets that end before `place`."""
    depth = sql.tokens[place].depth
    at = place - 2
    while at > 0 and not (sql.tokens[at].depth == depth and sql.word(at) == "("):
        at -= 1
    return at - 1


def _last_of_reference(sql: Sql, place: int) -> int:
    last = sql.closing(place + 2) if sql.word(place + 2) == "(" else place + 1
    while sql.word(last + 1) in ("ON", "DEFERRABLE", "INITIALLY"):
        last += {"ON": 3, "DEFERRABLE": 1, "INITIALLY": 2}[sql.word(last + 1)]
        if sql.word(last) in ("SET", "NO"):
            last += 1
    return last
