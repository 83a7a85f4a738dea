"""The world: one coherent universe behind a seed, which every environment of an episode reads.

Environments agree because they read the same facts: the persona's next trip is in the airline, the mail and the bank
from the start, under the same reference. Each draw comes from a named stream, so adding something shifts nothing else;
each section is drawn when first read, is frozen, and carries a version that an environment's digest covers.
"""

from servers.runtime.world.draw import deal, weighted, zipf
from servers.runtime.world.people import Person
from servers.runtime.world.places import Airport, City
from servers.runtime.world.trips import Purpose, Trip
from servers.runtime.world.universe import Size, World

__all__ = ["Airport", "City", "Person", "Purpose", "Size", "Trip", "World", "deal", "weighted", "zipf"]
