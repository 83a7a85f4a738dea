"""Mentions: the words for a row, made from what is known of it and seen, with the query that proves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from synthesis.draft import Mention, Origin, Salient, Split
from synthesis.paths import value_of
from synthesis.phrases import Entity
from synthesis.references import Description, Property, fits
from synthesis.sought import Seen, Sought
from synthesis.stage import Stage
from synthesis.wanted import Taker

LONG_WORDS = 4
"""A value said in more words than these is itself a description, and reads best at the end."""
MOST_TO_CHOOSE = 6
"""Rows among which an assistant can still ask which one is meant."""


def spoken_of(stage: Stage, table: str, value: Any, *, inside: bool = False) -> Salient | None:
    """Give the row as it was spoken of last, unless another row of the topic goes by the same noun.

    A row that a write has just brought in may have words of its own, which no other row goes by. Inside the description
    of another row, one may be pointed at that was itself only named inside a description.
    """
    nouns = set(stage.catalogue.entity(table).noun)
    here = (stage.environment, table)
    rivals = {
        (salient.environment, salient.table, salient.value)
        for salient in stage.draft.topic
        if (salient.environment, salient.table) == here
        or nouns & set(stage.catalogues[salient.environment].entity(salient.table).noun)
    }
    spoken = (row for row in reversed(stage.draft.topic) if (row.environment, row.table) == here)
    named = (row for row in spoken if inside or not row.rival_only)
    found = next(named, None)
    alike = {rival for rival in rivals if rival[:2] == here}
    alone = rivals == {(*here, value)} or (found is not None and alike == {(*here, value)} and _is_fresh(stage, found))
    return found if alone else None


def _is_fresh(stage: Stage, salient: Salient) -> bool:
    """Whether a row has words for having just been brought in, as it was."""
    step = stage.draft.steps[salient.origin.step] if salient.origin.step is not None else None
    if step is None or stage.catalogues[step.environment].tools[step.tool].read_only:
        return False
    return bool(stage.catalogue.entity(salient.table).fresh)


def anaphora(stage: Stage, salient: Salient, *, plain: bool = True) -> Mention:
    """Give the mention of a row as "it", or by its noun where that isn't plain or more than one row is the topic."""
    entity = stage.catalogue.entity(salient.table)
    key, view = stage.catalogue.key(salient.table), stage.catalogue.view(salient.table)
    noun = stage.pick(entity.noun)
    alone = plain and len({(row.environment, row.table, row.value) for row in stage.draft.topic}) == 1
    ways = ("it", "it", "it", f"that {noun}") if alone else (f"that {noun}",)
    text = str(stage.pick(entity.fresh if _is_fresh(stage, salient) else ways))
    sql = f"SELECT {key} FROM {view} WHERE {key} = :value ORDER BY {key}"  # noqa: S608
    value = salient.value
    bound = {"value": value}
    return Mention(
        stage.environment, salient.table, key, value, text, text, "anaphora", sql, bound, origin=salient.origin
    )


async def known_self(stage: Stage, table: str, value: Any, taker: Taker | None = None) -> Mention | None:
    """Give the user's own only row when an earlier result has shown its key, which never changes."""
    entity, key = stage.catalogue.entity(table), stage.catalogue.key(table)
    origin = stage.earlier(f"{table}.{key}", value, taker) if entity.mine else None
    if origin is None or await stage.keys(table, None) != [value]:
        return None
    text = f"my {stage.pick(entity.noun)}"
    sql = f"SELECT {key} FROM {stage.catalogue.view(table)} WHERE {entity.mine} ORDER BY {key}"  # noqa: S608
    bound = bound_facts(stage, sql)
    return Mention(stage.environment, table, key, value, text, text, "self", sql, bound, origin=origin)


def seen_with(stage: Stage, sought: Sought, handle: str) -> Origin | None:
    """Give where an earlier result shows the row's key beside its handle, so that it needs no look-up."""
    key = stage.catalogue.key(sought.table)
    origin = stage.earlier(f"{sought.table}.{key}", sought.value, sought.taker)
    if origin is None or origin.step is None or origin.place is None:
        return None
    record = value_of(stage.draft.steps[origin.step].result, origin.place.rpartition(".")[0])
    return origin if handle in record.values() else None


