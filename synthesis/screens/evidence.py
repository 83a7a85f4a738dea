"""Evidence: what in a call log shows that a refusal is due, or where an answer stands.

A refusal's declared SQL says what it depends on: the columns that SQLite reads to evaluate it. A look-up that shows one
of them beside the key that the request is about is as good as the refused call itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from envfactory_client import Evidence, Tool
from envfactory_client.nulls import Nulls
from synthesis.catalogue import Catalogue
from synthesis.schema import memory


def causes(catalogue: Catalogue, tool: Tool, code: str, arguments: Mapping[str, Any]) -> Iterator[Evidence]:
    """Give what shows that a call is to be refused: the refused call, and reads of what the refusal depends on."""
    keys = key_arguments(tool, arguments)
    yield Evidence(tool=tool.full_name, code=code, arguments=keys)
    columns = columns_read(catalogue.schema.sql, catalogue.refuses.get(tool.name, {}).get(code, ""))
    for name, value in keys.items():
        key = catalogue.parameter(tool.name, name).key
        if key and not isinstance(value, list):
            yield from _shown_beside(catalogue, key, value, columns)


def key_arguments(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a call that are keys of rows."""
    parameters = tool.contract.parameters if tool.contract else {}
    return {name: value for name, value in arguments.items() if name in parameters and parameters[name].key}


def _shown_beside(catalogue: Catalogue, key: str, value: Any, columns: frozenset[str]) -> Iterator[Evidence]:
    for tool in catalogue.tools.values():
        if tool.contract is None or not tool.read_only or tool.actor != "agent":
            continue
        results = tool.contract.results
        for path, shown in results.items():
            if shown.key != key:
                continue
            for other, field in results.items():
                beside = other.rpartition(".")[0] == path.rpartition(".")[0]
                if beside and field.shows in columns and not field.key:
                    name = other.rpartition(".")[2]
                    yield Evidence(tool=tool.full_name, key=path, value=value, field=name)


@lru_cache(maxsize=512)
def columns_read(schema: str, sql: str) -> frozenset[str]:
    """Give the columns, as "table.column", that a query reads from tables and views."""
    found: set[str] = set()

    def note(action: int, table: str | None, column: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and column:
            found.add(f"{table}.{column}")
        return sqlite3.SQLITE_OK

    if sql:
        with memory(schema) as db:
            db.set_authorizer(note)
            db.execute(f"EXPLAIN {sql}", Nulls())
            db.set_authorizer(None)
    return frozenset(found)
