"""A folder: an episode kept as files, so that it is still there after its process was stopped or killed.

    episode.json        what the episode is; replaced as a whole, and with it everything changes at once
    g3/{env}.db         the databases of now, which `episode.json` names by their generation
    g3/calls.jsonl      the calls that led to them
    s1/…                the same of a snapshot

A reset or restore writes a new generation and then a new `episode.json`, so that a kill leaves either the one or the
other. A call's transaction is SQLite's own; the number of its call in the log is a part of it, so that a line of the
log whose call was never committed is known by its number. What was written survives the process, not a power failure:
nothing waits for the disk.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel

from servers.runtime.database import Database, connect
from servers.runtime.home import Names
from servers.runtime.log import Log, from_calls
from servers.runtime.place import Databases, close_all
from servers.runtime.quota import UNLIMITED, Quota

FACTS = "episode.json"
_CALLS = "calls.jsonl"
_COUNT = "ef_calls"


class Facts(BaseModel):
    """What `episode.json` says."""

    format: Literal[1] = 1
    episode: str
    agent: str
    user: str
    seed: int
    size: Literal["small", "medium", "large"]
    templates: dict[str, str]
    """Environment to the digest of the state that it began in."""
    generation: int = 0
    now: str = ""
    snapshots: tuple[str, ...] = ()
    snapshots_made: int = 0

    @property
    def names(self) -> Names:
        """What the episode is called."""
        return Names(self.episode, self.agent, self.user)


class Folder:
    """The place of an episode in a folder of its own."""

    in_files = True

    def __init__(self, path: Path, facts: Facts, quota: Quota = UNLIMITED) -> None:
        self.path = path
        self.facts = facts
        self._quota = quota
        self._snapshots: dict[str, Databases] = {}
        self._calls: BinaryIO | None = None
        self._end = 0

    @classmethod
    def found(cls, path: Path, quota: Quota) -> Folder:
        """Give the place that a folder holds; raises `ValueError` when `episode.json` isn't one."""
        return cls(path, Facts.model_validate_json((path / FACTS).read_bytes()), quota)

    @property
    def snapshots(self) -> Iterable[str]:
        """The names of the snapshots that are kept."""
        return self.facts.snapshots

    def live(self, sources: Mapping[str, Database], log: Log) -> Databases:
        """Write a new generation, and give connections to it."""
        generation = self.facts.generation + 1
        folder = self.path / f"g{generation}"
        live = self._written(folder, sources, log, self._quota)
        now = next(iter(live.values())).execute("SELECT now FROM ef_clock").fetchone()[0]
        before = self.path / f"g{self.facts.generation}"
        self._say(generation=generation, now=now)
        self._reopen_log(folder)
        shutil.rmtree(before, ignore_errors=True)
        return live

    def keep(self, name: str, sources: Mapping[str, Database], log: Log) -> None:
        """Write a snapshot beside the databases of now."""
        close_all(self._written(self.path / name, sources, log, UNLIMITED))
        self._say(snapshots=(*self.facts.snapshots, name), snapshots_made=self.facts.snapshots_made + 1)

    def kept(self, name: str) -> Databases:
        """Give the databases of a snapshot, opened when first asked for."""
        if name not in self._snapshots:
            self._snapshots[name] = {place: self._open(self.path / name, place) for place in self.facts.templates}
        return self._snapshots[name]

    def forget(self, name: str) -> None:
        """Drop a snapshot."""
        close_all(self._snapshots.pop(name, {}))
        self._say(snapshots=tuple(other for other in self.facts.snapshots if other != name))
        shutil.rmtree(self.path / name, ignore_errors=True)

    def moves_clock(self, now: str) -> None:
        """Write where the clock moves before it does, for databases that a kill would leave behind."""
        self._say(now=now)

    def log(self, number: int, call: bytes, database: Database | None) -> None:
        """Append a call to the log, and its number to the transaction that it belongs to."""
        assert self._calls is not None
        if database is not None:
            database.set_count(_COUNT, number)
        self._calls.write(call + b"\n")
        self._end += len(call) + 1

    def unlog(self, number: int) -> None:  # noqa: ARG002 - it is the last one
        """Take the last call out of the log."""
        assert self._calls is not None
        lines = _lines(self._file)
        self._end -= len(lines[-1]) + 1
        self._calls.truncate(self._end)

    def shrink(self, live: Databases) -> Databases:
        """Give new connections to the same files."""
        close_all(live)
        return self._opened()

    def park(self, live: Databases, logs: Mapping[str, Log]) -> None:  # noqa: ARG002 - the files have them
        """Close every file."""
        close_all(live)
        self._let_go()

    def wake(self) -> tuple[Databases, dict[str, Log]]:
        """Open the files, and mend what a kill may have left behind."""
        live = self._opened()
        for database in live.values():
            database.execute("UPDATE ef_clock SET now = ?1 WHERE now <> ?1", (self.facts.now,))
        self._mend_log(live)
        self._reopen_log(self._file.parent)
        logs = {name: from_calls(_lines(self.path / name / _CALLS)) for name in self.facts.snapshots}
        return live, {"": from_calls(_lines(self._file)), **logs}

    def clear(self) -> None:
        """Remove the folder."""
        self._let_go()
        (self.path / FACTS).unlink(missing_ok=True)  # without it, what remains after a kill is rubbish and known so
        shutil.rmtree(self.path, ignore_errors=True)

    def size(self, live: Mapping[str, Database]) -> int:  # noqa: ARG002 - they lie in files
        """Give nothing: the pages lie in files."""
        return 0

    @property
    def _file(self) -> Path:
        return self.path / f"g{self.facts.generation}" / _CALLS

    def _written(self, folder: Path, sources: Mapping[str, Database], log: Log, quota: Quota) -> Databases:
        shutil.rmtree(folder, ignore_errors=True)  # of a try that was killed
        folder.mkdir(parents=True)
        databases = {name: database.clone(folder / f"{name}.db", quota=quota) for name, database in sources.items()}
        for database in databases.values():
            _in_haste(database)
        (folder / _CALLS).write_bytes(b"".join(call + b"\n" for call in log.entries()))
        return databases

    def _opened(self) -> Databases:
        return {name: self._open(self._file.parent, name, self._quota) for name in self.facts.templates}

    def _open(self, folder: Path, name: str, quota: Quota = UNLIMITED) -> Database:
        return _in_haste(connect(folder / f"{name}.db", quota=quota))

    def _mend_log(self, live: Databases) -> None:
        """Cut off a last line that is torn, or whose call was never committed."""
        content = self._file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.splitlines(keepends=True)
        if lines and _is_change(last := json.loads(lines[-1])):
            row = (
                live[last["environment"]].execute("SELECT value FROM ef_counters WHERE name = ?", (_COUNT,)).fetchone()
            )
            if row is None or row[0] < len(lines):
                whole = whole[: -len(lines[-1])]
        if whole != content:
            with self._file.open("r+b") as file:
                file.truncate(len(whole))

    def _reopen_log(self, folder: Path) -> None:
        if self._calls is not None:
            self._calls.close()
        self._calls = (folder / _CALLS).open("ab", buffering=0)
        self._end = self._calls.tell()

    def _let_go(self) -> None:
        for databases in self._snapshots.values():
            close_all(databases)
        self._snapshots = {}
        if self._calls is not None:
            self._calls.close()
            self._calls = None

    def _say(self, **changed: object) -> None:
        self.facts = self.facts.model_copy(update=changed)
        write_whole(self.path / FACTS, self.facts.model_dump_json(indent=1).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once: whoever looks sees the old content or the new."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _in_haste(database: Database) -> Database:
    """Don't wait for the disk, and keep the journal's file, which both cost more than a call does."""
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA journal_mode = PERSIST")
    return database


def _is_change(call: Mapping[str, object]) -> bool:
    return call["kind"] == "writes" and not call["is_error"]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()
