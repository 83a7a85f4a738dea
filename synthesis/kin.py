"""Kin: a row said through another one that refers to it, such as "the card of my purchase at the bookshop".

The other row is described and found as any other; its record shows the key that is wanted, so that no look-up for the
row itself is needed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from synthesis.draft import Mention, Origin
from synthesis.errors import Drop
from synthesis.paths import value_of
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.stage import Stage

Locate = Callable[[Stage, str, Any, Terms], Awaitable[Mention]]


@dataclass(frozen=True)
class _Tie:
    """A table of the user's rows that refers to another one, where a look-up shows both keys in one record."""

    table: str
    column: str
    key: str
    tool: str
    path: str


def links_of(stage: Stage, table: str) -> list[tuple[str, str]]:
    """Give the look-ups and paths along which a row of a table can be found through its kin."""
    return [(f"{stage.environment}.{tie.tool}", tie.path) for tie in _ties(stage, table)]


async def through_kin(stage: Stage, table: str, value: Any, locate: Locate) -> Mention:
    """Give the mention of a row through one that refers to it, or raise `Drop` when there is none."""
    options = [(tie, row) for tie in _ties(stage, table) for row in await _referring(stage, tie, value)]
    if not options:
        raise Drop("no_kin", table)
    tie, row = stage.pick(options)
    inner = await locate(stage, tie.table, row, Terms(Slot(by=("description", "handle")), depth=1))
    origin, shows = _shown_beside(stage, inner, tie, value)
    noun = stage.pick(stage.catalogue.entity(table).noun)
    text = f"the {noun} of {inner.text}"
    sql = f"SELECT {tie.column} FROM {tie.table} WHERE {tie.key} IN ({inner.sql}) ORDER BY {tie.column}"  # noqa: S608
    if [cells[0] for cells in await stage.query(sql, inner.parameters)] != [value]:
        raise Drop("no_kin", table)
    return Mention(
        stage.environment,
        table,
        stage.catalogue.key(table),
        value,
        text,
        text,
        "relation",
        sql,
        inner.parameters,
        ({"column": shows, "text": noun},),
        origin=origin,
        nested=(inner,),
        facts=inner.facts,
    )


def _ties(stage: Stage, table: str) -> Iterator[_Tie]:
    catalogue = stage.catalogue
    wanted = f"{table}.{catalogue.key(table)}"
    for other, entity in catalogue.phrases.entity.items():
        column = catalogue.schema.link_to(other, wanted)
        if other == table or not entity.mine or not entity.say or column is None:
            continue
        key = catalogue.key(other)
        for producer in catalogue.producers(f"{other}.{key}"):
            beside = producer.key_beside(wanted)
            if beside is not None:
                yield _Tie(other, column, key, producer.tool.name, beside)


async def _referring(stage: Stage, tie: _Tie, value: Any) -> list[Any]:
    where = f"{tie.key} IN (SELECT {tie.key} FROM {tie.table} WHERE {tie.column} = :value)"  # noqa: S608
    return await stage.keys(tie.table, where, {"value": value})


def _shown_beside(stage: Stage, inner: Mention, tie: _Tie, value: Any) -> tuple[Origin, str]:
    """Give where the record of the other row shows the key that is wanted, and the column that it shows there."""
    step, place = inner.origin.step, inner.origin.place
    made = stage.draft.steps[step] if step is not None else None
    contract = stage.catalogue.tools[tie.tool].contract
    if made is None or place is None or made.tool != tie.tool or contract is None:
        raise Drop("kin_unseen", tie.table)
    shows, record = contract.results[tie.path].shows, place.rpartition(".")[0]
    name = tie.path.rpartition(".")[2]
    where = f"{record}.{name}" if record else name
    if shows is None or value_of(made.result, where) != value:
        raise Drop("kin_unseen", tie.table)
    return Origin("earlier", step=step, place=where), shows
