"""Surroundings: the rows that a call speaks of and those near them, and what else could stand in their cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.example import Edit
from envfactory_client.verify.mirror import Mirror, later, seconds_between

MOST_RELATED = 24
"""Rows at one more remove that are looked at."""
_CHILDREN = 3
_HOUR, _DAY = 3600, 86_400


@dataclass(frozen=True)
class Surroundings:
    """What lies around rows in a mirror."""

    mirror: Mirror

    def edits(self, tool: Tool, arguments: Mapping[str, Any]) -> Iterator[Edit]:
        """Every cell around a call's rows with another value."""
        for table, row in self.rows_spoken_of(tool, arguments, far=True):
            key = {name: row[name] for name in self.mirror.facts.layout.keys[table]}
            for column in self.mirror.facts.layout.tables[table]:
                if column.name not in key:
                    for value in self._other_values(table, column.name, row[column.name]):
                        yield Edit(table=table, key=key, column=column.name, value=value)

    def _other_values(self, table: str, column: str, here: Any) -> list[Any]:
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
        values = [row["v"] for row in self.mirror.select(sql, {})]
        return values if len(values) < 9 else []

    def rows_spoken_of(
        self, tool: Tool, arguments: Mapping[str, Any], *, far: bool = False
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows whose keys are arguments, their parents and a few of their children, and of theirs if far."""
        layout = self.mirror.facts.layout
        own: list[tuple[str, Mapping[str, Any]]] = []
        for name, field in (tool.contract.parameters if tool.contract else {}).items():
            table, _, column = (field.key or "").partition(".")
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
        return self.mirror.select(f"SELECT * FROM {table} WHERE {column} IS :value LIMIT 5", {"value": value})  # noqa: S608
