"""Assignment: the pairing of rows with columns whose weights sum up highest, each used at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
        chains = _Chains([inf] * len(self.owner), [-1] * len(self.owner), {})
        row, via = start, -1
        while True:
            self._look_from(row, via, chains)
            via = chains.shortest()
            holder = self.owner[via]
            if holder is None:
                break
            row = holder
        self._reprice(start, chains.reached)
        while chains.before[via] >= 0:
            self.owner[via] = self.owner[chains.before[via]]
            via = chains.before[via]
        self.owner[via] = start

    def _look_from(self, row: int, via: int, chains: _Chains) -> None:
        """Note the columns to which the row at the end of a chain gives a shorter one."""
        length = chains.reached.get(via, 0.0)
        for column, cost in enumerate(self._costs[row]):
            step = length + cost - self._row_price[row] - self._column_price[column]
            if column not in chains.reached and step < chains.length[column]:
                chains.length[column], chains.before[column] = step, via

    def _reprice(self, start: int, reached: dict[int, float]) -> None:
        """Change prices so that the pairs along the shortest chains become free."""
        longest = max(reached.values())
        self._row_price[start] += longest
        for column, length in reached.items():
            holder = self.owner[column]
            self._column_price[column] -= longest - length
            if holder is not None:
                self._row_price[holder] += longest - length


@dataclass
class _Chains:
    """The chains from one row to every column: how long the shortest known is, and the column before its end."""

    length: list[float]
    before: list[int]
    reached: dict[int, float]
    """Columns whose shortest chain is known for good."""

    def shortest(self) -> int:
        """Take the column that is next to be reached for good."""
        open_columns = (column for column in range(len(self.length)) if column not in self.reached)
        column = min(open_columns, key=self.length.__getitem__)
        self.reached[column] = self.length[column]
        return column
