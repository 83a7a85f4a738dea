"""The store: the open episodes, found by id (control plane) or by handle (an agent's or a user's URL).

A handle opens one actor's tools of one episode, and nothing else. Episodes that nobody uses are closed after a
while, and their number is limited, so that forgotten ones can't fill the memory.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from servers.runtime.contract import Actor
from servers.runtime.episode import Episode
from servers.runtime.errors import UnknownEpisode
from servers.runtime.farm.fault import Fault

MAX_EPISODES = 10_000
IDLE_SECONDS = 3600.0


@dataclass(frozen=True)
class Seat:
    """What a handle stands for: an episode, seen by one actor."""

    episode: Episode
    actor: Actor


class Store:
    """Open episodes, the least recently used first."""

    def __init__(
        self,
        *,
        limit: int = MAX_EPISODES,
        idle_seconds: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._used_at: OrderedDict[str, float] = OrderedDict()
        self._episodes: dict[str, Episode] = {}
        self._seats: dict[str, Seat] = {}

    def __len__(self) -> int:
        return len(self._episodes)

    def check_room(self) -> None:
        """Raise a 429 fault when no further episode may be opened."""
        self._close_idle()
        if len(self._episodes) >= self._limit:
            minutes = round(self._idle_seconds / 60)
            raise Fault(
                429,
                "too_many_episodes",
                f"The limit of this farm, {self._limit} open episodes, is reached; close some with the function 'close'"
                f" (one that nobody uses for {minutes} minutes is closed by itself).",
            )

    def add(self, episode: Episode) -> None:
        """Keep an episode until it is closed or idle for too long."""
        self._episodes[episode.episode_id] = episode
        self._seats[episode.agent_handle] = Seat(episode, "agent")
        self._seats[episode.user_handle] = Seat(episode, "user")
        self._used_at[episode.episode_id] = self._clock()

    def by_id(self, episode_id: str) -> Episode:
        """Give the open episode of that id; raises `UnknownEpisode`."""
        self._close_idle()
        episode = self._episodes.get(episode_id)
        if episode is None:
            raise UnknownEpisode(
                "No open episode has this id: it was closed, has expired, or never was; call 'open' for a new one."
            )
        self._touch(episode_id)
        return episode

    def seat(self, handle: str) -> Seat:
        """Give what a handle stands for; raises `UnknownEpisode`."""
        self._close_idle()
        seat = self._seats.get(handle)
        if seat is None:
            raise UnknownEpisode(
                "No open episode has this handle: it was closed, has expired, or never was;"
                " open one with POST /farm/open and use the URL of a handle that it returns."
            )
        self._touch(seat.episode.episode_id)
        return seat

    def remove(self, episode_id: str) -> Episode:
        """Forget an episode and give it, so that the caller closes it; raises `UnknownEpisode`."""
        return self._forget(self.by_id(episode_id))

    def close(self) -> None:
        """Close every episode."""
        for episode in list(self._episodes.values()):
            self._forget(episode).close()

    def _touch(self, episode_id: str) -> None:
        self._used_at[episode_id] = self._clock()
        self._used_at.move_to_end(episode_id)

    def _close_idle(self) -> None:
        horizon = self._clock() - self._idle_seconds
        while self._used_at:
            episode_id, used_at = next(iter(self._used_at.items()))
            if used_at > horizon:
                return
            self._forget(self._episodes[episode_id]).close()

    def _forget(self, episode: Episode) -> Episode:
        del self._episodes[episode.episode_id], self._used_at[episode.episode_id]
        del self._seats[episode.agent_handle], self._seats[episode.user_handle]
        return episode
