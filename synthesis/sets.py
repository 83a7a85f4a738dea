"""Sets: a goal that is repeated over all rows that a description fits, one call for each.

The set is proved twice: among the records that the agent sees and by a query over the tables it is exactly the rows
that are acted on. Where the description fits only one row, or more than a person would leave to an assistant at once,
it is no set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from envfactory_client import Goal
from synthesis.choose import Choice, choose
from synthesis.draft import DraftTurn, Mention, Origin, Salient
from synthesis.errors import Drop
from synthesis.feasible import Bench
from synthesis.goals import GoalKind
from synthesis.locate import look_up
from synthesis.logical_form import intent_of, meant_by
from synthesis.mentions import bound_facts, in_order, readable
from synthesis.phrases import Slot
from synthesis.plural import all_of, told_to_many
from synthesis.references import Description, Property, fits, make_property
from synthesis.sought import Seen, Sought, shown
from synthesis.stage import Stage
from synthesis.wording import Reached, clause, reply

FEWEST, MOST = 2, 5
"""Rows of a set."""
MOST_TRIES = 3
MOST_SAID = 2
"""Properties by which a set is described."""


@dataclass(frozen=True)
class Members:
    """The rows of a set, each with where the agent sees its key, and the words for all of them."""

    mention: Mention
    origins: Mapping[Any, Origin]


async def ground_set(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add a goal over a set to an empty turn, with its look-ups and calls executed, or raise `Drop` and add nothing."""
    reasons: list[str] = []
    for _ in range(MOST_TRIES):
        mark = len(stage.draft.steps)
        try:
            choice = await choose(stage, stage.catalogue.tools[kind.tool], kind)
            name = _varied(choice, stage.catalogue.said(kind.tool).slots)
            await choice.get_known(stage)
            members = await _members(stage, kind, choice, name)
            await _rehearse(stage, kind, [{**choice.values, name: value} for value in members.origins])
            await _enact(_Set(stage, kind, choice, name, members), turn, mark)
        except Drop as drop:
            del stage.draft.steps[mark:]
            reasons.append(drop.reason)
            continue
        return
    raise Drop(max(sorted(set(reasons)), key=reasons.count), str(kind))


def _varied(choice: Choice, slots: Mapping[str, Slot]) -> str:
    """Give the parameter that goes over the set: the only one that the request says by a row."""
    said = [name for name in choice.rows if name in choice.placeholders]
    if len(choice.rows) != 1 or len(said) != 1 or choice.missing or choice.anchored or choice.carried:
        raise Drop("no_set", choice.template)
    if any(f":{said[0]}" in (slots[name].from_ or "") for name in choice.values if name in slots):
        raise Drop("no_set", "a value that is chosen for one row doesn't do for all")
    return said[0]


async def _members(stage: Stage, kind: GoalKind, choice: Choice, name: str) -> Members:
    """Give a set around the row that was chosen, all of whose rows the tool accepts."""
    table, slot = choice.rows[name]
    entity = stage.catalogue.entity(table)
    value = choice.values[name]
    if isinstance(value, list) or not entity.mine:
        raise Drop("no_set", table)
    row = await stage.row(table, value)
    sought = Sought(table, value, row, entity, Slot(), frozenset(), 0)
    seen = await look_up(stage, sought)
    tool = stage.catalogue.tools[kind.tool]
    others = {other: given for other, given in choice.values.items() if other != name}
    scope = await stage.keys(table, slot.where, others)
    accepted = set(await Bench(stage, tool, kind, _defaults(tool.input_schema, choice)).sorted_out(name, scope, others))
    for described, records in _candidates(stage, sought, seen):
        keys = [record[_field(seen)] for record in records]
        if set(keys) <= accepted:
            mention = await _proved(stage, sought, seen, described, keys)
            if mention is not None:
                return Members(mention, _origins(seen, records))
    raise Drop("no_set", table)


def _defaults(schema: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: found.get("default") for name, found in properties.items() if name not in choice.values}


def _field(seen: Seen) -> str:
    return seen.producer.path.rpartition(".")[2]


def _candidates(stage: Stage, sought: Sought, seen: Seen) -> list[tuple[Description, Sequence[Mapping[str, Any]]]]:
    """Give the descriptions that fit a few of the records seen, shorter ones first."""
    visible = shown(stage, sought, seen.producer)
    said = {part.column for part in seen.said}
    free: list[Property] = [
        part
        for column, how in sought.entity.say.items()
        if column in visible and column not in said and how.kind in ("enum", "flag", "name", "date")
        if column != sought.entity.named
        if (part := make_property(column, how, sought.row.get(column), stage.rng)) is not None
    ]
    found: list[tuple[Description, Sequence[Mapping[str, Any]]]] = []
    for size in range(MOST_SAID + 1):
        for chosen in combinations(free, size):
            records = [record for record in seen.records if fits(record, chosen, visible)]
            if FEWEST <= len(records) <= MOST:
                found.append((Description(chosen), records))
    return found


