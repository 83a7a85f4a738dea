"""Contamination: whether tools of ours are those of a benchmark, by name and by the names of their parameters.

A benchmark's package is installed into a folder that is thrown away afterwards, and only the files that define its
functions are parsed, of these only the names: no query, no task and no docstring is read, and nothing is kept.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from envfactory_client.card.report import Contamination, Match
from envfactory_client.card.toolset import Parameters
from envfactory_client.errors import Unreachable, UsageError, did_you_mean

PATIENCE: Final = 300
"""Seconds that an installation may take."""
_PINNED: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:==(?P<version>[A-Za-z0-9.+!-]+))?")
_OWN: Final = frozenset({"self", "cls"})


@dataclass(frozen=True)
class Benchmark:
    """A package that carries a benchmark, and where in it functions are defined."""

    version: str
    """The version that is looked at unless another one is asked for."""
    sources: tuple[str, ...]
    """Patterns of the Python files that define them."""


@dataclass(frozen=True)
class Function:
    """A function of a benchmark, by name alone."""

    module: str
    name: str
    parameters: frozenset[str]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "bfcl-eval": Benchmark("2026.3.23", ("bfcl_eval/eval_checker/multi_turn_eval/func_source_code/*.py",)),
    "inspect-evals": Benchmark(
        "0.26.0",
        ("inspect_evals/tau2/*/tools.py", "inspect_evals/tau2/*/user_tools.py", "inspect_evals/tau2/*/*Tools.py"),
    ),
}
"""The benchmarks on PyPI whose functions can be compared with."""


def compare(package: str, tools: Parameters) -> Contamination:
    """Our tools against the functions of a benchmark, named as "bfcl-eval" or "bfcl-eval==2026.3.23"."""
    name, version = _pinned(package)
    with TemporaryDirectory() as folder:
        _install(f"{name}=={version}", Path(folder))
        functions = tuple(functions_in(Path(folder), BENCHMARKS[name].sources))
    if not functions:
        raise UsageError(
            f"{name} {version} defines no function where {name} {BENCHMARKS[name].version} does; try that."
        )
    return judged(name, version, functions, tools)


def judged(package: str, version: str, functions: Iterable[Function], tools: Parameters) -> Contamination:
    """Which tools share their names with functions, and which of these the parameters too."""
    listed = sorted(set(functions), key=str)
    matches = [match for tool in sorted(tools) if (match := _match(tool, tools[tool], listed)) is not None]
    same = sum(match.same_parameters for match in matches)
    return Contamination(
        package=package,
        version=version,
        functions=len(listed),
        tools=len(tools),
        name_only=len(matches) - same,
        name_and_parameters=same,
        matches=tuple(matches),
    )


def functions_in(folder: Path, patterns: Iterable[str]) -> Iterator[Function]:
    """The public functions that Python files define, those that wrap a tool's body under the outer name."""
    for path in sorted({found for pattern in patterns for found in folder.glob(pattern)}):
        tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef):
                yield from (
                    _function(path.stem, inner)
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_")
                )


def _function(module: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    """A function with its parameters; those of `execute` where it only makes a tool."""
    body = next(
        (inner for inner in node.body if isinstance(inner, ast.AsyncFunctionDef) and inner.name == "execute"), node
    )
    listed = (*body.args.posonlyargs, *body.args.args, *body.args.kwonlyargs)
    return Function(module, node.name, frozenset(one.arg for one in listed) - _OWN)


def _match(tool: str, parameters: frozenset[str], functions: Iterable[Function]) -> Match | None:
    """The function of the same name that shares the most parameters; None when no name is the same."""
    name = _plain(tool.partition(".")[2])
    named = [function for function in functions if _plain(function.name) == name]
    if not named:
        return None
    best = max(named, key=lambda function: (function.parameters == parameters, len(function.parameters & parameters)))
    return Match(
        tool=tool,
        function=str(best),
        same_parameters=best.parameters == parameters,
        shared_parameters=tuple(sorted(best.parameters & parameters)),
    )


def _plain(name: str) -> str:
    """A name in any case style as lower-case letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _pinned(package: str) -> tuple[str, str]:
    match = _PINNED.fullmatch(package)
    if match is None:
        raise UsageError(f"'{package}' isn't a package; --against takes one such as bfcl-eval or bfcl-eval==2026.3.23.")
    name = match["name"].lower().replace("_", "-")
    if name not in BENCHMARKS:
        raise UsageError(f"Where '{name}' defines its functions isn't known{did_you_mean(name, BENCHMARKS)}")
    return name, match["version"] or BENCHMARKS[name].version


def _install(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--target", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603 - our own words
    except subprocess.TimeoutExpired as error:
        raise Unreachable(
            f"{requirement} wasn't installed within {PATIENCE} s; try again when the index answers."
        ) from error
    if done.returncode:
        raise Unreachable(
            f"{requirement} can't be had from the package index ({_reason(done.stderr)}); "
            "leave --against out when offline."
        )


def _reason(said: str) -> str:
    """The first error that pip tells, without its list of versions."""
    why = next((line for line in said.splitlines() if line.startswith("ERROR: ")), "ERROR: pip failed")
    return why.removeprefix("ERROR: ").partition(" (from")[0]
