"""Mutants of a server.py: small edits of what its tools do, made on the places of its syntax.

Left alone is what the mutants are judged by, and what only people read: contracts, invariants, result models,
descriptions and the sentences of refusals.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.operators import NODE_EDITS, integers
from synthesis.battery.mutation.source import Source
from synthesis.battery.mutation.sql_code import Vocabulary
from synthesis.battery.mutation.sql_in_python import SqlReader
from synthesis.battery.mutation.writes import kept_write

_BOUNDS = frozenset({"ge", "gt", "le", "lt"})
_SPOKEN_CALLS = frozenset({"Key", "Filter", "Sets", "Shared", "Free", "Shows", "Field", "find", "getLogger"})
_SPOKEN_METHODS = frozenset({"new_id", "invariant", "strftime", "strptime", "join", "replace", "split", "format"})
_SPOKEN_KEYWORDS = frozenset({"strict", "idempotent", "description", "table"})


@dataclass(frozen=True)
class PythonCode:
    """A server.py and the words of its schema."""

    source: Source
    reader: SqlReader
    vocabulary: Vocabulary
    refusals: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, text: str, vocabulary: Vocabulary, reader: SqlReader) -> PythonCode:
        """Give the code of a text; its own Literals add to the values that exclude each other."""
        source = Source(text)
        words = Vocabulary(vocabulary.columns, (*_literals(source.tree).values(), *vocabulary.values))
        return cls(source, reader, words, _refusals(source.tree))

    def edits(self) -> Iterator[tuple[str, Edit]]:
        """Give each edit with the function or module-level name that it is in."""
        asked = _asked_of_callers(self.source.tree)
        for node in self.source.tree.body:
            if isinstance(node, ast.FunctionDef):
                yield from ((node.name, edit) for edit in self._function(node))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and (name := _target(node)) and node.value:
                yield from ((name, edit) for edit in self._value(name, node.value, asked))

    def _value(self, name: str, value: ast.expr, asked: frozenset[str]) -> Iterator[Edit]:
        if _called(value) == "Environment" or isinstance(value, ast.Attribute):
            return
        if isinstance(value, ast.Subscript):  # Annotated or Literal: a word of the vocabulary
            if name in asked:
                yield from self._bounds(value)
            return
        yield from self._walk(value)

    # Functions

    def _function(self, function: ast.FunctionDef) -> Iterator[Edit]:
        for decorator in function.decorator_list:
            yield from self._declared(decorator)
        for argument in (*function.args.args, *function.args.kwonlyargs):
            if argument.annotation and function.decorator_list:
                yield from self._bounds(argument.annotation)
        for default in (*function.args.defaults, *(given for given in function.args.kw_defaults if given)):
            yield from self._walk(default)
        for statement in function.body:
            yield from self._walk(statement)
        if any("writes" in ast.dump(decorator) for decorator in function.decorator_list):
            yield from kept_write(self.source, function)

    def _declared(self, decorator: ast.expr) -> Iterator[Edit]:
        """Give the edits of the SQL that says when a tool refuses."""
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "refuses":
                yield from self._walk(keyword.value)

    def _bounds(self, annotation: ast.expr) -> Iterator[Edit]:
        """Give the edits of the limits that a parameter's values have."""
        for call in ast.walk(annotation):
            for keyword in call.keywords if isinstance(call, ast.Call) else ():
                if keyword.arg in _BOUNDS and isinstance(keyword.value, ast.Constant):
                    yield from integers(self.source, keyword.value)
                elif keyword.arg == "pattern" and _called(call) != "Key":
                    yield from self._loosened(keyword.value)

    def _loosened(self, pattern: ast.expr) -> Iterator[Edit]:
        said = self.source.literal(pattern)
        if said and said.text.startswith("^"):
            yield from filter(None, [said.edit(Edit("constant", 0, 1, ""))])
        if said and said.text.endswith("$"):
            yield from filter(None, [said.edit(Edit("constant", len(said.text) - 1, len(said.text), ""))])

    # Statements and expressions

    def _walk(self, node: ast.AST) -> Iterator[Edit]:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield from self._text(node)
            return
        for edits in NODE_EDITS.get(type(node), ()):
            yield from edits(self.source, node)
        for child in self._children(node):
            yield from self._walk(child)

    def _children(self, node: ast.AST) -> Iterator[ast.AST]:
        """Give the parts of a node that aren't only said or declared."""
        match node:
            case ast.Call():
                yield from self._arguments(node)
            case ast.Subscript(slice=ast.Constant()):
                yield node.value
            case ast.Dict():
                yield from node.values
            case ast.AnnAssign():
                yield from [node.value] if node.value else []
            case ast.Expr(value=ast.Constant()):
                return
            case _:
                yield from ast.iter_child_nodes(node)

    def _arguments(self, call: ast.Call) -> Iterator[ast.AST]:
        name = _called(call)
        if name == "Refusal":
            yield from call.args[:1]
            return
        spoken = name in _SPOKEN_CALLS or name in _SPOKEN_METHODS
        yield call.func
        yield from (argument for argument in call.args if not (spoken and isinstance(argument, ast.Constant)))
        for keyword in call.keywords:
            if keyword.arg not in _SPOKEN_KEYWORDS:
                yield keyword.value

    def _text(self, node: ast.Constant | ast.JoinedStr) -> Iterator[Edit]:
        """Give the edits of a string: of its SQL, or of the value that it stands for."""
        said = self.source.literal(node)
        if said is None:
            return
        found = list(self.reader.edits(said, self.vocabulary))
        yield from found
        if isinstance(node, ast.Constant) and not found:
            other = self._other_word(str(node.value))
            edit = said.edit(Edit("constant", 0, len(said.text), other)) if other else None
            yield from [edit] if edit else []

    def _other_word(self, word: str) -> str | None:
        if word in self.refusals:
            return self.refusals[(self.refusals.index(word) + 1) % len(self.refusals)]
        return self.vocabulary.other_value(word)


