"""Sandboxes: for each environment one episode that everybody may try, which begins anew when it has long been idle."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.farm.limits import Limits
from servers.runtime.home import Home, Observer
from servers.runtime.place import Memory


@dataclass
class _Shared:
    episode: Episode
    used_at: float


class Sandbox:
    """The shared episodes, opened when first used.

    Their world has a seed of its own, drawn when the farm starts: what somebody sees or rehearses in a sandbox, down
    to the ids that are minted, tells nothing of the episodes that agents are trained in.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer
        self._limits = limits or Limits()
        self._clock = clock
        self._seed = secrets.randbelow(2**31)
        self._shared: dict[str, _Shared] = {}

    def episode(self, environment: Environment) -> Episode:
        """Give the shared episode of an environment."""
        now = self._clock()
        shared = self._shared.get(environment.name)
        if shared is None or now - shared.used_at > self._limits.idle_seconds:
            if shared is not None:
                shared.episode.close()
            shared = self._shared[environment.name] = _Shared(self._opened(environment), now)
        shared.used_at = now
        return shared.episode

    def _opened(self, environment: Environment) -> Episode:
        quota = replace(self._limits.quota, calls=None)  # it has no log that they would fill
        home = Home(place=Memory(quota), quota=quota, observer=self._observer)
        return Episode.open([environment], seed=self._seed, home=home)

    def close(self) -> None:
        """Close all shared episodes."""
        for shared in self._shared.values():
            shared.episode.close()
        self._shared.clear()
