"""What is wanted: the links that the data doesn't use yet, by what they lead from and to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from envfactory_client.card.links import LinkName

Source = tuple[str, str]
"""A tool's full name and a result path."""
Taker = tuple[str, str]
"""A tool's full name and a parameter."""
NOTHING: frozenset[Source] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """Links that the data lacks."""

    links: frozenset[LinkName] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.links)

    def __contains__(self, link: LinkName) -> bool:
        return link in self.links

    @cached_property
    def sources(self) -> frozenset[Source]:
        """The results from which any such link begins."""
        return frozenset((producer, path) for producer, path, _, _ in self.links)

    @cached_property
    def _by_taker(self) -> Mapping[Taker, frozenset[Source]]:
        groups: dict[Taker, set[Source]] = {}
        for producer, path, consumer, parameter in self.links:
            groups.setdefault((consumer, parameter), set()).add((producer, path))
        return {taker: frozenset(sources) for taker, sources in groups.items()}

    def into(self, taker: Taker | None) -> frozenset[Source]:
        """Give the results from which an argument would come in a new way; for None, any argument."""
        return self.sources if taker is None else self._by_taker.get(taker, NOTHING)
