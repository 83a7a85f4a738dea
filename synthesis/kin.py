"""Kin: a row said through another one that refers to it, such as "the card that I used for that purchase".

The other row is the one that was spoken of last, or it is described and found as any other where that is how people
name such a thing. Its record, or a look-up of it, shows the key that is wanted, so that no look-up for the row itself
is needed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from envfactory_client import FieldContract, Tool
from envfactory_client.card.links import any_index
from synthesis.catalogue import Catalogue
from synthesis.draft import Mention, Origin, Salient
from synthesis.errors import Drop
from synthesis.mentions import anaphora, spoken_of
from synthesis.paths import places_at, value_of
from synthesis.phrases import Slot
from synthesis.sought import BY_NAME_OR_DAY, Terms
from synthesis.stage import Stage
from synthesis.wanted import Source, Taker

KIN_SHARE, NEW_KIN_SHARE, QUEST_KIN_SHARE = 0.04, 0.2, 0.5
"""How often a row is said through one that refers to it and that people name it by; where the data has little of it;
and where a plan has such a look-up in view."""
ODD_KIN_SHARE = 0.15
"""How often it is said through any other one that wasn't spoken of, where a plan has that in view."""
SPOKEN_KIN_SHARE, NEW_SPOKEN_KIN_SHARE = 0.25, 0.95
"""How often it is said through the one that was spoken of last, and where the data has little of that."""
MOST_WORDS = 8
"""Words of the other row; more of them make nobody's phrase."""
STATES = frozenset({"enum", "flag"})
"""Kinds of value by which nobody names a row that only leads to another one."""
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
    if table not in stage.catalogue.phrases.entity:
        return []
    return [(f"{stage.environment}.{tie.tool}", tie.path) for tie in _ties(stage, table)]


def share_of_kin(stage: Stage, table: str, links: Sequence[Source], taker: Taker | None) -> float:
    """Give how often a row is said through kin that is described: more often where that is new to the data."""
    sought = stage.quest is not None and stage.quest[0] in {tool for tool, _ in links}
    if not links or not stage.catalogue.entity(table).through:
        return ODD_KIN_SHARE if sought else 0.0
    if sought:
        return QUEST_KIN_SHARE
    sources = stage.wanted.into(taker)
    return NEW_KIN_SHARE if any(link in sources for link in links) else KIN_SHARE


def has_spoken_kin(stage: Stage, taker: Taker) -> bool:
    """Whether a row was spoken of last through which an argument can be said in a way that is new to the data."""
    tool, parameter = taker[0].partition(".")[2], taker[1]
    slot, sources = stage.catalogue.slot(tool, parameter), stage.wanted.into(taker)
    if slot.kin is not True or slot.of is None or not sources.intersection(links_of(stage, slot.of)):
        return False
    ties = [tie for tie in _ties(stage, slot.of) if (f"{stage.environment}.{tie.tool}", tie.path) in sources]
    return any(_is_at_hand(stage, tie, salient) for tie in ties for salient in _salient(stage, tie.table))


async def rows_of_spoken_kin(stage: Stage, table: str, taker: Taker) -> list[Any]:
    """Give the rows of a table to which the row that was spoken of last refers, where that is new to the data."""
    if not has_spoken_kin(stage, taker):
        return []
    found: list[Any] = []
    for tie in _ties(stage, table):
        if (f"{stage.environment}.{tie.tool}", tie.path) in stage.wanted.into(taker):
            for salient in _salient(stage, tie.table):
                sql = f"SELECT {tie.column} FROM {tie.table} WHERE {tie.key} = :value"  # noqa: S608
                found += [cells[0] for cells in await stage.query(sql, {"value": salient.value})]
    return found


def tables_of_kin(stage: Stage, table: str, along: Source) -> set[str]:
    """Give the tables of the rows through which a look-up leads to a row of a table."""
    return {tie.table for tie in _ties(stage, table) if (f"{stage.environment}.{tie.tool}", tie.path) == along}


def _salient(stage: Stage, table: str) -> list[Salient]:
    """Give the row of a table that was spoken of last, if words for it could mean no other one."""
    last = [row for row in stage.draft.topic if (row.environment, row.table) == (stage.environment, table)]
    found = spoken_of(stage, table, last[-1].value) if last else None
    return [found] if found is not None else []


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


async def said_through_kin(stage: Stage, table: str, value: Any, locate: Locate, how: Terms) -> Mention | None:
    """Give the mention of a row through the one spoken of that refers to it, or through another one; None for neither.

    Inside another description that is odd of any row. Nothing is left of a look-up that led nowhere.
    """
    mark, links = len(stage.draft.steps), links_of(stage, table)
    for make in (through_spoken_kin, through_kin):
        share = share_of_kin(stage, table, links, how.taker)
        if make is through_kin and not stage.chance(min(share, ODD_KIN_SHARE) if how.depth else share):
            return None
        try:
            return await make(stage, table, value, locate, how)
        except Drop:
            del stage.draft.steps[mark:]
    return None


