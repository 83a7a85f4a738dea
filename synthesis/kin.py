"""Kin: a row said through another one that refers to it, such as "the card of my purchase at the bookshop".

The other row is described and found as any other; its record, or a look-up of it, shows the key that is wanted, so
that no look-up for the row itself is needed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client import FieldContract, Tool
from envfactory_client.card.links import any_index
from synthesis.catalogue import Catalogue
from synthesis.draft import Mention, Origin
from synthesis.errors import Drop
from synthesis.paths import value_of
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.stage import Stage
from synthesis.wanted import Source, Taker

KIN_SHARE, NEW_KIN_SHARE, QUEST_KIN_SHARE = 0.08, 0.4, 0.8
"""How often a row is said through one that refers to it; where the data has little of it; and where a plan has such a
look-up in view."""
MOST_WORDS = 12
"""Words of the other row; more of them make nobody's phrase."""
Locate = Callable[[Stage, str, Any, Terms], Awaitable[Mention]]


@dataclass(frozen=True)
class _Tie:
    """A table of the user's rows that refers to another one, and the look-up that shows what it refers to."""

    table: str
    column: str
    key: str
    tool: str
    path: str
    parameter: str = ""
    """The look-up's parameter for the row itself; "" where the row is found in a record that shows both keys."""


def links_of(stage: Stage, table: str) -> list[Source]:
    """Give the look-ups and paths along which a row of a table can be found through its kin."""
    catalogue, question = stage.catalogue, ("kin", table)
    if table not in catalogue.phrases.entity:
        return []
    if question not in catalogue.worked_out:
        ties = _ties(stage, table)
        catalogue.worked_out[question] = [(f"{stage.environment}.{tie.tool}", tie.path) for tie in ties]
    found: list[Source] = catalogue.worked_out[question]
    return found


def share_of_kin(stage: Stage, links: Sequence[Source], taker: Taker | None) -> float:
    """Give how often a row is said through its kin along some links: more often where that is new to the data."""
    if stage.quest is not None and stage.quest[0] in {tool for tool, _ in links}:
        return QUEST_KIN_SHARE
    sources = stage.wanted.into(taker)
    return NEW_KIN_SHARE if any(link in sources for link in links) else KIN_SHARE


async def referred_to(stage: Stage, table: str, along: Source | None = None) -> list[Any]:
    """Give the rows of a table that rows of the user refer to; with a look-up and path, those that it leads to."""
    found: list[Any] = []
    ties = [tie for tie in _ties(stage, table) if along in (None, (f"{stage.environment}.{tie.tool}", tie.path))]
    for table_of_kin, column in {(tie.table, tie.column): None for tie in ties}:
        catalogue = stage.catalogue
        key, view, mine = catalogue.key(table_of_kin), catalogue.view(table_of_kin), catalogue.entity(table_of_kin).mine
        own = f"SELECT {key} FROM {view} WHERE {mine or '1'}"  # noqa: S608
        sql = f"SELECT DISTINCT {column} FROM {table_of_kin} WHERE {key} IN ({own}) ORDER BY {column}"  # noqa: S608
        found += [cells[0] for cells in await stage.query(sql)]
    return found


async def through_kin(stage: Stage, table: str, value: Any, locate: Locate, how: Terms) -> Mention:
    """Give the mention of a row through one that refers to it, or raise `Drop` when there is none."""
    options = [(tie, row) for tie in _ties(stage, table) for row in await _referring(stage, tie, value)]
    sources = stage.wanted.into(how.taker)
    new = [option for option in options if (f"{stage.environment}.{option[0].tool}", option[0].path) in sources]
    if not options:
        raise Drop("no_kin", table)
    tie, row = stage.pick(new or options)
    named = frozenset(column for column in stage.catalogue.entity(tie.table).say if column.startswith(f"{table[:-1]}_"))
    terms = Terms(Slot(by=("description", "handle")), named, depth=1, plain=True)
    inner = await locate(stage, tie.table, row, terms)
    if len(inner.text.split()) > MOST_WORDS or inner.kind in ("self", "relation"):
        raise Drop("no_kin", table)
    origin, shows = await _shown_of(stage, inner, tie, value)
    forms = how.slot.kin if isinstance(how.slot.kin, tuple) else stage.catalogue.entity(table).kin[tie.table]
    text = str(stage.pick(forms)).replace("{}", inner.text)
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
        ({"column": shows, "text": tie.table},),
        origin=origin,
        nested=(inner,),
        facts=inner.facts,
        through=tuple(forms),
    )


def _ties(stage: Stage, table: str) -> Iterator[_Tie]:
    catalogue = stage.catalogue
    wanted = f"{table}.{catalogue.key(table)}"
    for other in catalogue.entity(table).kin:
        column, key = referring_column(catalogue, other, wanted), catalogue.key(other)
        if column is None:
            continue
        for producer in catalogue.producers(f"{other}.{key}"):
            beside = producer.key_beside(wanted)
            if beside is not None:
                yield _Tie(other, column, key, producer.tool.name, beside)
        for tool in catalogue.tools.values():
            taking = [name for name in tool.required if catalogue.parameter(tool.name, name).key == f"{other}.{key}"]
            paths = [path for path, field in _results(tool) if field.key == wanted and "[" not in path]
            if tool.read_only and tool.actor == "agent" and len(tool.required) == len(taking) == 1 and paths:
                yield _Tie(other, column, key, tool.name, paths[0], taking[0])


def referring_column(catalogue: Catalogue, table: str, key: str) -> str | None:
    """Give the column of a table that refers to a key: the link that is declared, or else the column of its name."""
    name = key.partition(".")[2]
    same = name if name in catalogue.schema.columns.get(table, ()) else None
    return catalogue.schema.link_to(table, key) or same


def _results(tool: Tool) -> Iterable[tuple[str, FieldContract]]:
    return tool.contract.results.items() if tool.contract else ()


async def _referring(stage: Stage, tie: _Tie, value: Any) -> list[Any]:
    where = f"{tie.key} IN (SELECT {tie.key} FROM {tie.table} WHERE {tie.column} = :value)"  # noqa: S608
    return await stage.keys(tie.table, where, {"value": value})


async def _shown_of(stage: Stage, inner: Mention, tie: _Tie, value: Any) -> tuple[Origin, str]:
    """Give where the key that is wanted is shown, and the column that it shows there."""
    contract = stage.catalogue.tools[tie.tool].contract
    shows = contract.results[tie.path].shows if contract else None
    if tie.parameter:
        step = await stage.look(tie.tool, {tie.parameter: inner.value}, {tie.parameter: inner.origin})
        where = tie.path
    else:
        step, where = _beside(stage, inner, tie)
    if shows is None or value_of(stage.draft.steps[step].result, where) != value:
        raise Drop("kin_unseen", tie.table)
    return Origin("earlier", step=step, place=where), shows


def _beside(stage: Stage, inner: Mention, tie: _Tie) -> tuple[int, str]:
    """Give the step that shows the other row, and the place of the key that is wanted in its record."""
    step, place = inner.origin.step, inner.origin.place
    if step is None or place is None or stage.draft.steps[step].tool != tie.tool:
        raise Drop("kin_unseen", tie.table)
    record, (item, _, name) = place.rpartition(".")[0], tie.path.rpartition(".")
    if any_index(record) != item:
        raise Drop("kin_unseen", tie.table)
    return step, f"{record}.{name}" if record else name
