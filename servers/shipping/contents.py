"""The contents of a parcel: an environment's files, the runtime that it stands on, and what starts them."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import distribution, metadata, requires
from pathlib import Path

from servers.runtime import Environment
from servers.runtime.discovery import SERVERS

DISTRIBUTION = "envfactory"
ENTRY = "main.py"
Contents = dict[str, bytes]
"""What a file holds, by its path in the parcel."""

_SHIPPED = (".py", ".toml", ".sql", ".md", ".json", ".typed")
_MAIN = '''\
"""{title}, an MCP server that stands by itself: `python {entry} --help`."""

from servers.{name}.server import env, mcp
from servers.runtime.standalone import run

__all__ = ["env", "mcp"]

if __name__ == "__main__":
    run(env)
'''
_PYPROJECT = """\
[project]
name = {name}
version = {version}
description = {summary}
license = {licence}
requires-python = {python}
dependencies = [
{dependencies}
]

[tool.uv]
package = false

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]
pythonpath = ["."]
testpaths = ["servers/{folder}/test_server.py"]
"""
_README = """\
# {title}

{summary} An MCP server with {tools} tools over a SQLite state of its own, ejected from EnvFactory {release}: everything
of ours that it needs is in this folder, and what it needs of others is in `pyproject.toml`.

```bash
uv run main.py --help                    # with uv, which fetches the dependencies
uv run main.py                           # over stdio, as an MCP client starts it
uv run main.py --http 127.0.0.1:8000     # at http://127.0.0.1:8000/mcp
uv run --with pytest python -m pytest    # its own tests, where they are among its files
```

Without uv: `python -m venv .venv && .venv/bin/pip install {requirements}`, then `.venv/bin/python main.py`.

The environment is in `servers/{name}/`; change it as you like. `servers/runtime/` is what it stands on.
"""


def contents(environment: Environment, *, tests: bool) -> Contents:
    """Give the files of an environment that runs without us; `tests` says whether its own tests come along."""
    name = environment.name
    found: Contents = {
        "servers/__init__.py": f'"""The server of {environment.manifest.title}, and its runtime."""\n'.encode(),
        **dict(_folder(SERVERS / "runtime", "servers/runtime", tests=False)),
        **dict(_folder(environment.folder, f"servers/{name}", tests=tests)),
        ENTRY: _MAIN.format(title=environment.manifest.title, name=name, entry=ENTRY).encode(),
        "pyproject.toml": _pyproject(environment).encode(),
        "README.md": _readme(environment).encode(),
    }
    licence = distribution(DISTRIBUTION).read_text("licenses/LICENSE")
    if licence is not None:
        found["LICENSE"] = licence.encode()
    return dict(sorted(found.items()))


def python_versions() -> str:
    """Give the versions of Python that it runs on, as packages say it."""
    return metadata(DISTRIBUTION)["Requires-Python"] or f">={sys.version_info.major}.{sys.version_info.minor}"


def requirements() -> list[str]:
    """Give what the runtime needs of others: what serving needs, as this release pins it."""
    found = [line.partition(";") for line in requires(DISTRIBUTION) or ()]
    serving = [name.strip() for name, _, marker in found if re.search(r"extra == ['\"]farm['\"]", marker)]
    base = [name.strip() for name, _, marker in found if not marker and name.startswith("pydantic")]
    return sorted([*serving, *base], key=str.lower)


def _folder(folder: Path, place: str, *, tests: bool) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
        if path.is_file() and path.suffix in _SHIPPED and not hidden and (tests or not path.name.startswith("test_")):
            yield f"{place}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _pyproject(environment: Environment) -> str:
    manifest = environment.manifest
    return _PYPROJECT.format(
        name=json.dumps(f"{DISTRIBUTION}-{manifest.name.replace('_', '-')}"),
        version=json.dumps(manifest.version),
        summary=json.dumps(manifest.summary, ensure_ascii=False),
        licence=json.dumps(manifest.licence),
        python=json.dumps(python_versions()),
        dependencies="\n".join(f"    {json.dumps(one)}," for one in requirements()),
        folder=manifest.name,
    )


def _readme(environment: Environment) -> str:
    manifest = environment.manifest
    text = _README.format(
        title=manifest.title,
        summary=manifest.summary,
        tools=len(environment.tools),
        release=metadata(DISTRIBUTION)["Version"],
        requirements=" ".join(f"'{one}'" for one in requirements()),
        name=manifest.name,
    )
    head, summary, rest = text.split("\n\n", 2)
    return f"{head}\n\n{textwrap.fill(' '.join(summary.split()), 120)}\n\n{rest}"
