"""Mutants of SQL: small edits of a statement, a view or a condition, made on its tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.sql_tokens import Group, Span, Sql

_COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "=", "!=": "=", "==": "<>"}
_CALLED = {"MIN": "max", "MAX": "min"}
_SIGNS = {"+": "-", "-": "+", "*": "/", "/": "*"}
_NUMBER = re.compile(r"[0-9]+")
_MODIFIER = re.compile(r"'([+-])([0-9]+) (second|minute|hour|day|month|year)s?'", re.IGNORECASE)
_SUFFIX = re.compile(r"_[a-z]+$")


@dataclass(frozen=True)
class Vocabulary:
    """What words an environment's SQL can be about: the columns of its tables, and values that exclude each other."""

    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    values: Sequence[tuple[str, ...]] = ()

    def other_value(self, value: str) -> str | None:
        """Give a value that could stand where this one stands."""
        for group in self.values:
            if value in group and len(group) > 1:
                return group[(group.index(value) + 1) % len(group)]
        return None

    def other_column(self, table: str, column: str) -> str | None:
        """Give a column of the same table that holds the same kind of thing, going by the end of its name."""
        suffix = _SUFFIX.search(column)
        columns = sorted(self.columns.get(table, ()))
        if suffix is None or column not in columns:
            return None
        alike = [other for other in columns if other.endswith(suffix[0])]
        place = alike.index(column)
        return alike[(place + 1) % len(alike)] if len(alike) > 1 else None


