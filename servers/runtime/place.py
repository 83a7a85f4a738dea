"""A place: where an episode's databases are kept, and its snapshots beside them.

In memory, unless a farm keeps episodes as files. A place also knows how to take less room while an episode is idle:
`shrink` drops what connections remember of statements, `park` moves everything out of memory until `wake`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from servers.runtime.database import Database, connect
from servers.runtime.log import Log, flat, linked
from servers.runtime.quota import UNLIMITED, Quota
from servers.runtime.stock import Stock

Databases = dict[str, Database]
"""Databases by environment."""


class Place(Protocol):
    """Keeps the databases of one episode."""

    @property
    def snapshots(self) -> Iterable[str]:
        """The names of the snapshots that are kept."""

    def live(self, sources: Mapping[str, Database], log: Log) -> Databases:
        """Give copies to go on with, in place of those that were live; the calls in `log` led to them."""

    def keep(self, name: str, sources: Mapping[str, Database], log: Log) -> None:
        """Keep a snapshot."""

    def kept(self, name: str) -> Databases:
        """Give the databases of a snapshot, to read or copy from."""

    def forget(self, name: str) -> None:
        """Drop a snapshot."""

    @property
    def in_files(self) -> bool:
        """Whether the databases are files, so that parking them costs nothing."""

    def moves_clock(self, now: str) -> None:
        """Hear that the clock of all databases is about to move."""

    def log(self, number: int, call: bytes, database: Database | None) -> None:
        """Hear of a call, as JSON, that was made or is about to be committed to a database."""

    def unlog(self, number: int) -> None:
        """Hear that the call of this number wasn't committed after all."""

    def shrink(self, live: Databases) -> Databases:
        """Give the same databases, with connections that remember no statements."""

    def park(self, live: Databases, logs: Mapping[str, Log]) -> None:
        """Move everything out of memory, and close `live`; where that can't be, raise `OSError` and change nothing.

        `logs` has that of each snapshot, and that of the state of now under an empty name.
        """

    def wake(self) -> tuple[Databases, dict[str, Log]]:
        """Bring back what was parked."""

    def clear(self) -> None:
        """Drop everything but the live databases."""

    def size(self, live: Mapping[str, Database]) -> int:
        """Give how many bytes of memory the databases and snapshots take."""


class Memory:
    """A place in this process's memory; `parking` gives the file that idle databases may move to.

    Databases are taken from `stock` if there is one, and else cloned.
    """

    in_files = False

    def __init__(
        self, quota: Quota = UNLIMITED, parking: Callable[[], Path] | None = None, stock: Stock | None = None
    ) -> None:
        self._quota = quota
        self._parking = parking
        self._stock = stock
        self._parked: Path | None = None
        self._snapshots: dict[str, Databases] = {}

    @property
    def snapshots(self) -> Iterable[str]:
        """The names of the snapshots that are kept."""
        return self._snapshots

    def live(self, sources: Mapping[str, Database], log: Log) -> Databases:  # noqa: ARG002 - files keep logs
        """Give copies under the episode's quota."""
        return self._copies(sources, self._quota)

    def _copies(self, sources: Mapping[str, Database], quota: Quota) -> Databases:
        if self._stock is None:
            return _clones(sources, quota)
        copies: Databases = {}
        try:
            for name, database in sources.items():
                copies[name] = self._stock.copy(database, quota)
        except BaseException:
            close_all(copies)
            raise
        return copies

    def keep(self, name: str, sources: Mapping[str, Database], log: Log) -> None:  # noqa: ARG002 - files keep logs
        """Keep copies under no quota."""
        self._snapshots[name] = self._copies(sources, UNLIMITED)

    def kept(self, name: str) -> Databases:
        """Give the databases of a snapshot."""
        return self._snapshots[name]

    def forget(self, name: str) -> None:
        """Drop a snapshot."""
        close_all(self._snapshots.pop(name))

    def moves_clock(self, now: str) -> None:
        """Do nothing: what is in memory is lost as a whole or not at all."""

    def log(self, number: int, call: bytes, database: Database | None) -> None:
        """Do nothing."""

    def unlog(self, number: int) -> None:
        """Do nothing."""

    def shrink(self, live: Databases) -> Databases:
        """Give clones in place of the databases."""
        fresh = _clones(live, self._quota)
        close_all(live)
        return fresh

    def park(self, live: Databases, logs: Mapping[str, Log]) -> None:
        """Write everything to the one file: an index, the logs, and the databases one after another."""
        if self._parking is None:
            raise FileNotFoundError("this episode has no file to be parked in")
        sets = {"": live, **self._snapshots}
        parts = [(name, place, db.serialize()) for name, databases in sets.items() for place, db in databases.items()]
        index = [[name, place, len(content)] for name, place, content in parts]
        head = json.dumps(index).encode() + b"\n" + json.dumps(flat(logs)).encode() + b"\n"
        file = self._parking()
        try:
            file.write_bytes(b"".join([head, *(content for _, _, content in parts)]))
        except OSError:
            file.unlink(missing_ok=True)
            raise
        self._parked = file
        for databases in sets.values():
            close_all(databases)
        self._snapshots = {name: {} for name in self._snapshots}

    def wake(self) -> tuple[Databases, dict[str, Log]]:
        """Read everything back."""
        assert self._parked is not None
        head, logs, content = self._parked.read_bytes().split(b"\n", 2)
        live: Databases = {}
        start = 0
        for name, place, length in json.loads(head):
            quota = UNLIMITED if name else self._quota
            (self._snapshots[name] if name else live)[place] = _from_bytes(content[start : start + length], quota)
            start += length
        self._parked.unlink()
        self._parked = None
        return live, linked(*json.loads(logs))

    def clear(self) -> None:
        """Drop the snapshots and the file."""
        for databases in self._snapshots.values():
            close_all(databases)
        self._snapshots = {}
        if self._parked is not None:
            self._parked.unlink(missing_ok=True)

    def size(self, live: Mapping[str, Database]) -> int:
        """Give the bytes of all pages, as if each snapshot had as many as the state of now."""
        return sum(database.bytes for database in live.values()) * (1 + len(self._snapshots))


def _from_bytes(content: bytes, quota: Quota) -> Database:
    source = connect()
    source.deserialize(content)
    database = source.clone(quota=quota)  # one that was deserialized grows by copying itself
    source.close()
    return database


def _clones(sources: Mapping[str, Database], quota: Quota) -> Databases:
    return {name: database.clone(quota=quota) for name, database in sources.items()}


def close_all(databases: Mapping[str, Database]) -> None:
    """Close databases."""
    for database in databases.values():
        database.close()
