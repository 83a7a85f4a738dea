"""A catalogue: one environment as synthesis knows it, through the farm alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from envfactory_client import Episode, Farm, FieldContract, Tool, ToolGraph
from synthesis.errors import PhrasesError
from synthesis.phrases import Entity, Phrases, Slot, ToolPhrases, read_phrases
from synthesis.schema import Schema, read_schema

_NO_CONTRACT = FieldContract()
_NO_PHRASES = ToolPhrases()
_PLAIN = Slot()
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Producer:
    """A read tool and the result path at which it gives a key."""

    tool: Tool
    path: str

    @property
    def item(self) -> str:
        """The path of the record that holds the key: "bookings[]", or "" for the result itself."""
        return self.path.rpartition(".")[0]

    def shown(self, sources: frozenset[str]) -> dict[str, str]:
        """Give the columns of these tables or views that the same record shows, with the fields that show them."""
        assert self.tool.contract is not None
        prefix = f"{self.item}." if self.item else ""
        found: dict[str, str] = {}
        for path, field in self.tool.contract.results.items():
            name = path.removeprefix(prefix)
            if path.startswith(prefix) and not set(name) & set(".[") and field.shows:
                table, _, column = field.shows.partition(".")
                if table in sources:
                    found.setdefault(column, name)
        return found

    def key_beside(self, key: str) -> str | None:
        """Give the path of the same record's field that holds another key, when there is just one."""
        assert self.tool.contract is not None
        beside = [path for path, field in self.tool.contract.results.items() if field.key == key]
        found = [path for path in beside if path.rpartition(".")[0] == self.item]
        return found[0] if len(found) == 1 else None

    def showing(self, column: str) -> list[str]:
        """Give the fields of the same record that show a column such as "books.title"."""
        source, _, name = column.partition(".")
        shown = self.shown(frozenset({source}))
        return [shown[name]] if name in shown else []


@dataclass(frozen=True)
class Catalogue:
    """Tools, contracts, refusals, schema and phrases of one environment."""

    environment: str
    tools: Mapping[str, Tool]
    refuses: Mapping[str, Mapping[str, str]]
    schema: Schema
    phrases: Phrases
    graph: ToolGraph

    def entity(self, table: str) -> Entity:
        """Give the entity of a table, or raise `PhrasesError` when the phrases have none."""
        if table not in self.phrases.entity:
            raise PhrasesError(f"{self.environment}/phrases.toml has no [entity.{table}]; add how its rows are said.")
        return self.phrases.entity[table]

    def said(self, tool: str) -> ToolPhrases:
        """Give the phrases of a tool; empty ones when the file has none."""
        return self.phrases.tool.get(tool, _NO_PHRASES)

    def slot(self, tool: str, parameter: str) -> Slot:
        """Give how a parameter is said; nothing particular when the file doesn't say."""
        return self.said(tool).slots.get(parameter, _PLAIN)

    def view(self, table: str) -> str:
        """Give the table or view in whose columns an entity is spoken of."""
        return self.entity(table).view or table

    def key(self, table: str) -> str:
        """Give the key column of an entity."""
        return self.entity(table).key or self.schema.keys[table]

    def read_by(self, table: str, path: str) -> str:
        """Give the SQL that reads a column or path of an entity, or raise `PhrasesError` when there is none."""
        attribute = self.schema.attribute(self.view(table), path)
        if attribute is None:
            raise PhrasesError(f"{self.environment}/phrases.toml: [entity.{table}.say] {path} leads nowhere; mend it.")
        return attribute.expression

    def parameter(self, tool: str, name: str) -> FieldContract:
        """Give the contract of a parameter."""
        contract = self.tools[tool].contract
        return contract.parameters.get(name, _NO_CONTRACT) if contract else _NO_CONTRACT

    def fact(self, tool: str, name: str) -> str:
        """Give the fact of the user's card that a parameter takes, such as "email", or "" for none."""
        fact = self.parameter(tool, name).shared or self.slot(tool, name).as_ or ""
        return fact.removeprefix("person.").removeprefix("persona.")

    @cached_property
    def _types(self) -> dict[str, str]:
        """Give what every column is that a look-up of the agent shows: money, a date, a time, or a key."""
        return {
            field.shows: field.key or field.type or ""
            for tool in self.tools.values()
            if tool.contract is not None and tool.read_only and tool.actor == "agent"
            for field in tool.contract.results.values()
            if field.shows and (field.key or field.type)
        }

    def type_of(self, column: str) -> str | None:
        """Give the type in which look-ups show a column such as "booking_board.departs_on", or the key that it is."""
        return self._types.get(column)

    def field_beside(self, tool: str, place: str, table: str, column: str) -> str | None:
        """Give the place of the field that shows a column in the record in which `place` is."""
        record = place.rpartition(".")[0]
        prefix = f"{_INDEX.sub('[]', record)}." if record else ""
        contract = self.tools[tool].contract
        for path, field in contract.results.items() if contract else ():
            name = path.removeprefix(prefix)
            wanted = field.shows in (f"{self.view(table)}.{column}", f"{table}.{column}")
            if path.startswith(prefix) and wanted and not set(name) & set(".["):
                return f"{record}.{name}" if record else name
        return None

    @cached_property
    def _producers(self) -> dict[str, list[Producer]]:
        found: dict[str, list[Producer]] = {}
        for node in self.graph.tools:
            tool = self.tools[node.name.partition(".")[2]]
            if node.actor == "agent" and node.read_only:
                for output in node.outputs:
                    if output.key:
                        found.setdefault(output.key.partition(":")[2], []).append(Producer(tool, output.path))
        return found

    @cached_property
    def worked_out(self) -> dict[tuple[str, str], Any]:
        """What has been worked out of this catalogue, by the question and what it was about."""
        return {}

    def producers(self, key: str) -> list[Producer]:
        """Give the read tools that can find a key such as "bookings.booking_id".

        Those come first whose records show what a person would say of the row, then those that ask least.
        """
        question = ("producers", key)
        if question not in self.worked_out:
            self.worked_out[question] = self._in_order(key)
        found: list[Producer] = self.worked_out[question]
        return found

    def _in_order(self, key: str) -> list[Producer]:
        usable = [
            producer
            for producer in self._producers.get(key, [])
            if all(self.parameter(producer.tool.name, name).key != key for name in producer.tool.required)
            and producer.path.count("[]") <= 1
        ]
        return sorted(
            usable,
            key=lambda producer: (
                not self.tells(producer, key.partition(".")[0]),
                len(producer.tool.required),
                producer.tool.name,
                producer.path,
            ),
        )

    def tells(self, producer: Producer, table: str) -> bool:
        """Say whether a look-up shows any attribute by which a row of a table is spoken of."""
        entity = self.phrases.entity.get(table)
        if entity is None:
            return False
        shown = producer.shown(frozenset({table, entity.view or table}))
        return any(column in shown for column in (*entity.say, *entity.handles))


async def read_catalogue(farm: Farm, episode: Episode, environment: str) -> Catalogue:
    """Give the catalogue of an environment of an open episode."""
    source = await farm.source(environment)
    tools = (*await episode.agent.tools(environment), *await episode.user.tools(environment))
    if source.phrases is None:
        raise PhrasesError(f"{environment} has no phrases.toml, so nobody can ask for anything in it; write one.")
    return Catalogue(
        environment=environment,
        tools={tool.name: tool for tool in tools},
        refuses={name: contract.get("refuses", {}) for name, contract in source.contracts.items()},
        schema=read_schema(source.schema_sql),
        phrases=read_phrases(environment, source.phrases),
        graph=ToolGraph.build(tools),
    )
