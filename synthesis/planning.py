"""Planning: one draft of a task, grown goal by goal on a live episode and then put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from envfactory_client import Goal
from envfactory_client.card.links import any_index
from synthesis.aiming import SAID_NO, by_aim, drawn_quest, is_fulfilled, is_near
from synthesis.conditions import ground_if
from synthesis.draft import Clause, Draft, DraftStep, DraftTurn, Origin
from synthesis.errors import Drop
from synthesis.goals import ALL, IF, NO_TOOL, OR, SUMS, TOGETHER, GoalKind, goal_kinds, ranked
from synthesis.ground import ground
from synthesis.joint import ground_joint
from synthesis.lacking import ground_lacking
from synthesis.language.dialogue import put_into_words
from synthesis.language.novelty import Recent
from synthesis.leaning import toward_the_aim
from synthesis.locate import see_again
from synthesis.logical_form import request_and_reply
from synthesis.paths import places_at, value_of
from synthesis.sets import ground_set
from synthesis.spoken import say
from synthesis.stage import Stage
from synthesis.worked_out import ground_sum

TURN_WEIGHTS = (0.2, 0.35, 0.28, 0.17)
"""Shares of tasks with one, two, three and four goals."""
CROSS_SHARE = 0.3
"""How often, with several environments, a goal is one that may take a value from another of them."""
CARRY_ON_SHARE = 0.8
"""How often the next goal goes on with a value that the last one gave, in another environment."""
SAME_TOPIC_SHARE = 0.7
"""How often the next goal is one that can stay with what was spoken of."""
NEW_LINK_SHARE, QUEST_SHARE = 0.7, 0.9
"""How often the next goal is one that comes nearer to something new to the data, and one that has it within reach."""
MERGE_SHARE = 0.2
"""How often the next goal is asked for in the same message."""
FEWEST_CALLS, MOST_CALLS = 2, 15
MOST_TURNS = 6
LEEWAY = 0.08
"""How much farther from the hidden rate that is aimed at a draft may be while goals are still to come."""
ENOUGH_STEPS = 10
"""Calls after which no further goal is begun."""
FIRST_ACT_SHARE = 0.65
"""How often the user does the first of the acts that are open to them, such as paying rather than declining."""
TAKE_OVER_SHARE = 0.25
"""How often the user acts on a key that the assistant has shown without looking it up."""
ACT_SHARE, NEW_ACT_SHARE = 0.25, 0.8
"""How often the user acts on an open request that a look-up has come upon, and where that is new to the data."""
MOST_KINDS = 8
"""How many kinds of goal are tried for one place in a task."""


@dataclass(frozen=True)
class Planned:
    """A draft that holds, and the drops that it met on the way."""

    draft: Draft
    drops: tuple[str, ...]


async def plan(stage: Stage, counts: Counter[GoalKind], recent: Recent) -> Planned:
    """Give a draft whose calls were all executed in the stage's episode, or raise `Drop`."""
    await stage.begin()
    stage.quest = drawn_quest(stage)
    seen = Counter(counts)
    drops: list[str] = []
    length = _drawn_length(stage.rng, stage.aim.lean)
    for number in range(1, len(TURN_WEIGHTS) + 1):
        if not await _grows(stage, seen, drops, last=number >= length, final=number == len(TURN_WEIGHTS)):
            break
    if not stage.draft.turns:
        raise Drop("no_goal", ", ".join(sorted(set(drops))))
    if not _is_aimed(stage, stage.draft, last=True):
        raise Drop("hidden_rate")
    stage.draft.turns = [part for turn in stage.draft.turns for part in _asked(turn)]
    put_into_words(stage, recent)
    _check_length(stage.draft)
    return Planned(stage.draft, tuple(drops))


