"""A target: what a command line names to be verified, and how it is opened as a subject."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from envfactory_client.errors import MissingExtra, UnknownEnvironment, UsageError, VerifyError, did_you_mean
from envfactory_client.farm import Farm
from envfactory_client.foreign import ForeignServer
from envfactory_client.verify.farm_subject import FarmSubject
from envfactory_client.verify.foreign_subject import ForeignSubject
from envfactory_client.verify.installed import Loaded, installed
from envfactory_client.verify.subject import Subject

_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_]{1,19}")
_PATIENCE = 10.0
"""Seconds that a call of a server by other authors may take."""
_MANIFEST = "manifest.toml"


@dataclass(frozen=True)
class Opened:
    """An open subject, with the same environment from within where it is in this process."""

    subject: Subject
    inner: Subject | None = None

    @property
    def abilities(self) -> frozenset[str]:
        """What both allow together."""
        return self.subject.abilities | (self.inner.abilities if self.inner is not None else frozenset())


class Target(Protocol):
    """Something that can be opened."""

    @property
    def title(self) -> str:
        """What to call it before it is open."""

    @property
    def loaded(self) -> Loaded | None:
        """The folder behind it, if it is on this machine."""

    def open(self) -> AbstractAsyncContextManager[Opened]:
        """The open subject, as an asynchronous context."""


@dataclass(frozen=True)
class Local:
    """An environment of this installation, or in a folder, behind a farm in this process."""

    loaded: Loaded
    words: str

    @property
    def title(self) -> str:
        """The environment's name."""
        return self.loaded.name

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """The environment over MCP, and from within."""
        async with Farm(self.loaded.app, token=self.loaded.token) as farm:
            subject = await FarmSubject.of(farm, self.loaded.name, here=self.loaded.registered)
            subject.target = self.words
            yield Opened(subject, self.loaded.inner)


@dataclass(frozen=True)
class Remote:
    """An environment of a farm elsewhere."""

    name: str
    url: str
    token: str | None
    loaded: None = None

    @property
    def title(self) -> str:
        """The environment's name."""
        return self.name

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """The environment over MCP."""
        async with Farm(self.url, token=self.token) as farm:
            known = {card.name for card in await farm.environments()}
            if self.name not in known:
                raise _unknown(self.name, known)
            subject = await FarmSubject.of(farm, self.name, here=False)
            subject.target = f"{self.name} --farm {shlex.quote(self.url)}"
            yield Opened(subject)


@dataclass(frozen=True)
class Foreign:
    """A server by other authors."""

    where: str | tuple[str, ...]
    """Its URL, or the command that starts it."""
    writes: bool
    loaded: None = None

    @property
    def title(self) -> str:
        """The URL or the command."""
        return self.where if isinstance(self.where, str) else shlex.join(self.where)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """The server over MCP."""
        named = shlex.quote(self.where) if isinstance(self.where, str) else f"-- {shlex.join(self.where)}"
        words = f"--allow-writes {named}" if self.writes else named
        where = self.where if isinstance(self.where, str) else list(self.where)
        async with ForeignServer(where, call_timeout=_PATIENCE) as server:
            yield Opened(await ForeignSubject.of(server, words, writes=self.writes))


@dataclass(frozen=True)
class Way:
    """How targets are reached."""

    farm: str | None = None
    token: str | None = None
    writes: bool = False


async def every(way: Way) -> list[Target]:
    """All environments of the farm, or of this installation."""
    if way.farm is None:
        return [Local(installed().named(name), name) for name in installed().names()]
    async with Farm(way.farm, token=way.token) as farm:
        return [Remote(card.name, way.farm, way.token) for card in await farm.environments()]


def targets(words: Sequence[str], way: Way) -> list[Target]:
    """What the words name: environments and folders, or one URL, or one command."""
    if not words:
        raise UsageError("Name what to verify: environments, a folder, a URL, a command after --, or --all.")
    if len(words) == 1 and words[0].startswith(("http://", "https://")):
        return [Foreign(words[0], way.writes)]
    if not all(_ENVIRONMENT.fullmatch(word) or Path(word).is_dir() for word in words):
        return [_command(words, way)]
    if way.farm is not None:
        return [Remote(word, way.farm, way.token) for word in words]
    return _here(words, way)


def _here(words: Sequence[str], way: Way) -> list[Target]:
    """Environments of this installation and folders, unless the first word is a command after all."""
    is_command = shutil.which(words[0]) is not None
    try:
        ours = installed()
    except MissingExtra:
        if is_command:
            return [_command(words, way)]
        raise
    known = ours.names()
    if words[0] not in known and not Path(words[0], _MANIFEST).exists() and is_command:
        return [_command(words, way)]
    found: list[Target] = []
    for word in words:
        if word in known:
            found.append(Local(ours.named(word), word))
        elif Path(word).is_dir():
            found.append(Local(ours.loaded(Path(word)), shlex.quote(word)))
        else:
            raise _unknown(word, known)
    return found


def _command(words: Sequence[str], way: Way) -> Target:
    first = words[0]
    if "/" in first and not Path(first).exists() and shutil.which(first) is None:
        raise VerifyError(f"There is no folder or command {first}; name an environment, a folder, a URL or a command.")
    return Foreign(tuple(words), way.writes)


def _unknown(name: str, known: Sequence[str] | set[str]) -> UnknownEnvironment:
    return UnknownEnvironment(
        f"There is no environment '{name}'{did_you_mean(name, known)}", code="unknown_environment"
    )