async def through_spoken_kin(stage: Stage, table: str, value: Any, _: Locate, how: Terms) -> Mention:
    """Give the mention of a row through the one that was spoken of last, or raise `Drop` when there is none."""
    spoken = [
        (tie, salient)
        for tie in _ties(stage, table)
        for salient in _salient(stage, tie.table)
        if _is_at_hand(stage, tie, salient) and salient.value in await _referring(stage, tie, value)
    ]
    new = [option for option in spoken if _is_new(stage, option[0], how.taker)]
    if not spoken or isinstance(how.slot.kin, tuple):
        raise Drop("no_kin", table)
    if not stage.chance(NEW_SPOKEN_KIN_SHARE if new else SPOKEN_KIN_SHARE):
        raise Drop("no_kin", table)
    tie, salient = stage.pick(new or spoken)
    inner = anaphora(stage, salient, plain=False)
    forms = stage.catalogue.entity(table).kin[tie.table]
    return await _through(stage, tie, _seen_by(stage, inner, tie), (table, value, _without_that(forms)))


async def through_kin(stage: Stage, table: str, value: Any, locate: Locate, how: Terms) -> Mention:
    """Give the mention of a row through one that refers to it, or raise `Drop` when there is none."""
    entity = stage.catalogue.entity(table)
    ties = [tie for tie in _ties(stage, table) if tie.table in (entity.through or entity.kin)]
    ties = [tie for tie in ties if tie.table not in entity.replying]
    options = [(tie, row) for tie in ties for row in await _referring(stage, tie, value)]
    new = [option for option in options if _is_new(stage, option[0], how.taker)]
    if not options:
        raise Drop("no_kin", table)
    tie, row = stage.pick(new or options)
    said = stage.catalogue.entity(tie.table).say.items()
    named = frozenset(column for column, how in said if column.startswith(f"{table[:-1]}_") or how.kind in STATES)
    ways = Slot(by=("description", "handle"))
    terms = Terms(ways, named, depth=1, plain=True, lightly=BY_NAME_OR_DAY)
    inner = await locate(stage, tie.table, row, terms)
    if len(inner.text.split()) > MOST_WORDS or inner.kind in ("self", "relation"):
        raise Drop("no_kin", table)
    forms = how.slot.kin if isinstance(how.slot.kin, tuple) else entity.through.get(tie.table) or entity.kin[tie.table]
    return await _through(stage, tie, inner, (table, value, forms))


def _is_at_hand(stage: Stage, tie: _Tie, salient: Salient) -> bool:
    """Whether whoever hears of the row that was spoken of last can tell what it refers to.

    That is by its details, by a list of all that the user has, or by a record that was just seen.
    """
    if tie.parameter or all(stage.catalogue.fact(tie.tool, name) for name in stage.catalogue.tools[tie.tool].required):
        return True
    step = stage.draft.steps[salient.origin.step] if salient.origin.step is not None else None
    return step is not None and step.tool == tie.tool and step.local == stage.draft.locals[stage.environment]


def _is_new(stage: Stage, tie: _Tie, taker: Taker | None) -> bool:
    return (f"{stage.environment}.{tie.tool}", tie.path) in stage.wanted.into(taker)


def _without_that(forms: Sequence[str]) -> tuple[str, ...]:
    """Give the ways to say a row through "that purchase": none that has a "that" before it."""
    return tuple(form for form in forms if not form.startswith("that ") and " that {}" not in form) or tuple(forms)


def _seen_by(stage: Stage, inner: Mention, tie: _Tie) -> Mention:
    """Give a row that was spoken of with the place where the tie's own look-up has shown it, if that has."""
    if tie.parameter:
        return inner
    for place in range(len(stage.draft.steps) - 1, -1, -1):
        step = stage.draft.steps[place]
        if (step.environment, step.tool, step.actor) == (stage.environment, tie.tool, "agent"):
            item = tie.path.rpartition(".")[0]
            path = f"{item}.{tie.key}" if item else tie.key
            for where, shown in places_at(step.result, path):
                if shown == inner.value:
                    return replace(inner, origin=Origin("earlier", step=place, place=where))
    return inner


async def _through(stage: Stage, tie: _Tie, inner: Mention, what: tuple[str, Any, tuple[str, ...]]) -> Mention:
    """Give the mention of a row, by its table, key and the ways to say it, through one that refers to it."""
    table, value, forms = what
    origin, shows = await _shown_of(stage, inner, tie, value)
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
        through=forms,
    )


def _ties(stage: Stage, table: str) -> list[_Tie]:
    """Give the tables of the user's rows that refer to a table, with the look-ups that show what they refer to."""
    catalogue, question = stage.catalogue, ("ties", table)
    if question not in catalogue.worked_out:
        catalogue.worked_out[question] = list(_found_ties(catalogue, table))
    found: list[_Tie] = catalogue.worked_out[question]
    return found


def _found_ties(catalogue: Catalogue, table: str) -> Iterator[_Tie]:
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
