"""What an installation of servers adds to a client: it loads folders, looks inside, plants faults and keeps records.

The client knows it as a protocol; whoever can do it offers it by an entry point of the group `envfactory.verifiers`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from envfactory_client._transport import AsgiApp
from envfactory_client.errors import MissingExtra
from envfactory_client.verify.bench import Level
from envfactory_client.verify.report import MutationReport, Report
from envfactory_client.verify.subject import Subject

_OURS = ("envfactory_client", "servers", "synthesis")


@dataclass(frozen=True)
class Loaded:
    """An environment's folder, served by a farm of this process and seen from within."""

    name: str
    folder: Path
    app: AsgiApp
    token: str
    inner: Subject
    registered: bool
    """Whether it is one of the installation's own, which fresh processes know by name."""


@dataclass(frozen=True)
class Kept:
    """What a folder's record says of how it was made."""

    digest: str
    level: Level
    seed: int
    mutants: tuple[str, ...]
    """Ids of the mutants that it lists."""
    mutation_seed: int


@dataclass(frozen=True)
class Faults:
    """Which faults to plant."""

    count: int
    seed: int
    workers: int
    only: Collection[str] | None = None
    """Ids of mutants; only these are planted."""


class Lines(AbstractContextManager[None], Protocol):
    """Watches the lines of an environment's tools while it is entered."""

    def share(self) -> float:
        """The share of the tools' lines that ran."""


class Installed(Protocol):
    """What can be done with folders."""

    def names(self) -> tuple[str, ...]:
        """The environments of this installation."""

    def named(self, name: str) -> Loaded:
        """An environment of this installation; UnknownEnvironment if there is none."""

    def loaded(self, folder: Path) -> Loaded:
        """The environment in a folder; VerifyError if there is none, or it doesn't load."""

    def lines(self, folder: Path) -> Lines:
        """Watch which lines of the tools run, while what this gives is entered."""

    def mutation(self, loaded: Loaded, faults: Faults) -> MutationReport:
        """Plant faults and see who notices."""

    def keep(self, loaded: Loaded, report: Report, level: Level) -> Path:
        """Write the record of a report into the folder."""

    def kept(self, loaded: Loaded) -> Kept:
        """The record in the folder; VerifyError if it is missing, broken, or of other files or another battery."""

    def differences(self, loaded: Loaded, report: Report) -> Sequence[str]:
        """In what the record and a report of the same effort differ, as sentences."""


def installed() -> Installed:
    """What this installation can do; MissingExtra if it has no servers."""
    found = list(entry_points(group="envfactory.verifiers", name="installed"))
    try:
        if found:
            return cast("Installed", found[0].load())
    except ModuleNotFoundError as error:
        if is_ours(error):
            raise
        raise MissingExtra("Verifying environments of this installation", "synthesis,verify") from error
    raise MissingExtra("Verifying environments of this installation", "synthesis,verify")


def is_ours(error: ModuleNotFoundError) -> bool:
    """Whether a module that is missing is one of ours, which no extra would bring."""
    return (error.name or "").split(".")[0] in _OURS
