"""What is owed: the places of an environment's folder where its author still has to put their own knowledge.

A place is marked by a comment `OWED: ...` that says what belongs there; whoever has put it there removes the comment.
Whole files can be owed too: a part that is missing, and the record of how the environment was verified.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from synthesis.authoring.errors import AuthoringError
from synthesis.authoring.skeleton import parts

_MARK = re.compile(r"\bOWED: (?P<what>.+?)(?: *-->)?\s*$")
_RECORD = "verified.json"
_TEXTS = frozenset({".md", ".py", ".sql", ".toml"})


@dataclass(frozen=True)
class Owed:
    """One thing that is owed, and the line that says so; line 0 stands for a whole file that is missing."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        place = f"{shown(self.path)}:{self.line}" if self.line else shown(self.path)
        return f"{place}: {self.what}"


def owed_in(folder: Path) -> list[Owed]:
    """Give what the environment in a folder still owes, in the order of files and lines."""
    if not (folder / "manifest.toml").is_file():
        raise AuthoringError(
            f"{shown(folder)} has no manifest.toml, so it isn't an environment; give a folder that "
            "`envfactory new` wrote."
        )
    texts = [path for path in folder.iterdir() if path.suffix in _TEXTS and path.is_file()]
    missing = [Owed(folder / name, 0, "this part is missing") for name in parts() if not (folder / name).is_file()]
    if not (folder / _RECORD).is_file():
        what = f"verify it, and keep the record: envfactory verify {shown(folder)} --mutants 60 --write"
        missing.append(Owed(folder / _RECORD, 0, what))
    found = [*missing, *(owed for path in texts for owed in _marks(path))]
    return sorted(found, key=lambda owed: (owed.path.name, owed.line))


def _marks(path: Path) -> list[Owed]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [Owed(path, number, mark["what"]) for number, line in enumerate(lines, 1) if (mark := _MARK.search(line))]


def shown(path: Path) -> str:
    """Give a path as a person would type it: from here, if it is below."""
    whole, here = path.resolve(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)
