"""Grounding: a kind of goal becomes an executed plan with actual rows, or a `Drop` that says why not.

Candidates come from the rows in the user's scope; those that a declared refusal forbids (or, for a goal that is to be
refused, demands) are sorted out by that refusal's own query; the rest is tried in the episode and taken back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from envfactory_client import Goal, Tool
from synthesis.carry import through
from synthesis.choose import Choice, choose, in_form
from synthesis.draft import Clause, DraftTurn, Mention, Origin, Salient, Yield
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.locate import locate
from synthesis.logical_form import intent_of, meant_by
from synthesis.phrases import Slot
from synthesis.reasons import reason_for, with_defaults
from synthesis.sought import Terms
from synthesis.spoken import say
from synthesis.stage import Stage
from synthesis.stance import Wish, heard
from synthesis.wording import Reached, clause, reply, value_clause, which_one

MOST_TRIES = 16
MOST_HOPELESS = 4
"""Tries that may end for want of a row or a value; more of them would hardly find one."""
HOPELESS = frozenset({"infeasible", "meaning_may_move", "no_candidate", "no_value", "out_of_reach", "unwelcome"})
CONFIRM_SHARE = 0.6
"""How often the assistant asks before a write that its phrases can confirm."""
YES = ("yes, go ahead", "yes, do that", "that's fine, go ahead", "yes")
NARROW_SHARE = 0.5
"""How often a look-up that can be narrowed by another row of the request is."""
CLARIFY_SHARE = 0.2
"""How often a description that can be said too shortly is."""
_IT = re.compile(r"\b(it|them|that)\b")
_WORD = re.compile(r"\w+")
STEADY = frozenset({"anaphora", "handle", "self"})
"""Kinds of mention that no write can make mean something else."""


async def ground(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add a goal of this kind to a turn, with its look-ups and call executed, or raise `Drop` and add nothing.

    A goal that joins another in one message may only use words whose meaning can't move in between.
    """
    await attempt(Grounding(stage, kind, stage.catalogue.tools[kind.tool]), turn)


async def attempt(grounding: Grounding, turn: DraftTurn) -> None:
    """Try one choice after another until one can be enacted; raises `Drop` and adds nothing when none can."""
    stage, kind = grounding.stage, grounding.kind
    reasons: list[str] = []
    for _ in range(MOST_TRIES):
        mark = _Mark.of(stage, turn)
        try:
            choice = await grounding.choice()
            grounding.arguments = choice.values
            await grounding.consider(choice)
            await grounding.rehearse(choice)
            await grounding.enact(choice, turn)
        except Drop as drop:
            written = len(stage.draft.states) > mark.states
            mark.undo(stage, turn)
            if written:
                await grounding.take_back()
            reasons.append(drop.reason)
            if sum(reason in HOPELESS for reason in reasons) >= MOST_HOPELESS:
                break
            continue
        return
    raise Drop(max(sorted(set(reasons)), key=reasons.count), str(kind))


@dataclass(frozen=True)
class _Mark:
    """How far a draft had got, to come back to."""

    steps: int
    states: int
    topic: tuple[Salient, ...]
    yields: tuple[Yield, ...]
    locals: dict[str, str]
    turn: tuple[int, ...]
    reason: str | None

    @classmethod
    def of(cls, stage: Stage, turn: DraftTurn) -> _Mark:
        draft = stage.draft
        return cls(
            steps=len(draft.steps),
            states=len(draft.states),
            topic=tuple(draft.topic),
            yields=tuple(draft.yields),
            locals=dict(draft.locals),
            turn=tuple(len(part) for part in _lists(turn)),
            reason=turn.reason,
        )

    def undo(self, stage: Stage, turn: DraftTurn) -> None:
        del stage.draft.steps[self.steps :]
        del stage.draft.states[self.states :]
        stage.draft.topic = list(self.topic)
        stage.draft.yields = list(self.yields)
        stage.draft.locals = dict(self.locals)
        turn.reason, turn.changed_mind = self.reason, False
        turn.withheld, turn.looked_first, turn.left_open = None, 0, ""
        for part, length in zip(_lists(turn), self.turn, strict=True):
            del part[length:]