async def _grows(stage: Stage, seen: Counter[GoalKind], drops: list[str], *, last: bool, final: bool) -> bool:
    """Add a goal, with what the user does about it, and say whether further ones may follow.

    The last one, unless it is the final one, is followed nevertheless by those that fulfil a quest which is near. One
    that leads away from the aim is taken back where what was there before will do; otherwise the draft is given up.
    """
    held, before, quest = await stage.episode.hold() if stage.strict else "", stage.draft.copy(), stage.quest
    kind = await _next_goal(stage, seen, drops)
    if kind is None:
        return False
    await _follow_up(stage)
    if stage.quest is not None and is_fulfilled(stage):
        stage.quest = None
    enough = len(stage.draft.steps) >= ENOUGH_STEPS or len(stage.draft.turns) >= MOST_TURNS - 1
    over = enough or final or (last and not is_near(stage))
    if _is_aimed(stage, stage.draft, last=over):
        seen[kind] += 1
        return not over
    if not before.turns or not _is_aimed(stage, before, last=True):
        raise Drop("hidden_rate")
    drops.append(f"{kind}: hidden_rate")
    await stage.episode.undo(held)
    stage.draft, stage.quest = before, quest
    return False


def _is_aimed(stage: Stage, draft: Draft, *, last: bool) -> bool:
    """Whether a draft needn't be given up for its hidden rate; one to which goals are still to come has some leeway."""
    return not stage.strict or stage.aim.takes(draft, leeway=0.0 if last else LEEWAY)


def _check_length(draft: Draft) -> None:
    """Raise `Drop` for a task that is too short to teach anything, or longer than anybody would talk."""
    if not FEWEST_CALLS <= len(draft.steps) <= MOST_CALLS or len(draft.turns) > MOST_TURNS:
        raise Drop("length", f"{len(draft.turns)} turns, {len(draft.steps)} calls")


def _drawn_length(rng: Random, lean: float) -> int:
    """Give how many goals a task has; more of them where much is to be hidden, since look-ups then serve again."""
    lot, total = rng.random() ** (1 - max(0.0, lean) / 2), 0.0
    for length, weight in enumerate(TURN_WEIGHTS, 1):
        total += weight
        if lot < total:
            return length
    return len(TURN_WEIGHTS)


async def _next_goal(stage: Stage, counts: Counter[GoalKind], drops: list[str]) -> GoalKind | None:
    merging = _can_take_more(stage.draft) and not is_near(stage) and stage.chance(MERGE_SHARE)
    for kind in _order(stage, counts)[:MOST_KINDS]:
        turn = stage.draft.turns[-1] if merging else DraftTurn()
        try:
            way = _way_to_ground(kind)
            if merging and (kind.outcome == "refuse" or way is not ground):
                raise Drop("refusal_not_merged" if way is ground else "set_not_merged")
            await way(stage.at(kind.environment), kind, turn)
        except Drop as drop:
            drops.append(f"{kind}: {drop.reason}")
            continue
        if not merging:
            stage.draft.turns.append(turn)
        return kind
    return None


def _way_to_ground(kind: GoalKind) -> Callable[[Stage, GoalKind, DraftTurn], Awaitable[None]]:
    """Give what grounds a kind of goal."""
    if kind.manner == SUMS:
        return ground_sum
    if kind.manner == NO_TOOL:
        return ground_lacking
    if kind.outcome == "done" and kind.what == TOGETHER:
        return ground_joint
    if kind.outcome == "left" or (kind.outcome == "done" and kind.what in (IF, OR)):
        return ground_if
    return ground_set if kind.outcome == "done" and kind.what == ALL else ground


