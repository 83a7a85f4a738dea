"""A sample: entries drawn by a seed while they pass, each with the same chance however many there are."""

from __future__ import annotations

import heapq
from hashlib import blake2b
from typing import Generic, TypeVar

T = TypeVar("T")


class Sample(Generic[T]):
    """Keeps the entries whose names have the lowest digests under a seed."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed, self._size = seed, size
        self._kept: list[tuple[int, int, T]] = []
        self._seen = 0

    def offer(self, name: str, value: T) -> None:
        """Consider an entry by its name."""
        self._seen += 1
        rank = -int.from_bytes(blake2b(f"{self._seed}/{name}".encode(), digest_size=8).digest(), "big")
        entry = (rank, self._seen, value)
        if len(self._kept) < self._size:
            heapq.heappush(self._kept, entry)
        elif rank > self._kept[0][0]:
            heapq.heapreplace(self._kept, entry)

    def drawn(self) -> list[T]:
        """The entries that were drawn, from the lowest digest."""
        return [entry for _, _, entry in sorted(self._kept, key=lambda kept: (-kept[0], kept[1]))]
