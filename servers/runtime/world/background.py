"""Background: the facts of a world that purchases and appointments follow from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from servers.runtime.world.journeys import Journey
from servers.runtime.world.people import Person
from servers.runtime.world.relations import Relation, RelationKind, related
from servers.runtime.world.trips import Trip


@dataclass(frozen=True, slots=True)
class Background:
    """Who there is, where they go, and when it is."""

    people: Sequence[Person]
    trips: Sequence[Trip]
    relations: Sequence[Relation]
    journeys: Sequence[Journey]
    now: datetime

    @property
    def persona(self) -> Person:
        """The user of every episode."""
        return self.people[0]

    @property
    def today(self) -> date:
        """The day at which an episode begins."""
        return self.now.date()

    def own_trips(self) -> list[Trip]:
        """Give the persona's trips."""
        return [trip for trip in self.trips if trip.person_id == self.persona.person_id]

    def own_journeys(self) -> list[Journey]:
        """Give the persona's journeys."""
        return [journey for journey in self.journeys if journey.person_id == self.persona.person_id]

    def of_persona(self, *kinds: RelationKind) -> list[str]:
        """Give the ids of those who are one of `kinds` to the persona."""
        return related(self.relations, self.persona.person_id, *kinds)