def split_of(
    stage: Stage, sought: Sought, seen: Seen, description: Description, shown: Mapping[str, str]
) -> Split | None:
    """Give how the description can first be said too shortly, where a few rows then fit."""
    plain = description.extreme is None and description.wish is None
    if not plain or not description.properties or not sought.entity.mine:
        return None
    *first, last = in_order(sought.entity, description.properties)
    if last.column == sought.entity.named:
        return None
    fitting = [record for record in seen.records if fits(record, first, shown)]
    if not 2 <= len(fitting) <= MOST_TO_CHOOSE:
        return None
    noun = stage.pick(sought.entity.noun)
    short = Description(in_order(sought.entity, (*seen.said, *first)))
    text = " ".join(word for word in ("my", noun, short.modifiers) if word)
    called = f"called {last.text}" if last.text.startswith('"') else last.text
    return Split(text, f"the one {called}", noun, len(fitting), last.column)


async def proved(
    stage: Stage, sought: Sought, seen: Seen, description: Description, silent: Sequence[Property]
) -> Mention | None:
    """Give the mention that a description makes, or None when its query doesn't give just the row that is meant."""
    view, key = stage.catalogue.view(sought.table), stage.catalogue.key(sought.table)
    whole = readable(stage, sought, replace(description, properties=(*description.properties, *silent)))
    sql, parameters = whole.query(view, key, sought.entity.mine)
    if [row[0] for row in await stage.query(sql, parameters)] != [sought.value]:
        return None
    theirs = await _is_theirs(stage, sought)
    text = description.text(whose(sought.entity, theirs=theirs), stage.rng)
    kind = _kind(sought, description)
    return Mention(
        stage.environment,
        sought.table,
        key,
        sought.value,
        text,
        text if sought.entity.mine else description.modifiers or text,
        kind,
        sql,
        {**parameters, **bound_facts(stage, sql)},
        tuple(_as_record(part) for part in description.properties)
        + ((_as_record(description.wish) | {"wish": True},) if description.wish else ())
        + (({"column": description.extreme.column, "text": description.extreme.word},) if description.extreme else ()),
        origin=seen.origin,
        nested=tuple(seen.nested),
        facts=tuple(seen.facts),
        theirs=theirs,
    )


async def _is_theirs(stage: Stage, sought: Sought) -> bool:
    """Whether a row that the user sees is somebody else's."""
    return sought.entity.theirs is not None and sought.value in await stage.keys(sought.table, sought.entity.theirs)


def whose(entity: Entity, *, theirs: bool) -> Entity:
    """Give an entity as a row of it is spoken of that is the user's own, or somebody else's: "the", not "my"."""
    return entity.model_copy(update={"mine": None}) if theirs else entity


def _kind(sought: Sought, description: Description) -> Any:
    if description.extreme is not None:
        return "recency" if description.extreme.recency else "superlative"
    if description.wish is not None:
        return "description"
    return "description" if description.properties or not sought.entity.mine else "self"


def _as_record(part: Property) -> dict[str, Any]:
    op = {} if part.op == "=" else {"op": part.op}
    return {"column": part.column, "value": part.value, "text": part.text, **op}


def bound_facts(stage: Stage, sql: str) -> dict[str, Any]:
    """Give the facts of the user's card that a query names."""
    return {f"persona_{name}": value for name, value in stage.card.items() if f":persona_{name}" in sql}


def in_order(entity: Entity, properties: Sequence[Property]) -> tuple[Property, ...]:
    """Give properties in the order in which the entity's phrases prefer them, those said through a row last."""
    order = {column: place for place, column in enumerate(entity.say)}
    return tuple(sorted(properties, key=lambda part: (_is_long(part), order.get(part.column, len(order)))))


def _is_long(part: Property) -> bool:
    return len(part.spoken.split()) > LONG_WORDS


def silent(sought: Sought, column: str) -> Property:
    """Give a property that follows from the other arguments and is not said."""
    return Property(column, "name", sought.row[column], "")


def readable(stage: Stage, sought: Sought, description: Description) -> Description:
    """Give the description with the SQL that reads each of its attributes."""
    properties = tuple(
        replace(part, read_by=stage.catalogue.read_by(sought.table, part.column)) if "." in part.column else part
        for part in description.properties
    )
    best = description.extreme
    if best is not None and "." in best.column:
        best = replace(best, read_by=stage.catalogue.read_by(sought.table, best.column))
    return replace(description, properties=properties, extreme=best)
