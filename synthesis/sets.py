"""Sets: a goal that is repeated over all rows that a description fits, one call for each.

The set is proved twice: among the records that the agent sees and by a query over the tables it is exactly the rows
that are acted on. Where the description fits only one row, or more than a person would leave to an assistant at once,
it is no set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from envfactory_client import Goal
from envfactory_client.logical_form import Intent
from synthesis.choose import PLACEHOLDER, Choice, choose
from synthesis.draft import Clause, DraftTurn, Meant, Mention, Origin, Salient
from synthesis.errors import Drop
from synthesis.feasible import Bench
from synthesis.goals import GoalKind
from synthesis.language.nouns import in_words, listed
from synthesis.locate import look_up
from synthesis.logical_form import intent_of, meant_by
from synthesis.mentions import bound_facts, in_order, readable
from synthesis.phrases import Slot
from synthesis.plural import Quantity, many, of_several, said_of_many, told_to_many
from synthesis.references import Description, Property, fits, make_property
from synthesis.sought import Seen, Sought, shown
from synthesis.spoken import say
from synthesis.stage import Stage
from synthesis.stance import check_stance, ended_by, sweep
from synthesis.tries import first_of_tries
from synthesis.wording import Reached, clause, reply

FEWEST, MOST = 2, 5
"""Rows of a set."""
MOST_TRIES = 3
FOR_ONE = re.compile(r"\b(it|this|that|one|once|time|date|them)\b")
"""What a request has that speaks of a single row beside naming it."""
MOST_SAID = 2
"""Properties by which a set is described."""


@dataclass(frozen=True)
class Members:
    """The rows of a set, each with where the agent sees its key, and the words for all of them."""

    mention: Mention
    origins: Mapping[Any, Origin]
    values: tuple[Any, ...] = ()
    """What the records show of the column that was wanted of them."""


async def ground_set(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add a goal over a set to an empty turn, with its look-ups and calls executed, or raise `Drop` and add nothing."""

    async def make(mark: int) -> None:
        choice = await choose(stage, stage.catalogue.tools[kind.tool], kind)
        name = _varied(choice, stage.catalogue.said(kind.tool).slots)
        choice.said = {other: said_of_many(text) for other, text in choice.said.items()}
        await choice.get_known(stage)
        members = await _members(stage, kind, choice, name)
        await check_stance(stage, kind.tool, {name: members.mention}, choice.values)
        await _rehearse(stage, kind, [{**choice.values, name: value} for value in members.origins])
        await _enact(_Set(stage, kind, choice, name, members), turn, mark)

    await first_of_tries(stage, kind, MOST_TRIES, make)


def _varied(choice: Choice, slots: Mapping[str, Slot]) -> str:
    """Give the parameter that goes over the set: the only one that the request says by a row."""
    said = [name for name in choice.rows if name in choice.placeholders]
    if len(choice.rows) != 1 or len(said) != 1 or choice.missing or choice.anchored or choice.carried:
        raise Drop("no_set", choice.template)
    if any(f":{said[0]}" in (slots[name].from_ or "") for name in choice.values if name in slots):
        raise Drop("no_set", "a value that is chosen for one row doesn't do for all")
    if any(str(value) in slots[name].singly for name, value in choice.values.items() if name in slots):
        raise Drop("no_set", "a value that nobody says of several rows")
    return said[0]


async def _members(stage: Stage, kind: GoalKind, choice: Choice, name: str) -> Members:
    """Give a set around the row that was chosen, all of whose rows the tool accepts."""
    table, slot = choice.rows[name]
    value = choice.values[name]
    if isinstance(value, list):
        raise Drop("no_set", table)
    tool = stage.catalogue.tools[kind.tool]
    others = {other: given for other, given in choice.values.items() if other != name}
    scope = await stage.keys(table, slot.where, others)
    bench = Bench(stage, tool, kind, _defaults(tool.input_schema, choice))
    accepted = frozenset(await bench.sorted_out(name, scope, others))
    return await gathered(stage, table, value, Bounds(accepted))


def _defaults(schema: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: found.get("default") for name, found in properties.items() if name not in choice.values}


