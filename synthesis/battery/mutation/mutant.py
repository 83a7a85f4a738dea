"""A mutant: one small change to an environment's code that somebody should notice.

It is kept as an edit of a file's text, so that a diff shows it and nothing else.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Literal

File = Literal["server.py", "schema.sql"]
_LONGEST_QUOTE = 70


@dataclass(frozen=True)
class Edit:
    """A piece of a text, and what stands there instead."""

    kind: str
    start: int
    end: int
    new: str

    def moved(self, distance: int) -> Edit:
        """Give the same edit of a text that begins `distance` characters earlier."""
        return Edit(self.kind, self.start + distance, self.end + distance, self.new)

    def apply(self, text: str) -> str:
        """Give the text after the edit."""
        return f"{text[: self.start]}{self.new}{text[self.end :]}"


@dataclass(frozen=True)
class Mutant:
    """An edit of one file of an environment's folder; offsets are characters of that file's text."""

    environment: str
    file: File
    kind: str
    where: str
    """The tool, function, table, view or module-level name that the edit is in."""
    line: int
    start: int
    end: int
    old: str
    new: str

    @classmethod
    def of(cls, environment: str, file: File, where: str, edit: Edit, text: str) -> Mutant:
        """Give the mutant that an edit of a file's text makes."""
        old = text[edit.start : edit.end]
        line = text.count("\n", 0, edit.start) + 1
        return cls(environment, file, edit.kind, where, line, edit.start, edit.end, old, edit.new)

    @cached_property
    def id(self) -> str:
        """A short name that stays the same as long as the file before the edit does."""
        parts = "\0".join((self.file, str(self.start), str(self.end), self.old, self.new))
        return blake2b(parts.encode(), digest_size=5).hexdigest()

    def apply(self, text: str) -> str:
        """Give the file's text with the change; raises `ValueError` for the text of another version."""
        if text[self.start : self.end] != self.old:
            raise ValueError(f"{self.file} isn't the text that mutant {self.id} was made from; make mutants anew.")
        return f"{text[: self.start]}{self.new}{text[self.end :]}"

    def diff(self, text: str) -> str:
        """Give the change as a unified diff with two lines around it."""
        lines = difflib.unified_diff(
            text.splitlines(keepends=True),
            self.apply(text).splitlines(keepends=True),
            f"a/{self.environment}/{self.file}",
            f"b/{self.environment}/{self.file}",
            n=2,
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def change(self, became: str = "became", was: str = "was") -> str:
        """Give the change as words, such as "`<=` became `<`"."""
        if self.kind == "transaction":
            return f"a write {was} kept before its guard"
        if self.new.strip() in ("", "pass"):
            return f"{_quoted(self.old)} {was} dropped"
        if not self.old.strip():
            return f"{_quoted(self.new)} {was} added"
        return f"{_quoted(self.old)} {became} {_quoted(self.new)}"

    @property
    def title(self) -> str:
        """One line that says where the change is and what it is."""
        return f"{self.environment}/{self.file}:{self.line} {self.where}: {self.change()}"


def _quoted(text: str) -> str:
    flat = " ".join(text.split())
    return f"`{flat if len(flat) <= _LONGEST_QUOTE else flat[: _LONGEST_QUOTE - 1] + '…'}`"
