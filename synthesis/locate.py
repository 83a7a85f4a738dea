"""Locating a row: how the user names it, and the look-ups by which the agent finds it.

A row is named by a handle that people say, by a short word for what was spoken of last, or by a description. The
look-ups are planned backward from the row: a read tool that gives its key, whose own arguments are known to the user,
found in an earlier result, or located in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from synthesis.carry import anchors, through
from synthesis.catalogue import Producer
from synthesis.draft import Mention, Origin, Salient, Split
from synthesis.errors import Drop
from synthesis.paths import places_at, value_of
from synthesis.phrases import Entity, Slot
from synthesis.references import Description, Property, descriptions, extremes, fits, make_property
from synthesis.stage import Stage

MOST_DEPTH = 3
CHEAPEST = 3
"""A description is drawn from this many of the cheapest, for variety."""
MOST_TO_CHOOSE = 6
"""Rows among which an assistant can still ask which one is meant."""
ANAPHORA_SHARE = 0.7
ANCHOR_SHARE = 0.5
"""How often a day is said through a row of another environment, where one falls on it."""
HANDLE_SHARE = 0.3


@dataclass(frozen=True)
class Terms:
    """On what terms a row may be named."""

    slot: Slot
    hidden: frozenset[str] = frozenset()
    """Columns that a description must not use, since they are what is asked for."""
    depth: int = 0
    """How many descriptions it stands inside."""


@dataclass
class Sought:
    """A row that is being located, and what may be said of it."""

    table: str
    value: Any
    row: Mapping[str, Any]
    entity: Entity
    slot: Slot
    hidden: frozenset[str]
    """Columns that a description must not use, since they are what is asked for."""
    depth: int
    handle: str | None = None


@dataclass
class Seen:
    """A look-up that shows the row: the records in which it stands, and what had to be said for it."""

    producer: Producer
    step: int
    records: list[Mapping[str, Any]]
    record: Mapping[str, Any]
    place: str
    said: list[Property] = field(default_factory=list)
    nested: list[Mention] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


async def locate(stage: Stage, table: str, value: Any, terms: Terms) -> Mention:
    """Give a mention of a row that the agent can resolve, or raise `Drop` when there is none."""
    slot = terms.slot
    if terms.depth > MOST_DEPTH:
        raise Drop("too_deep", table)
    if "anaphora" in slot.by and stage.chance(ANAPHORA_SHARE):
        spoken_of = _spoken_of(stage, table, value)
        if spoken_of is not None:
            return _anaphora(stage, spoken_of)
    if (own := await _known_self(stage, table, value)) is not None:
        return own
    row = await stage.row(table, value)
    sought = Sought(table, value, row, stage.catalogue.entity(table), slot, terms.hidden, terms.depth)
    if "handle" in slot.by and sought.entity.handles and stage.chance(HANDLE_SHARE):
        return await _by_handle(stage, sought)
    mark = len(stage.draft.steps)
    try:
        return await _by_description(stage, sought)
    except Drop:
        del stage.draft.steps[mark:]
        if "handle" in slot.by and sought.entity.handles:
            return await _by_handle(stage, sought)
        raise


async def see_again(stage: Stage, table: str, value: Any) -> range:
    """Give the steps by which the agent sees a row whose key it knows of, none when no look-up leads there unasked."""
    row = await stage.row(table, value)
    sought = Sought(table, value, row, stage.catalogue.entity(table), Slot(implied=tuple(row)), frozenset(), 0)
    mark = len(stage.draft.steps)
    try:
        await _look_up(stage, sought)
    except Drop:
        del stage.draft.steps[mark:]
    return range(mark, len(stage.draft.steps))


def _spoken_of(stage: Stage, table: str, value: Any) -> Salient | None:
    """Give the row as it was spoken of last, unless another row of the topic goes by the same noun."""
    nouns = set(stage.catalogue.entity(table).noun)
    here = (stage.environment, table)
    rivals = {
        (salient.environment, salient.table, salient.value)
        for salient in stage.draft.topic
        if (salient.environment, salient.table) == here
        or nouns & set(stage.catalogues[salient.environment].entity(salient.table).noun)
    }
    if rivals != {(*here, value)}:
        return None
    return next(row for row in reversed(stage.draft.topic) if (row.environment, row.table) == here)


def _anaphora(stage: Stage, salient: Salient) -> Mention:
    key, view = stage.catalogue.key(salient.table), stage.catalogue.view(salient.table)
    noun = stage.pick(stage.catalogue.entity(salient.table).noun)
    alone = len({(row.environment, row.table, row.value) for row in stage.draft.topic}) == 1
    text = stage.pick(("it", "it", f"that {noun}") if alone else (f"that {noun}", f"the same {noun}"))
    sql = f"SELECT {key} FROM {view} WHERE {key} = :value ORDER BY {key}"  # noqa: S608
    value = salient.value
    bound = {"value": value}
    return Mention(
        stage.environment, salient.table, key, value, text, text, "anaphora", sql, bound, origin=salient.origin
    )


async def _known_self(stage: Stage, table: str, value: Any) -> Mention | None:
    """Give the user's own only row when an earlier result has shown its key, which never changes."""
    entity, key = stage.catalogue.entity(table), stage.catalogue.key(table)
    origin = stage.earlier(f"{table}.{key}", value) if entity.mine else None
    if origin is None or await stage.keys(table, None) != [value]:
        return None
    text = f"my {stage.pick(entity.noun)}"
    sql = f"SELECT {key} FROM {stage.catalogue.view(table)} WHERE {entity.mine} ORDER BY {key}"  # noqa: S608
    bound = _bound(stage, sql)
    return Mention(stage.environment, table, key, value, text, text, "self", sql, bound, origin=origin)


