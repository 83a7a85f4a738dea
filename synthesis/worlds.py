"""Worlds: episodes that stand at the start of a world and are kept open, for whatever is tried out in it.

Whoever enters one undoes in the end what they did, in place, so the statements that were prepared for one attempt
serve the next. Few are kept: a farm uses the databases of those that are closed again, statements and all, and each
that is open beside them would have to prepare its own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from envfactory_client import Episode, Farm, UnknownEpisode
from envfactory_client.farm import Size

MOST_KEPT = 1
"""Episodes that are kept open; the one that was entered longest ago is closed first."""


@dataclass
class Worlds:
    """The episodes that are open, by environments, seed and size."""

    most: int = MOST_KEPT
    _open: OrderedDict[tuple[tuple[str, ...], int, Size], Episode] = field(default_factory=OrderedDict)

    async def enter(self, farm: Farm, environments: tuple[str, ...], seed: int, size: Size) -> tuple[Episode, str]:
        """Give an episode at its start, and the name of that moment, which is held."""
        key = (environments, seed, size)
        if key in self._open:
            self._open.move_to_end(key)
            try:
                return self._open[key], await self._open[key].hold()
            except UnknownEpisode:  # a farm closes what nobody has used for a while
                del self._open[key]
        await self._make_room()
        self._open[key] = await farm.open(*environments, seed=seed, size=size)
        return self._open[key], await self._open[key].hold()

    async def _make_room(self) -> None:
        while len(self._open) >= self.most:
            _, oldest = self._open.popitem(last=False)
            try:
                await oldest.close()
            except UnknownEpisode:
                continue
