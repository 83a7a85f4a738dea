"""Locating a row: how the user names it, and the look-ups by which the agent finds it.

A row is named by a handle that people say, by a short word for what was spoken of last, or by a description. The
look-ups are planned backward from the row: a read tool that gives its key, whose own arguments are known to the user,
found in an earlier result, or located in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from synthesis.carry import anchors, through
from synthesis.catalogue import Producer
from synthesis.draft import Mention, Origin, Salient
from synthesis.errors import Drop
from synthesis.gates.meaning import reads_one_way
from synthesis.identity import known
from synthesis.kin import STATES, links_of, said_through_kin
from synthesis.mentions import anaphora, in_order, known_self, proved, seen_with, silent, split_of, spoken_of
from synthesis.paths import places_at
from synthesis.phrases import Slot
from synthesis.recalled import recalled
from synthesis.references import (
    Description,
    Extreme,
    Property,
    bounds,
    descriptions,
    extremes,
    make_property,
    wished_for,
    wishes,
)
from synthesis.sought import BY_NAME_OR_DAY, Seen, Sought, Terms, shown
from synthesis.stage import Stage

MOST_DEPTH = 3
BOUND_SHARE, WISH_SHARE = 0.2, 0.6
MOST_LIMITS = 2
"""How often a description may hold a limit, and how often a preference."""
CHEAPEST = 3
"""A description is drawn from this many of the cheapest, for variety."""
ANAPHORA_SHARE = 0.95
"""How often a row that was spoken of just now isn't named once more."""
DAY_SHARE = 0.8
"""How often a day is said through a row of another environment, where one that was spoken of falls on it."""
HANDLE_SHARE = 0.3
NEW_LOOK_UP_SHARE = 0.7
"""How often a look-up comes first whose results have not served yet."""


async def locate(stage: Stage, table: str, value: Any, terms: Terms) -> Mention:
    """Give a mention of a row that the agent can resolve, or raise `Drop` when there is none."""
    slot = terms.slot
    if terms.depth > MOST_DEPTH:
        raise Drop("too_deep", table)
    topic = spoken_of(stage, table, value) if "anaphora" in slot.by else None
    settled = topic is not None and not (terms.steady and _made_by_a_write(stage, topic))
    share = 1.0 if topic is not None and stage.is_new(topic.origin, terms.taker) else ANAPHORA_SHARE
    if topic is not None and settled and stage.chance(share):
        return anaphora(stage, topic, plain=not terms.says_it)
    if (own := await known_self(stage, table, value, terms.taker)) is not None:
        return own
    if terms.kin and (through_another := await said_through_kin(stage, table, value, locate, terms)) is not None:
        return through_another
    row = await stage.row(table, value)
    entity = stage.catalogue.entity(table)
    sought = Sought(table, value, row, entity, slot, terms.hidden, terms.depth, None, terms.plain, terms.narrowing)
    sought.taker, sought.asking, sought.lightly = terms.taker, terms.asking, terms.lightly
    if (before := await recalled(stage, sought)) is not None:
        return before
    if "handle" in slot.by and sought.entity.handles and stage.chance(stage.aim.saying(HANDLE_SHARE)):
        return await _by_handle(stage, sought)
    mark = len(stage.draft.steps)
    try:
        return await _by_description(stage, sought)
    except Drop:
        del stage.draft.steps[mark:]
        if "handle" in slot.by and sought.entity.handles:
            return await _by_handle(stage, sought)
        raise


def _made_by_a_write(stage: Stage, topic: Salient) -> bool:
    """Whether the agent has a row's key from a write, so that the user can't have known of it before."""
    step = stage.draft.steps[topic.origin.step] if topic.origin.step is not None else None
    return step is not None and not stage.catalogues[step.environment].tools[step.tool].read_only


async def see_again(stage: Stage, table: str, value: Any) -> range:
    """Give the steps by which the agent sees a row whose key it knows of, none when no look-up leads there unasked."""
    row = await stage.row(table, value)
    sought = Sought(table, value, row, stage.catalogue.entity(table), Slot(implied=tuple(row)), frozenset(), 0)
    mark = len(stage.draft.steps)
    try:
        await look_up(stage, sought)
    except Drop:
        del stage.draft.steps[mark:]
    return range(mark, len(stage.draft.steps))


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
    if (origin := seen_with(stage, sought, spoken)) is not None:
        return replace(mention, origin=origin)
    sought.handle = column
    seen = await look_up(stage, sought)
    return replace(mention, origin=seen.origin, nested=tuple(seen.nested), facts=tuple(seen.facts))