async def _by_handle(stage: Stage, sought: Sought) -> Mention:
    known = stage.catalogue.phrases.knows.get(sought.table, ())
    usable = [handle for handle in sought.entity.handles if not sought.entity.mine or handle in known]
    if not usable or sought.row.get(usable[0]) is None:
        raise Drop("no_handle", sought.table)
    column = usable[0]
    spoken = str(sought.row[column])
    key, view = stage.catalogue.key(sought.table), stage.catalogue.view(sought.table)
    noun = stage.pick(sought.entity.noun)
    mention = Mention(
        stage.environment,
        sought.table,
        key,
        sought.value,
        f"my {noun} {spoken}" if sought.entity.mine else f"{noun} {spoken}",
        f"{noun} {spoken}" if sought.entity.mine else spoken,
        "handle",
        f"SELECT {key} FROM {view} WHERE {column} = :handle ORDER BY {key}",  # noqa: S608
        {"handle": spoken},
        ({"column": column, "value": spoken, "text": spoken},),
        origin=Origin("explicit", text=spoken),
    )
    if column == key:
        return mention
    if (origin := _seen_with(stage, sought, spoken)) is not None:
        return replace(mention, origin=origin)
    sought.handle = column
    seen = await _look_up(stage, sought)
    return replace(mention, origin=_origin(seen), nested=tuple(seen.nested), facts=tuple(seen.facts))


def _seen_with(stage: Stage, sought: Sought, handle: str) -> Origin | None:
    """Give where an earlier result shows the row's key beside its handle, so that it needs no look-up."""
    key = stage.catalogue.key(sought.table)
    origin = stage.earlier(f"{sought.table}.{key}", sought.value)
    if origin is None or origin.step is None or origin.place is None:
        return None
    record = value_of(stage.draft.steps[origin.step].result, origin.place.rpartition(".")[0])
    return origin if handle in record.values() else None


