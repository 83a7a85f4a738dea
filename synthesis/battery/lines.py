"""Which lines of an environment's tools run while something else happens."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from envfactory_client.errors import MissingExtra


@contextmanager
def watched(folder: Path) -> Iterator[Callable[[], float]]:
    """Watch server.py of a folder; afterwards the function gives the share of its functions' lines that ran."""
    try:
        from coverage import Coverage
    except ModuleNotFoundError as error:
        raise MissingExtra("Verifying", "verify") from error
    path = (folder / "server.py").resolve()
    watch = Coverage(data_file=None, include=[str(path)], config_file=False)
    watch.start()
    try:
        yield lambda: _share(watch.analysis2(str(path)), path)
    finally:
        watch.stop()


def _share(analysis: tuple[str, list[int], list[int], list[int], str], path: Path) -> float:
    _, statements, _, missing, _ = analysis
    inside = _bodies(path.read_text(encoding="utf-8"))
    counted = inside & set(statements)
    return round(len(counted - set(missing)) / len(counted), 3) if counted else 1.0


def _bodies(text: str) -> set[int]:
    """The lines within functions; what runs when the module is loaded says nothing."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return {
        line
        for function in functions
        for node in function.body
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
