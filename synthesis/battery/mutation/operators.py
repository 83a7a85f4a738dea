"""What can be changed about one node of Python: each operator gives the edits of the nodes it knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.source import Source

_COMPARED: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_CALCULATED: Mapping[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"),
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_GUARDS = ("require_", "check_", "refuse_")
_SUFFIX = re.compile(r"_[a-z]+$")


def _whole(source: Source, kind: str, node: ast.expr | ast.stmt, new: str) -> Edit:
    return Edit(kind, source.start(node), source.end(node), new)


def _sign(source: Source, kind: str, between: tuple[ast.expr, ast.expr], signs: tuple[str, str]) -> Iterator[Edit]:
    """Give the edit of the operator between two operands."""
    left, right = between
    begin, (old, new) = source.end(left), signs
    pattern = re.escape(old).replace(r"\ ", r"\s+")
    if found := re.search(pattern, source.text[begin : source.start(right)]):
        yield Edit(kind, begin + found.start(), begin + found.end(), new)


# Statements ----------------------------------------------------------------------------------------------------------


def ifs(source: Source, node: ast.If) -> Iterator[Edit]:
    """Drop a guard; let a branch be taken always, or never."""
    if isinstance(node.body[-1], ast.Raise):
        if node.orelse:
            yield _whole(source, "guard", node.test, "False")
        else:
            yield _whole(source, "guard", node, "pass")
        return
    for forced in ("True", "False"):
        yield _whole(source, "condition", node.test, forced)


def choices(source: Source, node: ast.IfExp) -> Iterator[Edit]:
    """Let a conditional expression always give the same side."""
    for forced in ("True", "False"):
        yield _whole(source, "condition", node.test, forced)


def filters(source: Source, node: ast.comprehension) -> Iterator[Edit]:
    """Let a comprehension keep everything."""
    for test in node.ifs:
        yield _whole(source, "condition", test, "True")


def statements(source: Source, node: ast.Expr) -> Iterator[Edit]:
    """Drop a call that is made for what it does."""
    if isinstance(node.value, ast.Call):
        name = getattr(node.value.func, "id", "")
        yield _whole(source, "guard" if name == "find" or name.startswith(_GUARDS) else "statement", node, "pass")


def sums(source: Source, node: ast.AugAssign) -> Iterator[Edit]:
    """Turn a += into a -=, or the other way round."""
    signs = _CALCULATED.get(type(node.op))
    if signs and not _is_text(node.value):
        yield from _sign(source, "arithmetic", (node.target, node.value), (f"{signs[0]}=", f"{signs[1]}="))


# Expressions ---------------------------------------------------------------------------------------------------------


def comparisons(source: Source, node: ast.Compare) -> Iterator[Edit]:
    """Move a comparison's boundary, or turn it round."""
    for operator, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators, strict=False):
        yield from _sign(source, "comparison", (left, right), _COMPARED[type(operator)])


def junctions(source: Source, node: ast.BoolOp) -> Iterator[Edit]:
    """Swap `and` with `or`, and take one operand out."""
    conjunction = isinstance(node.op, ast.And)
    signs = ("and", "or") if conjunction else ("or", "and")
    for pair in pairwise(node.values):
        yield from _sign(source, "boolean", pair, signs)
    for operand in node.values:
        yield _whole(source, "boolean", operand, "True" if conjunction else "False")


def unary(source: Source, node: ast.UnaryOp) -> Iterator[Edit]:
    """Take a `not` or a minus away."""
    if isinstance(node.op, ast.Not | ast.USub):
        kind = "boolean" if isinstance(node.op, ast.Not) else "arithmetic"
        yield Edit(kind, source.start(node), source.start(node.operand), "")


def calculations(source: Source, node: ast.BinOp) -> Iterator[Edit]:
    """Swap plus with minus, times with division."""
    signs = _CALCULATED.get(type(node.op))
    if signs and not (_is_text(node.left) or _is_text(node.right)):
        yield from _sign(source, "arithmetic", (node.left, node.right), signs)


def constants(source: Source, node: ast.Constant) -> Iterator[Edit]:
    """Turn a truth value round, or move a number by one."""
    if isinstance(node.value, bool):
        yield _whole(source, "constant", node, str(not node.value))
    else:
        yield from integers(source, node)


def integers(source: Source, node: ast.Constant) -> Iterator[Edit]:
    """Move a number by one."""
    if isinstance(node.value, int):
        for new in (node.value + 1, node.value - 1):
            yield _whole(source, "constant", node, str(new))


def slices(source: Source, node: ast.Subscript) -> Iterator[Edit]:
    """Take the whole where a part was taken."""
    if isinstance(node.slice, ast.Slice):
        yield Edit("constant", source.end(node.value), source.end(node), "")


def calls(source: Source, node: ast.Call) -> Iterator[Edit]:
    """Swap min with max, any with all; and arguments with their neighbours."""
    name = getattr(node.func, "id", "")
    if name in _CALLED:
        yield _whole(source, "arithmetic", node.func, _CALLED[name])
        return
    if name and name != "Refusal":
        yield from _swaps(source, node.args)
    if getattr(node.func, "attr", "") == "execute" and len(node.args) == 2 and isinstance(node.args[1], ast.Tuple):
        yield from _swaps(source, node.args[1].elts)
    alike = pairwise(node.keywords)
    for one, other in alike if name != "Refusal" else ():
        if one.arg and other.arg and _ending(one.arg) and _ending(one.arg) == _ending(other.arg):
            yield from _swaps(source, [one.value, other.value])


def _ending(name: str) -> str:
    found = _SUFFIX.search(name)
    return found[0] if found else ""


def _swaps(source: Source, values: list[ast.expr]) -> Iterator[Edit]:
    """Swap neighbours that are spelled differently; what is written out, nobody would confuse."""
    for one, other in pairwise(values):
        if isinstance(one, ast.Starred) or isinstance(other, ast.Starred) or _is_text(one) or _is_text(other):
            continue
        first, second = source.segment(one), source.segment(other)
        between = source.text[source.end(one) : source.start(other)]
        if first != second:
            yield Edit("argument", source.start(one), source.end(other), f"{second}{between}{first}")


def cases(source: Source, node: ast.Match) -> Iterator[Edit]:
    """Let one case of a match do nothing."""
    for case in node.cases:
        first, last = case.body[0], case.body[-1]
        if not isinstance(first, ast.Raise):
            yield Edit("statement", source.start(first), source.end(last), "pass")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.Dict) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


NodeEdits = Callable[[Source, Any], Iterator[Edit]]

NODE_EDITS: Mapping[type[ast.AST], tuple[NodeEdits, ...]] = {
    ast.If: (ifs,),
    ast.IfExp: (choices,),
    ast.comprehension: (filters,),
    ast.Expr: (statements,),
    ast.AugAssign: (sums,),
    ast.Compare: (comparisons,),
    ast.BoolOp: (junctions,),
    ast.UnaryOp: (unary,),
    ast.BinOp: (calculations,),
    ast.Constant: (constants,),
    ast.Subscript: (slices,),
    ast.Call: (calls,),
    ast.Match: (cases,),
}
"""The operators by the type of node that they change."""
