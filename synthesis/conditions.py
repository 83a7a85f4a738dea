"""Conditions: acts that are wanted only if something holds of a row, or unless it does.

Whether it holds is seen in a look-up and compared with what the row holds; the act is tried in a fork either way, so
that the condition alone decides. Conditions are put only in the sense in which the request is wanted, so that there is
a reason for them, and never on what was told or said before. What is left undone is told with what was seen. With
another row to turn to ("otherwise take that one"), one of two acts is done, and both were tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from envfactory_client import Goal
from envfactory_client.logical_form import Condition, Field, Intent, Said
from synthesis.choose import ONLY_PLACES, Choice
from synthesis.draft import Clause, DraftTurn, Mention, Part
from synthesis.errors import Drop
from synthesis.goals import OR, GoalKind
from synthesis.ground import Grounding, attempt, origins_of
from synthesis.identity import known
from synthesis.language.assistant import sentence
from synthesis.locate import locate
from synthesis.logical_form import described, intent_of, meant_by, path_of
from synthesis.paths import value_of
from synthesis.phrases import Test
from synthesis.senses import Sense, spent, stands
from synthesis.sought import Terms
from synthesis.spoken import say, with_year
from synthesis.stage import Stage
from synthesis.stance import heard, knows
from synthesis.wording import Reached, clause, reply

UNLESS_SHARE = 0.35
"""How often a condition is one under which the act is not wanted."""
_PAUSE = re.compile(r"[;:.,]")
_AFTERTHOUGHT = re.compile(r"(?:,| and| but) [^{}]*$")
"""What a request ends in that isn't the act: ", the rest can stay"."""
_PREPOSITION = r"\b((?:out of|from|into|to|for|on|with|of)) \{%s\}"
_REASONED = re.compile(r"\b(if|because|since)\b")
NEVER = frozenset({"self", "relation"})
"""Kinds of mention whose row a condition can't be put on with "it"."""
IF = (
    " if {condition}",
    ", if {condition}",
    ", but only if {condition}",
    ", provided {condition}",
    " as long as {condition}",
    " so long as {condition}",
    " on condition that {condition}",
    ", assuming {condition}",
    " - if {condition}, that is",
    " in case {condition}",
)
UNLESS = (
    " unless {condition}",
    ", unless {condition}",
    " - unless {condition}",
    ", except if {condition}",
    " - but not if {condition}",
    ", only not if {condition}",
)
SENTENCE_IF = (
    ", but only if {condition}",
    ", provided {condition}",
    ", as long as {condition}",
    " - if {condition}, that is",
    ", on condition that {condition}",
    ", though only if {condition}",
)
SENTENCE_UNLESS = (
    ", unless {condition}",
    ", only not if {condition}",
    ", except if {condition}",
    " - but not if {condition}",
    " - unless {condition}",
)
OTHERWISE = (
    " if {condition}, otherwise {other}",
    " if {condition}, or else {other}",
    " if {condition}; if not, {other}",
    " if {condition}, and if not, {other} instead",
    " as long as {condition}, otherwise {other}",
    " provided {condition}; failing that, {other}",
)
LEFT = (
    "{told}, so I've left everything as it is.",
    "{told}, so I haven't done it.",
    "I haven't changed anything, since {told}.",
    "I've left it alone, since {told}.",
    "{told}, so I didn't go ahead.",
)
WENT_AHEAD = (
    "{told}, so I went ahead.",
    "since {told}, I went ahead.",
    "I checked first: {told}, so I went ahead.",
)
TURNED_TO = (
    "{told}, so I took the other one.",
    "since {told}, I took the other one instead.",
    "I checked first: {told}, so I went for the other one.",
)