def _order(stage: Stage, counts: Counter[GoalKind]) -> list[GoalKind]:
    """Give the kinds of goal to try next: now and then first those that can go on with what the last one gave."""
    kinds = [kind for catalogue in stage.catalogues.values() for kind in goal_kinds(catalogue)]
    used = {goal.tool for turn in stage.draft.turns for goal in turn.goals}
    kinds = [kind for kind in kinds if kind.full_name not in used and (kind.what != NO_TOOL or _has_done(stage.draft))]
    order = ranked(kinds, counts, stage.rng)
    if stage.first is not None and not stage.draft.turns:
        order.sort(key=lambda kind: kind != stage.first)
    elif is_near(stage) and stage.chance(QUEST_SHARE):
        return by_aim(stage, order)
    elif stage.draft.yields and stage.chance(CARRY_ON_SHARE):
        order.sort(key=lambda kind: not _can_carry(stage, kind))
    elif stage.wanted and stage.chance(NEW_LINK_SHARE):
        return by_aim(stage, order)
    elif len(stage.catalogues) > 1 and stage.chance(CROSS_SHARE):
        order.sort(key=lambda kind: not _may_cross(stage, kind))
    elif stage.draft.topic and stage.chance(SAME_TOPIC_SHARE):
        order.sort(key=lambda kind: not _stays(stage, kind))
    else:
        return toward_the_aim(stage, order)
    return order


def _has_done(draft: Draft) -> bool:
    """Whether something is done in a task: only beside that may it hold a wish that no tool can meet."""
    outcomes = [goal.outcome for turn in draft.turns for goal in turn.goals]
    return "done" in outcomes and not any(goal.code == NO_TOOL for turn in draft.turns for goal in turn.goals)


def _stays(stage: Stage, kind: GoalKind) -> bool:
    """Whether a goal can be about a row that the last message was about."""
    if kind.manner == NO_TOOL:
        return False
    catalogue = stage.catalogues[kind.environment]
    topic = {row.table for row in stage.draft.topic if row.environment == kind.environment}
    slots = catalogue.said(kind.tool).slots.values()
    return any(slot.of in topic and "anaphora" in slot.by for slot in slots)


def _can_carry(stage: Stage, kind: GoalKind) -> bool:
    """Whether a goal's tool takes a value such as the last goal of another environment gave."""
    catalogue = stage.catalogues[kind.environment]
    types = {found.type for found in stage.draft.yields if found.environment != kind.environment}
    slots = catalogue.said(kind.tool).slots
    takes = {catalogue.parameter(kind.tool, name).type for name, slot in slots.items() if slot.carry}
    return kind.outcome == "done" and bool(types & takes)


def _may_cross(stage: Stage, kind: GoalKind) -> bool:
    """Whether a goal's tool takes a value that rows of another environment may show."""
    slots = stage.catalogues[kind.environment].said(kind.tool).slots.values()
    return kind.outcome == "done" and any(slot.carry for slot in slots)


def _can_take_more(draft: Draft) -> bool:
    """Whether the last message may ask for one thing more: it asked the agent for one act, which was done."""
    if not draft.turns or draft.turns[-1].withheld is not None:
        return False
    if len(draft.turns[-1].goals) != 1 or draft.turns[-1].goals[0].outcome != "done":
        return False
    return all(draft.steps[place].actor == "agent" for place in draft.turns[-1].steps)


async def _follow_up(stage: Stage) -> None:
    """Add the user's own act where the goal just reached asks for one, such as the approval of a payment."""
    step_place = stage.draft.turns[-1].steps[-1] if stage.draft.turns[-1].steps else None
    if step_place is None or await _comes_upon(stage):
        return
    step = stage.draft.steps[step_place]
    stage = stage.at(step.environment)
    open_to_the_user = [name for name in stage.catalogue.phrases.tool if _asks_for(stage, step, name)]
    if not open_to_the_user:
        return
    new = [name for name in open_to_the_user if _is_new_act(stage, step, name)]
    if new and stage.chance(NEW_LINK_SHARE):
        name = stage.pick(new)
    else:
        name = open_to_the_user[0] if stage.chance(FIRST_ACT_SHARE) else stage.pick(open_to_the_user)
    fields = stage.catalogue.said(name).follows[step.tool]
    arguments = {parameter: value_of(step.result, path) for parameter, path in fields.items()}
    origins = {parameter: Origin("earlier", None, step_place, path) for parameter, path in fields.items()}
    await _user_acts(stage, name, arguments, origins)