def _lists(turn: DraftTurn) -> tuple[list[Any], ...]:
    found = (turn.goals, turn.intents, turn.meant, turn.clauses, turn.facts, turn.mentions, turn.steps, turn.answers)
    return (*found, turn.evidence)


@dataclass
class Grounding:
    """One kind of goal on one stage."""

    stage: Stage
    kind: GoalKind
    tool: Tool
    before: str | None = None
    """The moment before the goal's write, once there is one."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The values of the choice at hand."""

    async def choice(self) -> Choice:
        """Give the arguments to try next."""
        return await choose(self.stage, self.tool, self.kind)

    async def take_back(self) -> None:
        """Go back to before the goal's write."""
        assert self.before is not None
        await self.stage.episode.undo(self.before)
        self.before = None

    async def consider(self, choice: Choice) -> None:
        """Raise `Drop` for a choice that can't be put into words, before anything is tried out; any can, by itself."""

    async def rehearse(self, choice: Choice) -> None:
        """Raise `Drop` unless the call ends as the goal wants; the trial leaves the episode as it is."""
        stage = self.stage
        wanted = {self.kind.what} if self.kind.outcome == "refuse" else set()
        due = (wanted & choice.asked) | await self._due_refusals(choice)
        if not wanted <= due or (due and not wanted):
            raise Drop("other_refusal" if wanted else "refused", str(self.kind))
        if self.tool.read_only:
            return
        async with stage.episode.trial() as trial:
            result = await trial.agent.probe(stage.environment, self.tool.name, **choice.values)
            state = (await trial.state()).digest
        if result.is_error and result.refusal is None:
            raise Drop("call_failed", f"{self.tool.name}: {result.text}")
        if ({result.refusal} if result.refusal else set()) != wanted:
            if result.refusal in due | await self._due_refusals(replace(choice, asked=set())):
                raise Drop("other_refusal", str(self.kind))
            raise Drop("contract_broken", f"{self.tool.name} said {result.text}, declared were {sorted(wanted)}")
        if not wanted and state in stage.draft.states:
            raise Drop("no_effect", str(self.kind))

    async def _due_refusals(self, choice: Choice) -> set[str]:
        """Give the codes whose declared queries say that the call is to be refused, of those not yet asked."""
        declared = self.stage.catalogue.refuses.get(self.tool.name, {})
        refuses = {code: sql for code, sql in declared.items() if code not in choice.asked}
        if not refuses:
            return set()
        union = " UNION ALL ".join(f"SELECT '{code}' WHERE EXISTS ({sql})" for code, sql in refuses.items())
        return {row[0] for row in await self.stage.query(union, with_defaults(self.tool, choice.values))}

    async def enact(self, choice: Choice, turn: DraftTurn) -> None:
        """Make the look-ups and the call part of the draft, with what is said for them."""
        stage, first = self.stage, len(self.stage.draft.steps)
        await choice.get_known(stage)
        through_rows = self._say_through_rows(choice)
        mentions = await self._mentions(choice, steady=bool(turn.goals))
        await self.wish(mentions).check(turn)
        if not (turn.reason or turn.again or turn.goals) and self.kind.outcome == "done":
            turn.reason = await reason_for(stage, self.tool, choice)
        reached = Reached(stage, self.kind, choice, mentions)
        call = reached.shown_in()
        sure = call is not None or bool(turn.goals) or turn.again
        asked = None if sure else await self._confirming(choice, mentions)
        if call is None:
            make = stage.look if self.tool.read_only else stage.call
            if not self.tool.read_only and self.before is None:
                self.before = await stage.episode.hold()
            call = await make(self.tool.name, choice.values, origins_of(choice, mentions))
        reached.call = call
        turn.steps += range(first, len(stage.draft.steps))
        turn.evidence += [call] if asked is None else [call, asked[1]]
        turn.mentions += [(call, name, mention) for name, mention in (mentions | through_rows).items()]
        turn.goals.append(self._goal(reached))
        turn.intents.append(intent_of(reached, through_rows))
        turn.meant += meant_by(reached, through_rows)
        turn.clauses.append(clause(reached))
        if asked is not None:
            self._confirm(asked[0], turn, len(stage.draft.steps) - 1 - first)
        elif choice.missing:
            self._leave_out(reached, turn)
        else:
            self._say_too_little(reached, turn)
        turn.answers.append(reply(reached, joined=len(turn.goals) > 1))
        needed = (mentions | through_rows).values()
        turn.facts += [fact for mention in needed for fact in mention.facts] + choice.told
        self._remember(call, mentions, joined=len(turn.goals) > 1)
        told = heard(stage, stage.draft.steps[call], turn.answers[-1])
        await self.wish(mentions | through_rows).note(
            self._made(call), told, reached.answer() if self.kind.outcome == "answer" else None
        )

    async def _confirming(self, choice: Choice, mentions: dict[str, Mention]) -> tuple[str, int] | None:
        """Let the agent look up what a write would cost or give back, now and then; gives its question and the step."""
        stage = self.stage
        wanted = stage.catalogue.said(self.tool.name).confirm
        if wanted is None or choice.missing or self.kind.outcome != "done" or not stage.chance(CONFIRM_SHARE):
            return None
        keys = {stage.catalogue.parameter(self.tool.name, name).key: name for name in choice.rows}
        names = {
            name: keys.get(stage.catalogue.parameter(wanted.read, name).key)
            for name in stage.catalogue.tools[wanted.read].required
        }
        if None in names.values():
            return None
        arguments = {name: choice.values[str(mine)] for name, mine in names.items()}
        origins = {name: mentions[str(mine)].origin for name, mine in names.items()}
        look = await stage.look(wanted.read, arguments, origins)
        result = stage.draft.steps[look].result
        contract = stage.catalogue.tools[wanted.read].contract
        if contract is None or result.get(wanted.field) is None:
            return None
        told = say(contract.results[wanted.field].type, result[wanted.field])
        return str(stage.pick(wanted.ask)).replace("{" + wanted.field + "}", told), look

    def _confirm(self, question: str, turn: DraftTurn, looked: int) -> None:
        """Put the assistant's question between the request and the act."""
        turn.withheld = turn.clauses.pop()
        turn.question, turn.missing, turn.looked_first = question, "confirmation", looked
        turn.clauses.append(Clause(self.stage.pick(YES), imperative=False))

    def _leave_out(self, reached: Reached, turn: DraftTurn) -> None:
        """Keep back what the user will only say when asked."""
        choice = reached.choice
        if len(turn.clauses) > 1:
            raise Drop("asked_in_between", choice.missing)
        slot = self.stage.catalogue.slot(self.tool.name, choice.missing)
        turn.withheld = turn.clauses.pop()
        turn.question, turn.missing = self.stage.pick(slot.question), choice.missing
        turn.clauses.append(value_clause(reached, choice.missing))

    def _say_too_little(self, reached: Reached, turn: DraftTurn) -> None:
        """Say one description too shortly, now and then, so that the assistant has to ask which row is meant."""
        splits = {name: mention.split for name, mention in reached.mentions.items() if mention.split}
        if len(turn.clauses) > 1 or turn.again or not splits or not self.stage.chance(CLARIFY_SHARE):
            return
        name, split = self.stage.pick(sorted(splits.items(), key=lambda pair: pair[0]))
        assert split is not None
        shorter = {**reached.mentions, name: replace(reached.mentions[name], text=split.text)}
        turn.clauses.clear()
        turn.withheld = clause(replace(reached, mentions=shorter))
        turn.question, turn.missing = which_one(split, self.stage.rng), name
        turn.left_open = split.column
        turn.looked_first = self._before_use(reached.mentions[name], turn)
        turn.clauses.append(Clause(split.reply, imperative=False))

    def _before_use(self, mention: Mention, turn: DraftTurn) -> int:
        """Give how many of a turn's steps come before the first that needs to know which row is meant."""
        steps = self.stage.draft.steps
        for number, place in enumerate(turn.steps):
            if any(origin.record == mention.origin.record for origin in steps[place].origins.values()):
                return number
        return len(turn.steps)

    def _say_through_rows(self, choice: Choice) -> dict[str, Mention]:
        """Say values through rows that were spoken of; gives the rows' mentions by parameter."""
        found: dict[str, Mention] = {}
        for name, anchor in choice.anchored.items():
            words, choice.carried[name], found[name] = through(self.stage, anchor)
            is_key = self.stage.catalogue.parameter(self.tool.name, name).key
            slot = self.stage.catalogue.slot(self.tool.name, name)
            choice.said[name] = words if is_key else in_form(self.stage, slot, words)
        return found

    def _goal(self, reached: Reached) -> Goal:
        code = self.kind.what if self.kind.outcome == "refuse" else None
        answer = {self.kind.what: reached.answer()} if self.kind.outcome == "answer" else None
        contract = self.tool.contract
        if answer and contract is not None:
            value, kind = answer[self.kind.what], contract.results[self.kind.what].type
            if value is None or (kind == "money" and value == 0):
                raise Drop("empty_answer", str(self.kind))
        return Goal(tool=self.tool.full_name, outcome=self.kind.outcome, code=code, answer=answer)

    async def _mentions(self, choice: Choice, *, steady: bool) -> dict[str, Mention]:
        found: dict[str, Mention] = {}
        says_it = bool(_IT.search(choice.template))
        for name, (table, slot) in choice.rows.items():
            if self._has_rival(choice, name):
                slot = slot.model_copy(update={"by": tuple(way for way in slot.by if way != "anaphora")})  # noqa: PLW2901
            kin = bool(slot.kin) and not steady and name in choice.placeholders and not _is_roundabout(choice, found)
            value = choice.values[name]
            parts = {f"{name}[{place}]": item for place, item in enumerate(value)} if isinstance(value, list) else {}
            for part, item in (parts or {name: value}).items():
                hidden = self._hidden() | set(slot.hides) | self._in_the_way() | _said_of_it(table, item, found)
                terms = Terms(slot, hidden, steady=steady, kin=kin, says_it=says_it)
                terms = replace(terms, narrowing=self._narrowing(slot, found), taker=(self.tool.full_name, name))
                terms = replace(terms, asking=self.kind.outcome == "answer")
                found[part] = await locate(self.stage, table, item, terms)
                if name not in choice.placeholders and not _goes_unsaid(found[part]):
                    raise Drop("unsaid", name)
                if steady and found[part].kind not in STEADY:
                    raise Drop("meaning_may_move", name)
        return found

    def _narrowing(self, slot: Slot, found: Mapping[str, Mention]) -> dict[str, tuple[Any, Origin]]:
        """Give what a look-up may be narrowed by, at times: the rows that the request has named before."""
        if self.kind.outcome != "done" or not self.stage.chance(NARROW_SHARE):
            return {}
        known = {name: found[other] for name, other in slot.narrows.items() if other in found}
        return {name: (mention.value, mention.origin) for name, mention in known.items()}

    def _has_rival(self, choice: Choice, name: str) -> bool:
        """Whether another row of the same request goes by the same noun, so that "it" could mean either."""
        catalogue = self.stage.catalogue
        nouns = set(catalogue.entity(choice.rows[name][0]).noun)
        said = [table for other, (table, _) in choice.rows.items() if other != name and other in choice.placeholders]
        return any(nouns & set(catalogue.entity(table).noun) for table in said)

    def _hidden(self) -> frozenset[str]:
        """Give the columns that say what is asked for, which a description must not use: with an hour, its day."""
        if self.kind.outcome != "answer" or self.tool.contract is None:
            return frozenset()
        shows = self.tool.contract.results[self.kind.what].shows
        column = shows.partition(".")[2] if shows else ""
        return frozenset({column, column.replace("_local", "_on")}) - {""}

    def wish(self, mentions: Mapping[str, Mention]) -> Wish:
        """Give the goal as what the user wants of the rows that it names."""
        asked = {*self._hidden(), self.kind.what} if self.kind.outcome == "answer" else set()
        return Wish(self.stage, self.kind, self.arguments, mentions, frozenset(asked))

    def _in_the_way(self) -> set[str]:
        """Give the states that a refusal reads; nobody who knows of them would ask: "cancel my cancelled trip"."""
        sql = self.stage.catalogue.refuses.get(self.tool.name, {}).get(self.kind.what, "")
        if self.kind.outcome != "refuse" or not sql:
            return set()
        words = set(_WORD.findall(sql))
        read = words | {word.partition("_")[2] for word in words}
        said = (pair for entity in self.stage.catalogue.phrases.entity.values() for pair in entity.say.items())
        return {column for column, how in said if column in read and how.kind in ("enum", "flag")}

    def _remember(self, call: int, mentions: dict[str, Mention], *, joined: bool) -> None:
        """Note what was spoken of or made, so that the next message may say "it"."""
        draft = self.stage.draft
        spoken = [
            Salient(mention.environment, mention.table, mention.value, mention.origin)
            for mention in mentions.values()
            if mention.kind not in ("self", "relation") and mention.origin.source == "earlier"
        ]
        spoken += [
            Salient(mention.environment, mention.table, mention.value, mention.origin, rival_only=True)
            for mention in mentions.values()
            if mention.kind == "relation"
        ]
        spoken += [
            Salient(inner.environment, inner.table, inner.value, inner.origin, rival_only=True)
            for mention in mentions.values()
            for inner in mention.within
            if inner.kind != "self"
        ]
        draft.topic = (draft.topic if joined else []) + spoken + self._made(call)
        draft.yields = self._yields(call)

    def _yields(self, call: int) -> list[Yield]:
        """Give the values of the goal's result that a later request can speak of."""
        if call < 0:
            return []
        step = self.stage.draft.steps[call]
        contract = self.tool.contract
        if step.tool != self.tool.name or step.result is None or contract is None:
            return []
        return [
            Yield(self.kind.environment, kind, value, forms, Origin("earlier", step=call, place=path))
            for path, forms in self.stage.catalogue.said(self.tool.name).yields.items()
            if (value := step.result.get(path)) and (kind := contract.results[path].type)
        ]

    def _made(self, call: int) -> list[Salient]:
        """Give the rows that the goal's own write shows: what it made or changed; none where nothing was written."""
        if call < 0:
            return []
        result = self.stage.draft.steps[call].result
        if self.tool.contract is None or result is None or self.tool.read_only:
            return []
        entities = self.stage.catalogue.phrases.entity
        return [
            Salient(
                self.kind.environment,
                shown.key.partition(".")[0],
                result[path],
                Origin("earlier", step=call, place=path),
            )
            for path, shown in self.tool.contract.results.items()
            if shown.key and "[" not in path and result.get(path) is not None
            if (table := shown.key.partition(".")[0]) in entities
            if shown.key == f"{table}.{self.stage.catalogue.key(table)}"
        ]


def _said_of_it(table: str, value: Any, found: Mapping[str, Mention]) -> set[str]:
    """Give what a request has said of a row already, which it must not name twice in the same words."""
    same = [mention for mention in found.values() if (mention.table, mention.value) == (table, value)]
    return {str(part["column"]) for mention in same for part in mention.properties}


def _is_roundabout(choice: Choice, found: Mapping[str, Mention]) -> bool:
    """Whether something in a request is said through another row already, which is enough."""
    through = any(mention.kind == "relation" for mention in found.values())
    return through or bool(choice.anchored) or bool(choice.carried)


def _goes_unsaid(mention: Mention) -> bool:
    """Whether a row needs no words: the user's own only one, or the one spoken of."""
    return mention.kind in ("self", "anaphora") or not mention.properties


def origins_of(choice: Choice, mentions: Mapping[str, Mention]) -> dict[str, Origin]:
    """Give where each argument of a choice comes from."""
    origins = {name: mention.origin for name, mention in mentions.items()}
    origins |= {name: Origin("explicit", text=text) for name, text in choice.said.items()}
    origins |= {name: found.origin for name, found in choice.known.items()}
    return origins | choice.carried
