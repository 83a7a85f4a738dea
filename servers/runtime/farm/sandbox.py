"""Sandboxes: for each environment one episode that everybody may try, which begins anew when it has long been idle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.farm.store import IDLE_SECONDS


@dataclass
class _Shared:
    episode: Episode
    used_at: float


class Sandbox:
    """The shared episodes, opened when first used."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._shared: dict[str, _Shared] = {}

    def episode(self, environment: Environment) -> Episode:
        """Give the shared episode of an environment."""
        now = self._clock()
        shared = self._shared.get(environment.name)
        if shared is None or now - shared.used_at > self._idle_seconds:
            if shared is not None:
                shared.episode.close()
            shared = self._shared[environment.name] = _Shared(Episode.open([environment]), now)
        shared.used_at = now
        return shared.episode

    def close(self) -> None:
        """Close all shared episodes."""
        for shared in self._shared.values():
            shared.episode.close()
        self._shared.clear()
