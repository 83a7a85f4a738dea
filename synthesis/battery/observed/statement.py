"""A statement: what a piece of traced SQL does with each of its values, read from its shape once.

The trace gives SQL with the values written in. They are cut out, so that statements that differ in nothing else share
a shape; a slot of the shape says with which columns its value is compared, or in which it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlglot import exp, parse_one

from synthesis.battery.observed.lineage import NOWHERE, Lineage, Origins, Place, Scope

Scalar = str | int | float

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | [A-Za-z_][\w$]*
    | \d+(?:\.\d+)?(?:[eE][+-]?\d+)? | -""",
    re.VERBOSE | re.DOTALL,
)
_SLOT = "ef_slot_"
_COMPARISONS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.EQ: ("=", "="),
    exp.Is: ("=", "="),
    exp.NullSafeEQ: ("=", "="),
    exp.NEQ: ("<>", "<>"),
    exp.NullSafeNEQ: ("<>", "<>"),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
    exp.Like: ("like", "liked by"),
    exp.Glob: ("like", "liked by"),
}
"""The operator as a column on its left sees it, and as one on its right."""


class Use(NamedTuple):
    """What is done with a value: compared with a column, or stored in it."""

    place: Place
    operator: str
    """=, <>, <=, >=, <, >, like, or "sets"."""
    derived: bool = False
    """Whether it is calculated with on its way."""

    def __str__(self) -> str:
        return f"{self.operator} {self.place}{' (derived)' if self.derived else ''}"


Change = tuple[str, str, str]
"""Table, "insert", "update" or "delete", and the column of an update."""


@dataclass(frozen=True)
class Shape:
    """What all statements of one text but for their values have in common."""

    slots: tuple[frozenset[Use], ...]
    changes: frozenset[Change]
    relations: frozenset[str]
    """The tables and views that it names."""


@lru_cache(maxsize=16384)
def cut(sql: str) -> tuple[str, tuple[Scalar, ...]]:
    """Cut the values out of a statement: its shape's text and the values in order."""
    values: list[Scalar] = []
    negative = False

    def replace(found: re.Match[str]) -> str:
        nonlocal negative
        piece = found[0]
        if piece == "-":
            negative = sql[found.end() : found.end() + 1].isdigit() and _begins_operand(sql[: found.start()])
            return " " if negative else piece
        if piece[0] == "'" or piece[0].isdigit():
            values.append(piece[1:-1].replace("''", "'") if piece[0] == "'" else _number(piece, negative))
            negative = False
            return f":{_SLOT}{len(values) - 1}"
        return "" if piece.startswith(("--", "/*")) else piece

    text = _TOKEN.sub(replace, sql)
    return text, tuple(values)


def _begins_operand(before: str) -> bool:
    return before.rstrip()[-1:] in {"(", ",", "=", "<", ">", "+", "-", "*", "/", "|"}


def _number(digits: str, negative: bool) -> int | float:
    value = float(digits) if re.search(r"[.eE]", digits) else int(digits)
    return -value if negative else value


