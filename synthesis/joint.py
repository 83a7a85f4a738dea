"""Joint limits: two rows of one request that together may come to no more than a total.

The first row is described as ever. The second one is the utmost of its kind that the total leaves room for, so that
it can't be told without looking at both. The limit must bind: among the rows that the agent sees, all that would
come before the second one without it are beyond it. A query over the tables has to give the second row alone, too.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from envfactory_client import Goal
from envfactory_client.logical_form import Derived, Field, Intent, Row, Said
from envfactory_client.logical_form import Property as Condition
from envfactory_client.score.attempt import leaves
from synthesis.choose import Choice, choose
from synthesis.draft import Clause, DraftTurn, Meant, Mention, Part, Salient
from synthesis.errors import Drop
from synthesis.feasible import Bench
from synthesis.goals import GoalKind
from synthesis.ground import origins_of
from synthesis.language.pattern import expand
from synthesis.limits import total
from synthesis.locate import locate, look_up
from synthesis.logical_form import intent_of, meant_by, path_of, term_of
from synthesis.mentions import in_order, proved
from synthesis.paths import value_of
from synthesis.phrases import Slot
from synthesis.references import Description, Extreme, Property, extremes
from synthesis.sought import Seen, Sought, Terms, shown
from synthesis.spoken import forms
from synthesis.stage import Stage
from synthesis.stance import check_stance, ended_by, rows_of, take_stance
from synthesis.tries import first_of_tries
from synthesis.wording import Reached, reply, verb

MOST_TRIES = 4
MOST_SECONDS = 6
"""Rows that are tried as the second one."""
DESCRIBED = frozenset({"description", "superlative", "recency"})
"""Kinds of mention by which the first row may go."""


async def ground_joint(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add two goals under one total to an empty turn, their look-ups and calls executed, or raise `Drop`."""

    async def make(mark: int) -> None:
        choice = await choose(stage, stage.catalogue.tools[kind.tool], kind)
        await choice.get_known(stage)
        pair = await _paired(stage, kind, choice)
        await _rehearse(pair)
        await _enact(pair, turn, mark)

    await first_of_tries(stage, kind, MOST_TRIES, make)


@dataclass(frozen=True)
class _Second:
    """The second row: its mention, and the limit that leaves room for it and for none that comes before it."""

    mention: Mention
    limit: int


@dataclass(frozen=True)
class _Pair:
    """Two rows that are to be acted on."""

    stage: Stage
    kind: GoalKind
    choice: Choice
    name: str
    first: Mention
    second: _Second

    @property
    def mentions(self) -> tuple[Mention, Mention]:
        """Both rows, in the order in which they are acted on."""
        return self.first, self.second.mention

    @property
    def column(self) -> str:
        """The column that is added up."""
        return column_of(self.stage, self.kind)

    def reached(self, calls: Sequence[int]) -> tuple[Reached, Reached]:
        """The goal with each of the rows."""
        one, two = (self._with(mention, call) for mention, call in zip(self.mentions, calls, strict=True))
        return one, two

    def _with(self, mention: Mention, call: int) -> Reached:
        choice = replace(self.choice, values={**self.choice.values, self.name: mention.value})
        return Reached(self.stage, self.kind, choice, {self.name: mention}, call)

    async def act(self) -> range:
        """Make one call for each row and give the steps."""
        first = len(self.stage.draft.steps)
        for mention in self.mentions:
            arguments = {**self.choice.values, self.name: mention.value}
            await self.stage.call(self.kind.tool, arguments, origins_of(self.choice, {self.name: mention}))
        return range(first, len(self.stage.draft.steps))


def column_of(stage: Stage, kind: GoalKind) -> str:
    """Give the column that a tool's phrases add up."""
    together = stage.catalogue.said(kind.tool).together
    if together is None:
        raise Drop("no_total", str(kind))
    return together.column


async def _paired(stage: Stage, kind: GoalKind, choice: Choice) -> _Pair:
    """Give two rows with a limit that binds, or raise `Drop` when there are none."""
    if len(choice.rows) != 1 or choice.missing or choice.anchored or choice.carried or choice.said:
        raise Drop("no_total", choice.template)
    ((name, (table, slot)),) = choice.rows.items()
    column = column_of(stage, kind)
    ways = slot.model_copy(update={"by": ("description",)})
    first = await locate(stage, table, choice.values[name], Terms(ways, frozenset({column}), plain=True))
    if first.kind not in DESCRIBED:
        raise Drop("no_total", str(kind))
    others = {other: value for other, value in choice.values.items() if other != name}
    properties = stage.catalogue.tools[kind.tool].input_schema.get("properties", {})
    settled = {other: schema.get("default") for other, schema in properties.items() if other not in choice.values}
    bench = Bench(stage, stage.catalogue.tools[kind.tool], kind, settled)
    accepted = await bench.sorted_out(name, await stage.keys(table, slot.where, others), others)
    return _Pair(stage, kind, choice, name, first, await _second(stage, first, column, accepted))