async def _by_description(stage: Stage, sought: Sought) -> Mention:
    seen = await look_up(stage, sought)
    visible = shown(stage, sought, seen.producer)
    fixed = {part.column for part in seen.said}
    fixed |= {name for part in seen.said if (name := sought.entity.say[part.column].alone_by)}
    unsaid = [silent(sought, column) for column in sought.slot.implied if column not in fixed]
    free = [
        part
        for column, how in sought.entity.say.items()
        if column in visible and column not in fixed | sought.hidden and how.kind != "row"
        if (part := make_property(column, how, sought.row.get(column), stage.rng)) is not None
        if not _is_said_inside(part, seen)
    ]
    limits: list[Property] = []
    if stage.chance(BOUND_SHARE) and sought.by_measure:
        limits = [part for part in bounds(sought.entity, sought.row, stage.rng) if part.column in visible]
        limits = [part for part in limits if part.column not in fixed | sought.hidden]
        limits = stage.rng.sample(limits, min(MOST_LIMITS, len(limits)))
        free += limits
    superlatives = [best for best in extremes(sought.entity, visible, stage.rng) if _may_rank(sought, best)]
    found = descriptions(seen.record, seen.records, free, superlatives, visible)
    if sought.lightly:
        found = [description for description in found if _is_light(sought, seen, description)]
    found.sort(key=lambda description: not set(limits) & set(description.properties))
    if not sought.depth and not sought.plain and sought.entity.mine is None and stage.chance(WISH_SHARE):
        for wish in wishes(sought.entity, stage.rng):
            if wish.column in visible and wish.column not in fixed | sought.hidden:
                found = [*wished_for(seen.record, seen.records, wish, superlatives, visible), *found]
    for description in _drawn(stage, found):
        whole = replace(description, properties=in_order(sought.entity, (*seen.said, *description.properties)))
        mention = await proved(stage, sought, seen, whole, unsaid)
        if mention is not None and await reads_one_way(stage, mention):
            split = None if mention.theirs else split_of(stage, sought, seen, description, visible)
            return replace(mention, split=split)
    raise Drop("not_describable", sought.table)


def _is_said_inside(part: Property, seen: Seen) -> bool:
    """Whether a day was said of a row inside the description: nobody says "my 30 June flight on my 30 June trip"."""
    inside = (said for mention in seen.nested for said in mention.properties)
    return part.kind == "date" and any(said.get("value") == part.value for said in inside)


def _may_rank(sought: Sought, best: Extreme) -> bool:
    """Whether a row may go by a superlative: of one's own things, one that tells of time unless it is a question."""
    if best.column in sought.hidden:
        return False
    how = sought.entity.say.get(best.column)
    return best.recency or sought.by_measure or (how is not None and how.kind in ("date", "time"))


def _is_light(sought: Sought, seen: Seen, description: Description) -> bool:
    """Whether a description is short enough to name another thing by: one plain property, or the latest of all.

    What isn't one's own, such as an airport, takes what it takes.
    """
    if sought.entity.mine is None:
        return True
    said = (*seen.said, *description.properties)
    if any(part.op != "=" or part.kind not in sought.lightly for part in said):
        return False
    return len(said) <= 1 if description.extreme is None else description.extreme.recency and not said


def _drawn(stage: Stage, found: Sequence[Description]) -> list[Description]:
    if found and found[0].wish is not None:
        return list(found[: 2 * CHEAPEST])
    first = list(found[:CHEAPEST])
    stage.rng.shuffle(first)
    return first + list(found[CHEAPEST : 2 * CHEAPEST])


async def look_up(stage: Stage, sought: Sought) -> Seen:
    """Give the look-up by which the agent finds a row, executed, or raise `Drop` when none leads there."""
    key = f"{sought.table}.{stage.catalogue.key(sought.table)}"
    failures: list[str] = []
    producers = stage.catalogue.producers(key)
    if stage.wanted and stage.chance(NEW_LOOK_UP_SHARE):
        producers = sorted(producers, key=lambda found: _rank(stage, sought, found))
    for producer in producers:
        if sought.handle and not _gives_handle(stage, sought, producer):
            continue
        mark = len(stage.draft.steps)
        try:
            return await _look_up_by(stage, sought, producer)
        except Drop as drop:
            del stage.draft.steps[mark:]
            failures.append(f"{producer.tool.name}: {drop}")
    raise Drop("no_look_up", f"{key}: {'; '.join(failures) or 'no tool gives it'}")


def _rank(stage: Stage, sought: Sought, producer: Producer) -> int:
    """Give the place of a look-up: first what is new to the data, then what the plan has in view, then any other."""
    if not stage.catalogue.tells(producer, sought.table):
        return 2
    sources = stage.wanted.into(sought.taker) or stage.wanted.sources
    if (producer.tool.full_name, producer.path) in sources:
        return 0
    return 1 if stage.quest is not None and producer.tool.full_name == stage.quest[0] else 2


def _gives_handle(stage: Stage, sought: Sought, producer: Producer) -> bool:
    filters = [stage.catalogue.parameter(producer.tool.name, name).filter for name in producer.tool.required]
    asked = any(wanted and wanted.column.endswith(f".{sought.handle}") for wanted in filters)
    return asked or sought.handle in shown(stage, sought, producer)