@dataclass(frozen=True)
class Bounds:
    """What a set may hold, and how it is spoken of."""

    accepted: frozenset[Any] | None = None
    """The keys that it may hold; None for any."""
    most: int = MOST
    shows: str = ""
    """A column that the records must show and that no description may use."""
    quantity: Quantity = "all"


async def gathered(stage: Stage, table: str, value: Any, bounds: Bounds) -> Members:
    """Give a set of the user's rows around one of them, or raise `Drop` when no description makes one."""
    entity = stage.catalogue.entity(table)
    if not entity.mine:
        raise Drop("no_set", table)
    row = await stage.row(table, value)
    hidden = frozenset({bounds.shows} - {""})
    sought = Sought(table, value, row, entity, Slot(), hidden, 0)
    seen = await look_up(stage, sought)
    visible = shown(stage, sought, seen.producer)
    if bounds.shows and (bounds.shows not in visible or {part.column for part in seen.said} & hidden):
        raise Drop("no_set", f"{table} without {bounds.shows}")
    found = [one for one in candidates(stage, sought, seen, bounds.most) if one.within(bounds.accepted)]
    if bounds.quantity != "all":
        stage.rng.shuffle(found)
    for candidate in found:
        mention = await _proved(stage, sought, seen, candidate, bounds.quantity)
        if mention is not None:
            values = [record[visible[bounds.shows]] for record in candidate.records.values()] if bounds.shows else []
            return Members(mention, _origins(seen, candidate), tuple(values))
    raise Drop("no_set", table)


@dataclass(frozen=True)
class Candidate:
    """A description, and the first record of each row seen that it fits, by key."""

    description: Description
    records: Mapping[Any, Mapping[str, Any]]

    def within(self, accepted: frozenset[Any] | None) -> bool:
        """Whether it holds only rows that are accepted."""
        return accepted is None or accepted.issuperset(self.records)


def _field(seen: Seen) -> str:
    return seen.producer.path.rpartition(".")[2]


def candidates(stage: Stage, sought: Sought, seen: Seen, most: int) -> Iterator[Candidate]:
    """Give the descriptions that fit a few of the rows seen, shorter ones first."""
    visible = shown(stage, sought, seen.producer)
    said = {part.column for part in seen.said}
    free: list[Property] = [
        part
        for column, how in sought.entity.say.items()
        if column in visible and column not in said | sought.hidden and how.kind in ("enum", "flag", "name", "date")
        if column != sought.entity.named
        if (part := make_property(column, how, sought.row.get(column), stage.rng)) is not None
    ]
    for size in range(MOST_SAID + 1):
        for chosen in combinations(free, size):
            records: dict[Any, Mapping[str, Any]] = {}
            for record in seen.records:
                if fits(record, chosen, visible):
                    records.setdefault(record[_field(seen)], record)
            if FEWEST <= len(records) <= most:
                yield Candidate(Description(chosen), records)