class Statements:
    """The shapes of the statements that were traced so far."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._shapes: dict[str, Shape] = {}

    def read(self, sql: str) -> tuple[str, tuple[Scalar, ...]]:
        """The shape's text and the values of a traced statement."""
        text, values = cut(sql)
        if text not in self._shapes:
            self._shapes[text] = self._parsed(text, len(values))
        return text, values

    def shape(self, text: str) -> Shape:
        """The shape that has a text."""
        return self._shapes[text]

    def _parsed(self, text: str, count: int) -> Shape:
        statement = parse_one(text, dialect="sqlite")
        slots: list[set[Use]] = [set() for _ in range(count)]
        for holder in statement.find_all(exp.Placeholder):
            if holder.name.startswith(_SLOT):
                uses = (use for use in self._uses(holder) if use.place.relation in self._lineage.relations)
                slots[int(holder.name.removeprefix(_SLOT))].update(uses)
        changes = (change for change in _changes(statement) if change[0] in self._lineage.relations)
        named = {table.name for table in statement.find_all(exp.Table)} & self._lineage.relations.keys()
        return Shape(tuple(frozenset(uses) for uses in slots), frozenset(changes), frozenset(named))

    def _uses(self, holder: exp.Expr) -> Iterator[Use]:
        node, derived = holder, False
        while node.parent is not None:
            parent = node.parent
            target = self._target(node, parent)
            if target is not None:
                yield from (Use(place, "sets", derived) for place in target)
                return
            if type(parent) in _COMPARISONS or isinstance(parent, exp.In | exp.Between):
                yield from self._compared(node, parent, derived)
                return
            if isinstance(parent, exp.Connector | exp.Where | exp.Limit | exp.Offset | exp.Order | exp.Group):
                return
            if isinstance(parent, exp.Select) and not _is_list(parent):
                return
            derived = derived or not _is_transparent(parent)
            node = parent

    def _compared(self, node: exp.Expr, parent: exp.Expr, derived: bool) -> Iterator[Use]:
        if isinstance(parent, exp.In):
            if node is parent.this:
                yield from self._against(parent.args.get("query"), parent, "=", derived)
            else:
                yield from self._against(parent.this, parent, "=", derived)
        elif isinstance(parent, exp.Between):
            operator = ">=" if node.arg_key == "low" else "<="
            yield from self._against(parent.this, parent, operator, derived)
        else:
            left, right = _COMPARISONS[type(parent)]
            other, operator = (parent.expression, right) if node is parent.this else (parent.this, left)
            yield from self._against(other, parent, operator, derived)

    def _against(self, other: Any, at: exp.Expr, operator: str, derived: bool) -> Iterator[Use]:
        """The uses of a value that is compared with another expression."""
        scope = self._lineage.reader.scope(at)
        if not isinstance(other, exp.Expr) or scope is None:
            return
        if isinstance(other, exp.Subquery | exp.Select):
            outputs = self._lineage.reader.outputs(other)
            yield from (Use(place, operator, derived) for place in (outputs[0][1] if outputs else ()))
        elif places := self._lineage.reader.passed_on(other, scope):
            yield from (Use(place, operator, derived) for place in places)
        else:
            yield from (Use(place, operator, True) for place in _named(other, scope))

    def _target(self, node: exp.Expr, parent: exp.Expr) -> Origins | None:
        """The column in which a value is stored, if this is where it is."""
        if isinstance(parent, exp.EQ) and node is parent.expression and _is_assignment(parent):
            table = _written(parent)
            return frozenset({Place(table, parent.this.name)}) if table else NOWHERE
        if isinstance(parent, exp.Tuple) and isinstance(parent.parent, exp.Values):
            return self._inserted(parent.parent.parent, parent.expressions.index(node))
        if isinstance(parent, exp.Select) and node.arg_key == "expressions" and isinstance(parent.parent, exp.Insert):
            return self._inserted(parent.parent, parent.expressions.index(node))
        return None

    def _inserted(self, insert: exp.Expr | None, position: int) -> Origins | None:
        if not isinstance(insert, exp.Insert):
            return None
        target = insert.this
        table = target.this.name if isinstance(target, exp.Schema) else target.name
        named = [column.name for column in target.expressions] if isinstance(target, exp.Schema) else ()
        columns = named or self._lineage.relations.get(table, ())
        return frozenset({Place(table, columns[position])}) if position < len(columns) else NOWHERE


def _is_assignment(equation: exp.EQ) -> bool:
    return equation.arg_key == "expressions" and isinstance(equation.parent, exp.Update | exp.OnConflict)


def _is_transparent(parent: exp.Expr) -> bool:
    """Whether a value passes through an expression as it is, or as a part of a search text."""
    if isinstance(parent, exp.Paren | exp.Coalesce | exp.Collate | exp.Cast | exp.Subquery | exp.Alias):
        return True
    if isinstance(parent, exp.Tuple | exp.Select | exp.From | exp.Table):  # on the way out of a list
        return True
    if isinstance(parent, exp.Anonymous):
        return parent.name.lower() == "json_each"
    return isinstance(parent, exp.DPipe) and isinstance(_above(parent, exp.DPipe, exp.Paren), exp.Like | exp.Glob)


def _above(node: exp.Expr, *passed: type[exp.Expr]) -> exp.Expr | None:
    above = node.parent
    while isinstance(above, passed):
        above = above.parent
    return above


def _is_list(query: exp.Select) -> bool:
    """Whether a query only spells out a list that was given as JSON."""
    start = query.args.get("from_") or query.args.get("from")
    table = start.this if start else None
    return isinstance(table, exp.Table) and isinstance(table.this, exp.Anonymous)


def _named(other: exp.Expr, scope: Scope) -> Origins:
    return NOWHERE.union(*(scope.origins(column) for column in other.find_all(exp.Column)))


def _written(node: exp.Expr) -> str | None:
    statement = node.find_ancestor(exp.Update, exp.Insert)
    if statement is None:
        return None
    target = statement.this
    name: str = target.this.name if isinstance(target, exp.Schema) else target.name
    return name


def _changes(statement: exp.Expr) -> Iterator[Change]:
    target = statement.this if isinstance(statement, exp.Insert | exp.Update | exp.Delete) else None
    if target is None:
        return
    table = target.this.name if isinstance(target, exp.Schema) else target.name
    if isinstance(statement, exp.Delete):
        yield table, "delete", ""
    elif isinstance(statement, exp.Update):
        yield from ((table, "update", each.this.name) for each in statement.expressions)
    else:
        yield table, "insert", ""
        conflict = statement.args.get("conflict")
        for each in conflict.expressions if conflict else ():
            yield table, "update", each.this.name
