"""Other values: what could stand in an argument's place and be as valid, drawn from schema and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from envfactory_client import Episode, FieldContract
from synthesis.catalogue import Catalogue

MOST_ROWS: Final = 50
_WORDS: Final = ("Something else entirely", "Quite another matter", "None of the above")


@dataclass
class Values:
    """Draws values in one episode; rows are asked for once."""

    episode: Episode
    catalogues: Mapping[str, Catalogue]
    rng: Random
    _columns: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    async def other(self, environment: str, tool: str, parameter: str, value: Any) -> Any:
        """Give another value for a parameter, or `value` itself when there is none."""
        if isinstance(value, list):
            contract = self.catalogues[environment].parameter(tool, parameter)
            return await self._other_list(environment, contract, value)
        options = [option for option in await self.options(environment, tool, parameter, value) if option != value]
        return options[self.rng.randrange(len(options))] if options else value

    async def keys(self, environment: str, column: str) -> list[Any]:
        """Give some values of a column such as "bookings.booking_id", in order."""
        if (environment, column) not in self._columns:
            table, _, name = column.partition(".")
            sql = f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL ORDER BY {name} LIMIT {MOST_ROWS}"  # noqa: S608
            rows = (await self.episode.query(environment, sql)).rows
            self._columns[environment, column] = [row[0] for row in rows]
        return self._columns[environment, column]

    async def _other_list(self, environment: str, contract: FieldContract, value: list[Any]) -> list[Any]:
        keys = [key for key in await self.keys(environment, contract.key) if key not in value] if contract.key else []
        return [*value[:-1], keys[self.rng.randrange(len(keys))]] if keys and value else value

    async def options(self, environment: str, tool: str, parameter: str, value: Any) -> list[Any]:
        """Give the values that could stand in a parameter where `value` stands, which may be among them."""
        catalogue = self.catalogues[environment]
        schema = catalogue.tools[tool].input_schema.get("properties", {}).get(parameter, {})
        contract = catalogue.parameter(tool, parameter)
        listed = [one for part in (schema, *schema.get("anyOf", ())) for one in part.get("enum", ())]
        if listed or isinstance(value, bool):
            return listed or [not value]
        column = contract.key or contract.sets or (contract.filter.column if contract.filter else None)
        if isinstance(value, int):
            return [number for number in (value + 1, value - 1) if _fits(schema, number)]
        kept = await self.keys(environment, column) if column and not contract.free else []
        return [one for one in kept if isinstance(one, str)] or list(_WORDS)


def _fits(schema: Mapping[str, Any], number: int) -> bool:
    parts = [part for part in (schema, *schema.get("anyOf", ())) if "minimum" in part or "maximum" in part]
    return all(part.get("minimum", number) <= number <= part.get("maximum", number) for part in parts)
