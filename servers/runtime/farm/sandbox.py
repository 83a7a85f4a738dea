"""Sandboxes: for each environment one episode that everybody may try, which begins anew when it has long been idle."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.farm.store import IDLE_SECONDS

Open = Callable[[list[Environment]], Awaitable[Episode]]


@dataclass
class _Shared:
    episode: Episode
    used_at: float


class Sandbox:
    """The shared episodes, opened when first used."""

    def __init__(
        self, open_episode: Open, *, idle_seconds: float = IDLE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open = open_episode
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._shared: dict[str, _Shared] = {}

    async def episode(self, environment: Environment) -> Episode:
        """Give the shared episode of an environment."""
        now = self._clock()
        shared = self._shared.get(environment.name)
        if shared is None or now - shared.used_at > self._idle_seconds:
            self._drop(environment.name, shared)
            fresh = await self._open([environment])
            shared = self._shared.setdefault(environment.name, _Shared(fresh, now))
            if shared.episode is not fresh:
                fresh.close()
        shared.used_at = now
        return shared.episode

    def close(self) -> None:
        """Close all shared episodes."""
        for name in list(self._shared):
            self._drop(name, self._shared[name])

    def _drop(self, name: str, shared: _Shared | None) -> None:
        if shared is not None and self._shared.get(name) is shared:
            del self._shared[name]
            shared.episode.close()