async def _by_description(stage: Stage, sought: Sought) -> Mention:
    seen = await _look_up(stage, sought)
    shown = _shown(stage, sought, seen.producer)
    fixed = {part.column for part in seen.said}
    silent = [_silent(sought, column) for column in sought.slot.implied if column not in fixed]
    free = [
        part
        for column, how in sought.entity.say.items()
        if column in shown and column not in fixed | sought.hidden and how.kind != "row"
        if (part := make_property(column, how, sought.row.get(column), stage.rng)) is not None
    ]
    superlatives = [best for best in extremes(sought.entity, shown, stage.rng) if best.column not in sought.hidden]
    found = descriptions(seen.record, seen.records, free, superlatives, shown)
    for description in _drawn(stage, found):
        whole = replace(description, properties=_in_order(sought.entity, (*seen.said, *description.properties)))
        mention = await _proved(stage, sought, seen, whole, silent)
        if mention is not None:
            return replace(mention, split=_split(stage, sought, seen, description, shown))
    raise Drop("not_describable", sought.table)


def _split(
    stage: Stage, sought: Sought, seen: Seen, description: Description, shown: Mapping[str, str]
) -> Split | None:
    """Give how the description can first be said too shortly, where a few rows then fit."""
    if description.extreme is not None or not description.properties or not sought.entity.mine:
        return None
    *first, last = _in_order(sought.entity, description.properties)
    if last.column == sought.entity.named:
        return None
    fitting = [record for record in seen.records if fits(record, first, shown)]
    if not 2 <= len(fitting) <= MOST_TO_CHOOSE:
        return None
    noun = stage.pick(sought.entity.noun)
    short = Description(_in_order(sought.entity, (*seen.said, *first)))
    text = " ".join(word for word in ("my", noun, short.modifiers) if word)
    return Split(text, f"the one {last.text}", noun, len(fitting))


def _drawn(stage: Stage, found: Sequence[Description]) -> list[Description]:
    first = list(found[:CHEAPEST])
    stage.rng.shuffle(first)
    return first + list(found[CHEAPEST : 2 * CHEAPEST])


async def _proved(
    stage: Stage, sought: Sought, seen: Seen, description: Description, silent: Sequence[Property]
) -> Mention | None:
    view, key = stage.catalogue.view(sought.table), stage.catalogue.key(sought.table)
    whole = _reading(stage, sought, replace(description, properties=(*description.properties, *silent)))
    sql, parameters = whole.query(view, key, sought.entity.mine)
    if [row[0] for row in await stage.query(sql, parameters)] != [sought.value]:
        return None
    text = description.text(sought.entity, stage.rng)
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
        {**parameters, **_bound(stage, sql)},
        tuple(_as_record(part) for part in description.properties)
        + (({"column": description.extreme.column, "text": description.extreme.word},) if description.extreme else ()),
        origin=_origin(seen),
        nested=tuple(seen.nested),
        facts=tuple(seen.facts),
    )


def _kind(sought: Sought, description: Description) -> Any:
    if description.extreme is not None:
        return "recency" if description.extreme.recency else "superlative"
    return "description" if description.properties or not sought.entity.mine else "self"


def _as_record(part: Property) -> dict[str, Any]:
    return {"column": part.column, "value": part.value, "text": part.text}


def _bound(stage: Stage, sql: str) -> dict[str, Any]:
    """Give the facts of the user's card that a query names."""
    return {f"persona_{name}": value for name, value in stage.card.items() if f":persona_{name}" in sql}


def _in_order(entity: Entity, properties: Sequence[Property]) -> tuple[Property, ...]:
    order = {column: place for place, column in enumerate(entity.say)}
    return tuple(sorted(properties, key=lambda part: order.get(part.column, len(order))))


def _silent(sought: Sought, column: str) -> Property:
    return Property(column, "name", sought.row[column], "")


def _origin(seen: Seen) -> Origin:
    return Origin("earlier", step=seen.step, place=seen.place)