async def _look_up_by(stage: Stage, sought: Sought, producer: Producer) -> Seen:
    arguments: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    seen = Seen(producer, -1, [], {}, "")
    for name in producer.tool.input_schema.get("properties", {}):
        fact = stage.catalogue.fact(producer.tool.name, name)
        if fact and (name in producer.tool.required or stage.catalogue.slot(producer.tool.name, name).as_):
            arguments[name], origins[name] = await _own_fact(stage, fact, seen)
        elif name in producer.tool.required:
            arguments[name], origins[name] = await _argument(stage, sought, producer, name, seen)
        elif name in sought.narrowing:
            arguments[name], origins[name] = sought.narrowing[name]
    seen.step = await stage.look(producer.tool.name, arguments, origins)
    _find_record(stage, sought, seen)
    return seen


async def _own_fact(stage: Stage, fact: str, seen: Seen) -> tuple[Any, Origin]:
    found = await known(stage, fact)
    seen.facts.append(found.told)
    return found.value, found.origin


async def _argument(stage: Stage, sought: Sought, producer: Producer, name: str, seen: Seen) -> tuple[Any, Origin]:
    contract = stage.catalogue.parameter(producer.tool.name, name)
    column = _column(stage, sought, name, producer)
    seen.taker = (producer.tool.full_name, name)
    if column is None and contract.key:
        return await _own_row(stage, sought, contract.key, seen)
    if column is None or sought.row.get(column) is None:
        raise Drop("no_value", f"{producer.tool.name}.{name}")
    value = sought.row[column]
    if contract.key and (column in sought.slot.implied or column not in sought.entity.say):
        origin = stage.earlier(contract.key, value, seen.taker)
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
        part = _said_inside(stage, sought, column, seen.nested[-1])
        if part is not None:
            seen.said.append(part)
    elif seen.nested[-1].kind not in ("self", "anaphora"):
        raise Drop("unsaid", f"{sought.table}.{column}")
    return argument, origin


def _said_inside(stage: Stage, sought: Sought, column: str, inner: Mention) -> Property | None:
    """Give a related row as a property of the one that is described; by its name where it goes by that alone."""
    how, value = sought.entity.say[column], sought.row[column]
    if how.alone_by is None:
        return make_property(column, how, value, stage.rng, inner.short)
    if [part["column"] for part in inner.properties] != [how.alone_by] or how.alone_by in sought.hidden:
        raise Drop("roundabout", f"{sought.table}.{column}")
    name = make_property(how.alone_by, sought.entity.say[how.alone_by], sought.row[how.alone_by], stage.rng)
    return replace(name, column=column, kind=how.kind, value=value) if name else None


async def _nested(stage: Stage, sought: Sought, table: str, value: Any, seen: Seen) -> tuple[Any, Origin]:
    near = spoken_of(stage, table, value, inside=True)
    if near is not None and not sought.plain:
        mention = anaphora(stage, near, plain=False)
        seen.nested.append(mention)
        return value, mention.origin
    ways = Slot(by=("description", "handle"))
    terms = Terms(ways, _states(stage, table) & sought.hidden, sought.depth + 1, plain=sought.plain, taker=seen.taker)
    terms = replace(terms, lightly=BY_NAME_OR_DAY)
    if stage.quest is not None and stage.quest[2:] == seen.taker and not sought.plain:
        terms = replace(terms, kin=stage.quest[:2] in links_of(stage, table))
    mention = await locate(stage, table, value, terms)
    seen.nested.append(mention)
    seen.facts.extend(mention.facts)
    return value, mention.origin


def _states(stage: Stage, table: str) -> frozenset[str]:
    """Give the columns that say which of some states a row is in."""
    said = stage.catalogue.entity(table).say
    return frozenset(column for column, how in said.items() if how.kind in STATES)


async def _said(stage: Stage, sought: Sought, column: str, value: Any, seen: Seen) -> tuple[Any, Origin]:
    """Give an argument that the user says as a property of the row."""
    if column == sought.handle:
        return value, Origin("explicit", text=str(value))
    how = sought.entity.say.get(column)
    if how is not None and how.kind == "date" and not sought.plain and stage.chance(stage.aim.hiding(DAY_SHARE)):
        anchored = await _said_through_row(stage, sought, column, value, seen)
        if anchored is not None:
            return value, anchored
    part = make_property(column, how, value, stage.rng) if how else None
    if part is None or column in sought.hidden:
        raise Drop("unsaid", f"{sought.table}.{column}")
    seen.said.append(part)
    return value, Origin("explicit", text=part.spoken or part.text)


async def _said_through_row(stage: Stage, sought: Sought, column: str, value: Any, seen: Seen) -> Origin | None:
    """Say a day through a row of another environment that was spoken of and falls on it: "that day"."""
    options = [anchor for anchor in await anchors(stage, "date") if anchor.value == value]
    if not options:
        return None
    words, origin, mention = through(stage, stage.pick(options))
    part = make_property(column, sought.entity.say[column], value, stage.rng, words)
    if part is None:
        return None
    seen.said.append(part)
    seen.nested.append(mention)
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
