"""Loading a mutant: a copy of the environment's folder with the change in it, imported under a name of its own."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import CodeType, ModuleType

from servers.runtime import Environment
from servers.runtime.state import Rows
from servers.runtime.world import Size, World
from synthesis.battery.mutation.mutant import Mutant
from synthesis.battery.mutation.schema_code import compiled

_CACHE = "__pycache__"
_NOTE = "note_that_it_is_entered"


class Stillborn(Exception):
    """A mutant that doesn't compile or import, so that there is nothing to judge."""


class Scenario:
    """The rows that an environment's scenario.py gives, made once for all mutants: none of them changes that file.

    Those of small worlds with some seeds are made at once, the rest when they are asked for.
    """

    def __init__(self, environment: Environment, seeds: Iterable[int]) -> None:
        self._populate = environment.populate
        self._rows: dict[tuple[int, Size], Rows] = {}
        for seed in seeds:
            self._rows_of(World(seed, "small"))

    def serve(self, environment: Environment) -> None:
        """Let an environment take its rows from here."""
        environment.populate = self._rows_of  # type: ignore[method-assign]

    def _rows_of(self, world: World) -> Rows:
        key = (world.seed, world.size)
        if key not in self._rows:
            self._rows[key] = self._populate(world)
        return self._rows[key]


def write_mutant(folder: Path, mutant: Mutant | None, workspace: Path) -> Path:
    """Write a copy of an environment's folder with a mutant's change, and give where it is.

    Once the tests of the original have run in the workspace, their compiled form is copied with them.
    """
    name = folder.resolve().name
    copy = workspace / (mutant.id if mutant else "original") / name
    (copy / _CACHE).mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file():
            shutil.copy2(path, copy / path.name)
    for path in (workspace / "original" / name / _CACHE).glob("*-pytest-*.pyc") if mutant else ():
        shutil.copy2(path, copy / _CACHE / path.name)
    if mutant:
        changed = copy / mutant.file
        changed.write_text(mutant.apply(changed.read_text(encoding="utf-8")), encoding="utf-8")
    return copy


def import_server(copy: Path, entered: set[str] | None = None) -> ModuleType:
    """Import the server.py of a folder without leaving it in `sys.modules`; raises `Stillborn` when it can't be.

    With `entered`, each of its functions adds its name there whenever it is called.
    """
    name = f"mutant_{copy.parent.name}_{copy.name}"
    spec = importlib.util.spec_from_file_location(name, copy / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where type hints and pydantic look names up while the module runs
    try:
        if entered is None:
            spec.loader.exec_module(module)
        else:
            module.__dict__[_NOTE] = entered.add
            exec(_noting(copy / "server.py"), module.__dict__)  # noqa: S102 - the same file, as its loader would run it
    except Exception as error:  # whatever a changed module raises, it can't be imported
        raise Stillborn(f"server.py doesn't import: {type(error).__name__}: {error}") from error
    finally:
        del sys.modules[name]
    return module


def _noting(path: Path) -> CodeType:
    """Give the code of a file whose functions say that they are called, after their docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            note = ast.parse(f"{_NOTE}({node.name!r})").body
            place = 1 if ast.get_docstring(node, clean=False) is not None else 0
            node.body[place:place] = [ast.copy_location(statement, node.body[0]) for statement in note]
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def load_mutant(folder: Path, mutant: Mutant | None, workspace: Path) -> Environment:
    """Give the environment of a folder with a mutant's change, or unchanged; raises `Stillborn`."""
    return environment_of(import_server(write_mutant(folder, mutant, workspace)))


def environment_of(module: ModuleType) -> Environment:
    """Give a module's environment once its schema and all the SQL that it declares have compiled."""
    environment: Environment = module.env
    database = compiled(environment.schema)
    if database is None:
        raise Stillborn("schema.sql doesn't compile.")
    declared = [sql for definition in environment.tools.values() for sql in definition.refuses.values()]
    with closing(database):
        for sql in (*declared, *environment.invariants.values()):
            _require_compiles(database, sql)
    return environment


def _require_compiles(database: sqlite3.Connection, sql: str) -> None:
    try:
        database.execute(f"EXPLAIN {sql}")
    except sqlite3.ProgrammingError:  # its parameters aren't bound, which is asked once it has compiled
        return
    except sqlite3.Error as error:
        raise Stillborn(f"{error} in {' '.join(sql.split())[:120]}") from error
