"""Starting rows as a dataset keeps them: compressed, under the digest of their canonical JSON."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

from envfactory_client.episode import Rows
from envfactory_client.trajectory import canonical_json, text_digest

_COMPRESSION = 6
"""How hard they are packed; the most, 9, takes three times as long to save one byte in thirty."""


@dataclass(frozen=True, slots=True)
class StartingRows:
    """The starting rows of an episode, ready to be kept."""

    digest: str
    """The name that they are kept under, as `scenario_digest` gives it."""
    content: bytes
    """What their file holds."""

    @classmethod
    def of(cls, scenario: Mapping[str, Rows]) -> StartingRows:
        """The rows of each environment, packed."""
        return cls._packed(canonical_json(scenario))

    @classmethod
    def joined(cls, texts: Mapping[str, str]) -> StartingRows:
        """The rows of each environment, packed, from the canonical JSON of each, for who has that already."""
        return cls._packed("{" + ",".join(f"{canonical_json(name)}:{texts[name]}" for name in sorted(texts)) + "}")

    @classmethod
    def _packed(cls, text: str) -> StartingRows:
        return cls(text_digest(text), gzip.compress(text.encode(), _COMPRESSION, mtime=0))
