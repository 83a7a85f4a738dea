"""A denotation: the rows that a description fits, by a query that is compiled from its logical form alone.

It knows the tables but nothing of how the description was found, so it can contradict the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from envfactory_client.logical_form import Comparison, Field, Property, Row, Rows, Said, Same, Term
from synthesis.catalogue import Catalogue
from synthesis.draft import Known
from synthesis.errors import Drop
from synthesis.stage import Stage

_CONDITIONS: Final[Mapping[Comparison, str]] = {
    "on": "substr({}, 1, 10) = {}",
    "at": "substr({}, 12, 5) = {}",
}


async def denoted(stage: Stage, row: Row | Rows, known: Known) -> list[Any]:
    """Give the keys of the rows that a description fits in the stage's episode as it is now."""
    here = stage.at(row.environment)
    catalogue = here.catalogue
    bound: dict[str, Any] = {}
    conditions = [f"({catalogue.entity(row.entity).mine})"] if row.mine else []
    for place, part in enumerate(row.properties):
        bound[f"said{place}"] = await _value(stage, part.value, known)
        conditions.append(_condition(catalogue, row.entity, part, f":said{place}"))
    where = " AND ".join(conditions) or "1"
    key, view = catalogue.key(row.entity), catalogue.view(row.entity)
    if isinstance(row, Row) and row.extreme is not None:
        column = expression(catalogue, row.entity, row.extreme.path)
        where += f" AND {column} = (SELECT {row.extreme.function}({column}) FROM {view} WHERE {where})"  # noqa: S608
    found = await here.query(f"SELECT {key} FROM {view} WHERE {where} ORDER BY {key}", bound)  # noqa: S608
    return [cells[0] for cells in found]


def expression(catalogue: Catalogue, table: str, path: str) -> str:
    """Give the SQL that reads a column of a row, which may lie behind foreign keys."""
    source, _, column = path.partition(".")
    view, key = catalogue.view(table), catalogue.key(table)
    if source == view:
        return f"{view}.{column}"
    for said in catalogue.entity(table).say:
        attribute = catalogue.schema.attribute(view, said) if "." in said else None
        if attribute is not None and attribute.column == path:
            return attribute.expression
    if source == table:
        return f"(SELECT own.{column} FROM {table} AS own WHERE own.{key} = {view}.{key})"  # noqa: S608
    raise Drop("gate_G4", f"{path} can't be read of {table}")


def _condition(catalogue: Catalogue, table: str, part: Property, said: str) -> str:
    form = _CONDITIONS.get(part.op, "{} " + part.op + " {}")
    return form.format(expression(catalogue, table, part.path), said)


async def _value(stage: Stage, term: Term, known: Known) -> Any:
    """Give what a term inside a description stands for."""
    if isinstance(term, Said):
        return term.value
    if isinstance(term, Same):
        return known.get((term.environment, term.entity))
    if isinstance(term, Row):
        return await _only(stage, term, known)
    if isinstance(term, Field) and isinstance(term.of, Row | Same):
        return await _column(stage, term.of, term.column, known)
    raise Drop("gate_G4", f"a {term.kind} inside a description can't be looked at")


async def _only(stage: Stage, row: Row, known: Known) -> Any:
    found = await denoted(stage, row, known)
    if len(found) != 1:
        raise Drop("gate_G3", f"{len(found)} of {row.entity} fit inside another description")
    return found[0]


async def _column(stage: Stage, term: Row | Same, column: str, known: Known) -> Any:
    here = stage.at(term.environment)
    key, view = here.catalogue.key(term.entity), here.catalogue.view(term.entity)
    value = await _value(stage, term, known)
    read = expression(here.catalogue, term.entity, column)
    found = await here.query(f"SELECT {read} FROM {view} WHERE {key} = :value", {"value": value})  # noqa: S608
    return found[0][0] if found else None
