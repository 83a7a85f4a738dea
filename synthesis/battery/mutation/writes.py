"""The mutant that a transaction protects from: a write made before its guard, and kept when the guard refuses.

The runtime rolls back what a refused call wrote. So the mutant ends the transaction itself, as a tool would whose
database commits every statement.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.source import Source

_KEEP = "env.db.guarded = False; env.db.commit(); env.db.execute('BEGIN IMMEDIATE'); env.db.guarded = True"
_WRITE = re.compile(r"""['"]\s*(INSERT|UPDATE|DELETE)\b""")


def kept_write(source: Source, tool: ast.FunctionDef) -> Iterator[Edit]:
    """Give the edit that makes a tool's first movable write before its last guard, if it has both."""
    guards = [place for place, statement in enumerate(tool.body) if _refuses(statement)]
    for guard in reversed(guards):
        for place in range(guard + 1, len(tool.body)):
            write = tool.body[place]
            if _writes(source, write) and not _used_here(write) & _made(tool.body[guard:place]):
                begin, end = source.start(tool.body[guard]), source.end(write)
                indent = " " * tool.body[guard].col_offset
                between = source.text[begin : source.start(write)].rstrip()
                yield Edit("transaction", begin, end, f"{source.segment(write)}\n{indent}{_KEEP}\n{indent}{between}")
                return


def _refuses(statement: ast.stmt) -> bool:
    """Whether a statement may refuse the call and does nothing else."""
    if isinstance(statement, ast.If):
        return isinstance(statement.body[-1], ast.Raise) and not statement.orelse
    called = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(called, ast.Call) and getattr(called.func, "id", "").startswith("require_")


def _writes(source: Source, statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and _WRITE.search(source.segment(statement)) is not None


def _used_here(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _made(statements: list[ast.stmt]) -> set[str]:
    return {
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
