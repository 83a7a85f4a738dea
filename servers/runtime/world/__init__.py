"""The world: one coherent universe behind a seed, which every environment of an episode reads.

Environments agree because they read the same facts: the persona's next trip is in the airline, the mail and the bank
from the start, under the same reference. Each draw comes from a named stream, so adding something shifts nothing else;
each section is drawn when first read, is frozen, and carries a version that an environment's digest covers.
"""

from servers.runtime.world.appointments import Appointment, AppointmentKind, Recurrence
from servers.runtime.world.draw import deal, weighted, zipf
from servers.runtime.world.flights import FLIGHT_NUMBERS, Leg, distance, draw_flight
from servers.runtime.world.journeys import Journey
from servers.runtime.world.people import Person
from servers.runtime.world.places import Airport, City
from servers.runtime.world.purchases import Category, Merchant, Method, Purchase
from servers.runtime.world.relations import Relation, RelationKind, related
from servers.runtime.world.terms import FARES, Cabin, Fare, FareType, JourneyState, Terms
from servers.runtime.world.trips import Purpose, Trip
from servers.runtime.world.universe import Size, World, shared_world

__all__ = [
    "FARES",
    "FLIGHT_NUMBERS",
    "Airport",
    "Appointment",
    "AppointmentKind",
    "Cabin",
    "Category",
    "City",
    "Fare",
    "FareType",
    "Journey",
    "JourneyState",
    "Leg",
    "Merchant",
    "Method",
    "Person",
    "Purchase",
    "Purpose",
    "Recurrence",
    "Relation",
    "RelationKind",
    "Size",
    "Terms",
    "Trip",
    "World",
    "deal",
    "distance",
    "draw_flight",
    "related",
    "shared_world",
    "weighted",
    "zipf",
]
