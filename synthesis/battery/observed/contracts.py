"""Contracts from observation: what was seen of tools, in the form in which tools declare it.

So servers that declare nothing get the same tool graph as those that do. What is ambiguous is left out: a contract
names a column only where all that was seen speaks of one and the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envfactory_client import Tool
from envfactory_client.tool import ColumnFilter, Contract, FieldContract
from servers.runtime import Environment
from synthesis.battery.direct import DirectSubject
from synthesis.battery.observed.lineage import Lineage, Origins
from synthesis.battery.observed.observation import (
    ObservedParameter,
    ObservedResult,
    ObservedTool,
    ObservedTypes,
    Pace,
    observe,
)
from synthesis.battery.observed.statement import Use

_FILTERS = ("=", "like", "<=", ">=", "<", ">")


def typed(environment: Environment, pace: Pace | None = None) -> list[Tool]:
    """The tools of an environment with the contracts that were observed; those that it declares play no part."""
    contracts = contracts_of(observe(environment, pace=pace))
    listed = DirectSubject(environment).tools
    return [tool.model_copy(update={"contract": contracts[name]}) for name, tool in listed.items()]


def contracts_of(observed: ObservedTypes) -> Mapping[str, Contract]:
    """The observed tools' contracts, by name."""
    return {name: _contract(tool, observed.lineage) for name, tool in observed.tools.items()}


def _contract(tool: ObservedTool, lineage: Lineage) -> Contract:
    return Contract(
        kind="writes" if tool.writes else "reads",
        parameters={name: _parameter(seen, lineage) for name, seen in tool.parameters.items()},
        results={path: _result(seen, lineage) for path, seen in tool.results.items()},
        changes=_changes(tool),
        refusals=tuple(sorted(tool.answers.keys() - {"", "*"})),
    )


def _parameter(seen: ObservedParameter, lineage: Lineage) -> FieldContract:
    """A comparison with the column that names a row makes a key of it; one with any other column is a filter."""
    key = _only(seen.keys)
    filters = [use for use in seen.uses if use.operator in _FILTERS and not lineage.bases(use.place) & lineage.keys]
    stored = _first((use for use in seen.uses if use.operator == "sets"), lineage)
    compared = _first(filters, lineage)
    return FieldContract(
        type=key,
        key=key,
        filter=ColumnFilter(column=str(compared.place), operator=compared.operator) if compared else None,
        sets=str(stored.place) if stored else None,
    )


def _first(uses: Iterable[Use], lineage: Lineage) -> Use | None:
    """The plainest of several uses: unchanged before calculated with, in a table before in a view."""
    return min(
        uses,
        key=lambda use: (use.derived, use.place.relation not in lineage.layout.tables, use.operator != "=", use),
        default=None,
    )


def _result(seen: ObservedResult, lineage: Lineage) -> FieldContract:
    if not seen.unique:
        return FieldContract()
    key = _only(seen.keys)
    shown = min(seen.columns, key=lambda place: (place.relation not in lineage.layout.tables, place))
    return FieldContract(type=key, key=key, shows=str(shown))


def _only(keys: Origins) -> str | None:
    return str(next(iter(keys))) if len(keys) == 1 else None


def _changes(tool: ObservedTool) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    updated: dict[str, list[str]] = {}
    for table, kind, column in sorted(tool.changes | tool.attempts):
        if kind == "update":
            updated.setdefault(table, []).append(column)
        else:
            found.setdefault(table, []).append(kind)
    for table, columns in updated.items():
        found.setdefault(table, []).append(f"update {' '.join(columns)}")
    return {table: ", ".join(words) for table, words in found.items()}