async def _second(stage: Stage, first: Mention, column: str, accepted: Sequence[Any]) -> _Second:
    """Give one of the rows that are accepted which a limit singles out beside the first one."""
    options = [value for value in accepted if value != first.value]
    stage.rng.shuffle(options)
    options.sort(key=lambda value: not _is_beside(stage, first, value))
    for value in options[:MOST_SECONDS]:
        mark = len(stage.draft.steps)
        row, entity = await stage.row(first.table, value), stage.catalogue.entity(first.table)
        sought = Sought(first.table, value, row, entity, Slot(), frozenset({column}), 0, plain=True)
        try:
            seen = await look_up(stage, sought)
            return await _singled_out(stage, sought, seen, (first, column))
        except Drop:
            del stage.draft.steps[mark:]
    raise Drop("no_total", first.table)


def _is_beside(stage: Stage, mention: Mention, value: Any) -> bool:
    """Whether the look-up that shows one row shows another one as well."""
    return mention.origin.step is not None and value in set(leaves(stage.draft.steps[mention.origin.step].result))


async def _singled_out(stage: Stage, sought: Sought, seen: Seen, beside: tuple[Mention, str]) -> _Second:
    """Give a row that is seen as the utmost one that a limit leaves, beside another row with its column."""
    first, column = beside
    visible = shown(stage, sought, seen.producer)
    if column not in visible or column in {part.column for part in seen.said}:
        raise Drop("figure_unseen", column)
    taken = _shown(stage, first, column)
    superlatives = [best for best in extremes(sought.entity, visible, stage.rng) if not best.recency]
    superlatives.sort(key=lambda best: best.column != column)
    for best in superlatives:
        kind = sought.entity.say[column].kind
        ranked = replace(best, column=visible[best.column])
        between = binding(_rivals(seen, first.value), seen.record, ranked, visible[column])
        limit = total(kind, taken + between[0], taken + between[1]) if between else None
        if limit is None:
            continue
        room = Property(column, kind, limit - taken, "", op="<=")
        other = Property(stage.catalogue.key(sought.table), "", first.value, "", op="!=")
        plain = Description(in_order(sought.entity, seen.said), best)
        mention = await proved(stage, sought, seen, plain, (room, other))
        if mention is not None:
            noun = f"other {stage.pick(sought.entity.noun)}"
            words = ["my" if sought.entity.mine else "the", best.word, noun, plain.modifiers]
            text = " ".join(word for word in words if word)
            return _Second(replace(mention, text=text, short=text), limit)
    raise Drop("no_total", sought.table)


def _rivals(seen: Seen, first: Any) -> list[Mapping[str, Any]]:
    """Give the records of the other rows that are seen, without the one that the request names beside."""
    field = seen.producer.path.rpartition(".")[2]
    return [record for record in seen.records if record[field] not in (first, seen.record[field])]


def binding(
    rivals: Sequence[Mapping[str, Any]],
    record: Mapping[str, Any],
    best: Extreme,
    figure: str,
) -> tuple[int, int] | None:
    """Give what a record comes to and the least that those before it come to: the limit lies in between.

    `best` has the field by which they are ranked, `figure` is the field that is added up. None where nothing comes
    before the record, so that no limit would bind, or where a figure isn't known.
    """
    own = record[best.column]
    if own is None or record[figure] is None:
        return None
    comes_before = operator.le if best.function == "min" else operator.ge
    ranked = [rival for rival in rivals if rival[best.column] is not None]
    before = [rival for rival in ranked if comes_before(rival[best.column], own)]
    if not before or any(rival[figure] is None for rival in before):
        return None
    return record[figure], min(rival[figure] for rival in before)


def _shown(stage: Stage, mention: Mention, column: str) -> Any:
    """Give what the record in which a row was found shows of a column."""
    step, place = mention.origin.step, mention.origin.place
    if step is None or place is None:
        raise Drop("figure_unseen", column)
    found = stage.draft.steps[step]
    field = stage.catalogue.field_beside(found.tool, place, mention.table, column)
    if field is None or (value := value_of(found.result, field)) is None:
        raise Drop("figure_unseen", column)
    return value