def _target(node: ast.Assign | ast.AnnAssign) -> str | None:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return target.id if isinstance(target, ast.Name) else None


def _called(node: ast.AST) -> str:
    """Give the name of the function or method that a call calls."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "id", "") or getattr(function, "attr", "")


def _literals(tree: ast.Module) -> Mapping[str, tuple[str, ...]]:
    """Give the values of the module's Literals of strings, by name."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and (name := _target(node)):
            members = node.value.slice.elts if isinstance(node.value.slice, ast.Tuple) else [node.value.slice]
            if getattr(node.value.value, "id", "") == "Literal":
                found[name] = tuple(str(member.value) for member in members if isinstance(member, ast.Constant))
    return found


def _refusals(tree: ast.Module) -> tuple[str, ...]:
    """Give the codes that the module refuses with."""
    calls = (node for node in ast.walk(tree) if _called(node) == "Refusal")
    firsts = (call.args[0] for call in calls if isinstance(call, ast.Call) and call.args)
    return tuple(sorted({str(first.value) for first in firsts if isinstance(first, ast.Constant)}))


def _asked_of_callers(tree: ast.Module) -> frozenset[str]:
    """Give the names of the vocabulary that parameters of tools use, themselves or through others."""
    used = {
        node.id
        for function in tree.body
        if isinstance(function, ast.FunctionDef) and function.decorator_list
        for argument in (*function.args.args, *function.args.kwonlyargs)
        if argument.annotation
        for node in ast.walk(argument.annotation)
        if isinstance(node, ast.Name)
    }
    defined = {name: node.value for node in tree.body if isinstance(node, ast.Assign) and (name := _target(node))}
    reached: set[str] = set()
    while used:
        reached |= used
        inner = {
            node.id for name in used & set(defined) for node in ast.walk(defined[name]) if isinstance(node, ast.Name)
        }
        used = inner - reached
    return frozenset(reached)
