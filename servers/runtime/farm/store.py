"""The store: the open episodes, found by id (control plane) or by handle (an agent's or a user's URL).

A handle opens one actor's tools of one episode, and nothing else. An episode is warm while it is among the last used:
its connections remember statements, which is fast and takes room. Then it is cool, which is as it was when it opened.
When memory runs short, those that nobody has used for longest are parked in files, and come back when they are used.
None of this can be seen from outside. Episodes that nobody uses for long are closed.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from servers.runtime.contract import Actor
from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.errors import QuotaExceeded, UnknownEpisode
from servers.runtime.farm.archive import Archive
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.limits import MIB, Limits
from servers.runtime.home import Home, Names, Observer
from servers.runtime.place import Memory
from servers.runtime.state import Row
from servers.runtime.stock import Stock
from servers.runtime.template import Template, starts
from servers.runtime.tool import Definition, Outcome
from servers.runtime.world import Size

logger = logging.getLogger(__name__)

_WARM_BYTES = 320 * 1024
_COOL_BYTES = 40 * 1024
"""What a connection takes beside its rows, with and without the statements that it remembers."""
_PAUSE = 1.0
"""Seconds between two looks for idle episodes, while handles are used."""
_ENOUGH = 0.9
"""The share of the limit beyond which memory is freed, little by little so that nobody waits for long."""
_AT_ONCE = 4
"""How many episodes are parked at a time while the limit isn't reached yet."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What a handle stands for: an episode, seen by one actor."""

    episode: Episode
    actor: Actor