def _shown(stage: Stage, sought: Sought, producer: Producer) -> dict[str, str]:
    """Give the attributes that a look-up shows in the record of a row, with the fields that show them."""
    view = stage.catalogue.view(sought.table)
    shown = producer.shown(frozenset({sought.table, view}))
    for path in sought.entity.say:
        attribute = stage.catalogue.schema.attribute(view, path) if "." in path else None
        if attribute is not None and len(fields := producer.showing(attribute.column)) == 1:
            shown[path] = fields[0]
    return shown


def _reading(stage: Stage, sought: Sought, description: Description) -> Description:
    """Give the description with the SQL that reads each of its attributes."""
    properties = tuple(
        replace(part, read_by=stage.catalogue.read_by(sought.table, part.column)) if "." in part.column else part
        for part in description.properties
    )
    best = description.extreme
    if best is not None and "." in best.column:
        best = replace(best, read_by=stage.catalogue.read_by(sought.table, best.column))
    return replace(description, properties=properties, extreme=best)


async def _look_up(stage: Stage, sought: Sought) -> Seen:
    key = f"{sought.table}.{stage.catalogue.key(sought.table)}"
    failures: list[str] = []
    for producer in stage.catalogue.producers(key):
        if sought.handle and not _gives_handle(stage, sought, producer):
            continue
        mark = len(stage.draft.steps)
        try:
            return await _look_up_by(stage, sought, producer)
        except Drop as drop:
            del stage.draft.steps[mark:]
            failures.append(f"{producer.tool.name}: {drop}")
    raise Drop("no_look_up", f"{key}: {'; '.join(failures) or 'no tool gives it'}")


def _gives_handle(stage: Stage, sought: Sought, producer: Producer) -> bool:
    filters = [stage.catalogue.parameter(producer.tool.name, name).filter for name in producer.tool.required]
    asked = any(wanted and wanted.column.endswith(f".{sought.handle}") for wanted in filters)
    return asked or sought.handle in _shown(stage, sought, producer)


async def _look_up_by(stage: Stage, sought: Sought, producer: Producer) -> Seen:
    arguments: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    seen = Seen(producer, -1, [], {}, "")
    for name in producer.tool.input_schema.get("properties", {}):
        contract = stage.catalogue.parameter(producer.tool.name, name)
        slot = stage.catalogue.slot(producer.tool.name, name)
        fact = contract.shared or slot.as_
        if fact and (name in producer.tool.required or slot.as_):
            arguments[name], origins[name] = _own_fact(stage, fact, seen)
        elif name in producer.tool.required:
            arguments[name], origins[name] = await _argument(stage, sought, producer, name, seen)
    seen.step = await stage.look(producer.tool.name, arguments, origins)
    _find_record(stage, sought, seen)
    return seen


def _own_fact(stage: Stage, fact: str, seen: Seen) -> tuple[Any, Origin]:
    name = fact.removeprefix("person.").removeprefix("persona.")
    if name not in stage.card:
        raise Drop("unknown_fact", fact)
    seen.facts.append(name)
    return stage.card[name], Origin("explicit", text=str(stage.card[name]))


async def _argument(stage: Stage, sought: Sought, producer: Producer, name: str, seen: Seen) -> tuple[Any, Origin]:
    contract = stage.catalogue.parameter(producer.tool.name, name)
    column = _column(stage, sought, name, producer)
    if column is None and contract.key:
        return await _own_row(stage, sought, contract.key, seen)
    if column is None or sought.row.get(column) is None:
        raise Drop("no_value", f"{producer.tool.name}.{name}")
    value = sought.row[column]
    if contract.key and (column in sought.slot.implied or column not in sought.entity.say):
        origin = stage.earlier(contract.key, value)
        if origin is not None:
            return value, origin
    if contract.key:
        return await _located(stage, sought, contract.key, column, seen)
    return await _said(stage, sought, column, value, seen)


