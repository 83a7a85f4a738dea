"""A dataset: a file of trajectories, one a line, with tools and starting rows by digest beside it.

The file only ever grows. A line is written by one append, so that a stopped writer leaves at most one torn
line at the end; that is reported, and removed only when asked.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from envfactory_client.episode import Rows
from envfactory_client.errors import CorruptLine, DatasetError, MissingScenario, TornLine
from envfactory_client.starting import StartingRows
from envfactory_client.tool import Tool
from envfactory_client.trajectory import Trajectory, canonical_json, digest, scenario_digest


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a dataset: its number, from 1, and its trajectory."""

    number: int
    trajectory: Trajectory


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a writer finds when it goes on with a file."""

    lines: int
    ids: frozenset[str]
    torn: TornLine | None
    """The torn last line, which isn't among `lines`; None when the file ends well."""


class Dataset:
    """A JSONL file of trajectories; writing ends with `close`, or use it as `with Dataset(path) as dataset`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: int | None = None

    def __enter__(self) -> Dataset:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self) -> Iterator[Line]:
        """Every line in order; a bad one is raised as CorruptLine, a torn last one as TornLine."""
        for entry in self.entries():
            if isinstance(entry, Line):
                yield entry
            else:
                raise entry

    def entries(self) -> Iterator[Line | CorruptLine | TornLine]:
        """Every line in order, bad ones as the error that they are, so that a reader can go on behind them."""
        for number, raw in self._raw_lines():
            try:
                yield Line(number, self._parse(number, raw))
            except (CorruptLine, TornLine) as error:
                yield error

    def line(self, number: int) -> Trajectory:
        """The trajectory of one line, counted from 1; other lines aren't looked at."""
        last = 0
        for last, raw in self._raw_lines():
            if last == number:
                return self._parse(number, raw)
        raise DatasetError(f"{self.path} has {last} line{'s' * (last != 1)}, so there is no line {number}.")

    def resume(self, *, truncate: bool = False) -> Resumption:
        """What is there already; with truncate, a torn last line is removed, and a whole one gets its newline."""
        ids: list[str] = []
        torn = None
        if self.path.exists():
            try:
                ids.extend(line.trajectory.id for line in self.read())
            except TornLine as found:
                torn = found
        if torn is not None and truncate:
            os.truncate(self.path, self.path.stat().st_size - torn.size)
        if truncate:
            self._end_last_line()
        return Resumption(len(ids), frozenset(ids), torn)

    def append(self, trajectory: Trajectory) -> None:
        """Add one line in a single write; a file that ends in a torn line is refused."""
        if self._file is None:
            self._file = self._open()
        line = trajectory.to_line().encode() + b"\n"
        if (written := os.write(self._file, line)) != len(line):
            raise DatasetError(f"{self.path}: only {written} of {len(line)} bytes could be written; is the disk full?")

    def put_tools(self, listing: Sequence[Mapping[str, Any]] | Sequence[Tool]) -> str:
        """Keep a list of tools and give its digest."""
        plain = [{**tool.to_wire(), "name": tool.full_name} if isinstance(tool, Tool) else tool for tool in listing]
        name = digest(plain)
        self._keep(self.path.parent / "tools" / f"{name}.json", lambda: canonical_json(plain).encode())
        return name

    def put_scenario(self, scenario: Mapping[str, Rows] | StartingRows) -> str:
        """Keep starting rows, by environment or packed already, and give their digest."""
        rows = scenario if isinstance(scenario, StartingRows) else StartingRows.of(scenario)
        self._keep(self.scenarios / f"{rows.digest}.json.gz", lambda: rows.content)
        return rows.digest

    @property
    def scenarios(self) -> Path:
        """The folder of starting rows."""
        return self.path.parent / "scenarios"

    def close(self) -> None:
        """Make sure that everything appended is on the disk."""
        if self._file is not None:
            file, self._file = self._file, None
            os.fsync(file)
            os.close(file)

    def _lacks_newline(self) -> bool:
        if not self.path.exists() or not self.path.stat().st_size:
            return False
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"

    def _end_last_line(self) -> None:
        """Give a whole last line the newline that it lacks."""
        if self._lacks_newline():
            with self.path.open("ab") as file:
                file.write(b"\n")

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._lacks_newline():
            if torn := self.resume().torn:
                raise torn
            self._end_last_line()
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def _raw_lines(self) -> Iterator[tuple[int, bytes]]:
        try:
            with self.path.open("rb") as file:
                yield from enumerate(file, start=1)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise DatasetError(f"There is no file of trajectories at {self.path}.") from error

    def _parse(self, number: int, raw: bytes) -> Trajectory:
        try:
            trajectory = Trajectory.model_validate_json(raw)
        except ValidationError as error:
            if not raw.endswith(b"\n") and error.errors()[0]["type"] == "json_invalid":
                raise TornLine(self.path, number, len(raw)) from error
            raise CorruptLine(self.path, number, _first_reason(error)) from error
        if not _has_its_id(raw, trajectory) and trajectory.id != trajectory.content_id():
            why = f"its id is {trajectory.id}, but its content has the id {trajectory.content_id()}"
            raise CorruptLine(self.path, number, why)
        return trajectory

    @staticmethod
    def _keep(path: Path, content: Callable[[], bytes]) -> None:
        """Write a file that is named by its content once, whole or not at all."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{os.getpid()}.part")
            part.write_bytes(content())
            part.replace(path)


def load_scenario(folder: Path, name: str) -> Mapping[str, Rows]:
    """The starting rows that are kept under a digest, checked against it."""
    path = folder / f"{name}.json.gz"
    try:
        scenario: Mapping[str, Rows] = json.loads(gzip.decompress(path.read_bytes()))
    except FileNotFoundError as error:
        raise MissingScenario(
            f"The starting rows {path} aren't there; copy the dataset's folder as a whole."
        ) from error
    except (gzip.BadGzipFile, EOFError, ValueError) as error:
        raise MissingScenario(f"The starting rows {path} can't be read ({error}); copy the file again.") from error
    if scenario_digest(scenario) != name:
        raise MissingScenario(f"The starting rows {path} aren't those that were kept; copy the file again.")
    return scenario


def _has_its_id(raw: bytes, trajectory: Trajectory) -> bool:
    """Whether a line shows that its content has its id, as a line in canonical form does without being made again."""
    rest = raw.rstrip(b"\n").replace(f'"id":"{trajectory.id}",'.encode(), b"", 1)
    return blake2b(rest, digest_size=8).hexdigest() == trajectory.id


def _first_reason(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