async def _proved(stage: Stage, sought: Sought, seen: Seen, candidate: Candidate, quantity: Quantity) -> Mention | None:
    """Give the mention of a set, or None when its query doesn't give just the rows that the agent sees."""
    view, key = stage.catalogue.view(sought.table), stage.catalogue.key(sought.table)
    keys = list(candidate.records)
    whole = Description(in_order(sought.entity, (*seen.said, *candidate.description.properties)))
    sql, parameters = readable(stage, sought, whole).query(view, key, sought.entity.mine)
    if {cells[0] for cells in await stage.query(sql, parameters)} != set(keys):
        return None
    said = Description(tuple(replace(part, text=of_several(part.text)) for part in whole.properties))
    text = stage.pick(many(stage.pick(sought.entity.noun), said.modifiers, quantity))
    return Mention(
        stage.environment,
        sought.table,
        key,
        keys,
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


def _origins(seen: Seen, candidate: Candidate) -> dict[Any, Origin]:
    """Give where the agent sees each key, in the order of the records."""
    field, item = _field(seen), seen.producer.item.removesuffix("[]")
    places = {id(record): place for place, record in enumerate(seen.records)}
    return {
        key: Origin("earlier", step=seen.step, place=f"{item}[{places[id(record)]}].{field}")
        for key, record in candidate.records.items()
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
    """Make the calls part of the draft, with what is said for them; raises `Drop` with everything as it was."""
    stage, mention = acted.stage, acted.members.mention
    before, states, local = await stage.episode.hold(), len(stage.draft.states), dict(stage.draft.locals)
    try:
        calls = await acted.act()
        said = _said(acted, calls)
    except Drop:
        await stage.episode.undo(before)
        del stage.draft.states[states:]
        stage.draft.locals = local
        raise
    turn.steps += range(mark, len(stage.draft.steps))
    turn.mentions.append((calls[0], acted.name, mention))
    turn.goals.append(Goal(tool=stage.catalogue.tools[acted.kind.tool].full_name, outcome="done"))
    turn.clauses.append(said.clause)
    turn.intents.append(said.intent)
    turn.meant += said.meant
    turn.answers += said.answers
    turn.facts += [*mention.facts, *acted.choice.told]
    _remember(stage, acted.members)
    ending = acted.name in ended_by(stage.catalogue, acted.kind.tool, acted.choice.values)
    await sweep(stage, mention, ending=ending)


@dataclass(frozen=True)
class _Said:
    """What is said of a set: the request with its meaning, and what is told when it is done."""

    clause: Clause
    intent: Intent
    meant: Sequence[Meant]
    answers: Sequence[str]


def _said(acted: _Set, calls: Sequence[int]) -> _Said:
    """Give what is said of a set whose calls have been made, or raise `Drop` where there are no words for it."""
    answers = _replies(acted, calls)
    choice = replace(acted.choice, template=_for_many(acted))
    reached = Reached(acted.stage, acted.kind, choice, {acted.name: acted.members.mention}, calls[0])
    return _Said(_of_many(clause(reached)), intent_of(reached, {}), meant_by(reached, {}), answers)


def _of_many(said: Clause) -> Clause:
    """Give a request whose values are said of several rows, in whichever words."""
    parts = {
        name: replace(part, ways=tuple(said_of_many(way) for way in part.ways)) if part.kind == "argument" else part
        for name, part in said.parts.items()
    }
    return replace(said, parts=parts)


def _for_many(acted: _Set) -> str:
    """Give a request as it fits several rows: by its verb alone, where one of the requests with its places has it."""
    here = set(PLACEHOLDER.findall(acted.choice.template)) - {"goal"}
    asks = acted.stage.catalogue.said(acted.kind.tool).asks
    plain = [
        ask
        for ask in asks
        if ask.startswith("{goal} {" + acted.name + "}") and set(PLACEHOLDER.findall(ask)) - {"goal"} == here
    ]
    fitting = [ask for ask in plain if not FOR_ONE.search(ask)]
    if not plain and FOR_ONE.search(acted.choice.template):
        raise Drop("no_set", acted.choice.template)
    return told_to_many(acted.stage.pick(fitting)) if fitting else told_to_many((plain or [acted.choice.template])[0])


def _replies(acted: _Set, calls: Sequence[int]) -> list[str]:
    """Give what is told of a set: in one sentence, or call by call where there is none for all."""
    forms = acted.stage.catalogue.said(acted.kind.tool).many
    told = [text for form in forms if (text := _told_of_all(acted, calls, form)) is not None]
    return [acted.stage.pick(told)] if told else [_reply(acted, call) for call in calls]


def _told_of_all(acted: _Set, calls: Sequence[int], form: str) -> str | None:
    """Give the form with what all results show of its fields, or None where one doesn't."""
    results = [acted.stage.draft.steps[call].result for call in calls]
    contract = acted.stage.catalogue.tools[acted.kind.tool].contract
    words = {"count": in_words(len(calls))}
    for name in set(PLACEHOLDER.findall(form)) - {"count"}:
        shown = contract.results.get(name) if contract else None
        kind = shown.type if shown else None
        known = acted.stage.catalogue.said(acted.kind.tool).words.get(name, {})
        shown_values = [result[name] for result in results if result.get(name) is not None]
        values = [known.get(str(value)) or say(kind, value) for value in shown_values]
        if len(values) < len(results):
            return None
        words[name] = listed(list(dict.fromkeys(values)))
    if len(calls) == FEWEST:
        form = form.replace("All {count}", "Both").replace("all {count}", "both")
    return form.format_map(words)


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
