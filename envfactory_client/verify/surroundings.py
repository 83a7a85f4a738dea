"""Surroundings: the rows that a call speaks of and those near them, and what else could stand in their cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.mirror import Mirror, later, seconds_between

MOST_RELATED = 24
"""Rows at one more remove that are looked at."""
_CHILDREN = 3
_LENDERS = 8
"""Rows that a cell's other values are taken from."""
_HOUR, _DAY = 3600, 86_400


@dataclass(frozen=True)
class Surroundings:
    """What lies around rows in a mirror."""

    mirror: Mirror
    _known: dict[tuple[str, Any], list[dict[str, Any]]] = field(default_factory=dict)
    """What a query has given for a value: the rows themselves stay as they are."""

    def cells(
        self, tool: Tool, arguments: Mapping[str, Any], *, far: bool
    ) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """Every cell around a call's rows that isn't of a key, as table, row and column."""
        layout = self.mirror.facts.layout
        for table, row in self._rows_spoken_of(tool, arguments, far=far):
            yield from (
                (table, row, column.name) for column in layout.tables[table] if column.name not in layout.keys[table]
            )

    def other_values(self, table: str, column: str, here: Any) -> list[Any]:
        """Values that could stand in a cell instead of what is there."""
        values = [value for value in self.values(table, column) if value != here]
        if isinstance(here, int):
            values += [value for value in (0, 1, 1_000_000) if value not in values]
        elif isinstance(here, str) and len(here) == 20 and here.endswith("Z"):
            near = seconds_between(here, self.mirror.start)
            values += [later(here, near + leap) for leap in (-_DAY, -_HOUR, _HOUR, _DAY)]
        return values

    def values(self, table: str, column: str) -> list[Any]:
        """The values of a column that has only a few, the commonest first."""
        sql = f"SELECT {column} AS v FROM {table} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 9"  # noqa: S608
        values = [row["v"] for row in self._asked(sql)]
        return values if len(values) < 9 else []

    def lenders(self, table: str, column: str, here: Any) -> list[dict[str, Any]]:
        """A few rows of a table that hold something else in a column, spread over all that stands there."""
        order = ", ".join((column, *self.mirror.facts.layout.keys[table]))
        last = {row[column]: row for row in self._asked(f"SELECT * FROM {table} ORDER BY {order}")}  # noqa: S608
        rows = [row for value, row in last.items() if value != here]
        return rows[:: -(-len(rows) // _LENDERS) or 1]

    def _rows_spoken_of(
        self, tool: Tool, arguments: Mapping[str, Any], *, far: bool
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows whose keys are arguments, their parents and a few of their children, and of theirs if far."""
        layout = self.mirror.facts.layout
        own: list[tuple[str, Mapping[str, Any]]] = []
        for name, contract in (tool.contract.parameters if tool.contract else {}).items():
            table, _, column = (contract.key or "").partition(".")
            if table in layout.tables and isinstance(arguments.get(name), str):
                own += [(table, row) for row in self._where(table, column, arguments[name])]
        near = [found for table, row in own for found in self.linked(table, row)]
        yield from (*own, *near)
        farther = [found for table, row in (near if far else ()) for found in self.linked(table, row)]
        yield from [found for found in farther if found not in own and found not in near][:MOST_RELATED]

    def linked(self, table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows that a row refers to, and a few of those that refer to it."""
        for (child, column), (parent, key) in self.mirror.facts.layout.links.items():
            if child == table and row[column] is not None:
                yield from ((parent, found) for found in self._where(parent, key, row[column]))
            if parent == table:
                yield from ((child, found) for found in self._where(child, column, row[key])[:_CHILDREN])

    def _where(self, table: str, column: str, value: Any) -> list[dict[str, Any]]:
        return self._asked(f"SELECT * FROM {table} WHERE {column} IS :value LIMIT 5", value)  # noqa: S608

    def _asked(self, sql: str, value: Any = None) -> list[dict[str, Any]]:
        if (sql, value) not in self._known:
            self._known[sql, value] = self.mirror.select(sql, {"value": value})
        return self._known[sql, value]
