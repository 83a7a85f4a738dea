"""Worlds: episodes that stand at the start of a world and are kept open, for whatever is tried out in it.

Whoever enters one undoes in the end what they did, in place, so the statements that were prepared for one attempt
serve the next. In this process few are kept: the farm uses the databases of those that are closed again, statements
and all, and each that is open beside them would have to prepare its own. Of a farm elsewhere, which may well not do so
and is a request away, many are.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from envfactory_client import Episode, Farm, UnknownEpisode
from envfactory_client.farm import Size

MOST_HERE, MOST_ELSEWHERE = 1, 48
"""Episodes that are kept open, where the farm is in this process and where it isn't."""


@dataclass
class Worlds:
    """The episodes that are open, by environments, seed and size; those entered longest ago are closed first."""

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
        await self._make_room(MOST_HERE if farm.is_here else MOST_ELSEWHERE)
        self._open[key] = await farm.open(*environments, seed=seed, size=size)
        return self._open[key], await self._open[key].hold()

    async def _make_room(self, most: int) -> None:
        while len(self._open) >= most:
            _, oldest = self._open.popitem(last=False)
            try:
                await oldest.close()
            except UnknownEpisode:
                continue
