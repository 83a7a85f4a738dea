"""Which lines of an environment's tools run while something else happens."""

from __future__ import annotations

import ast
from pathlib import Path
from types import TracebackType

from envfactory_client.errors import MissingExtra


class Lines:
    """Watches server.py of a folder while it is entered: `with lines: ...`, any number of times."""

    def __init__(self, folder: Path) -> None:
        try:
            from coverage import Coverage
        except ModuleNotFoundError as error:
            raise MissingExtra("Verifying", "verify") from error
        self._path = (folder / "server.py").resolve()
        self._watch = Coverage(data_file=None, include=[str(self._path)], config_file=False)

    def __enter__(self) -> None:
        self._watch.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.stop()

    def share(self) -> float:
        """The share of its functions' lines that ran."""
        return _share(self._watch.analysis2(str(self._path)), self._path)


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
