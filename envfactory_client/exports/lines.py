"""Lines: an export of one JSON object a line, and the entry in LLaMA-Factory's catalogue where it needs one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from envfactory_client.errors import DatasetError
from envfactory_client.exports.dialogue import Dialogue
from envfactory_client.exports.openai import compact_json
from envfactory_client.exports.sharegpt import CATALOGUE, catalogue_with, sharegpt_record
from envfactory_client.exports.staging import Staging

Record = Callable[[Dialogue], dict[str, Any]]


class Lines:
    """Writes records to a file; one that is there and doesn't begin with the same record is foreign."""

    def __init__(self, record: Record, out: Path, staging: Staging, *, force: bool) -> None:
        self.record, self.out, self.staging, self.force = record, out, staging, force
        self._file: BinaryIO | None = None
        if out.exists() and not out.is_file():
            raise DatasetError(f"{out} isn't a file; this format is written to one, such as {out / 'train.jsonl'}.")

    def add(self, dialogue: Dialogue) -> None:
        """Write one record."""
        line = compact_json(self.record(dialogue)).encode() + b"\n"
        if self._file is None:
            self._keep_foreign(line)
            self._file = self.staging.part(self.out).open("wb")
        self._file.write(line)

    def finish(self) -> list[Path]:
        """Complete the file and give the files of the export."""
        self.close()
        return [self.out]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _keep_foreign(self, first: bytes) -> None:
        if self.force or not self.out.exists():
            return
        with self.out.open("rb") as there:
            if there.readline(len(first)) != first:
                raise DatasetError(
                    f"{self.out} is there already and isn't an earlier export of this dataset; give --force to "
                    "replace it, or another --out."
                )


class Conversations(Lines):
    """Lines for LLaMA-Factory, which finds them by the dataset_info.json beside."""

    def __init__(self, out: Path, staging: Staging, *, force: bool) -> None:
        super().__init__(sharegpt_record, out, staging, force=force)
        if out.suffix not in {".json", ".jsonl"}:
            raise DatasetError(f"{out} must end in .json or .jsonl, or LLaMA-Factory won't read it.")
        if out.name == CATALOGUE:
            raise DatasetError(f"{out} is where LLaMA-Factory lists its datasets; choose another --out.")
        self.catalogue = out.with_name(CATALOGUE)
        self._listed = catalogue_with(self.catalogue, out, force=force)

    def finish(self) -> list[Path]:
        """Complete the file, list it, and give both."""
        self.staging.part(self.catalogue).write_text(self._listed, encoding="utf-8")
        return [*super().finish(), self.catalogue]
