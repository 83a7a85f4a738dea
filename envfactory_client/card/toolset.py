"""The tools of a dataset: their parameters, as the lists kept beside the trajectories tell them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from envfactory_client.errors import DatasetError
from envfactory_client.tool import Tool

Parameters = Mapping[str, frozenset[str]]
"""Full name of a tool to the names of its parameters."""


def kept_parameters(folder: Path, digests: Iterable[str]) -> dict[str, frozenset[str]]:
    """The parameters of every tool in the lists that are kept under these digests; a missing list tells nothing."""
    found: dict[str, frozenset[str]] = {}
    for digest in sorted(digests):
        path = folder / "tools" / f"{digest}.json"
        if path.exists():
            found |= _listed(path)
    return found


def declared_parameters(tools: Iterable[Tool]) -> dict[str, frozenset[str]]:
    """The parameters of tools as their server lists them."""
    return {tool.full_name: frozenset(tool.input_schema.get("properties", {})) for tool in tools}


def _listed(path: Path) -> dict[str, frozenset[str]]:
    try:
        listing = json.loads(path.read_bytes())
        return {entry["name"]: frozenset(entry.get("inputSchema", {}).get("properties", {})) for entry in listing}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} isn't a list of tools ({error}); copy the dataset's folder as a whole.") from error
