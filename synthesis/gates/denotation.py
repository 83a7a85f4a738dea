"""A denotation: the rows that a description fits, by a query that is compiled from its logical form alone.

It knows the tables but nothing of how the description was found, so it can contradict the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from envfactory_client.logical_form import Comparison, Derived, Field, Property, Row, Rows, Said, Same, Term
from synthesis.catalogue import Catalogue
from synthesis.draft import Known
from synthesis.errors import Drop
from synthesis.stage import Stage

_CONDITIONS: Final[Mapping[Comparison, str]] = {
    "on": "substr({}, 1, 10) = {}",
    "at": "substr({}, 12, 5) = {}",
    "before": "substr({}, 12, 5) < {}",
    "after": "substr({}, 12, 5) > {}",
}

_DERIVED: Final[Mapping[str, str]] = {
    "difference": ":v0 - :v1",
    "days_between": "CAST(julianday(substr(:v0, 1, 10)) - julianday(substr(:v1, 1, 10)) AS INTEGER)",
    "half": ":v0 / 2",
    "double": ":v0 * 2",
    "days_later": "date(substr(:v0, 1, 10), '+' || :v1 || ' days')",
    "days_earlier": "date(substr(:v0, 1, 10), '-' || :v1 || ' days')",
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
    for place, part in enumerate(row.prefers if isinstance(row, Row) else ()):
        bound[f"wished{place}"] = await _value(stage, part.value, known)
        wish = _condition(catalogue, row.entity, part, f":wished{place}")
        where += f" AND ({wish} OR NOT EXISTS (SELECT 1 FROM {view} WHERE {where} AND {wish}))"  # noqa: S608
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
    if isinstance(term, Derived):
        return await worked_out(stage, term, known)
    if isinstance(term, Field) and isinstance(term.of, Row | Same | Field):
        return await _column(stage, term.of, term.column, known)
    raise Drop("gate_G4", f"a {term.kind} inside a description can't be looked at")


async def worked_out(stage: Stage, term: Term, known: Known | None = None) -> Any:
    """Give what a derived term comes to by queries over the tables."""
    if not isinstance(term, Derived):
        return await _value(stage, term, known or {})
    first = term.of[0]
    if term.op == "count" and isinstance(first, Rows):
        return len(await denoted(stage, first, {}))
    if term.op == "sum" and isinstance(first, Field) and isinstance(first.of, Rows):
        return await _total(stage, first.of, first.column)
    form = _DERIVED.get(term.op)
    if form is None:
        raise Drop("gate_G4", f"nothing proves a {term.op}")
    values = {f"v{place}": await worked_out(stage, part, known) for place, part in enumerate(term.of)}
    return (await stage.query(f"SELECT {form}", values))[0][0]


async def _total(stage: Stage, rows: Rows, column: str) -> Any:
    here = stage.at(rows.environment)
    key, view = here.catalogue.key(rows.entity), here.catalogue.view(rows.entity)
    keys = {f"k{place}": value for place, value in enumerate(await denoted(stage, rows, {}))}
    read, among = expression(here.catalogue, rows.entity, column), ", ".join(f":{name}" for name in keys)
    return (await here.query(f"SELECT sum({read}) FROM {view} WHERE {key} IN ({among})", keys))[0][0]  # noqa: S608


async def _only(stage: Stage, row: Row, known: Known) -> Any:
    found = await denoted(stage, row, known)
    if len(found) != 1:
        raise Drop("gate_G3", f"{len(found)} of {row.entity} fit inside another description")
    return found[0]


async def _column(stage: Stage, term: Row | Same | Field, column: str, known: Known) -> Any:
    environment, entity = _kind_of_row(stage, term)
    here = stage.at(environment)
    key, view = here.catalogue.key(entity), here.catalogue.view(entity)
    value = await _value(stage, term, known)
    read = expression(here.catalogue, entity, column)
    found = await here.query(f"SELECT {read} FROM {view} WHERE {key} = :value", {"value": value})  # noqa: S608
    return found[0][0] if found else None


def _kind_of_row(stage: Stage, term: Term) -> tuple[str, str]:
    """Give the environment and the entity of a row; of a field, those of the row that it refers to."""
    if isinstance(term, Row | Same):
        return term.environment, term.entity
    if isinstance(term, Field):
        environment, entity = _kind_of_row(stage, term.of)
        column = (entity, term.column.partition(".")[2])
        links = stage.catalogues[environment].schema.links
        if column in links:
            return environment, links[column][0]
    raise Drop("gate_G4", f"a {term.kind} refers to no row")
