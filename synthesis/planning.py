"""Planning: one draft of a task, grown goal by goal on a live episode and then put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from random import Random

from envfactory_client import Goal
from synthesis.acts import MOST_TURNS, follow_up
from synthesis.aiming import by_aim, drawn_quest, is_fulfilled, is_near, see_anew
from synthesis.carry import speaks_of_days, takes_day
from synthesis.conditions import ground_if
from synthesis.draft import Draft, DraftTurn
from synthesis.errors import Drop
from synthesis.goals import ALL, IF, NO_TOOL, OR, SUMS, TOGETHER, GoalKind, goal_kinds, ranked
from synthesis.ground import ground
from synthesis.joint import ground_joint
from synthesis.lacking import ground_lacking
from synthesis.language.dialogue import put_into_words
from synthesis.language.novelty import Recent
from synthesis.leaning import toward_the_aim
from synthesis.logical_form import request_and_reply
from synthesis.sets import ground_set
from synthesis.stage import Stage
from synthesis.worked_out import ground_sum

TURN_WEIGHTS = (0.2, 0.35, 0.28, 0.17)
"""Shares of tasks with one, two, three and four goals."""
CROSS_SHARE = 0.3
"""How often, with several environments, a goal is one that may take a value from another of them."""
CARRY_ON_SHARE = 0.8
"""How often the next goal goes on with a value that the last one gave, in another environment."""
THAT_DAY_SHARE = 0.25
"""How often the next goal is one that can be about a day that was spoken of, in another environment."""
SAME_TOPIC_SHARE = 0.7
"""How often the next goal is one that can stay with what was spoken of."""
NEW_LINK_SHARE, QUEST_SHARE = 0.7, 0.9
"""How often the next goal is one that comes nearer to something new to the data, and one that has it within reach."""
MERGE_SHARE = 0.2
"""How often the next goal is asked for in the same message."""
FEWEST_CALLS, MOST_CALLS = 2, 15
LEEWAY = 0.08
"""How much farther from the hidden rate that is aimed at a draft may be while goals are still to come."""
ENOUGH_STEPS = 10
"""Calls after which no further goal is begun."""
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
    await follow_up(stage)
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
    see_anew(stage)
    merging = _can_take_more(stage.draft) and not is_near(stage) and stage.chance(MERGE_SHARE)
    for kind in _order(stage, counts, merging=merging)[:MOST_KINDS]:
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


def _order(stage: Stage, counts: Counter[GoalKind], *, merging: bool) -> list[GoalKind]:
    """Give the kinds of goal to try next, those that suit the hidden rate first, by what the last one has led to."""
    kinds = [kind for catalogue in stage.catalogues.values() for kind in goal_kinds(catalogue)]
    used = {goal.tool for turn in stage.draft.turns for goal in turn.goals}
    kinds = [kind for kind in kinds if kind.full_name not in used and (kind.what != NO_TOOL or _has_done(stage.draft))]
    order = toward_the_aim(stage, ranked(kinds, counts, stage.rng))
    seeking = 1 + min(0.0, stage.aim.lean)  # what is new to the data is mostly hidden
    if stage.first is not None and not stage.draft.turns:
        order.sort(key=lambda kind: kind != stage.first)
    elif is_near(stage) and stage.chance(QUEST_SHARE * seeking):
        return _giving_doubt(stage, order) if _lacks_a_reason(stage) else by_aim(stage, order)
    elif stage.draft.yields and stage.chance(CARRY_ON_SHARE):
        order.sort(key=lambda kind: not _can_carry(stage, kind))
    elif not merging and (elsewhere := speaks_of_days(stage)) and stage.chance(THAT_DAY_SHARE):
        order.sort(key=lambda kind: not _may_be_that_day(stage, kind, elsewhere))
    elif stage.wanted and stage.chance(NEW_LINK_SHARE * seeking):
        return by_aim(stage, order)
    elif len(stage.catalogues) > 1 and stage.chance(CROSS_SHARE):
        order.sort(key=lambda kind: not _may_cross(stage, kind))
    elif stage.draft.topic and stage.chance(SAME_TOPIC_SHARE):
        order.sort(key=lambda kind: not _stays(stage, kind))
    return order


def _lacks_a_reason(stage: Stage) -> bool:
    """Whether the quest is that the user has no more use for what they have just wanted, without a reason so far."""
    if stage.quest is None:
        return False
    environment, _, tool = stage.quest[2].partition(".")
    said, parameter = stage.catalogues[environment].said(tool), stage.quest[3]
    if parameter not in said.ends:
        return False
    table = stage.catalogues[environment].slot(tool, parameter).of
    spoken = [row for row in stage.draft.topic if (row.environment, row.table) == (environment, table)]
    rows = [(row.environment, row.table, row.value) for row in spoken if not row.rival_only]
    return any(stage.draft.stances.get(row) is False and row not in stage.draft.doubts for row in rows)


def _giving_doubt(stage: Stage, kinds: Sequence[GoalKind]) -> list[GoalKind]:
    """Give kinds of goal with those first by which the user comes to think otherwise of what was spoken of."""
    ways = {"answer": 0, "refuse": 1}
    return sorted(kinds, key=lambda kind: ways.get(kind.outcome, 2) if _stays(stage, kind) else 2)


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


def _may_be_that_day(stage: Stage, kind: GoalKind, elsewhere: Set[str]) -> bool:
    """Whether a goal can be about a day that was spoken of in other environments."""
    if kind.outcome not in ("done", "answer") or kind.manner in (SUMS, ALL, TOGETHER):
        return False
    return bool(elsewhere - {kind.environment}) and takes_day(stage.catalogues[kind.environment], kind.tool)


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
