"""Where an environment speaks of what: which functions use a view, a table or a module's name, directly or not."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from synthesis.battery.mutation.schema_code import statements


def uses(folder: Path) -> Mapping[str, frozenset[str]]:
    """Give for each table, view and module-level name the functions of server.py whose text leads to it."""
    texts = _texts(folder)
    names = set(texts)
    spoken = {name: names & set(re.findall(r"\w+", text)) - {name} for name, text in texts.items()}
    functions = _functions(folder)
    found: dict[str, set[str]] = {name: set() for name in names}
    for function in functions:
        for name in _reached(function, spoken):
            found[name].add(function)
    return {name: frozenset(users) for name, users in found.items()}


def _reached(start: str, spoken: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    new = {start}
    while new:
        reached |= new
        new = {name for old in new for name in spoken[old]} - reached
    return reached


def _texts(folder: Path) -> dict[str, str]:
    """Give the text of each view and table, and of each thing that server.py defines."""
    schema = (folder / "schema.sql").read_text(encoding="utf-8")
    texts = {name: schema[start:end] for kind, name, start, end in statements(schema) if kind == "VIEW"}
    texts |= {name: "" for kind, name, _, _ in statements(schema) if kind == "TABLE"}
    server = (folder / "server.py").read_text(encoding="utf-8")
    for node in ast.parse(server).body:
        if isinstance(node, ast.FunctionDef):
            texts[node.name] = ast.unparse(node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts[node.targets[0].id] = ast.unparse(node.value)
    return texts


def _functions(folder: Path) -> list[str]:
    tree = ast.parse((folder / "server.py").read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