async def ground_if(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add a goal on a condition to an empty turn, with its look-ups and call executed, or raise `Drop`."""
    make = _Otherwise if kind.what == OR else Conditional
    await attempt(make(stage, kind, stage.catalogue.tools[kind.tool]), turn)


@dataclass(frozen=True)
class Tested:
    """A condition in words and as a logical form, with what the agent sees of it."""

    condition: Condition
    part: Part
    unless: bool
    step: int
    told: str
    column: str
    value: Any
    facts: tuple[str, ...]

    def on(self, intent: Intent) -> Intent:
        """Give an intent that is wanted on this condition."""
        return intent.model_copy(update={"unless" if self.unless else "when": self.condition})

    def against(self, intent: Intent) -> Intent:
        """Give an intent that is wanted where the other one isn't."""
        return intent.model_copy(update={"when" if self.unless else "unless": self.condition})


@dataclass(frozen=True)
class _Subject:
    """The row that a condition is put on, and the column that is tested."""

    parameter: str
    table: str
    column: str
    how: Test
    value: Any


@dataclass
class Conditional(Grounding):
    """One goal on a condition."""

    hidden_column: str = ""

    def _hidden(self) -> frozenset[str]:
        return frozenset({self.hidden_column})

    @property
    def holds(self) -> bool:
        """Whether the act is to be done."""
        return self.kind.outcome == "done"

    async def enact(self, choice: Choice, turn: DraftTurn) -> None:
        """Make the look-ups, and the call where the condition holds, part of the draft, with what is said for them."""
        stage, first = self.stage, len(self.stage.draft.steps)
        subject = await self._subject(choice)
        await choice.get_known(stage)
        through_rows = self._say_through_rows(choice)
        mentions = await self._mentions(choice, steady=False)
        await self.wish(mentions).check(turn)
        tested = await self._tested(subject, Reached(stage, self.kind, choice, mentions), holds=self.holds)
        reached = Reached(stage, self.kind, choice, mentions, tested.step)
        if self.holds:
            reached.call = await self._call(choice, mentions)
            self._check_price(reached.call, tested)
        turn.steps += range(first, len(stage.draft.steps))
        turn.evidence += [tested.step, reached.call]
        turn.mentions += [(reached.call, name, mention) for name, mention in (mentions | through_rows).items()]
        turn.goals.append(self._goal_of(tested))
        turn.intents.append(tested.on(intent_of(reached, through_rows)))
        turn.meant += meant_by(reached, through_rows)
        turn.clauses.append(_on_condition(stage, clause(reached), tested))
        turn.answers.append(self._told(reached, tested))
        needed = (mentions | through_rows).values()
        turn.facts += [*(fact for mention in needed for fact in mention.facts), *choice.told, *tested.facts]
        self._remember(reached.call if self.holds else -1, mentions, joined=False)
        told = heard(stage, stage.draft.steps[reached.call], turn.answers[-1]) if self.holds else set()
        await self.wish(mentions).note(self._made(reached.call if self.holds else -1), {tested.column, *told})

    async def _call(self, choice: Choice, mentions: Mapping[str, Mention]) -> int:
        if self.before is None:
            self.before = await self.stage.episode.hold()
        return await self.stage.call(self.tool.name, choice.values, origins_of(choice, mentions))

    def _check_price(self, call: int, tested: Tested) -> None:
        """Raise `Drop` where less was wanted than what the call costs in the end."""
        condition, contract = tested.condition, self.tool.contract
        bound = condition.value.value if isinstance(condition.value, Said) and condition.value.type == "money" else None
        if bound is None or (condition.op == "<") == tested.unless or contract is None:
            return
        result = self.stage.draft.steps[call].result or {}
        shown = [result.get(path) for path, field in contract.results.items() if field.type == "money"]
        if any(value is not None and value > bound for value in shown):
            raise Drop("no_condition", str(self.kind))

    def _goal_of(self, tested: Tested) -> Goal:
        if self.holds:
            return Goal(tool=self.tool.full_name, outcome="done")
        return Goal(tool=self.tool.full_name, outcome="left", answer={tested.column: tested.value})

    def _told(self, reached: Reached, tested: Tested) -> str:
        """Give what the assistant tells: what it saw, and what came of it."""
        pick = self.stage.pick
        if not self.holds:
            return _sentence(str(pick(LEFT)), tested.told)
        return f"{_sentence(str(pick(WENT_AHEAD)), tested.told)} {sentence(reply(reached))}"

    async def consider(self, choice: Choice) -> None:
        """Raise `Drop` unless a condition can be put on a row of the request."""
        await self._subjects(choice)

    async def _subject(self, choice: Choice) -> _Subject:
        """Give the row of the request on which a condition is put, and the column."""
        found = await self._subjects(choice)
        subject: _Subject = self.stage.pick(sorted(found, key=lambda one: (one.parameter, one.column)))
        self.hidden_column = subject.column
        return subject

    async def _subjects(self, choice: Choice) -> list[_Subject]:
        """Give what a condition can be put on: columns of a row, which must be the only one that is said."""
        stage, found = self.stage, list[_Subject]()
        said = [name for name in choice.rows if name in choice.placeholders]
        tables = [choice.rows[name][0] for name in said]
        for name, table in zip(said, tables, strict=True):
            if len(said) > 1 and (self.kind.what != OR or tables.count(table) > 1):
                continue
            row = await stage.row(table, choice.values[name]) if not isinstance(choice.values[name], list) else {}
            entity = stage.catalogue.entity(table)
            if self.kind.what == OR and entity.mine and len(said) == 1:
                continue
            for column in stage.catalogue.said(self.tool.name).only.keys() & entity.tests.keys():
                if row.get(column) is not None and not await knows(stage, (table, choice.values[name]), column):
                    found.append(_Subject(name, table, column, entity.tests[column], row[column]))
        if not found or choice.missing or not ends_in_its_act(choice.template):
            raise Drop("no_condition", str(self.kind))
        return found

    async def _tested(self, subject: _Subject, reached: Reached, *, holds: bool) -> Tested:
        """Give a condition on a row, which holds or doesn't as is wanted, and is seen by the agent."""
        stage, mention = self.stage, reached.mentions[subject.parameter]
        if mention.kind in NEVER:
            raise Drop("no_condition", str(self.kind))
        value, step, facts = await _seen(stage, mention, subject.column)
        unless = stage.chance(UNLESS_SHARE) and self.kind.what != OR
        sense = Sense.of(stage.catalogue, self.tool.name, subject.column, subject.how, unless=unless)
        if subject.how.kind == "money":
            sense = replace(sense, amount=spent(self.tool, reached.choice.values))
        options = list(sense.ways(stage, subject.how, value, holds=holds != unless))
        op, said, ways = stage.pick(options or _none(self.kind))
        path = path_of(stage.catalogue, subject.table, subject.column)
        kind = subject.how.kind if subject.how.kind in ("money", "date") else None
        term = Field(of=described(reached, subject.parameter), column=path)
        return Tested(
            Condition(of=term, op=op, value=Said(value=said, type=kind)),
            Part("argument", "condition", ways),
            unless,
            step,
            _told_of(stage, subject.how, value),
            subject.column,
            value,
            facts,
        )


def ends_in_its_act(template: str) -> bool:
    """Whether a condition behind a request would be taken for one on the act, and on nothing that is said after it."""
    whole = template.rstrip("?.")
    parts = (part for part in reversed(_PAUSE.split(whole)) if "{goal}" in part or not ONLY_PLACES.fullmatch(part))
    last = next(parts, "")
    ends = _REASONED.search(template) is None and _AFTERTHOUGHT.search(whole) is None
    return ends and ("{goal}" in last or whole.startswith(last))


def _none(kind: GoalKind) -> list[Any]:
    raise Drop("no_condition", str(kind))


async def _seen(stage: Stage, mention: Mention, column: str) -> tuple[Any, int, tuple[str, ...]]:
    """Give what the agent sees of a column, the step that shows it, and the facts that the look-up takes."""
    step, place = mention.origin.step, mention.origin.place
    if step is not None and place is not None:
        found = stage.draft.steps[step]
        field = stage.catalogue.field_beside(found.tool, place, mention.table, column)
        fresh = found.local == stage.draft.locals[stage.environment] and stage.catalogue.tools[found.tool].read_only
        if field is not None and fresh and (value := value_of(found.result, field)) is not None:
            return value, step, ()
    return await _looked_up(stage, mention, column)


async def _looked_up(stage: Stage, mention: Mention, column: str) -> tuple[Any, int, tuple[str, ...]]:
    """Look a column of a known row up by its key."""
    catalogue, table = stage.catalogue, mention.table
    key, shows = f"{table}.{catalogue.key(table)}", (f"{catalogue.view(table)}.{column}", f"{table}.{column}")
    for tool in catalogue.tools.values():
        paths = [path for path, field in tool.contract.results.items() if field.shows in shows] if tool.contract else []
        takes = {name: catalogue.parameter(tool.name, name).key == key for name in tool.required}
        others = [name for name, is_key in takes.items() if not is_key]
        simple = paths and "[" not in paths[0] and sum(takes.values()) == 1
        if (
            tool.actor != "agent"
            or not tool.read_only
            or not simple
            or not all(catalogue.fact(tool.name, o) for o in others)
        ):
            continue
        facts = {name: await known(stage, catalogue.fact(tool.name, name)) for name in others}
        (mine,) = (name for name, is_key in takes.items() if is_key)
        arguments = {mine: mention.value} | {name: fact.value for name, fact in facts.items()}
        origins = {mine: mention.origin} | {name: fact.origin for name, fact in facts.items()}
        step = await stage.look(tool.name, arguments, origins)
        value = value_of(stage.draft.steps[step].result, paths[0])
        if value is not None:
            return value, step, tuple(fact.told for fact in facts.values())
    raise Drop("condition_unseen", f"{table}.{column}")


def _told_of(stage: Stage, how: Test, value: Any) -> str:
    options = how.told.get(str(value), ()) if isinstance(how.told, dict) else how.told
    if not options:
        raise Drop("no_condition", str(value))
    words = say(how.kind, value)
    return str(stage.pick(options)).replace("{}", with_year(words, str(value)) if how.years else words)


def _sentence(form: str, told: str) -> str:
    text = form.replace("{told}", told)
    return text[:1].upper() + text[1:]


def _led(template: str, parameter: str) -> str:
    """Give the place of the other row with the preposition that leads to the first one: "from {other}"."""
    found = re.search(_PREPOSITION % parameter, template)
    return f"{found[1]} {{other}}" if found else "{other}"


def _on_condition(stage: Stage, plain: Clause, tested: Tested) -> Clause:
    """Give a request with its condition."""
    imperative = (UNLESS if tested.unless else IF) if plain.imperative else None
    behind = stage.pick(imperative or (SENTENCE_UNLESS if tested.unless else SENTENCE_IF))
    return _extended(plain, behind, {"condition": tested.part})


def _extended(plain: Clause, behind: str, parts: Mapping[str, Part]) -> Clause:
    template = plain.template.rstrip("?.") + behind
    words = {name: part.ways[0] if part.ways else part.mentions[0].text for name, part in parts.items()}
    text = f"{plain.text.rstrip('?.')}{behind.format_map(words)}"
    return Clause(text, plain.imperative, template, {**plain.parts, **parts})


@dataclass
class _Otherwise(Conditional):
    """A goal on a condition with another row to turn to."""

    async def consider(self, choice: Choice) -> None:
        """Raise `Drop` unless the request can go on with a condition and another row."""
        if (
            not choice.template.startswith("{goal} {")
            or any(mark in choice.template for mark in ",;:")
            or choice.anchored
        ):
            raise Drop("no_condition", str(self.kind))
        await super().consider(choice)

    async def enact(self, choice: Choice, turn: DraftTurn) -> None:
        """Make the look-ups and the one call that is wanted part of the draft."""
        stage, first = self.stage, len(self.stage.draft.steps)
        subject = await self._subject(choice)
        values = {**choice.values, subject.parameter: await self._other_row(choice, subject)}
        other = replace(choice, values=values, asked=set())
        await self.rehearse(other)
        await choice.get_known(stage)
        other.known = choice.known
        mentions = await self._described(choice, subject)
        await self.wish(mentions).check(turn)
        slot = choice.rows[subject.parameter][1].model_copy(update={"by": ("description",)})
        second = await locate(
            stage, subject.table, other.values[subject.parameter], Terms(slot, self._hidden(), plain=True)
        )
        if second.kind in (*NEVER, "anaphora"):
            raise Drop("no_condition", str(self.kind))
        holds = stage.chance(0.5)
        tested = await self._tested(subject, Reached(stage, self.kind, choice, mentions), holds=holds)
        instead = mentions | {subject.parameter: second}
        await self._check_other(subject, second, tested)
        call = await (self._call(choice, mentions) if holds else self._call(other, instead))
        self._check_price(call, tested)
        one, two = Reached(stage, self.kind, choice, mentions, call), Reached(stage, self.kind, other, instead, call)
        done, left = (Goal(tool=self.tool.full_name, outcome=outcome) for outcome in ("done", "left"))
        turn.steps += range(first, len(stage.draft.steps))
        turn.evidence += [tested.step, call, *([second.origin.step] if second.origin.step is not None else [])]
        turn.mentions += [*((call, name, mention) for name, mention in mentions.items()), (call, "other", second)]
        turn.goals += [done, left] if holds else [left, done]
        turn.intents += [tested.on(intent_of(one, {})), tested.against(intent_of(two, {}))]
        turn.meant += [*meant_by(one, {}), *(meant for meant in meant_by(two, {}) if meant.name == subject.parameter)]
        parts = {"condition": tested.part, "other": Part("row", subject.table, mentions=(second,))}
        behind = str(stage.pick(OTHERWISE)).replace("{other}", _led(choice.template, subject.parameter))
        turn.clauses.append(_extended(clause(one), behind, parts))
        told = _sentence(str(stage.pick(WENT_AHEAD if holds else TURNED_TO)), tested.told)
        turn.answers.append(f"{told} {sentence(reply(one if holds else two))}")
        facts = [fact for mention in (*mentions.values(), second) for fact in mention.facts]
        turn.facts += [*facts, *choice.told, *tested.facts]
        stage.draft.topic, stage.draft.yields = [], []
        await self.wish({**mentions, "other": second}).note(self._made(call), {tested.column})

    async def _other_row(self, choice: Choice, subject: _Subject) -> Any:
        """Give another row that the act could be done with as well."""
        stage, (table, slot) = self.stage, choice.rows[subject.parameter]
        others = {name: value for name, value in choice.values.items() if name != subject.parameter}
        candidates = await stage.keys(table, slot.where, others)
        options = [key for key in candidates if key != choice.values[subject.parameter]]
        alike = stage.catalogue.entity(table).alike
        if alike:
            own = await stage.row(table, choice.values[subject.parameter])
            same = " AND ".join(f"{column} IS :{column}" for column in alike)
            options = [
                key for key in await stage.keys(table, same, {name: own[name] for name in alike}) if key in options
            ]
        if not options:
            raise Drop("no_other_row", table)
        return stage.pick(options)

    async def _check_other(self, subject: _Subject, second: Mention, tested: Tested) -> None:
        """Raise `Drop` unless the other row is as the condition wants the first one to be."""
        seen = (await self.stage.row(subject.table, second.value)).get(subject.column)
        condition = tested.condition
        if seen is None or not isinstance(condition.value, Said):
            raise Drop("no_condition", str(self.kind))
        if stands(condition.op, seen, condition.value.value) == tested.unless:
            raise Drop("no_condition", str(self.kind))

    async def _described(self, choice: Choice, subject: _Subject) -> dict[str, Mention]:
        """Give the mentions of the request, with the row that the condition is on described."""
        table, slot = choice.rows[subject.parameter]
        described = slot.model_copy(update={"by": ("description",)})
        whole = replace(choice, rows={**choice.rows, subject.parameter: (table, described)})
        mentions = await self._mentions(whole, steady=False)
        choice.rows = whole.rows
        return mentions