def sql_edits(text: str, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Give the edits of a SQL text, each of which changes what it means or fails to compile."""
    sql = Sql(text)
    for group in sql.groups:
        yield from _group_edits(sql, group)
    for edits in (_comparisons, _negations, _signs, _functions, _constants, _lists, _orders, _joins):
        yield from edits(sql, vocabulary)
    yield from _columns(sql, vocabulary)


# Conditions ----------------------------------------------------------------------------------------------------------


def _group_edits(sql: Sql, group: Group) -> Iterator[Edit]:
    first = group.operands[0].first
    clause = sql.word(first - 1)
    if clause in ("WHERE", "HAVING"):
        whole = Span(first, group.operands[-1].last)
        yield _replaced(sql, "sql_where", whole, holds=True)
    elif clause == "WHEN" and not group.joints and "'" not in sql.spelling(first):
        yield _replaced(sql, "sql_conjunct", group.operands[0], holds=False)
    for place, operand in enumerate(group.operands):
        beside = {sql.word(joint) for joint in group.joints[max(0, place - 1) : place + 1]}
        if beside:
            yield _replaced(sql, "sql_conjunct", operand, holds="AND" in beside)
    for joint in group.joints:
        yield _token(sql, "sql_boolean", joint, "OR" if sql.word(joint) == "AND" else "AND")


def _replaced(sql: Sql, kind: str, span: Span, *, holds: bool) -> Edit:
    """Give the edit that puts true or false for a condition; it keeps unnamed parameters, which are counted."""
    unnamed = sum(token.word == "?" for token in sql.tokens[span.first : span.last])
    new = "1" if holds else "0"
    if unnamed:
        new = f"({new}{' OR ?' * unnamed})" if holds else f"({new}{' AND ?' * unnamed})"
    return Edit(kind, sql.tokens[span.first].start, sql.tokens[span.last - 1].end, new)


def _token(sql: Sql, kind: str, place: int, new: str) -> Edit:
    return Edit(kind, sql.tokens[place].start, sql.tokens[place].end, new)


def _comparisons(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    for place, token in enumerate(sql.tokens):
        if token.word in _COMPARED and not _assigns(sql, place) and not _joins_keys(sql, place):
            yield _token(sql, "sql_comparison", place, _COMPARED[token.word])


def _assigns(sql: Sql, place: int) -> bool:
    return sql.word(place) == "=" and sql.clauses[place] == "SET"


def _joins_keys(sql: Sql, place: int) -> bool:
    """Whether an equation says which rows of two tables belong together."""
    sides = sql.word(place - 2), sql.word(place + 2)
    return sql.word(place) == "=" and sides == (".", ".")


def _negations(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    for place, token in enumerate(sql.tokens):
        if token.word == "NOT":
            if not (sql.word(place + 1) == "NULL" and sql.word(place - 1) != "IS"):
                yield Edit("sql_negation", token.start, sql.tokens[place + 1].start, "")
        elif token.word in ("IN", "EXISTS", "BETWEEN") and sql.word(place - 1) != "NOT":
            yield Edit("sql_negation", token.start, token.start, "NOT ")
        elif token.word == "IS" and sql.word(place + 1) != "NOT":
            yield Edit("sql_negation", token.end, token.end, " NOT")


# Values --------------------------------------------------------------------------------------------------------------


def _signs(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    for place, token in enumerate(sql.tokens):
        if token.word in _SIGNS and sql.is_operand_end(place - 1):
            yield _token(sql, "sql_sign", place, _SIGNS[token.word])
        elif token.word == "-":
            yield _token(sql, "sql_sign", place, "")


def _functions(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    for place in sql.function_calls(*_CALLED):
        yield _token(sql, "sql_function", place, _CALLED[sql.word(place)])


def _constants(sql: Sql, vocabulary: Vocabulary) -> Iterator[Edit]:
    for place, token in enumerate(sql.tokens):
        said = sql.spelling(place)
        if _NUMBER.fullmatch(said) and not _is_idle_number(sql, place):
            for new in (int(said) + 1, int(said) - 1):
                yield _token(sql, "sql_constant", place, str(new) if new >= 0 else f"({new})")
        elif modifier := _MODIFIER.fullmatch(said):
            for count in (int(modifier[2]) + 1, int(modifier[2]) - 1):
                new_count = said.replace(modifier[2], str(count), 1)
                yield _token(sql, "sql_constant", place, new_count)
        elif said == "'%'":
            yield _token(sql, "sql_constant", place, "''")
        elif said[:1] == "'" and (other := vocabulary.other_value(said[1:-1])):
            yield Edit("sql_constant", token.start, token.end, f"'{other}'")


def _is_idle_number(sql: Sql, place: int) -> bool:
    """Whether nobody looks at a number: in SELECT 1, in LIMIT 1, and in the place of a substring's beginning."""
    before = sql.word(place - 1)
    selected = before == "SELECT" and sql.word(place + 1) in ("FROM", "WHERE", "", ")", "UNION")
    return selected or before in ("LIMIT", "THEN 1") or sql.clauses[place] == "BY"


def _lists(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    for place, token in enumerate(sql.tokens):
        if token.word != "IN" or sql.word(place + 1) != "(" or sql.word(place + 2) == "SELECT":
            continue
        items = range(place + 2, sql.closing(place + 1), 2)
        if len(items) < 2 or any(sql.word(item + 1) not in (",", ")") for item in items):
            continue
        for item in items:
            if sql.word(item) == "?":
                continue
            first = item if item == items[0] else item - 1
            last = item + 1 if item == items[0] else item
            end = sql.tokens[last + 1].start if item == items[0] else sql.tokens[last].end
            yield Edit("sql_constant", sql.tokens[first].start, end, "")


# Rows ----------------------------------------------------------------------------------------------------------------


def _orders(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    """Turn the first term of each order round; those after it only break ties."""
    for place, token in enumerate(sql.tokens):
        if token.word == "BY" and sql.word(place - 1) == "ORDER":
            last = _last_of_term(sql, place + 1)
            if sql.word(last + 1) in ("DESC", "ASC"):
                yield _token(sql, "sql_order", last + 1, "ASC" if sql.word(last + 1) == "DESC" else "DESC")
            else:
                yield Edit("sql_order", sql.tokens[last].end, sql.tokens[last].end, " DESC")


def _last_of_term(sql: Sql, first: int) -> int:
    depth, last = sql.tokens[first].depth, first
    while last + 1 < len(sql.tokens):
        follower = sql.tokens[last + 1]
        if follower.depth < depth or (follower.depth == depth and follower.word in (",", "LIMIT", "DESC", "ASC")):
            break
        last += 1
    return last


def _joins(sql: Sql, _: Vocabulary) -> Iterator[Edit]:
    for place, token in enumerate(sql.tokens):
        follower = sql.tokens[place + 1] if place + 1 < len(sql.tokens) else None
        if follower and (token.word == "DISTINCT" or (token.word, follower.word) == ("LEFT", "JOIN")):
            yield Edit("sql_join", token.start, follower.start, "")


def _columns(sql: Sql, vocabulary: Vocabulary) -> Iterator[Edit]:
    tables = _tables(sql, vocabulary)
    for place in range(len(sql.tokens)):
        if not sql.is_name(place) or sql.word(place + 1) in (".", "(") or sql.word(place - 1) == "AS":
            continue
        idle = _is_inserted(sql, place) or _breaks_ties(sql, place)
        if sql.clauses[place] not in ("INTO", "USING", "VALUES") and not idle:
            column = sql.spelling(place)
            table = _table_of(sql, place, column, tables, vocabulary)
            if table and (other := vocabulary.other_column(table, column)):
                yield _token(sql, "sql_column", place, f"{other} AS {column}" if _names(sql, place) else other)


def _names(sql: Sql, place: int) -> bool:
    """Whether a selected column gives the result's column its name."""
    before = place - 3 if sql.word(place - 1) == "." else place - 1
    selected = sql.clauses[place] == "SELECT" and sql.word(before) in (",", "SELECT", "DISTINCT")
    return selected and sql.word(place + 1) in (",", "FROM", ")", "")


def _breaks_ties(sql: Sql, place: int) -> bool:
    """Whether a column stands behind another one in an order."""
    before = place - 3 if sql.word(place - 1) == "." else place - 1
    return sql.clauses[place] == "BY" and sql.word(before) == ","


def _tables(sql: Sql, vocabulary: Vocabulary) -> dict[str, str]:
    """Give the table behind each alias, and behind its own name."""
    found: dict[str, str] = {}
    for place in range(len(sql.tokens)):
        name = sql.spelling(place)
        if name in vocabulary.columns and sql.word(place - 1) in ("FROM", "JOIN", "UPDATE", "INTO"):
            found[name] = name
            alias = place + 2 if sql.word(place + 1) == "AS" else place + 1
            if sql.is_name(alias):
                found.setdefault(sql.spelling(alias), name)
    return found


def _table_of(sql: Sql, place: int, column: str, tables: Mapping[str, str], vocabulary: Vocabulary) -> str | None:
    if sql.word(place - 1) == ".":
        return tables.get(sql.spelling(place - 2))
    return next((table for table in tables.values() if column in vocabulary.columns[table]), None)


def _is_inserted(sql: Sql, place: int) -> bool:
    """Whether a name stands in the list of columns that an INSERT names, or is what an UPDATE sets."""
    if sql.word(0) == "INSERT":
        into = next((at for at in range(place, -1, -1) if sql.word(at) == "INTO"), None)
        return into is not None and "VALUES" not in (sql.word(at) for at in range(into, place))
    return sql.clauses[place] == "SET" and sql.word(place + 1) == "="
