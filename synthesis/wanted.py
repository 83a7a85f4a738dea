"""What is wanted: the links that the data doesn't use yet, by what they lead from and to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        return _grouped(((link[2], link[3]), (link[0], link[1])) for link in self.links)

    @cached_property
    def _by_source(self) -> Mapping[Source, frozenset[Taker]]:
        return _grouped(((link[0], link[1]), (link[2], link[3])) for link in self.links)

    def into(self, taker: Taker | None) -> frozenset[Source]:
        """Give the results from which an argument would come in a new way; for None, any argument."""
        return self.sources if taker is None else self._by_taker.get(taker, NOTHING)

    def out_of(self, source: Source) -> frozenset[Taker]:
        """Give the arguments that would come from a result in a new way."""
        return self._by_source.get(source, NOTHING)


def _grouped(pairs: Iterable[tuple[tuple[str, str], tuple[str, str]]]) -> dict[tuple[str, str], frozenset[Source]]:
    groups: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, member in pairs:
        groups.setdefault(name, set()).add(member)
    return {name: frozenset(members) for name, members in groups.items()}