async def _comes_upon(stage: Stage) -> bool:
    """Let the user act on the only request that is open, where a look-up has just shown it; say whether they did.

    That is what an answer has told of; what was only seen on the way is acted on where that is new to the data.
    """
    turn = stage.draft.turns[-1]
    asked = turn.goals[-1].outcome == "answer"
    if turn.goals[-1].outcome not in (*SAID_NO, "answer") or turn.withheld is not None:
        return False
    for place in turn.steps:
        step = stage.draft.steps[place]
        there = stage.at(step.environment)
        for name, parameter, where, value in await _open_requests(there, place, turn):
            link = (f"{step.environment}.{step.tool}", any_index(where), f"{step.environment}.{name}", parameter)
            share = NEW_ACT_SHARE if link in stage.wanted else ACT_SHARE if asked else 0.0
            if stage.chance(share) and await _succeeds(there, name, {parameter: value}):
                await _user_acts(there, name, {parameter: value}, {parameter: Origin("earlier", None, place, where)})
                return True
    return False


async def _succeeds(stage: Stage, name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether an act of the user's isn't refused; the trial leaves the episode as it is."""
    async with stage.episode.trial() as trial:
        return not (await trial.user.probe(stage.environment, name, **arguments)).is_error


async def _open_requests(stage: Stage, place: int, turn: DraftTurn) -> list[tuple[str, str, str, Any]]:
    """Give the user's acts on the only open request that a result shows: tool, parameter, place and key.

    Where it shows several, that is the one in the record of the row that the message was about.
    """
    step = stage.draft.steps[place]
    contract = stage.catalogue.tools[step.tool].contract
    spoken_of = {mention.origin.record for _, _, mention in turn.mentions}
    found: list[tuple[str, str, str, Any]] = []
    for name, phrases in stage.catalogue.phrases.tool.items():
        for parameter, slot in phrases.slots.items() if phrases.acts and phrases.follows else ():
            key = stage.catalogue.parameter(name, parameter).key
            paths = [path for path, field in contract.results.items() if field.key == key] if contract and key else []
            if not paths or not slot.of:
                continue
            pending = await stage.keys(slot.of, slot.where)
            shown = [(where, value) for where, value in places_at(step.result, paths[0]) if value in pending]
            meant = [pair for pair in shown if (place, pair[0].rpartition(".")[0]) in spoken_of]
            if len(shown) == 1 or len(meant) == 1:
                where, value = meant[0] if len(meant) == 1 else shown[0]
                found.append((name, parameter, where, value))
    return found


def _is_new_act(stage: Stage, step: DraftStep, name: str) -> bool:
    """Whether the data lacks that the user acts with a tool on what a step has given."""
    fields = stage.catalogue.said(name).follows[step.tool]
    full_name, consumer = f"{step.environment}.{step.tool}", f"{stage.environment}.{name}"
    return any((full_name, path, consumer, parameter) in stage.wanted for parameter, path in fields.items())


def _asks_for(stage: Stage, step: DraftStep, name: str) -> bool:
    """Whether a step's result has all that a tool of the user needs to answer it."""
    fields = stage.catalogue.said(name).follows.get(step.tool)
    if fields is None or step.result is None:
        return False
    return all(any(value is not None for _, value in places_at(step.result, path)) for path in fields.values())


async def _user_acts(stage: Stage, name: str, arguments: dict[str, Any], origins: dict[str, Origin]) -> None:
    """Add a turn in which the user does something themself, and the agent sees what has come of it."""
    phrases = stage.catalogue.said(name)
    first = len(stage.draft.steps)
    if not stage.chance(_taking_over(stage, name, origins)):
        origins = await _user_looks(stage, name, arguments, origins)
    place = await stage.call(name, arguments, origins, actor="user")
    step = stage.draft.steps[place]
    if step.refusal:
        raise Drop("user_refused", f"{name}: {step.refusal}")
    full_name = stage.catalogue.tools[name].full_name
    turn = DraftTurn(goals=[Goal(tool=full_name, outcome="done")], steps=list(range(first, place + 1)))
    turn.clauses.append(Clause(stage.pick(phrases.acts), imperative=False))
    for parameter, value in arguments.items():
        key = stage.catalogue.parameter(name, parameter).key
        if key:
            seen = await see_again(stage, key.partition(".")[0], value)
            turn.steps += seen
            turn.evidence += seen[-1:]
    turn.answers.append(str(stage.pick(phrases.done)).format_map(_words(stage, step)))
    stage.draft.turns.append(turn)


def _taking_over(stage: Stage, name: str, origins: Mapping[str, Origin]) -> float:
    """Give how often the user takes a key over from what the assistant has shown, without a look of their own."""
    for parameter, origin in origins.items():
        step = stage.draft.steps[origin.step or 0]
        path = any_index(str(origin.place))
        if (f"{step.environment}.{step.tool}", path, f"{stage.environment}.{name}", parameter) in stage.wanted:
            return NEW_ACT_SHARE
    return TAKE_OVER_SHARE


async def _user_looks(
    stage: Stage, name: str, arguments: Mapping[str, Any], origins: dict[str, Origin]
) -> dict[str, Origin]:
    """Let the user find what to act on with a look-up of their own, where there is one; gives the origins."""
    found = dict(origins)
    for parameter, value in arguments.items():
        key = stage.catalogue.parameter(name, parameter).key
        for tool, path in _looks_of_the_user(stage, key) if key else ():
            known = {p: stage.card[stage.catalogue.fact(tool, p)] for p in stage.catalogue.tools[tool].required}
            said = {p: Origin("explicit", text=str(fact)) for p, fact in known.items()}
            place = await stage.call(tool, known, said, actor="user")
            seen = [where for where, shown in places_at(stage.draft.steps[place].result, path) if shown == value]
            if seen:
                found[parameter] = Origin("earlier", step=place, place=seen[0])
            break
    return found


def _looks_of_the_user(stage: Stage, key: str) -> Iterator[tuple[str, str]]:
    """Give the user's own look-ups that show a key and need nothing but what the user has already told of themself."""
    told = {fact for turn in stage.draft.turns for fact in turn.facts}
    for tool in stage.catalogue.tools.values():
        if tool.actor == "user" and tool.read_only and tool.contract is not None:
            paths = [path for path, field in tool.contract.results.items() if field.key == key]
            if paths and all(stage.catalogue.fact(tool.name, name) in told for name in tool.required):
                yield tool.name, paths[0]


def _asked(turn: DraftTurn) -> list[DraftTurn]:
    """Give the turn, or where it keeps something back, the request, the assistant's question, and the reply."""
    if turn.withheld is None:
        return [turn]
    goal = Goal(tool=turn.goals[0].tool, outcome="ask", parameter=turn.missing)
    asked, replied = request_and_reply(turn.intents[0], turn)
    request = DraftTurn(
        goals=[goal],
        intents=[asked],
        meant=[part for part in turn.meant if not (turn.left_open and part.name == turn.missing)],
        clauses=[turn.withheld],
        reason=turn.reason,
        facts=turn.facts,
        mentions=turn.mentions,
        answers=[turn.question],
        steps=turn.steps[: turn.looked_first],
    )
    turn.steps = turn.steps[turn.looked_first :]
    turn.reason, turn.facts, turn.mentions, turn.is_reply = None, [], [], True
    turn.intents = [replied]
    turn.meant = [part for part in turn.meant if turn.left_open and part.name == turn.missing]
    return [request, turn]


def _words(stage: Stage, step: DraftStep) -> dict[str, str]:
    """Give the fields of a result as they are told."""
    contract = stage.catalogue.tools[step.tool].contract
    results = contract.results if contract else {}
    return {
        name: say(results[name].type, value)
        for name, value in (step.result or {}).items()
        if name in results and value is not None
    }
