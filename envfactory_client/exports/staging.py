"""Staging: files that are written aside and take their places together, or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType


class Staging:
    """Use it as `with Staging() as staging`; without `commit`, nothing of it is left behind."""

    def __init__(self) -> None:
        self._parts: dict[Path, Path] = {}
        self._folders: list[Path] = []

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in self._parts.values():
            part.unlink(missing_ok=True)
        for folder in reversed(self._folders):
            if not any(folder.iterdir()):
                folder.rmdir()

    def part(self, target: Path) -> Path:
        """The path under which a file is written until it is whole; folders on its way are made."""
        target = target.resolve()
        missing = [folder for folder in target.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            self._folders.append(folder)
        self._parts[target] = target.with_name(f".{target.name}.{os.getpid()}.part")
        return self._parts[target]

    def commit(self) -> None:
        """Put every file in its place."""
        for target, part in self._parts.items():
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(target)
        self._parts.clear()
