"""The archive: a directory in which episodes outlive their process, one folder each, and the states they began in.

episodes/{id}/                  see `folder`
templates/{env}-{digest}.db     a starting state, for resets and comparisons
lock                            held by the process that the directory belongs to
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from weakref import WeakValueDictionary

from servers.runtime.database import connect
from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.errors import DefinitionError, InvalidRequest, ServerError
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.folder import FACTS, Facts, Folder
from servers.runtime.home import Home, Names, Observer
from servers.runtime.quota import Quota
from servers.runtime.state import digest
from servers.runtime.template import Template
from servers.runtime.world import Size

logger = logging.getLogger(__name__)


class Archive:
    """A directory of durable episodes, for one process."""

    def __init__(self, root: Path, quota: Quota) -> None:
        self._episodes = root / "episodes"
        self._starts = root / "templates"
        self._quota = quota
        self._templates: WeakValueDictionary[str, Template] = WeakValueDictionary()
        for folder in (self._episodes, self._starts):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InvalidRequest(f"{root} can't hold episodes: {error.strerror}; choose another folder.") from error
        self._lock = _locked(root / "lock")

    def home(
        self, names: Names, templates: Mapping[str, Template], *, seed: int, size: Size, observer: Observer
    ) -> Home:
        """Give a new folder for an episode that begins in these states."""
        for name, template in templates.items():
            self._keep_start(name, template)
        facts = Facts(
            episode=names.episode,
            agent=names.agent,
            user=names.user,
            seed=seed,
            size=size,
            templates={name: template.digest for name, template in templates.items()},
        )
        place = Folder(self._episodes / names.episode, facts, self._quota)
        return Home(names, place, self._quota, logged=True, observer=observer)

    def episodes(self, catalogue: Catalogue, observer: Observer) -> Iterator[Episode]:
        """Give the episodes that are there, asleep; what a kill left before an episode was open is removed."""
        needed: set[str] = set()
        for path in sorted(self._episodes.iterdir()):
            if not (path / FACTS).exists():
                shutil.rmtree(path, ignore_errors=True)
                continue
            try:
                folder = Folder.found(path, self._quota)
                needed |= {_start_name(*pair) for pair in folder.facts.templates.items()}
                yield self._episode(folder, catalogue, observer)
            except (ServerError, Fault, ValueError, OSError, sqlite3.Error) as error:
                logger.error("The episode in %s can't be continued: %s It is left as it is.", path, error)
        self._drop_starts(needed)

    def _drop_starts(self, needed: set[str]) -> None:
        """Remove the starting states that no episode began in."""
        for path in self._starts.iterdir():
            if path.name not in needed:
                path.unlink()

    def close(self) -> None:
        """Give the directory free for another process."""
        os.close(self._lock)

    def _episode(self, folder: Folder, catalogue: Catalogue, observer: Observer) -> Episode:
        facts = folder.facts
        environments = [catalogue.get(name) for name in facts.templates]
        return Episode(
            environments,
            {
                environment.name: self._start(environment, facts.templates[environment.name])
                for environment in environments
            },
            None,
            seed=facts.seed,
            size=facts.size,
            home=Home(facts.names, folder, self._quota, logged=True, observer=observer),
            snapshots_made=facts.snapshots_made,
        )

    def _keep_start(self, name: str, template: Template) -> None:
        path = self._starts / _start_name(name, template.digest)
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            template.database.clone(fresh).close()
            fresh.replace(path)

    def _start(self, environment: Environment, wanted: str) -> Template:
        key = _start_name(environment.name, wanted)
        if (known := self._templates.get(key)) is not None:
            return known
        with closing(connect(self._starts / key)) as file:
            meta = dict(file.execute("SELECT name, value FROM ef_meta").fetchall())
            if meta["schema"] != digest(environment.schema.encode()):
                raise DefinitionError(f"Its tables are those of {environment.name} {meta['version']}, not of today's.")
            database = file.clone()
        now = database.execute("SELECT now FROM ef_clock").fetchone()[0]
        template = self._templates[key] = Template(database, wanted, now)
        return template


def _start_name(environment: str, digest_of_start: str) -> str:
    return f"{environment}-{digest_of_start}.db"


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InvalidRequest(f"{path.parent} belongs to another farm that runs; choose another folder.") from error
    return descriptor
