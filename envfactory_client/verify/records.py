"""Records: the parts of a result that show rows, and the SQL that says whether a row agrees with them.

A result path such as "bookings[].status" shows a column; all paths with one prefix make one record. What a call was
asked for must hold of its rows too: a key or a filter of the call that the record's table has a column for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.layout import Layout


@dataclass(frozen=True)
class RecordShape:
    """One kind of record in a tool's result."""

    prefix: str
    """Such as "bookings[]" or "" for the result itself."""
    table: str
    fields: tuple[tuple[str, str], ...]
    """Field name to the column of the table that it shows."""

    def records(self, structured: Any) -> Iterator[Mapping[str, Any]]:
        """The records of this shape in a result."""
        for found in _at(structured, self.prefix.split(".") if self.prefix else []):
            if isinstance(found, Mapping):
                yield found


@dataclass(frozen=True)
class Scope:
    """What a call's arguments say of the rows of one record: SQL conditions and their parameters."""

    conditions: tuple[str, ...]
    parameters: Mapping[str, Any]


def shapes(tool: Tool, layout: Layout) -> tuple[RecordShape, ...]:
    """The records that a tool's contract declares, nested ones after their owners."""
    contract = tool.contract
    if contract is None:
        return ()
    found: dict[str, list[tuple[str, str]]] = {}
    for path, field in contract.results.items():
        prefix, _, name = path.rpartition(".")
        if field.shows is not None and not name.endswith("[]"):
            found.setdefault(prefix, []).append((name, field.shows))
    return tuple(shape for prefix, columns in sorted(found.items()) if (shape := _shape(prefix, columns, layout)))


def scope(tool: Tool, arguments: Mapping[str, Any], shape: RecordShape, layout: Layout) -> Scope:
    """What the arguments of a read demand of the rows that its records show."""
    columns = set(layout.columns(shape.table))
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    for name, field in (tool.contract.parameters if tool.contract and tool.read_only else {}).items():
        value = arguments.get(name, _default(tool, name))
        if value is None or isinstance(value, list | dict):
            continue
        if field.filter is not None:
            table, _, column = field.filter.column.partition(".")
            if table == shape.table or (table in layout.tables and column in columns):
                conditions.append(compared(column, field.filter.operator, f"asked_{name}"))
                parameters[f"asked_{name}"] = value
        elif field.key is not None:
            column = field.key.partition(".")[2]
            if column in columns:
                conditions.append(f"{column} = :asked_{name}")
                parameters[f"asked_{name}"] = value
    return Scope(tuple(conditions), {name: _bindable(value) for name, value in parameters.items()})


def compared(column: str, operator: str, parameter: str) -> str:
    """The SQL condition that a filter makes."""
    if operator == "like":
        return f"{column} LIKE '%' || :{parameter} || '%'"
    return f"{column} {operator} :{parameter}"


def agreeing(shape: RecordShape, record: Mapping[str, Any], asked: Scope) -> tuple[str, dict[str, Any]]:
    """The query, with its parameters, that gives a row exactly when some row agrees with a record."""
    conditions = list(asked.conditions)
    parameters = dict(asked.parameters)
    for place, (name, column) in enumerate(shape.fields):
        if name in record and not isinstance(record[name], list | dict):
            conditions.append(f"{column} IS :shown_{place}")
            parameters[f"shown_{place}"] = _bindable(record[name])
    where = " AND ".join(conditions) or "1"
    return f"SELECT 1 FROM {shape.table} WHERE {where} LIMIT 1", parameters  # noqa: S608


@dataclass(frozen=True)
class Listing:
    """A list in a result that must be complete: what counts the rows it is of, and what the result says."""

    shape: RecordShape
    sql: str
    parameters: Mapping[str, Any]
    listed: int
    total: int | None
    """What the result says of how many there are; None if it doesn't."""
    limit: int | None
    """How many it was asked to list at most; None for no limit."""

    def miscount(self, count: int) -> str | None:
        """What is wrong when so many rows match."""
        if self.total is not None and self.total != count:
            return f"the total is {self.total}, and {count} rows of {self.shape.table} match"
        if self.limit is None and self.total is None and self.listed != count:
            return f"{self.shape.prefix} has {self.listed} records, and {count} rows of {self.shape.table} match"
        if self.listed > count or (self.limit is not None and self.listed != min(self.limit, count)):
            return f"{self.shape.prefix} has {self.listed} records of {count}, at most {self.limit} asked for"
        return None


def listings(tool: Tool, arguments: Mapping[str, Any], structured: Any, layout: Layout) -> Iterator[Listing]:
    """The lists in a read's result whose completeness follows from the contract.

    They are those directly in the result, of a tool whose every parameter is a key or a filter of the list's table, or
    says how many to list.
    """
    if not tool.read_only or not isinstance(structured, Mapping):
        return
    for shape in shapes(tool, layout):
        if shape.prefix.count("[]") != 1 or not shape.prefix.endswith("[]") or "." in shape.prefix:
            continue
        asked = scope(tool, arguments, shape, layout)
        if not _explained(tool, arguments, shape, layout):
            continue
        where = " AND ".join(asked.conditions) or "1"
        sql = f"SELECT count(*) AS n FROM {shape.table} WHERE {where}"  # noqa: S608
        only = len([1 for name, value in structured.items() if isinstance(value, list)]) == 1
        total = structured.get("total") if only and isinstance(structured.get("total"), int) else None
        listed = len(structured.get(shape.prefix.removesuffix("[]"), ()))
        yield Listing(shape, sql, asked.parameters, listed, total, _limit(tool, arguments))


_LIMITS = frozenset({"limit", "max_results", "page_size"})


def _limit(tool: Tool, arguments: Mapping[str, Any]) -> int | None:
    name = next((name for name in tool.input_schema.get("properties", {}) if name in _LIMITS), None)
    value = None if name is None else arguments.get(name, _default(tool, name))
    return value if isinstance(value, int) else None


def _explained(tool: Tool, arguments: Mapping[str, Any], shape: RecordShape, layout: Layout) -> bool:
    """Whether every parameter that was given a value says which rows of the record's table are meant, or how many."""
    columns = set(layout.columns(shape.table))
    for name, field in (tool.contract.parameters if tool.contract else {}).items():
        value = arguments.get(name, _default(tool, name))
        if value is None or name in _LIMITS:
            continue
        filtering = field.filter is not None and field.filter.column.partition(".")[0] == shape.table
        keying = field.key is not None and field.filter is None and field.key.partition(".")[2] in columns
        if not (filtering or keying) or isinstance(value, list | dict):
            return False
    return True


@lru_cache(maxsize=4096)
def _owned(column: str) -> tuple[str, str]:
    table, _, name = column.partition(".")
    return table, name


def _shape(prefix: str, columns: list[tuple[str, str]], layout: Layout) -> RecordShape | None:
    table = Counter(_owned(column)[0] for _, column in columns).most_common(1)[0][0]
    if not layout.columns(table):
        return None
    fields = tuple((name, _owned(column)[1]) for name, column in columns if _owned(column)[0] == table)
    return RecordShape(prefix, table, fields)


def _at(value: Any, parts: list[str]) -> Iterator[Any]:
    if not parts:
        yield value
        return
    first, *rest = parts
    inner = value.get(first.removesuffix("[]")) if isinstance(value, Mapping) else None
    for item in inner if first.endswith("[]") and isinstance(inner, list) else [inner]:
        yield from _at(item, rest)


def _default(tool: Tool, name: str) -> Any:
    return tool.input_schema.get("properties", {}).get(name, {}).get("default")


def _bindable(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, list | dict) else value
