"""An episode: one isolated run over one or more environments, which owns their databases and one clock.

Its operations cover all its environments at one moment, under its lock. Snapshots and forks are copies of databases,
which never replace another under a connection that a cursor may still read. `hold` and `undo` go back in place instead:
moments within one another, for who tries things out again and again and wants statements to stay prepared.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from servers.runtime.clock import later
from servers.runtime.current import current_episode
from servers.runtime.database import Database
from servers.runtime.errors import (
    EpisodeBusy,
    EpisodeError,
    InvalidRequest,
    QuotaExceeded,
    UnknownEnvironment,
    UnknownSnapshot,
)
from servers.runtime.held import Held
from servers.runtime.home import Home
from servers.runtime.log import EMPTY, Log, entry_of
from servers.runtime.place import Databases, close_all
from servers.runtime.standing import Moment, Standing
from servers.runtime.state import Row, Rows, TableChanges, all_rows, changes, digest, is_plain
from servers.runtime.template import Template, starts, violations, violations_since
from servers.runtime.world import Size

if TYPE_CHECKING:
    from servers.runtime.environment import Environment
    from servers.runtime.tool import Definition, Outcome

_QUERY_STEPS = 20_000


@dataclass(frozen=True)
class EpisodeState:
    """The digests of an episode's state, and its clock."""

    digest: str
    digests: dict[str, str]
    now: str


