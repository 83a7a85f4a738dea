"""Held moments: where an episode can go back to in place, one within another.

What SQLite takes back by itself, when time or room runs out in a call, is the whole transaction and with it all that
was held. So the first moment that was held is where the episode then is, whichever of its databases it happened to.
"""

from __future__ import annotations

from collections.abc import Mapping

from servers.runtime.database import Database
from servers.runtime.errors import UnknownSnapshot
from servers.runtime.log import Log

Then = tuple[Log, str | None]
"""The log and the clock of a moment."""


class Held:
    """The moments of one episode."""

    def __init__(self) -> None:
        self._then: dict[str, Then] = {}
        self._made = 0

    def __bool__(self) -> bool:
        return bool(self._then)

    def hold(self, databases: Mapping[str, Database], then: Then) -> str:
        """Note a moment in all databases, and give its name."""
        self._made += 1
        name = f"h{self._made}"
        for database in databases.values():
            database.hold(name)
        self._then[name] = then
        return name

    def undo(self, name: str, databases: Mapping[str, Database]) -> Then:
        """Take all databases back to a moment, which ends it and all later ones, and give the log and clock of then."""
        if name not in self._then or not all(database.holds(name) for database in databases.values()):
            raise UnknownSnapshot(f"No moment '{name}' is held in this episode; it was undone, restored or reset.")
        for database in databases.values():
            database.undo(name)
        then = self._then[name]
        names = list(self._then)
        for later in names[names.index(name) :]:
            del self._then[later]
        return then

    def undo_if_lost(self, databases: Mapping[str, Database]) -> Then | None:
        """Take the others back as well where a database has lost what was held; None where none has."""
        first = next(iter(self._then), None)
        if first is None or all(database.holds(first) for database in databases.values()):
            return None
        for database in databases.values():
            database.let_go()
        then = self._then[first]
        self._then.clear()
        return then

    def clear(self) -> None:
        """Hear that the databases are others now."""
        self._then.clear()
