"""A toolbox: the lists of tools beside a dataset, by their digests, each read once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envfactory_client.errors import DatasetError
from envfactory_client.trajectory import digest

Listing = Sequence[Mapping[str, Any]]


class Toolbox:
    """The folder "tools" beside a dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, Listing] = {}

    def __getitem__(self, name: str) -> Listing:
        """The list of tools that has a digest, checked against it."""
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> Listing:
        path = self.folder / f"{name}.json"
        try:
            listing: Listing = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DatasetError(f"The tools {path} aren't there; copy the dataset's folder as a whole.") from error
        except ValueError as error:
            raise DatasetError(f"The tools {path} can't be read ({error}); copy the file again.") from error
        if digest(listing) != name:
            raise DatasetError(f"The tools {path} aren't those that were offered; copy the file again.")
        return listing
