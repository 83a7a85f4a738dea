"""Bundling: a parcel as an .mcpb file, which desktop clients install by a double click.

The file is a zip with a manifest of version 0.4; the client's own uv fetches what it depends on. Equal contents give
equal bytes on every machine: entries are in order, dated by the format's first day, and stored as they are, because
compressors differ.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from servers.runtime import Environment
from servers.shipping.contents import DISTRIBUTION, ENTRY, Contents, contents, python_versions

MANIFEST_VERSION = "0.4"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_UNIX, _RIGHTS = 3, 0o100644


def bundle(environment: Environment) -> bytes:
    """Give the .mcpb file of an environment."""
    files = contents(environment, tests=False)
    return zipped({"manifest.json": _text(manifest(environment)), **files})


def manifest(environment: Environment) -> dict[str, Any]:
    """Give the manifest of an environment's bundle."""
    said = environment.manifest
    rules = {"prompts_generated": True} if environment.text("policy.md") else {}
    return {
        "manifest_version": MANIFEST_VERSION,
        "name": f"{DISTRIBUTION}-{said.name.replace('_', '-')}",
        "display_name": said.title,
        "version": said.version,
        "description": said.summary,
        "author": {"name": "EnvFactory"},
        "license": said.licence,
        "keywords": [said.domain, "sandbox", "sqlite"],
        "server": {"type": "uv", "entry_point": ENTRY, "mcp_config": _launch()},
        "tools": [
            {"name": name, "description": definition.description.splitlines()[0]}
            for name, definition in environment.tools.items()
        ],
        **rules,
        "compatibility": {"platforms": ["darwin", "linux"], "runtimes": {"python": python_versions()}},
        "user_config": _asked(),
    }


def zipped(files: Contents) -> bytes:
    """Give a zip of the files that is the same wherever it is made."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.create_system, entry.external_attr = _UNIX, _RIGHTS << 16
            archive.writestr(entry, files[name])
    return held.getvalue()


def _launch() -> dict[str, Any]:
    world = ["--seed", "${user_config.seed}", "--size", "${user_config.size}"]
    return {"command": "uv", "args": ["run", "--directory", "${__dirname}", ENTRY, *world]}


def _asked() -> dict[str, Any]:
    return {
        "seed": {
            "type": "number",
            "title": "Seed",
            "description": "Which world the server begins in: the same seed gives the same people and rows.",
            "default": 0,
            "min": 0,
            "required": False,
        },
        "size": {
            "type": "string",
            "title": "Size",
            "description": "How many rows there are: small, medium or large.",
            "default": "small",
            "required": False,
        },
    }


def _text(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
