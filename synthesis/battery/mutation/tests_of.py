"""An environment's own tests, run in this process against another server.py than the one they import.

Meant for a process that ends afterwards: modules and pytest's state stay changed.
"""

from __future__ import annotations

import ast
import io
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from synthesis.battery.mutation.mutant import Mutant

TEST_FILE = "test_server.py"
_NOT_NEEDED = ("cacheprovider", "xdist", "timeout", "terminalreporter", "unraisableexception")
"""Plugins of pytest that would cost time and tell nothing; the last one collects garbage, twice."""


@dataclass(frozen=True)
class Reach:
    """What one test executes of server.py, and how long it takes."""

    test: str
    functions: frozenset[str]
    seconds: float


@dataclass(frozen=True)
class TestRun:
    """What a run of tests showed: the first failure as a sentence, and what each test reached if that was asked."""

    __test__ = False

    failure: str | None
    reaches: tuple[Reach, ...] = ()


def run_tests(
    copy: Path, module: ModuleType, tests: Sequence[str] | None = None, *, entered: set[str] | None = None
) -> TestRun:
    """Run the tests of a copied folder against `module`, all or those named in their order, up to the first failure.

    Where the module notes in `entered` which functions are, the run tells what each test reached.
    """
    path = copy / TEST_FILE
    _stand_in(path, module)
    watch = _Watch(tests, entered)
    options = ["-x", "-q", "--import-mode=importlib", f"--rootdir={copy}", "-c", str(_settings(copy))]
    off = [f"-pno:{plugin}" for plugin in _NOT_NEEDED]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        code = pytest.main([str(path), *options, *off], plugins=[watch])
    failure = watch.failure
    if failure is None and code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        failure = f"{TEST_FILE} can't be run: pytest ended with {int(code)}."
    return TestRun(failure, tuple(watch.reaches))


def covering(mutant: Mutant, reaches: Sequence[Reach], uses: Mapping[str, Collection[str]]) -> list[str]:
    """Give the tests that may notice a mutant, the likeliest first: those that reach what uses its place.

    `uses` gives for the mutant's place, if it isn't a function, the functions whose text speaks of it.
    """
    if any(mutant.where in reach.functions for reach in reaches):
        found = [reach for reach in reaches if mutant.where in reach.functions]
        return [reach.test for reach in sorted(found, key=lambda reach: (len(reach.functions), reach.seconds))]
    users = set(uses.get(mutant.where, ()))
    ordered = sorted(reaches, key=lambda reach: (-len(users & reach.functions), reach.seconds))
    return [reach.test for reach in ordered]


def _settings(copy: Path) -> Path:
    """Give an empty configuration, so that none of a folder above is found."""
    path = copy / "pytest.ini"
    path.write_text("[pytest]\n", encoding="utf-8")
    return path


def _stand_in(test_file: Path, module: ModuleType) -> None:
    """Let the tests import `module` under the name by which they import the server."""
    name = _imported_server(ast.parse(test_file.read_text(encoding="utf-8")))
    parents = name.split(".")[:-1]
    for length in range(1, len(parents) + 1):
        package = ".".join(parents[:length])
        if package not in sys.modules:
            _import_or_make(package)
    sys.modules[name] = module
    if parents:
        setattr(sys.modules[".".join(parents)], name.rpartition(".")[2], module)


def _imported_server(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and any(alias.name == "env" for alias in node.names):
            return node.module
    raise LookupError(f"{TEST_FILE} imports no env; let it say: from servers.<name>.server import env")


def _import_or_make(package: str) -> None:
    try:
        __import__(package)
    except ImportError:
        made = ModuleType(package)
        made.__path__ = []
        sys.modules[package] = made


class _Watch:
    """A plugin of pytest that orders the tests, and notes their first failure and what each reaches."""

    def __init__(self, tests: Sequence[str] | None, entered: set[str] | None) -> None:
        self.order = None if tests is None else {test: place for place, test in enumerate(tests)}
        self.entered = entered
        self.failure: str | None = None
        self.reaches: list[Reach] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the wanted tests, in the wanted order."""
        if self.order is not None:
            wanted = [item for item in items if _named(item.nodeid) in self.order]
            items[:] = sorted(wanted, key=lambda item: (self.order or {})[_named(item.nodeid)])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what a test reaches, its fixtures included."""
        if self.entered is None:
            return (yield)
        began = time.perf_counter()
        self.entered.clear()
        done = yield
        seconds = time.perf_counter() - began
        self.reaches.append(Reach(_named(item.nodeid), frozenset(self.entered), seconds))
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first failure."""
        if report.failed and self.failure is None:
            self.failure = f"{_named(report.nodeid)}: {_reason(report)}"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that the tests can't even be imported."""
        if report.failed and self.failure is None:
            self.failure = f"{TEST_FILE} can't be imported: {_reason(report)}"


def _named(node_id: str) -> str:
    return node_id.partition("::")[2]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    return " ".join((crash.message if crash else str(report.longrepr)).split())[:160]