class Episode:
    """The databases of one run; made by `Episode.open`, or from given databases by a server that runs alone."""

    def __init__(  # noqa: PLR0913 - what an episode consists of
        self,
        environments: Sequence[Environment],
        templates: Mapping[str, Template],
        databases: Mapping[str, Database] | None,
        *,
        seed: int,
        size: Size,
        home: Home | None = None,
        snapshots_made: int = 0,
    ) -> None:
        home = home or Home()
        self.episode_id = home.names.episode
        self.agent_handle = home.names.agent
        self.user_handle = home.names.user
        self.environments = {environment.name: environment for environment in environments}
        self.templates = dict(templates)
        self._databases: Databases | None = None if databases is None else dict(databases)
        self.seed = seed
        self.size: Size = size
        self.quota = home.quota
        self.lock = threading.RLock()
        self.log = EMPTY
        self._logged = home.logged
        self._observer = home.observer
        self._place = home.place
        self._logs: dict[str, Log] = {}
        self._snapshots_made = snapshots_made
        self._held = Held()
        self._parked = databases is None
        self._moment: str | None = None
        self._closed = False
        self._fresh = True
        self._at_start = False
        """Whether it is parked and as its templates are."""

    @classmethod
    def open(
        cls,
        environments: Sequence[Environment],
        *,
        seed: int = 0,
        size: Size = "small",
        scenarios: Mapping[str, Mapping[str, Sequence[Row]]] | None = None,
        home: Home | None = None,
    ) -> Episode:
        """Give a fresh episode; `scenarios` gives starting rows for some environments instead of the seed's."""
        templates = starts(environments, seed=seed, size=size, scenarios=scenarios)
        return cls.begin(environments, templates, seed=seed, size=size, home=home or Home())

    @classmethod
    def begin(
        cls,
        environments: Sequence[Environment],
        templates: Mapping[str, Template],
        *,
        seed: int,
        size: Size,
        home: Home,
    ) -> Episode:
        """Give a fresh episode that begins in these states."""
        databases = home.place.live({name: template.database for name, template in templates.items()}, EMPTY)
        episode = cls(environments, templates, databases, seed=seed, size=size, home=home)
        episode._moment = next(iter(templates.values())).now
        return episode

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
        """The databases by environment, brought back if they were parked; raises `EpisodeError` once it is closed."""
        if self._databases is None:
            self._wake()
        assert self._databases is not None
        self._fresh = False
        return self._databases

    def _wake(self) -> None:
        with self.lock:
            if self._closed:
                raise EpisodeError("This episode is closed; open another one.")
            if self._parked and self._at_start:
                self._databases = self._place.live(self._start, EMPTY)
            elif self._parked:
                self._databases, logs = self._place.wake()
                self.log, self._logs = logs.pop(""), logs
            self._parked = self._at_start = False

    @property
    def _start(self) -> Databases:
        return {name: template.database for name, template in self.templates.items()}

    @property
    def now(self) -> str:
        """The episode's clock."""
        with self.lock:  # two threads on one connection can lock up the process: its authorizer calls back to Python
            if self._moment is None or self._closed:
                database = next(iter(self.databases.values()))
                moment: str = database.execute("SELECT now FROM ef_clock").fetchone()[0]
                self._moment = moment
            return self._moment

    def call(self, environment: Environment, definition: Definition, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool on this episode, and note the call in its log; raises `EpisodeError` when that can't be."""
        with self.lock:
            database = self.databases[environment.name]
            if self.quota.calls is not None and self.log.length >= self.quota.calls:
                raise QuotaExceeded(f"This episode has made {self.log.length} calls, which is its limit; open another.")
            began = time.perf_counter()
            outcome = self._called(environment, definition, database, arguments)
            if self._held and (then := self._held.undo_if_lost(self.databases)) is not None:
                self.log, self._moment = then
            if self._observer is not None:
                self._observer(environment.name, definition, outcome, time.perf_counter() - began)
            return outcome

    def _called(
        self, environment: Environment, definition: Definition, database: Database, arguments: Mapping[str, Any]
    ) -> Outcome:
        if not self._logged:
            return definition.call(database, arguments)
        entry = partial(entry_of, environment.name, definition, arguments)
        if self._place.in_files and definition.contract.kind == "writes":
            return self._call_in_file(definition, database, arguments, entry)
        outcome = definition.call(database, arguments)
        self._note(entry(outcome))
        return outcome

    def _call_in_file(
        self,
        definition: Definition,
        database: Database,
        arguments: Mapping[str, Any],
        entry: Callable[[Outcome], bytes],
    ) -> Outcome:
        """Call a tool so that its change and its entry in the log are both there after a kill, or neither."""
        number = self.log.length + 1
        noted: list[Outcome] = []

        def note(outcome: Outcome) -> None:
            noted.append(outcome)
            self._place.log(number, entry(outcome), database)

        outcome = definition.call(database, arguments, committing=note)
        if noted and outcome is not noted[0]:
            self._place.unlog(number)
        if noted and outcome is noted[0]:
            self.log = self.log.then(entry(outcome))
        else:
            self._note(entry(outcome))
        return outcome

    def _note(self, call: bytes) -> None:
        self._place.log(self.log.length + 1, call, None)
        self.log = self.log.then(call)

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Give the calls that led to this state, in order, from a number on."""
        with self.lock:
            _ = self.databases  # the log is parked with them
            return [from_json(call) for call in self.log.entries(since)]

    def state(self) -> EpisodeState:
        """Give the digests of the state, canonical by rows and keys, and the clock."""
        with self.lock:
            digests = {name: self._standing(name).digest for name in self.templates}
            total = digest(*(f"{name}={digests[name]}".encode() for name in sorted(digests)))
            return EpisodeState(total, digests, self.now)

    def _standing(self, name: str) -> Standing:
        """Give what has changed in one database, which is kept for as long as nothing changes in it."""
        database, template = self.databases[name], self.templates[name]
        version = database.version
        if database.standing is None or database.standing[0] != version:
            database.standing = (version, Standing.of(template.digest, self._changes(name, template.database)))
        return database.standing[1]

    def diff(self, since: str | None = None) -> dict[str, dict[str, TableChanges]]:
        """Give what changed since a snapshot, or since the start, by environment and table."""
        with self.lock:
            before = self._start if since is None else self._kept(since)
            found = {name: self._changes(name, before[name]) for name in self.databases}
            return {name: tables for name, tables in found.items() if tables}

    def _changes(self, name: str, before: Database) -> dict[str, TableChanges]:
        after, template = self.databases[name], self.templates[name]
        if after.is_still(before):
            return {}
        known = template.known if before is template.database else None
        return changes(before, after, self.environments[name].tables, known)

    def rows(self, environment: str) -> Rows:
        """Give all rows of one environment, in canonical order."""
        with self.lock:
            return all_rows(self._database(environment), self.environments[environment].tables)

    def violations(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Give the rows that break invariants, by environment and invariant; nothing while all hold."""
        with self.lock:
            found = {name: self._violations(name, database) for name, database in self.databases.items()}
            return {name: broken for name, broken in found.items() if broken}

    def _violations(self, name: str, database: Database) -> dict[str, list[Row]]:
        environment, template = self.environments[name], self.templates.get(name)
        if template is None:
            return violations(database, environment, self.now)
        return violations_since(database, environment, template, Moment(self._standing(name).parts, self.now))

    def snapshot(self) -> str:
        """Keep the state of this moment and give its name."""
        with self.lock:
            self._refuse_while_busy()  # which wakes it
            limit = self.quota.snapshots
            if limit is not None and len(self._logs) >= limit:
                raise QuotaExceeded(f"This episode keeps {limit} snapshots, which is its limit; forget some first.")
            self._snapshots_made += 1
            name = f"s{self._snapshots_made}"
            self._place.keep(name, self.databases, self.log)
            self._logs[name] = self.log
            return name

    def restore(self, snapshot: str) -> None:
        """Go back to the state of a snapshot, which stays kept."""
        with self.lock:
            self._replace(self._kept(snapshot), self._logs[snapshot])
            self._moment = None

    def forget(self, snapshot: str) -> None:
        """Drop a snapshot."""
        with self.lock:
            self._kept(snapshot)
            self._place.forget(snapshot)
            del self._logs[snapshot]

    def hold(self) -> str:
        """Note this moment as one that `undo` goes back to, and give its name; moments lie within one another."""
        with self.lock:
            self._refuse_while_busy()
            if self._place.in_files:
                raise InvalidRequest("An episode that is kept in files holds no moments; take a snapshot instead.")
            return self._held.hold(self.databases, (self.log, self._moment))

    def undo(self, held: str) -> None:
        """Go back to a moment that is held, which ends it and all those held since."""
        with self.lock:
            self._refuse_while_busy()
            self.log, self._moment = self._held.undo(held, self.databases)

    def reset(self) -> None:
        """Go back to the start; snapshots stay kept."""
        with self.lock:
            self._replace(self._start, EMPTY)
            self._moment = next((template.now for template in self.templates.values()), None)

    def fork(self, home: Home | None = None) -> Episode:
        """Give a new episode, with handles of its own, that begins in this one's state."""
        home = home or Home()
        with self.lock:
            self._refuse_while_busy()
            environments, databases = list(self.environments.values()), home.place.live(self.databases, self.log)
            fork = Episode(environments, self.templates, databases, seed=self.seed, size=self.size, home=home)
            fork._moment = self._moment
            fork.log = self.log
            return fork

    def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        with self.lock:
            self._refuse_while_busy()
            moment = later(self.now, seconds)
            self._place.moves_clock(moment)
            for database in self.databases.values():
                database.execute("UPDATE ef_clock SET now = ?", (moment,))
            self._moment = moment

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
        if not all(is_plain(cell) for row in rows for cell in row):
            raise InvalidRequest("The query gives a value that JSON can't hold; select text, whole or finite numbers.")
        return columns, [list(row) for row in rows]

    def close(self) -> None:
        """Drop the databases and snapshots; the episode can't be used after."""
        with self.lock:
            close_all(self._databases or {})
            self._databases = None
            self._closed, self._parked = True, False
            self._place.clear()

    @property
    def in_files(self) -> bool:
        """Whether it lies in files, and outlives its process."""
        return self._place.in_files

    def shrink(self) -> bool:
        """Let connections forget their statements, and say whether that could be; nobody sees a difference."""
        return self._at_rest(self._shrink)

    def park(self) -> bool:
        """Move everything out of memory until it is next used, and say whether that could be."""
        return self._at_rest(self._park)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was asked of its databases since they were made or shrunk."""
        return self._fresh

    @property
    def bytes(self) -> int:
        """How much memory the rows of databases and snapshots take; none while parked."""
        with self.lock:
            return 0 if self._databases is None else self._place.size(self._databases)

    def _at_rest(self, action: Callable[[Databases], None]) -> bool:
        if not self.lock.acquire(blocking=False):
            return False  # in use by another thread just now
        try:
            databases = self._databases
            if databases is None or any(database.in_transaction for database in databases.values()):
                return False
            action(databases)
            return True
        finally:
            self.lock.release()

    def _shrink(self, databases: Databases) -> None:
        if not self._fresh:
            self._databases = self._place.shrink(databases)
            self._fresh = True

    def _park(self, databases: Databases) -> None:
        start = {} if self.log.length or self._logs or self.in_files else self._start
        self._at_start = bool(start) and all(databases[name].is_still(start[name]) for name in databases)
        if self._at_start:  # its templates know it all
            close_all(databases)
        else:
            self._place.park(databases, {"": self.log, **self._logs})
        self._databases, self._parked = None, True
        self.log, self._logs = EMPTY, {}

    def _database(self, environment: str) -> Database:
        if environment not in self.databases:
            raise UnknownEnvironment(f"'{environment}' isn't in this episode, which has {', '.join(self.databases)}.")
        return self.databases[environment]

    def _kept(self, name: str) -> Databases:
        _ = self.databases  # snapshots are parked and woken with the rest
        if name not in self._logs:
            known = ", ".join(self._logs) or "none yet"
            raise UnknownSnapshot(f"There is no snapshot '{name}' in this episode; it has {known}.")
        return self._place.kept(name)

    def _replace(self, sources: Databases, log: Log) -> None:
        self._refuse_while_busy()
        old = self.databases
        as_it_is = all(old[name].is_still(source) for name, source in sources.items())
        if self._place.in_files or self._held or not as_it_is:
            self._databases = self._place.live(sources, log)
            close_all(old)
        self._held.clear()
        self.log = log

    def _refuse_while_busy(self) -> None:
        if any(database.busy for database in self.databases.values()):
            raise EpisodeBusy("A call is under way in this episode; try again when it has ended.")
