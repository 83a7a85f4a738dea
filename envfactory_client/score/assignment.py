"""Assignment: the pairing of rows with columns whose weights sum up highest, each used at most once."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf


def best_pairs(weights: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Row and column of each pair with a weight above 0 in a pairing of the highest total.

    Rows are placed one after another along shortest augmenting paths over reduced costs, as in the Hungarian method.
    """
    if not weights or not weights[0]:
        return []
    if len(weights) > len(weights[0]):
        flipped = [list(column) for column in zip(*weights, strict=True)]
        return sorted((row, column) for column, row in best_pairs(flipped))
    placing = _Placing([[-weight for weight in row] for row in weights])
    for row in range(len(weights)):
        placing.place(row)
    pairs = [(row, column) for column, row in enumerate(placing.owner) if row is not None]
    return sorted((row, column) for row, column in pairs if weights[row][column] > 0)


class _Placing:
    """Rows placed so far, each on a column of its own, with prices by which no pair is cheaper than free."""

    def __init__(self, costs: Sequence[Sequence[float]]) -> None:
        self._costs = costs
        self._row_price = [0.0] * len(costs)
        self._column_price = [0.0] * len(costs[0])
        self.owner: list[int | None] = [None] * len(costs[0])

    def place(self, start: int) -> None:
        """Give one more row a column, moving others along the cheapest chain that ends at a free column."""
        distance = [inf] * len(self.owner)
        before = [-1] * len(self.owner)
        reached: dict[int, float] = {}
        row, length, via = start, 0.0, -1
        while True:
            self._look_from(row, length, via, distance, before, reached)
            via = min((column for column in range(len(self.owner)) if column not in reached), key=distance.__getitem__)
            length = reached[via] = distance[via]
            holder = self.owner[via]
            if holder is None:
                break
            row = holder
        self._reprice(start, length, reached)
        self._shift(start, via, before)

    def _look_from(
        self, row: int, length: float, via: int, distance: list[float], before: list[int], reached: dict[int, float]
    ) -> None:
        """Note the columns to which a row at the end of a chain gives a shorter one."""
        for column, cost in enumerate(self._costs[row]):
            step = length + cost - self._row_price[row] - self._column_price[column]
            if column not in reached and step < distance[column]:
                distance[column], before[column] = step, via

    def _reprice(self, start: int, length: float, reached: dict[int, float]) -> None:
        self._row_price[start] += length
        for column, distance in reached.items():
            holder = self.owner[column]
            self._column_price[column] -= length - distance
            if holder is not None:
                self._row_price[holder] += length - distance

    def _shift(self, start: int, end: int, before: list[int]) -> None:
        while before[end] >= 0:
            self.owner[end] = self.owner[before[end]]
            end = before[end]
        self.owner[end] = start
