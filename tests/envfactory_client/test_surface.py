"""The public surface, and what importing it needs."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import envfactory_client
from envfactory_client import errors

FOLDER = Path(envfactory_client.__file__).parent


def test_the_public_surface_is_sorted_and_exists() -> None:
    names = envfactory_client.__all__
    assert names == sorted(names)
    assert len(names) == len(set(names))
    assert all(hasattr(envfactory_client, name) for name in names)


def test_everything_imported_at_the_top_is_public() -> None:
    modules = {module.name for module in pkgutil.iter_modules([str(FOLDER)])}
    imported = {name for name in vars(envfactory_client) if not name.startswith("_")} - modules
    imported |= {"explore", "replay", "sample", "score"}  # functions that share their module's name
    assert imported == set(envfactory_client.__all__)


def test_every_error_is_in_the_tree_that_its_module_draws_and_public() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.EnvFactoryError)
    }
    assert errors.__doc__ is not None
    drawn = {word.strip("├└─│ ").split(" ")[0] for word in errors.__doc__.splitlines() if word.startswith("    ")}
    assert kinds <= drawn
    assert kinds <= set(envfactory_client.__all__)


def test_importing_the_client_loads_neither_mcp_nor_servers() -> None:
    script = (
        "import sys, envfactory_client, envfactory_client.cli\n"
        "heavy = {'mcp', 'fastmcp', 'servers', 'synthesis', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=FOLDER.parent)


def test_no_module_of_the_client_names_servers_or_synthesis() -> None:
    for module in pkgutil.iter_modules([str(FOLDER)]):
        source = Path(str(importlib.import_module(f"envfactory_client.{module.name}").__file__)).read_text("utf-8")
        assert "import servers" not in source
        assert "from servers" not in source
        assert "from synthesis" not in source
