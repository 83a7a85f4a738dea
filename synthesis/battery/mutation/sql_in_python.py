"""SQL in the strings of a server.py: which strings are SQL, and which of its edits still compile."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from envfactory_client.nulls import Nulls
from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.source import Literal
from synthesis.battery.mutation.sql_code import Vocabulary, sql_edits

_STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_CONDITION = re.compile(r"\b(AND|OR|NOT|IN|IS|EXISTS|BETWEEN|LIKE|WHERE|FROM|JOIN)\b|[<>]|\s=\s")
_FRAMES = ("{}", "SELECT 1 WHERE ({})", "SELECT 1 WHERE 1 {}", "SELECT 1 {}", "{} SELECT 1")
"""What a piece of SQL may be: a statement, a condition, more of one, a clause, or what stands before a statement."""
_SAFE = frozenset({"sql_comparison", "sql_constant", "sql_boolean", "sql_sign", "sql_column"})
"""Edits that put like for like, so that they compile wherever the text did."""


class SqlReader:
    """Reads strings as SQL over an empty database of the environment."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def edits(self, said: Literal, vocabulary: Vocabulary) -> Iterator[Edit]:
        """Give the edits of a string's SQL as edits of the source; none when the string isn't SQL."""
        whole = _STATEMENT.match(said.text) is not None
        if not whole and not _CONDITION.search(said.text):
            return
        if whole and not said.fields and self._program(said.text) is not None:
            found = self._compiling(said.text, vocabulary)
        else:
            found = _parsing(said.text, vocabulary, whole=whole)
        for edit in found:
            if placed := said.edit(edit):
                yield placed

    def _compiling(self, text: str, vocabulary: Vocabulary) -> Iterator[Edit]:
        """Give the edits that SQLite compiles to something else."""
        program = self._program(text)
        for edit in sql_edits(text, vocabulary):
            changed = self._program(edit.apply(text))
            if changed is not None and changed != program:
                yield edit

    def _program(self, text: str) -> list[tuple[object, ...]] | None:
        try:
            return [tuple(row) for row in self._database.execute(f"EXPLAIN {text}", _nulls(text))]
        except sqlite3.Error:
            return None


def _nulls(text: str) -> Nulls | tuple[None, ...]:
    """Give the nulls that a text's parameters are bound to."""
    unnamed = re.sub(r"'[^']*'", "", text).count("?")
    return (None,) * unnamed if unnamed else Nulls()


def _parsing(text: str, vocabulary: Vocabulary, *, whole: bool) -> Iterator[Edit]:
    """Give the edits that can be parsed as what the text was, and say something else."""
    frames = _FRAMES[:1] if whole else _FRAMES[1:]
    found = next(((frame, tree) for frame in frames if (tree := _parsed(frame.format(text)))), None)
    if found is None:
        if whole:
            yield from (edit for edit in sql_edits(text, vocabulary) if edit.kind in _SAFE)
        return
    frame, tree = found
    for edit in sql_edits(text, vocabulary):
        changed = _parsed(frame.format(edit.apply(text)))
        if changed is not None and changed != tree:
            yield edit


def _parsed(text: str) -> exp.Expr | None:
    try:
        return parse_one(text, dialect="sqlite")
    except SqlglotError:
        return None
