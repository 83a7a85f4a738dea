"""World: the sections of one universe, drawn from a seed when first read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import count
from random import Random
from typing import Literal, TypeVar

from servers.runtime.permutation import IdSpace, id_key
from servers.runtime.world import appointments, clock, draw, journeys, people, places, purchases, relations, trips
from servers.runtime.world.appointments import Appointment
from servers.runtime.world.background import Background
from servers.runtime.world.journeys import Journey
from servers.runtime.world.people import Person
from servers.runtime.world.places import City
from servers.runtime.world.purchases import Purchase
from servers.runtime.world.relations import Relation
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
        """The sections read so far, each with its version: what the rows of those who read them depend on."""
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

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """Who is what to whom, the persona's relations first."""
        self._reads.add(relations.SECTION)
        return relations.draw_relations(self.stream, self.people)

    @cached_property
    def journeys(self) -> tuple[Journey, ...]:
        """How trips are flown and paid for: the persona's, which are the same in every size, then the others'."""
        self._reads.add(journeys.SECTION)
        return journeys.draw_journeys(self.stream, self.people, self.trips, self.relations, self.now)

    @property
    def airline_name(self) -> str:
        """The name of the one airline of every world, whose flight numbers begin with EV."""
        self._reads.add(journeys.SECTION)
        return journeys.AIRLINE_NAME

    @cached_property
    def purchases(self) -> tuple[Purchase, ...]:
        """What people paid before now, the persona first; the same in every size."""
        self._reads.add(purchases.SECTION)
        return purchases.draw_purchases(self.stream, self._background)

    @cached_property
    def appointments(self) -> tuple[Appointment, ...]:
        """What stands in the calendars of the persona and those around them; the same in every size."""
        self._reads.add(appointments.SECTION)
        return appointments.draw_appointments(self.stream, self._background)

    @property
    def _background(self) -> Background:
        return Background(self.people, self.trips, self.relations, self.journeys, self.now)


@lru_cache(maxsize=2)
def shared_world(seed: int, size: Size) -> World:
    """Give the world of a seed and size that the environments of a process read together, so that it is drawn once."""
    return World(seed, size)
