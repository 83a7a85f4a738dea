"""What is alike: sets of shingles grouped by their Jaccard similarity.

MinHash estimates this similarity; here it is computed. A pair can only reach the threshold when the sets share one
of their rarest members, as many as the threshold leaves free to differ, so only such pairs are ever compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from math import ceil
from typing import Final

from envfactory_client.card.wording import Words, grams

THRESHOLD: Final = 0.8
_ORDER: Final = 3
Shingles = frozenset[int]


def text_shingles(texts: Sequence[Words]) -> Shingles:
    """The word 3-grams of some messages; a shorter message is one shingle as a whole."""
    return frozenset(
        _hashed(gram) for text in texts for gram in (grams(text, _ORDER) if len(text) > _ORDER else (text,))
    )


def chain_shingles(calls: Sequence[str]) -> Shingles:
    """The calls of a chain, and each two of them that follow each other."""
    return frozenset(_hashed(part) for part in (*zip(calls, strict=True), *pairwise(calls)))


def jaccard(one: Shingles, other: Shingles) -> float:
    """How much of what two sets hold is in both of them; two empty sets are equal."""
    return len(one & other) / len(one | other) if one or other else 1.0


class Groups:
    """Members 0 to n-1 in groups that only ever merge."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def of(self, member: int) -> int:
        """The lowest member of a member's group."""
        while self._above[member] != member:
            self._above[member] = self._above[self._above[member]]
            member = self._above[member]
        return member

    def merge(self, one: int, other: int) -> None:
        """Make one group of two members' groups."""
        low, high = sorted((self.of(one), self.of(other)))
        self._above[high] = low

    def count(self) -> int:
        """How many groups there are."""
        return sum(above == member for member, above in enumerate(self._above))


def join_near(sets: Sequence[Shingles], groups: Groups, threshold: float = THRESHOLD) -> None:
    """Merge the groups of every two sets whose similarity reaches the threshold."""
    first = join_equal(sets, groups)
    weight = Counter(member for place in first for member in sets[place])
    shelves: dict[int, list[int]] = defaultdict(list)
    for place in sorted(first, key=lambda place: len(sets[place])):
        rarest = _rarest(sets[place], weight, threshold)
        for other in _candidates(shelves, rarest):
            fits = len(sets[other]) >= threshold * len(sets[place])
            if fits and groups.of(other) != groups.of(place) and jaccard(sets[place], sets[other]) >= threshold:
                groups.merge(place, other)
        for member in rarest:
            shelves[member].append(place)


def join_equal(values: Sequence[object], groups: Groups) -> list[int]:
    """Merge the groups of equal values, and give the first place of each value."""
    first: dict[object, int] = {}
    for place, value in enumerate(values):
        groups.merge(first.setdefault(value, place), place)
    return list(first.values())


def _rarest(shingles: Shingles, weight: Counter[int], threshold: float) -> list[int]:
    """The rarest members, of which another set must share one to reach the threshold."""
    enough = len(shingles) - ceil(threshold * len(shingles)) + 1
    return sorted(shingles, key=lambda member: (weight[member], member))[:enough]


def _candidates(shelves: dict[int, list[int]], rarest: Sequence[int]) -> Iterator[int]:
    met: set[int] = set()
    for member in rarest:
        for place in shelves.get(member, ()):
            if place not in met:
                met.add(place)
                yield place


def _hashed(parts: Sequence[str]) -> int:
    return int.from_bytes(blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big")