def _column(stage: Stage, sought: Sought, name: str, producer: Producer) -> str | None:
    contract = stage.catalogue.parameter(producer.tool.name, name)
    if contract.filter and contract.filter.operator in ("=", "like"):
        column = contract.filter.column.partition(".")[2]
        return column if column in sought.row else None
    if contract.key:
        return stage.catalogue.schema.link_to(sought.table, contract.key)
    return None


async def _own_row(stage: Stage, sought: Sought, key: str, seen: Seen) -> tuple[Any, Origin]:
    """Give the user's own and only row of another table, such as their customer account."""
    table = key.partition(".")[0]
    own = await stage.keys(table, None) if stage.catalogue.entity(table).mine else []
    if len(own) != 1:
        raise Drop("no_own_row", table)
    return await _nested(stage, sought, table, own[0], seen)


async def _located(stage: Stage, sought: Sought, key: str, column: str, seen: Seen) -> tuple[Any, Origin]:
    """Give an argument that is the key of a related row, which the user names inside the description."""
    table, value = key.partition(".")[0], sought.row[column]
    how = sought.entity.say.get(column)
    argument, origin = await _nested(stage, sought, table, value, seen)
    if how is not None and column not in sought.slot.implied:
        part = make_property(column, how, value, stage.rng, seen.nested[-1].short)
        if part is not None:
            seen.said.append(part)
    elif seen.nested[-1].kind not in ("self", "anaphora"):
        raise Drop("unsaid", f"{sought.table}.{column}")
    return argument, origin


async def _nested(stage: Stage, sought: Sought, table: str, value: Any, seen: Seen) -> tuple[Any, Origin]:
    ways = Slot(by=("description", "handle"))
    mention = await locate(stage, table, value, Terms(ways, depth=sought.depth + 1))
    seen.nested.append(mention)
    seen.facts.extend(mention.facts)
    return value, mention.origin


async def _said(stage: Stage, sought: Sought, column: str, value: Any, seen: Seen) -> tuple[Any, Origin]:
    """Give an argument that the user says as a property of the row."""
    if column == sought.handle:
        return value, Origin("explicit", text=str(value))
    how = sought.entity.say.get(column)
    if how is not None and how.kind == "date" and stage.chance(ANCHOR_SHARE):
        anchored = await _said_through_row(stage, sought, column, value, seen)
        if anchored is not None:
            return value, anchored
    part = make_property(column, how, value, stage.rng) if how else None
    if part is None or column in sought.hidden:
        raise Drop("unsaid", f"{sought.table}.{column}")
    seen.said.append(part)
    return value, Origin("explicit", text=part.spoken or part.text)


async def _said_through_row(stage: Stage, sought: Sought, column: str, value: Any, seen: Seen) -> Origin | None:
    """Say a day through a row of another environment that falls on it, such as "the day of my meeting with Ana"."""
    options = await anchors(stage, "date", value)
    if not options or sought.depth >= MOST_DEPTH - 1:
        return None
    anchor = stage.pick(options)
    mark = len(stage.draft.steps)
    terms = Terms(Slot(by=("description", "handle")), depth=sought.depth + 1)
    try:
        mention = await locate(stage.at(anchor.environment), anchor.table, anchor.key, terms)
        words, origin = through(stage, anchor, mention)
    except Drop:
        del stage.draft.steps[mark:]
        return None
    part = make_property(column, sought.entity.say[column], value, stage.rng, words)
    if part is None:
        return None
    seen.said.append(part)
    seen.nested.append(mention)
    seen.facts.extend(mention.facts)
    return origin


def _find_record(stage: Stage, sought: Sought, seen: Seen) -> None:
    result = stage.draft.steps[seen.step].result
    name = seen.producer.path.rpartition(".")[2]
    for place, record in places_at(result, seen.producer.item):
        seen.records.append(record)
        if record.get(name) == sought.value:
            seen.record, seen.place = record, f"{place}.{name}" if place else name
    if not seen.place:
        raise Drop("not_shown", f"{seen.producer.tool.name} doesn't show {sought.value}")