class Store:
    """Open episodes, the least recently used first."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        parking: Path | None = None,
        archive: Archive | None = None,
        prefix: str = "",
    ) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._parking = parking
        self._archive = archive
        self._prefix = prefix
        lost = ", or was lost with its worker, as those are that a farm without --durable had"
        self._loss = lost if prefix and archive is None else ""
        self._shelter: TemporaryDirectory[str] | None = None
        self._stock = Stock(self.limits.stock) if self.limits.stock else None
        self._episodes: dict[str, Episode] = {}
        self._seats: dict[str, Seat] = {}
        self._warm: OrderedDict[str, float] = OrderedDict()
        self._cool: OrderedDict[str, float] = OrderedDict()
        self._parked: OrderedDict[str, float] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._look_at = 0.0
        self.memory = 0
        """Bytes that the open episodes take in memory, as estimated."""
        self.observer: Observer | None = None
        """Who hears of every call."""
        self.opened = 0
        self.expired = 0

    def __len__(self) -> int:
        return len(self._episodes)

    def __iter__(self) -> Iterator[Episode]:
        return iter(list(self._episodes.values()))

    @property
    def counts(self) -> Mapping[str, int]:
        """How many episodes are warm, cool and parked."""
        return {"warm": len(self._warm), "cool": len(self._cool), "parked": len(self._parked)}

    # Opening and closing

    def open(
        self,
        environments: Sequence[Environment],
        *,
        seed: int = 0,
        size: Size = "small",
        scenarios: Mapping[str, Mapping[str, Sequence[Row]]] | None = None,
    ) -> Episode:
        """Open an episode; raises a 429 fault where there is no room for another."""
        self.check_room()
        self._check_rows(scenarios or {})
        templates = starts(environments, seed=seed, size=size, scenarios=scenarios)
        episode = Episode.begin(
            environments, templates, seed=seed, size=size, home=self._home(templates, seed=seed, size=size)
        )
        self.add(episode, sum(template.bytes for template in templates.values()))
        return episode

    def fork(self, episode_id: str) -> Episode:
        """Open an episode that begins in the state of another."""
        self.check_room()
        episode = self.by_id(episode_id)
        fork = episode.fork(self._home(episode.templates, seed=episode.seed, size=episode.size))
        self.add(fork, episode.bytes)
        return fork

    def check_room(self) -> None:
        """Raise a 429 fault when no further episode may be opened."""
        self._close_idle()
        if len(self._episodes) >= self.limits.episodes:
            minutes = round(self.limits.idle_seconds / 60)
            raise Fault(
                429,
                "too_many_episodes",
                f"The limit of this farm, {self.limits.episodes} open episodes, is reached; close some with the"
                f" function 'close' (one that nobody uses for {minutes} minutes is closed by itself).",
            )
        if self.memory > self.limits.memory:
            raise Fault(
                429,
                "out_of_memory",
                f"The open episodes take the {self.limits.memory // MIB} MiB of memory that this farm gives them, and"
                " can't be moved to files; close some with the function 'close'.",
            )

    def _check_rows(self, scenarios: Mapping[str, Mapping[str, Sequence[Row]]]) -> None:
        limit = self.limits.quota.rows
        for name, tables in scenarios.items():
            rows = sum(map(len, tables.values()))
            if limit is not None and rows > limit:
                raise QuotaExceeded(f"The scenario of '{name}' has {rows} rows, and {limit} is the limit; give fewer.")

    def add(self, episode: Episode, size: int | None = None) -> None:
        """Keep an episode until it is closed or idle for too long; `size` is that of its rows, if it is known."""
        self._keep(episode)
        self.opened += 1
        self._warm[episode.episode_id] = self._clock()
        rows = episode.bytes if size is None else size
        self._weigh(episode, rows + _WARM_BYTES * len(episode.environments))
        self._make_room()

    def restore(self, catalogue: Catalogue) -> None:
        """Take up the episodes of the archive where they were left."""
        for episode in self._archive.episodes(catalogue, self._observe) if self._archive is not None else ():
            self._keep(episode)
            self._parked[episode.episode_id] = self._clock()

    def remove(self, episode_id: str) -> Episode:
        """Forget an episode and give it, so that the caller closes it; raises `UnknownEpisode`."""
        return self._forget(self._found(episode_id))

    def close(self) -> None:
        """Close every episode; those in files are only put away."""
        for episode in list(self._episodes.values()):
            if episode.in_files:
                episode.park()
                self._forget(episode)
            else:
                self._forget(episode).close()
        if self._stock is not None:
            self._stock.close()
        if self._shelter is not None:
            self._shelter.cleanup()
            self._shelter = None
        if self._archive is not None:
            self._archive.close()

    # Finding

    def by_id(self, episode_id: str) -> Episode:
        """Give the open episode of that id; raises `UnknownEpisode`."""
        episode = self._found(episode_id)
        self._touch(episode)
        return episode

    def seat(self, handle: str) -> Seat:
        """Give what a handle stands for; raises `UnknownEpisode`."""
        if self._clock() >= self._look_at:
            self._close_idle()
        seat = self._seats.get(handle)
        if seat is None:
            raise UnknownEpisode(
                f"No open episode has this handle: it was closed, has expired, or never was{self._loss};"
                " open one with POST /farm/open and use the URL of a handle that it returns."
            )
        self._touch(seat.episode)
        return seat

    def grown(self, episode: Episode) -> None:
        """Hear that an episode has just taken or given up room, as by a snapshot."""
        self._weigh(episode, episode.bytes + _WARM_BYTES * len(episode.environments))
        self._make_room()

    def _found(self, episode_id: str) -> Episode:
        self._close_idle()
        episode = self._episodes.get(episode_id)
        if episode is None:
            raise UnknownEpisode(
                f"No open episode has this id: it was closed, has expired, or never was{self._loss};"
                " call 'open' for a new one."
            )
        return episode

    def _home(self, templates: Mapping[str, Template], *, seed: int, size: Size) -> Home:
        names = self._names()
        if self._archive is not None:
            return self._archive.home(names, templates, seed=seed, size=size, observer=self._observe)
        quota = self.limits.quota
        place = Memory(quota, partial(self._parking_of, names.episode), self._stock)
        return Home(names, place, quota, logged=True, observer=self._observe)

    def _observe(self, environment: str, definition: Definition, outcome: Outcome, seconds: float) -> None:
        if self.observer is not None:
            self.observer(environment, definition, outcome, seconds)

    def _names(self) -> Names:
        names = Names()
        if not self._prefix:
            return names
        return Names(self._prefix + names.episode, self._prefix + names.agent, self._prefix + names.user)

    def _parking_of(self, episode_id: str) -> Path:
        if self._parking is not None:
            return self._parking / f"{episode_id}.parked"
        if self._shelter is None:
            self._shelter = TemporaryDirectory(prefix="envfactory-parked-")
        return Path(self._shelter.name) / f"{episode_id}.parked"

    def _keep(self, episode: Episode) -> None:
        self._episodes[episode.episode_id] = episode
        self._seats[episode.agent_handle] = Seat(episode, "agent")
        self._seats[episode.user_handle] = Seat(episode, "user")

    def _forget(self, episode: Episode) -> Episode:
        del self._episodes[episode.episode_id]
        del self._seats[episode.agent_handle], self._seats[episode.user_handle]
        for tier in (self._warm, self._cool, self._parked):
            tier.pop(episode.episode_id, None)
        self._weigh(episode, 0)
        del self._weights[episode.episode_id]
        return episode

    # Room

    def _touch(self, episode: Episode) -> None:
        name = episode.episode_id
        if name in self._warm:
            self._warm[name] = self._clock()
            self._warm.move_to_end(name)
            return
        was_parked = self._parked.pop(name, None) is not None
        self._cool.pop(name, None)
        self._warm[name] = self._clock()
        known = self._weights.get(name, 0)
        rows = 0 if was_parked else known - _COOL_BYTES * len(episode.environments)
        if was_parked and not episode.in_files:
            _ = episode.databases
            rows = episode.bytes
        self._weigh(episode, rows + _WARM_BYTES * len(episode.environments))
        self._make_room()

    def _weigh(self, episode: Episode, weight: int) -> None:
        self.memory += weight - self._weights.get(episode.episode_id, 0)
        self._weights[episode.episode_id] = weight

    def _make_room(self) -> None:
        for _ in range(len(self._warm) - self.limits.warm):
            self._cool_down(*self._warm.popitem(last=False))
        self._park_some(self.limits.memory * _ENOUGH, _AT_ONCE)
        self._park_some(self.limits.memory, len(self._episodes))

    def _cool_down(self, name: str, used_at: float) -> None:
        episode = self._episodes[name]
        if episode.in_files:
            if not self._park(episode, used_at):
                self._warm[name] = used_at
            return
        connections = len(episode.environments)
        rows = self._weights[name] - _WARM_BYTES * connections if episode.is_fresh else episode.bytes
        if not episode.shrink():  # in use by another thread: its turn will come again
            self._warm[name] = used_at
            return
        self._cool[name] = used_at
        self._weigh(episode, rows + _COOL_BYTES * connections)

    def _park_some(self, enough: float, most: int) -> None:
        """Park those that were not used for longest, but never the one that is in use now."""
        if self.memory <= enough:
            return
        for name, used_at in list(islice(self._idle_ones(), most)):
            self._park(self._episodes[name], used_at)
            if self.memory <= enough:
                return

    def _idle_ones(self) -> Iterator[tuple[str, float]]:
        yield from self._cool.items()
        yield from islice(self._warm.items(), len(self._warm) - 1)

    def _park(self, episode: Episode, used_at: float) -> bool:
        try:
            done = episode.park()
        except OSError as error:
            logger.error("An episode can't be moved out of memory: %s.", error)
            done = False
        if done:
            self._warm.pop(episode.episode_id, None)
            self._cool.pop(episode.episode_id, None)
            self._parked[episode.episode_id] = used_at
            self._weigh(episode, 0)
        return done

    def _close_idle(self) -> None:
        now = self._clock()
        horizon = now - self.limits.idle_seconds
        self._look_at = now + _PAUSE
        for tier in (self._parked, self._cool, self._warm):
            while tier:
                name, used_at = next(iter(tier.items()))
                if used_at > horizon:
                    break
                self._forget(self._episodes[name]).close()
                self.expired += 1
