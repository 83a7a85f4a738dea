"""How a client reaches a server: a process that it starts, or an address that it calls."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from envfactory_client.errors import UsageError

DISTRIBUTION = "envfactory"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Process:
    """A server that the client starts and talks to over stdio."""

    command: str
    args: tuple[str, ...]


@dataclass(frozen=True)
class Address:
    """A server that runs already and speaks HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


Launch = Process | Address


@dataclass(frozen=True)
class World:
    """What a server that is started for one client begins with; what is None is left to the server."""

    seed: int | None = None
    size: str | None = None
    db: Path | None = None
    actor: str | None = None

    def to_args(self) -> tuple[str, ...]:
        """Give the options of the server's command line, paths in full: a client starts servers anywhere."""
        given = {"seed": self.seed, "size": self.size, "db": self.db and self.db.absolute(), "actor": self.actor}
        return tuple(word for name, value in given.items() if value is not None for word in (f"--{name}", str(value)))


def by_this_python(environment: str, world: World) -> Process:
    """Give the process that runs an environment by the Python that runs now."""
    return Process(sys.executable, ("-m", f"servers.{environment}", *world.to_args()))


def by_uvx(environment: str, world: World) -> Process:
    """Give the process that fetches this release and runs an environment of it, on any machine that has uv."""
    release = version(DISTRIBUTION)
    packages = ("--with", f"{DISTRIBUTION}[farm]=={release}", f"{DISTRIBUTION}@{release}")
    return Process("uvx", (*packages, "run", environment, *world.to_args()))


def at(url: str, environment: str, headers: Sequence[str]) -> Address:
    """Give the address of an environment: a farm's, or any that ends in /mcp as it is; headers as 'Name: value'."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"'{url}' isn't an address; give one such as http://127.0.0.1:8000.")
    whole = url.rstrip("/")
    return Address(whole if parts.path.rstrip("/").endswith("/mcp") else f"{whole}/{environment}/mcp", _named(headers))


def _named(headers: Sequence[str]) -> dict[str, str]:
    found = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not _HEADER.fullmatch(name):
            raise UsageError(f"'{header}' isn't a header; write one such as 'Authorization: Bearer TOKEN'.")
        found[name] = value.strip()
    return found
