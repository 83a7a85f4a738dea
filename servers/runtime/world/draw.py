"""Draws: the shapes of chance that a scenario needs, each from a stream that is handed in.

Only `random`, `randrange`, `choice`, `shuffle` and `sample` of `random.Random` are used: they give the same values in
every supported Python.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from random import Random
from typing import TypeVar

Item = TypeVar("Item")

Stream = Callable[[str], Random]
"""Gives the generator of a named stream."""


def stream(seed: int, name: str) -> Random:
    """Give a fresh generator for the stream `name` of the world behind `seed`."""
    return Random(int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=32).digest(), "big"))


def weighted(rng: Random, weights: Mapping[Item, int]) -> Item:
    """Give one of the keys, each as likely as its whole-number weight says."""
    bounds = list(accumulate(weights.values()))
    return list(weights)[bisect_right(bounds, rng.randrange(bounds[-1]))]


def zipf(rng: Random, items: Sequence[Item], count: int) -> list[Item]:
    """Give `count` picks, with repeats: the first item twice as often as the second, thrice as often as the third."""
    bounds = list(accumulate(1 / rank for rank in range(1, len(items) + 1)))
    return [items[min(bisect_right(bounds, rng.random() * bounds[-1]), len(items) - 1)] for _ in range(count)]


def deal(rng: Random, shares: Mapping[Item, int], count: int) -> list[Item]:
    """Give `count` values in random order, each as often as its share says: exact, so no share is left out by chance.

    Where the shares don't divide `count`, the values with the largest remainders get one more, the first named first.
    """
    total = sum(shares.values())
    exact = {item: share * count // total for item, share in shares.items()}
    by_remainder = sorted(shares, key=lambda item: -(shares[item] * count % total))
    for item in by_remainder[: count - sum(exact.values())]:
        exact[item] += 1
    dealt = [item for item, times in exact.items() for _ in range(times)]
    rng.shuffle(dealt)
    return dealt
