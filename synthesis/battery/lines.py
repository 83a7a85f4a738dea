"""Which lines of an environment's tools run while something else happens.

A tracer would be called for every function of the process. Here the functions of server.py get code in which each
statement notes its line first, for as long as they are watched, and nothing else is slower.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType, TracebackType

_NOTE = "note_that_this_line_runs"
_BRANCHES = ("body", "orelse", "finalbody")
_Place = tuple[str, int]
"""What tells a function of a file from the others: its qualified name, and the line where it begins."""


class Lines:
    """Watches server.py of a folder while it is entered: `with lines: ...`, any number of times.

    It sees the functions that are loaded by then, and the methods of classes.
    """

    def __init__(self, folder: Path) -> None:
        self._path = (folder / "server.py").resolve()
        self._ran: set[int] = set()
        self._plain: dict[FunctionType, CodeType] = {}

    def __enter__(self) -> None:
        noting = dict(_codes(self._noting[0]))
        for module in _loaded(self._path):
            vars(module)[_NOTE] = self._ran.add  # stays, as a generator may go on in code that calls it
            for function in _functions(module):
                if (place := _place(function.__code__)) in noting:
                    self._plain[function] = function.__code__
                    function.__code__ = noting[place]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for function, code in self._plain.items():
            function.__code__ = code
        self._plain.clear()

    def share(self) -> float:
        """The share of its functions' lines that ran, counting those where a statement begins."""
        _, there = self._noting
        return round(len(self._ran) / len(there), 3) if there else 1.0

    @cached_property
    def _noting(self) -> tuple[CodeType, frozenset[int]]:
        """The code that notes lines, and the lines that there are."""
        return _noting(self._path)


def _noting(path: Path) -> tuple[CodeType, frozenset[int]]:
    """Give a file's code with a note before each statement of its functions, and the lines of these statements.

    What runs when the module is loaded says nothing, and a docstring doesn't run.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines: set[int] = set()
    for block in list(_blocks(tree)):
        statements = [statement for statement in block if not _is_text(statement)]
        lines.update(statement.lineno for statement in statements)
        for statement in statements:
            block.insert(block.index(statement), _note(statement))
    return compile(ast.fix_missing_locations(tree), str(path), "exec"), frozenset(lines)


def _blocks(node: ast.AST, within: bool = False) -> Iterator[list[ast.stmt]]:
    """The runs of statements that functions consist of."""
    for block in (getattr(node, branch, None) for branch in _BRANCHES):
        if within and isinstance(block, list):
            yield block
    for child in ast.iter_child_nodes(node):
        yield from _blocks(child, within or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _note(statement: ast.stmt) -> ast.stmt:
    note = ast.Expr(ast.Call(ast.Name(_NOTE, ast.Load()), [ast.Constant(statement.lineno)], []))
    return ast.copy_location(note, statement)


def _codes(code: CodeType) -> Iterator[tuple[_Place, CodeType]]:
    """The code of everything that a file defines, by its place."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield _place(inner), inner
            yield from _codes(inner)


def _place(code: CodeType) -> _Place:
    return code.co_qualname, code.co_firstlineno


def _loaded(path: Path) -> list[ModuleType]:
    """The modules that were loaded from a file."""
    files = ((module, getattr(module, "__file__", None)) for module in list(sys.modules.values()))
    return [module for module, file in files if file and Path(file).name == path.name and Path(file).resolve() == path]


def _functions(namespace: object) -> Iterator[FunctionType]:
    """The functions of a module and of its classes, without what is wrapped around them."""
    module = getattr(namespace, "__module__", getattr(namespace, "__name__", None))
    for value in vars(namespace).values():
        held = inspect.unwrap(getattr(value, "__func__", getattr(value, "fget", value)))
        if isinstance(held, FunctionType) and held.__module__ == module:
            yield held
        elif isinstance(held, type) and held.__module__ == module:
            yield from _functions(held)
