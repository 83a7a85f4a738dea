"""What a path leads to: an episode, one of its environments or all, and the actor whose tools are there.

/{env}/mcp                       a sandbox: one episode that everybody shares
/episodes/{handle}/mcp           all tools of an episode that the handle's actor has, as {env}_{tool}
/episodes/{handle}/{env}/mcp     those of one environment
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from servers.runtime.contract import Actor
from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.farm.asked import current_asked
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.crew import Crew
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.sandbox import Sandbox
from servers.runtime.farm.store import Seat, Store

_HANDLE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OF_SANDBOX, _OF_EPISODE, _OF_ENVIRONMENT = 3, 4, 5
"""Into how many parts slashes divide a path of each kind, the empty one before the first counted."""
_SERVED = "/{env}/mcp, /episodes/{handle}/mcp, /episodes/{handle}/{env}/mcp, /farm/{function}, /farm/mcp"


@dataclass(slots=True)
class Reached:
    """An episode as a URL shows it."""

    episode: Episode
    environment: Environment | None
    """None for all environments of the episode together."""
    actor: Actor | None
    """None for both, which only a sandbox offers."""


class Reach:
    """Finds what MCP paths lead to."""

    def __init__(self, catalogue: Catalogue, store: Store, sandbox: Sandbox | None, crew: Crew) -> None:
        self._catalogue = catalogue
        self._store = store
        self._sandbox = sandbox
        self._crew = crew

    def find(self, path: str) -> Reached:
        """Give what a path leads to; raises a fault, or `UnknownEpisode`, when it is nothing."""
        parts = path.rstrip("/").split("/")
        if len(parts) == _OF_SANDBOX:
            return self._shared(parts[1])
        if len(parts) not in (_OF_EPISODE, _OF_ENVIRONMENT) or parts[1] != "episodes" or parts[-1] != "mcp":
            raise no_such_path(path)
        seat = self._seat(parts[2], path)
        environment = _within(seat.episode, parts[3]) if len(parts) == _OF_ENVIRONMENT else None
        return Reached(seat.episode, environment, seat.actor)

    def _seat(self, handle: str, path: str) -> Seat:
        if not _HANDLE.fullmatch(handle):
            raise no_such_path(path)
        if self._crew.ports or self._crew.public_url:
            asked = current_asked.get()
            self._crew.check(handle, asked.path, asked.host)
        return self._store.seat(handle)

    def _shared(self, name: str) -> Reached:
        environment = self._catalogue.get(name)
        if self._sandbox is None:
            raise Fault(404, "no_sandbox", f"There are no sandboxes here; open an episode over '{name}' at /farm/open.")
        return Reached(self._sandbox.episode(environment), environment, None)


def no_such_path(path: str) -> Fault:
    """Give the fault that says what is served instead."""
    return Fault(404, "not_found", f"Nothing is served at {path}; there are {_SERVED}, /v0.1/servers and /healthz.")


def _within(episode: Episode, name: str) -> Environment:
    if (found := episode.environments.get(name)) is None:
        known = ", ".join(episode.environments)
        raise Fault(404, "unknown_environment", f"This episode has no environment '{name}'; it has {known}.")
    return found