async def _rehearse(pair: _Pair) -> None:
    """Raise `Drop` unless both calls work and change the state, with the first row told by its words all the while."""
    stage, kind = pair.stage, pair.kind
    async with stage.episode.trial() as trial:
        before = stage.state
        for mention in pair.mentions:
            result = await trial.agent.probe(
                stage.environment, kind.tool, **{**pair.choice.values, pair.name: mention.value}
            )
            after = (await trial.state()).digest
            if result.is_error or after == before:
                raise Drop("set_refused", f"{kind}: {result.text}")
            before = after
            found = (await trial.query(stage.environment, pair.first.sql, dict(pair.first.parameters))).rows
            if [cells[0] for cells in found] != [pair.first.value]:
                raise Drop("meaning_may_move", str(kind))


async def _enact(pair: _Pair, turn: DraftTurn, mark: int) -> None:
    """Make the calls part of the draft, with what is said for them; raises `Drop` with everything as it was."""
    stage = pair.stage
    for mention in pair.mentions:
        await check_stance(stage, pair.kind.tool, {pair.name: mention}, pair.choice.values)
    before, states, local = await stage.episode.hold(), len(stage.draft.states), dict(stage.draft.locals)
    try:
        calls = await pair.act()
        one, two = pair.reached(calls)
        first = intent_of(one, {})
        intents = [first, _with_second(pair, first)]
        request = _clause(pair, one)
        answers = [reply(one, joined=True), reply(two, joined=True)]
    except Drop:
        await stage.episode.undo(before)
        del stage.draft.states[states:]
        stage.draft.locals = local
        raise
    mentions = pair.mentions
    turn.steps += range(mark, len(stage.draft.steps))
    turn.evidence += calls
    turn.mentions += [(call, pair.name, mention) for call, mention in zip(calls, mentions, strict=True)]
    turn.goals += [Goal(tool=pair.kind.full_name, outcome="done")] * 2
    turn.clauses.append(request)
    turn.intents += intents
    turn.meant += [*meant_by(one, {}), *_meant(pair, intents[1], two)]
    turn.answers += answers
    turn.facts += [*(fact for mention in mentions for fact in mention.facts), *pair.choice.told]
    here, table = stage.environment, pair.first.table
    stage.draft.topic = [Salient(here, table, mention.value, mention.origin) for mention in mentions]
    stage.draft.yields = []
    ending = pair.name in ended_by(stage.catalogue, pair.kind.tool, pair.choice.values)
    await take_stance(stage, [row for mention in mentions for row in rows_of(mention)], ending=ending)


def _with_second(pair: _Pair, intent: Intent) -> Intent:
    """Give the intent for the second row: the utmost one that the limit leaves room for beside the first."""
    stage, mention = pair.stage, pair.second.mention
    row, first = term_of(stage, mention), term_of(stage, pair.first)
    if not isinstance(row, Row):
        raise Drop("no_logical_form", "the second row isn't described")
    path, key = (path_of(stage.catalogue, mention.table, name) for name in (pair.column, mention.column))
    kind = stage.catalogue.entity(mention.table).say[pair.column].kind
    limit = Said(value=pair.second.limit, type="money" if kind == "money" else None)
    room = Derived(op="difference", of=(limit, Field(of=first, column=path)))
    joint = (Condition(path=path, op="<=", value=room), Condition(path=key, op="!=", value=first))
    whole = row.model_copy(update={"properties": (*row.properties, *joint)})
    return Intent(act=intent.act, terms={**intent.terms, pair.name: whole})


def _meant(pair: _Pair, intent: Intent, reached: Reached) -> list[Meant]:
    """Give the second row's description with those inside it."""
    whole = intent.terms[pair.name]
    return [
        replace(one, row=whole) if one.sql == pair.second.mention.sql and isinstance(whole, Row) else one
        for one in meant_by(reached, {})
    ]


def _clause(pair: _Pair, reached: Reached) -> Clause:
    """Give the request, with both rows and the limit in it."""
    stage, together = pair.stage, pair.stage.catalogue.said(pair.kind.tool).together
    if together is None:
        raise Drop("no_total", str(pair.kind))
    kind = stage.catalogue.entity(pair.first.table).say[pair.column].kind
    parts = {
        "goal": verb(reached),
        "first": Part("row", pair.first.table, mentions=(pair.first,)),
        "second": Part("row", pair.first.table, mentions=(pair.second.mention,)),
        "limit": Part("argument", "total", tuple(forms("money" if kind == "money" else None, pair.second.limit)[:4])),
    }
    template = str(stage.pick(together.asks))
    words = {name: part.ways[0] if part.ways else part.mentions[0].text for name, part in parts.items()}
    text = expand(template, stage.rng, words)
    return Clause(text, imperative=template.startswith("{goal}"), template=template, parts=parts)
