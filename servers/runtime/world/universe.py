"""World: the sections of one universe, drawn from a seed when first read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from itertools import count
from random import Random
from typing import Literal, TypeVar

from servers.runtime.permutation import IdSpace, id_key
from servers.runtime.world import clock, draw, people, places, trips
from servers.runtime.world.people import Person
from servers.runtime.world.places import City
from servers.runtime.world.trips import Trip

Size = Literal["small", "medium", "large"]

Choice = TypeVar("Choice")


class World:
    """One universe: equal seeds give equal worlds, whatever is read of them and in whatever order."""

    def __init__(self, seed: int, size: Size = "small") -> None:
        self.seed = seed
        self.size: Size = size
        self._reads: set[str] = set()

    def scale(self, small: Choice, medium: Choice, large: Choice) -> Choice:
        """Give the one of the three that belongs to the world's size."""
        return {"small": small, "medium": medium, "large": large}[self.size]

    def stream(self, name: str) -> Random:
        """Give a fresh generator for the stream `name`, such as "airline/flights"."""
        return draw.stream(self.seed, name)

    def ids(self, name: str, pattern: str) -> Iterator[str]:
        """Give the ids named `name` ("airline/bookings.booking_id") one after another; new ones go on from these."""
        space, key = IdSpace.of(pattern), id_key(self.seed, name)
        return (space.nth(key, number) for number in count())

    @property
    def reads(self) -> tuple[str, ...]:
        """The sections read so far, each with its version: what an environment's rows depend on."""
        return tuple(sorted(self._reads))

    @cached_property
    def now(self) -> datetime:
        """The minute at which an episode begins, in UTC."""
        self._reads.add(clock.SECTION)
        return clock.draw_now(self.stream)

    @property
    def today(self) -> date:
        """The day at which an episode begins, in UTC."""
        return self.now.date()

    @cached_property
    def cities(self) -> tuple[City, ...]:
        """Real cities with airports, the big ones first."""
        self._reads.add(places.SECTION)
        return places.CITIES

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """Everybody, the persona first."""
        self._reads.add(people.SECTION)
        return people.draw_people(self.stream, self.cities)

    @property
    def persona(self) -> Person:
        """The user of every episode of this world."""
        return self.people[0]

    @cached_property
    def trips(self) -> tuple[Trip, ...]:
        """Everybody's trips, the persona's first and the same in every size."""
        self._reads.add(trips.SECTION)
        return trips.draw_trips(
            self.stream,
            self.people,
            self.cities,
            today=self.today,
            others=self.scale(120, 500, 2_000),
        )