async def _proved(
    stage: Stage, sought: Sought, seen: Seen, described: Description, keys: Sequence[Any]
) -> Mention | None:
    """Give the mention of a set, or None when its query doesn't give just the rows that the agent sees."""
    view, key = stage.catalogue.view(sought.table), stage.catalogue.key(sought.table)
    whole = Description(in_order(sought.entity, (*seen.said, *described.properties)))
    sql, parameters = readable(stage, sought, whole).query(view, key, sought.entity.mine)
    if {cells[0] for cells in await stage.query(sql, parameters)} != set(keys):
        return None
    text = stage.pick(all_of(stage.pick(sought.entity.noun), whole.modifiers))
    return Mention(
        stage.environment,
        sought.table,
        key,
        list(keys),
        text,
        text,
        "set",
        sql,
        {**parameters, **bound_facts(stage, sql)},
        tuple({"column": part.column, "value": part.value, "text": part.text} for part in whole.properties),
        origin=Origin("earlier", step=seen.step, place=seen.producer.item.removesuffix("[]")),
        nested=tuple(seen.nested),
        facts=tuple(seen.facts),
    )


def _origins(seen: Seen, records: Sequence[Mapping[str, Any]]) -> dict[Any, Origin]:
    """Give where the agent sees each key, in the order of the records."""
    field, item = _field(seen), seen.producer.item.removesuffix("[]")
    places = [place for place, record in enumerate(seen.records) if any(record is one for one in records)]
    return {
        seen.records[place][field]: Origin("earlier", step=seen.step, place=f"{item}[{place}].{field}")
        for place in places
    }


async def _rehearse(stage: Stage, kind: GoalKind, calls: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Drop` unless every call of the set works, one after the other, and each changes the state."""
    async with stage.episode.trial() as trial:
        before = stage.state
        for arguments in calls:
            result = await trial.agent.probe(stage.environment, kind.tool, **arguments)
            after = (await trial.state()).digest
            if result.is_error or after == before:
                raise Drop("set_refused", f"{kind}: {result.text}")
            before = after


@dataclass(frozen=True)
class _Set:
    """A set that is to be acted on."""

    stage: Stage
    kind: GoalKind
    choice: Choice
    name: str
    members: Members

    async def act(self) -> range:
        """Make one call for each row and give the steps."""
        plain = {other: Origin("explicit", text=text) for other, text in self.choice.said.items()}
        plain |= {other: found.origin for other, found in self.choice.known.items()}
        first = len(self.stage.draft.steps)
        for value, origin in self.members.origins.items():
            arguments = {**self.choice.values, self.name: value}
            await self.stage.call(self.kind.tool, arguments, {**plain, self.name: origin})
        return range(first, len(self.stage.draft.steps))


async def _enact(acted: _Set, turn: DraftTurn, mark: int) -> None:
    """Make the calls part of the draft, with what is said for them."""
    stage, kind, mention = acted.stage, acted.kind, acted.members.mention
    before, states, local = await stage.episode.hold(), len(stage.draft.states), dict(stage.draft.locals)
    calls = await acted.act()
    try:
        answers = [_reply(acted, call) for call in calls]
    except Drop:
        await stage.episode.undo(before)
        del stage.draft.states[states:]
        stage.draft.locals = local
        raise
    many = replace(acted.choice, template=told_to_many(acted.choice.template))
    reached = Reached(stage, kind, many, {acted.name: mention}, calls[0])
    turn.steps += range(mark, len(stage.draft.steps))
    turn.mentions.append((calls[0], acted.name, mention))
    turn.goals.append(Goal(tool=stage.catalogue.tools[kind.tool].full_name, outcome="done"))
    turn.clauses.append(clause(reached))
    turn.intents.append(intent_of(reached, {}))
    turn.meant += meant_by(reached, {})
    turn.answers += answers
    turn.facts += [*mention.facts, *acted.choice.told]
    _remember(stage, acted.members)


def _reply(acted: _Set, call: int) -> str:
    """Give what is told of one call, by a form that doesn't name the row by its id."""
    text = reply(Reached(acted.stage, acted.kind, acted.choice, {}, call), joined=True)
    if str(acted.stage.draft.steps[call].arguments[acted.name]) in text:
        raise Drop("no_reply", str(acted.kind))
    return text


def _remember(stage: Stage, members: Members) -> None:
    """Note the rows that were spoken of: more than one, so that no later word can mean one of them by "it"."""
    mention = members.mention
    stage.draft.topic = [
        Salient(stage.environment, mention.table, value, origin) for value, origin in members.origins.items()
    ]
    stage.draft.yields = []
