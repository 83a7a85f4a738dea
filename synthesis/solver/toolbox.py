"""A toolbox: the tools as their listing shows them, sorted by what they can find and show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client import FieldContract, Tool
from synthesis.solver.outcome import Stuck

_NOTHING = FieldContract()


@dataclass(frozen=True)
class LookUp:
    """A read tool whose records show the key of an entity, and the columns that stand beside it."""

    tool: Tool
    item: str
    """The path of the record: "bookings[]", or "" for the result itself."""
    field: str
    """The key's field in the record."""
    columns: Mapping[str, str]
    """Column, such as "booking_board.paid_cents", to the record's field that shows it."""

    def field_of(self, column: str) -> str | None:
        """Give the field that shows a column, or else the one that shows a column of that name from elsewhere."""
        if column in self.columns:
            return self.columns[column]
        name = last_part(column)
        return next((field for other, field in self.columns.items() if last_part(other) == name), None)


class Toolbox:
    """The agent's tools."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self.tools = {tool.full_name: tool for tool in tools if tool.actor == "agent"}
        self._keys = self._primary_keys()
        self._look_ups: dict[tuple[str, str], list[LookUp]] = {}
        for found in self._found_by_reads():
            self._look_ups.setdefault((found.tool.environment, self._entity(found)), []).append(found)

    def tool(self, name: str) -> Tool:
        """Give the tool of a full name, or raise `Stuck` when the agent has none."""
        if name not in self.tools:
            raise Stuck(f"there is no tool {name}")
        return self.tools[name]

    def makers(self, change: str) -> list[str]:
        """Give the tools that make a change such as "update bank.cards.status" or "insert airline.bookings"."""
        operation, _, what = change.partition(" ")
        environment, table, *columns = what.split(".")
        return [
            name
            for name, tool in self.tools.items()
            if tool.environment == environment and operation in _changes(tool, table, columns)
        ]

    def look_ups(self, environment: str, entity: str) -> list[LookUp]:
        """Give the read tools that show keys of an entity, beside those that need that key themselves."""
        return self._look_ups.get((environment, entity), [])

    def key(self, environment: str, entity: str) -> str:
        """Give the key column by which tools take rows of an entity, such as "bookings.booking_id"."""
        return self._keys.get((environment, entity), "")

    def entity_in(self, environment: str, column: str) -> str:
        """Give the entity to whose rows a column refers, or raise `Stuck` when no tool shows that it does."""
        for tool in self.tools.values():
            if tool.environment == environment and tool.contract is not None:
                for field in tool.contract.results.values():
                    if field.shows == column and field.key:
                        return field.key.partition(".")[0]
        raise Stuck(f"{column} refers to no row")

    def details(self, environment: str, entity: str, column: str) -> Iterator[tuple[Tool, str, str]]:
        """Give the read tools that take an entity's key and show a column once, with that parameter and that field."""
        key = self.key(environment, entity)
        for tool in self.tools.values():
            if tool.environment != environment or not tool.read_only or tool.contract is None:
                continue
            taking = [name for name, field in tool.contract.parameters.items() if field.key == key]
            showing = [path for path, field in tool.contract.results.items() if field.shows == column]
            if taking and showing and "[" not in showing[0]:
                yield tool, taking[0], showing[0]

    def directories(self, facts: Mapping[str, Any]) -> Iterator[tuple[Tool, str, Mapping[str, str]]]:
        """Give the look-ups by a known fact that show unknown ones, with that parameter and fact to path."""
        for tool in self.tools.values():
            if not tool.read_only or len(tool.required) != 1 or tool.contract is None:
                continue
            name = tool.required[0]
            shared = {last_part(field.shared): path for path, field in tool.contract.results.items() if field.shared}
            unknown = {fact: path for fact, path in shared.items() if fact not in facts}
            if last_part(filtered(tool, name)) in facts and not parameter(tool, name).shared and unknown:
                yield tool, name, unknown

    def _primary_keys(self) -> dict[tuple[str, str], str]:
        counts: Counter[tuple[str, str]] = Counter()
        for tool in self.tools.values():
            if tool.contract is not None:
                counts.update((tool.environment, field.key) for field in tool.contract.parameters.values() if field.key)
                counts.update((tool.environment, field.key) for field in tool.contract.results.values() if field.key)
        keys: dict[tuple[str, str], str] = {}
        for (environment, key), _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            keys.setdefault((environment, key.partition(".")[0]), key)
        return keys

    def _found_by_reads(self) -> Iterator[LookUp]:
        for tool in self.tools.values():
            if not tool.read_only or tool.contract is None:
                continue
            needed = {parameter(tool, name).key for name in tool.required}
            for path, field in tool.contract.results.items():
                if field.key in self._keys.values() and field.key not in needed:
                    item, _, name = path.rpartition(".")
                    yield LookUp(tool, item, name, columns_beside(tool, item))

    def _entity(self, found: LookUp) -> str:
        path = f"{found.item}.{found.field}" if found.item else found.field
        assert found.tool.contract is not None
        return str(found.tool.contract.results[path].key).partition(".")[0]


def _changes(tool: Tool, table: str, columns: Sequence[str]) -> set[str]:
    """Give the operations that a tool makes on a table, of updates only those of the columns."""
    declared = tool.contract.operations(table) if tool.contract else {}
    return {made for made, changed in declared.items() if made != "update" or set(columns) <= set(changed)}


def parameter(tool: Tool, name: str) -> FieldContract:
    """Give the contract of a parameter; an empty one when the tool declares none."""
    return tool.contract.parameters.get(name, _NOTHING) if tool.contract else _NOTHING


def filtered(tool: Tool, name: str) -> str:
    """Give the column by which a parameter filters; "" for none."""
    wanted = parameter(tool, name).filter
    return wanted.column if wanted else ""


def columns_beside(tool: Tool, item: str) -> dict[str, str]:
    """Give the columns that the records at a path show, with their fields."""
    prefix = f"{item}." if item else ""
    found: dict[str, str] = {}
    for path, field in tool.contract.results.items() if tool.contract else ():
        name = path.removeprefix(prefix)
        if path.startswith(prefix) and not set(name) & set(".[") and field.shows:
            found.setdefault(field.shows, name)
    return found


def last_part(column: str) -> str:
    """Give the plain name of a column such as "booking_board.paid_cents"."""
    return column.rpartition(".")[2]
