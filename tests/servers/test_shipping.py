"""Ejected folders and bundles: they hold all that they need, run without us, and overwrite nothing."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import fastmcp
import pytest
import typer
from fastmcp.client.transports import StdioTransport
from typer.testing import CliRunner

from servers.runtime import discover
from servers.shipping import command
from servers.shipping.bundle import bundle, manifest, zipped
from servers.shipping.contents import contents, requirements

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(fastmcp.__file__).parents[1]
ENVIRONMENTS = sorted(discover())
ALONE = """
import runpy, sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path]
sys.path[:0] = [{folder!r}]
sys.path.append({site!r})
for name in ("envfactory_client", "synthesis"):
    sys.modules[name] = None
sys.argv = {argv!r}
{run}
"""


def alone(folder: Path, run: str, *argv: str) -> list[str]:
    """Give the start of a process that has other people's packages on its path, but none of ours: no site, no .pth."""
    script = ALONE.format(folder=str(folder), site=str(SITE), argv=list(argv), run=run)
    return [sys.executable, "-S", "-P", "-c", script]


def invoked(function: object, *words: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(function)  # type: ignore[type-var]
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_ejected_environment_runs_by_itself(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "ejected"
    code, told = invoked(command.eject, name, str(folder))
    assert code == 0, told
    assert f"cd {folder} && uv run main.py --help" in told
    begin, *rest = alone(folder, "runpy.run_path('main.py', run_name='__main__')", "main.py", "--seed", "7")

    async def visit() -> list[str]:
        transport = StdioTransport(begin, rest, env={}, cwd=str(folder), keep_alive=False)
        async with fastmcp.Client(transport) as client:
            return [tool.name for tool in await client.list_tools()]

    assert asyncio.run(visit()) == list(discover()[name]().tools)


def test_an_ejected_environment_is_the_one_that_is_imported_and_passes_its_own_tests(tmp_path: Path) -> None:
    folder = tmp_path / "ejected"
    assert invoked(command.eject, "airline", str(folder))[0] == 0
    where = "import servers.airline.server as s, servers.runtime as r; print(s.__file__); print(r.__file__)"
    shown = subprocess.run(alone(folder, where), cwd=tmp_path, capture_output=True, text=True, check=True, env={})
    assert all(Path(line).is_relative_to(folder) for line in shown.stdout.splitlines())
    tests = alone(folder, "import pytest; sys.exit(pytest.main(['-q', '-k', 'cancel', '-p', 'no:cacheprovider']))", "x")
    done = subprocess.run(tests, cwd=folder, capture_output=True, text=True, check=False, env={}, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_a_parcel_holds_nothing_of_the_other_environments_and_no_leftovers() -> None:
    files = contents(discover()["airline"](), tests=True)
    assert {name.split("/")[1] for name in files if name.startswith("servers/")} == {
        "__init__.py",
        "airline",
        "runtime",
    }
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc")]
    assert "servers/airline/test_server.py" in files
    assert "servers/airline/test_server.py" not in contents(discover()["airline"](), tests=False)
    assert b"Apache License" in files["LICENSE"]


def test_a_parcel_asks_for_what_serving_needs_at_the_versions_of_this_release() -> None:
    project = tomllib.loads(contents(discover()["bank"](), tests=False)["pyproject.toml"].decode())["project"]
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["farm"]
    exact = {word.lower() for word in ours if "==" in word}
    assert exact <= {word.lower() for word in project["dependencies"]}
    assert project["dependencies"] == requirements()
    assert any(word.startswith("pydantic") for word in requirements())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    code, told = invoked(command.eject, "airline", str(tmp_path))
    assert (code, told) == (
        1,
        f"{tmp_path} isn't an empty folder; name one that is new, so that nothing is overwritten.\n",
    )
    file = tmp_path / "airline.mcpb"
    file.write_text("mine", "utf-8")
    code, told = invoked(command.bundle, "airline", "--out", str(file))
    assert (code, told) == (1, f"{file} is there already; choose another name by --out, or --force it.\n")
    assert file.read_text("utf-8") == "mine"
    code, told = invoked(command.bundle, "airline", "--out", str(file), "--force")
    assert code == 0
    assert told.split()[-1] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["airline.mcpb", "mine.txt"]


@pytest.mark.parametrize("function", [command.eject, command.bundle])
def test_an_unknown_environment_is_said_in_one_sentence(function: object, tmp_path: Path) -> None:
    words = ["airlin", str(tmp_path / "x")] if function is command.eject else ["airlin"]
    assert invoked(function, *words) == (1, "There is no environment 'airlin'; did you mean 'airline'?\n")


def test_a_place_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, told = invoked(command.eject, "airline", str(tmp_path / "file" / "folder"))
    assert code == 1
    assert "can't be written: File exists; choose another place." in told
    code, told = invoked(command.bundle, "airline", "--out", str(tmp_path / "nowhere" / "x.mcpb"))
    assert (code, "No such file or directory; choose another place." in told) == (1, True)


def test_a_bundle_is_the_same_bytes_whenever_it_is_made_and_whatever_the_order() -> None:
    environment = discover()["schedule"]()
    assert bundle(environment) == bundle(environment)
    assert zipped({"a": b"1", "b": b"2"}) == zipped({"b": b"2", "a": b"1"})
    with zipfile.ZipFile(io.BytesIO(bundle(environment))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.namelist() == sorted(archive.namelist())
        assert "main.py" in archive.namelist()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_manifest_names_every_tool_and_starts_the_file_that_is_there(name: str) -> None:
    environment = discover()[name]()
    said = manifest(environment)
    assert [tool["name"] for tool in said["tools"]] == list(environment.tools)
    assert all(tool["description"] for tool in said["tools"])
    assert said["server"]["entry_point"] in contents(environment, tests=False)
    asked = {word for word in said["server"]["mcp_config"]["args"] if "user_config" in word}
    assert asked == {f"${{user_config.{key}}}" for key in said["user_config"]}


@pytest.mark.parametrize("name", ["bundle", "eject"])
def test_the_command_line_finds_it_and_its_help_has_an_example(name: str) -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    module, _, function = points["envfactory.commands"][name].partition(":")
    assert module == command.__name__
    code, told = invoked(getattr(command, function), "--help")
    assert code == 0
    assert f"Example: envfactory {name} airline" in " ".join(told.split())
