"""An episode: one isolated run over one or more environments, which owns their databases and one clock.

Its operations cover all its environments at one moment, under its lock. Snapshots and forks are copies of databases,
which never replace another under a connection that a cursor may still read. `hold` and `undo` go back in place instead:
moments within one another, for who tries things out again and again and wants statements to stay prepared.
"""

from __future__ import annotations

import math
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from servers.runtime.current import current_episode
from servers.runtime.database import Database
from servers.runtime.errors import EpisodeBusy, EpisodeError, InvalidRequest, UnknownEnvironment, UnknownSnapshot
from servers.runtime.state import Row, Rows, TableChanges, all_rows, canonical, changes, digest
from servers.runtime.template import Template, violations
from servers.runtime.world import Size

if TYPE_CHECKING:
    from servers.runtime.environment import Environment

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_QUERY_STEPS = 20_000
_LONGEST_ADVANCE = 3660 * 24 * 60 * 60


@dataclass(frozen=True)
class EpisodeState:
    """The digests of an episode's state, and its clock."""

    digest: str
    digests: dict[str, str]
    now: str


class Episode:
    """The databases of one run; made by `Episode.open`, or from given databases by a server that runs alone."""

    def __init__(
        self,
        environments: Sequence[Environment],
        templates: Mapping[str, Template],
        databases: Mapping[str, Database],
        *,
        seed: int,
        size: Size,
    ) -> None:
        self.episode_id = secrets.token_urlsafe(12)
        self.agent_handle = secrets.token_urlsafe(18)
        self.user_handle = secrets.token_urlsafe(18)
        self.environments = {environment.name: environment for environment in environments}
        self.templates = dict(templates)
        self._databases: dict[str, Database] | None = dict(databases)
        self.seed = seed
        self.size: Size = size
        self.lock = threading.RLock()
        self._snapshots: dict[str, dict[str, Database]] = {}
        self._names = count(1)

    @classmethod
    def open(
        cls,
        environments: Sequence[Environment],
        *,
        seed: int = 0,
        size: Size = "small",
        scenarios: Mapping[str, Mapping[str, Sequence[Row]]] | None = None,
    ) -> Episode:
        """Give a fresh episode; `scenarios` gives starting rows for some environments instead of the seed's."""
        names = [environment.name for environment in environments]
        if not names or len(set(names)) != len(names):
            raise InvalidRequest("An episode needs at least one environment, and each only once.")
        strange = sorted(set(scenarios or {}) - set(names))
        if strange:
            raise InvalidRequest(f"A scenario is given for '{strange[0]}', which isn't in the episode; add or drop it.")
        templates = {
            environment.name: environment.scenario_template(scenarios[environment.name], seed=seed, size=size)
            if scenarios and environment.name in scenarios
            else environment.template(seed=seed, size=size)
            for environment in environments
        }
        databases = {name: template.database.clone() for name, template in templates.items()}
        return cls(environments, templates, databases, seed=seed, size=size)

    @contextmanager
    def active(self) -> Iterator[Episode]:
        """Make this the episode that tool code reads and writes, as far as the block goes."""
        token = current_episode.set(self)
        try:
            yield self
        finally:
            current_episode.reset(token)

    @property
    def databases(self) -> dict[str, Database]:
        """The databases by environment; raises `EpisodeError` once the episode is closed."""
        if self._databases is None:
            raise EpisodeError("This episode is closed; open another one.")
        return self._databases

    @property
    def now(self) -> str:
        """The episode's clock."""
        with self.lock:  # two threads on one connection can lock up the process: its authorizer calls back to Python
            database = next(iter(self.databases.values()))
            now: str = database.execute("SELECT now FROM ef_clock").fetchone()[0]
            return now

    def state(self) -> EpisodeState:
        """Give the digests of the state, canonical by rows and keys, and the clock."""
        with self.lock:
            digests = {
                name: digest(template.digest.encode(), canonical(self._changes(name, template.database)))
                for name, template in self.templates.items()
            }
            total = digest(*(f"{name}={digests[name]}".encode() for name in sorted(digests)))
            return EpisodeState(total, digests, self.now)

    def diff(self, since: str | None = None) -> dict[str, dict[str, TableChanges]]:
        """Give what changed since a snapshot, or since the start, by environment and table."""
        with self.lock:
            before = (
                self._snapshot(since)
                if since is not None
                else {name: template.database for name, template in self.templates.items()}
            )
            found = {name: self._changes(name, before[name]) for name in self.databases}
            return {name: tables for name, tables in found.items() if tables}

    def _changes(self, name: str, before: Database) -> dict[str, TableChanges]:
        return changes(before, self.databases[name], self.environments[name].tables)

    def rows(self, environment: str) -> Rows:
        """Give all rows of one environment, in canonical order."""
        with self.lock:
            return all_rows(self._database(environment), self.environments[environment].tables)

    def violations(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Give the rows that break invariants, by environment and invariant; nothing while all hold."""
        with self.lock:
            found = {
                name: violations(database, self.environments[name], self.now)
                for name, database in self.databases.items()
            }
            return {name: broken for name, broken in found.items() if broken}

    def snapshot(self) -> str:
        """Keep the state of this moment and give its name."""
        with self.lock:
            name = f"s{next(self._names)}"
            self._snapshots[name] = self._clones(self.databases)
            return name

    def restore(self, snapshot: str) -> None:
        """Go back to the state of a snapshot, which stays kept."""
        with self.lock:
            self._replace(self._clones(self._snapshot(snapshot)))

    def forget(self, snapshot: str) -> None:
        """Drop a snapshot."""
        with self.lock:
            for database in self._snapshot(snapshot).values():
                database.close()
            del self._snapshots[snapshot]

    def hold(self) -> str:
        """Note this moment as one that `undo` goes back to, and give its name; moments lie within one another."""
        with self.lock:
            self._refuse_while_busy()
            name = f"h{next(self._names)}"
            for database in self.databases.values():
                database.hold(name)
            return name

    def undo(self, held: str) -> None:
        """Go back to a moment that is held, which ends it and all those held since."""
        with self.lock:
            self._refuse_while_busy()
            if not all(database.holds(held) for database in self.databases.values()):
                raise UnknownSnapshot(f"No moment '{held}' is held in this episode; it was undone, restored or reset.")
            for database in self.databases.values():
                database.undo(held)

    def reset(self) -> None:
        """Go back to the start; snapshots stay kept."""
        with self.lock:
            self._replace(self._clones({name: template.database for name, template in self.templates.items()}))

    def fork(self) -> Episode:
        """Give a new episode, with handles of its own, that begins in this one's state."""
        with self.lock:
            return Episode(
                list(self.environments.values()),
                self.templates,
                self._clones(self.databases),
                seed=self.seed,
                size=self.size,
            )

    def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        if not 0 <= seconds <= _LONGEST_ADVANCE:
            raise InvalidRequest(f"The clock moves forward by 0 to ten years of seconds, not by {seconds}.")
        with self.lock:
            self._refuse_while_busy()
            moment = _later(self.now, seconds)
            for database in self.databases.values():
                database.execute("UPDATE ef_clock SET now = ?", (moment,))

    def query(self, environment: str, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
        """Give columns and rows of one SELECT over an environment; :now and :today are bound beside `parameters`."""
        with self.lock:
            database = self._database(environment)
            moment = {"now": self.now, "today": self.now[:10]}
            try:
                columns, rows = database.select(sql, {**moment, **parameters}, steps=_QUERY_STEPS)
            except (OverflowError, UnicodeEncodeError) as error:
                raise InvalidRequest(f"The query has a value that no database holds: {error}; change it.") from error
            except (sqlite3.Error, sqlite3.Warning) as error:
                reason = str(error).rstrip(".")
                raise InvalidRequest(f"The query can't be answered: {reason}. It must be one SELECT.") from error
        if not all(_is_plain(cell) for row in rows for cell in row):
            raise InvalidRequest("The query gives a value that JSON can't hold; select text, whole or finite numbers.")
        return columns, [list(row) for row in rows]

    def close(self) -> None:
        """Drop the databases and snapshots; the episode can't be used after."""
        with self.lock:
            for databases in (self._databases or {}, *self._snapshots.values()):
                for database in databases.values():
                    database.close()
            self._databases = None
            self._snapshots.clear()

    def _database(self, environment: str) -> Database:
        if environment not in self.databases:
            raise UnknownEnvironment(f"'{environment}' isn't in this episode, which has {', '.join(self.databases)}.")
        return self.databases[environment]

    def _snapshot(self, name: str) -> dict[str, Database]:
        if name not in self._snapshots:
            known = ", ".join(self._snapshots) or "none yet"
            raise UnknownSnapshot(f"There is no snapshot '{name}' in this episode; it has {known}.")
        return self._snapshots[name]

    def _clones(self, databases: Mapping[str, Database]) -> dict[str, Database]:
        self._refuse_while_busy()
        return {name: database.clone() for name, database in databases.items()}

    def _replace(self, databases: dict[str, Database]) -> None:
        for old in self.databases.values():
            old.close()
        self._databases = databases

    def _refuse_while_busy(self) -> None:
        if any(database.busy for database in self.databases.values()):
            raise EpisodeBusy("A call is under way in this episode; try again when it has ended.")


def _later(now: str, seconds: int) -> str:
    try:
        moment = datetime.strptime(now, _TIME).replace(tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidRequest(f"The calendar ends with the year 9999, so {now} is as far as the clock goes.") from error
    return moment.strftime(_TIME)


def _is_plain(cell: Any) -> bool:
    return not isinstance(cell, bytes) and not (isinstance(cell, float) and not math.isfinite(cell))
