"""Planning: one draft of a task, grown goal by goal on a live episode and then put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from envfactory_client import Episode, Goal
from synthesis.catalogue import Catalogue
from synthesis.draft import Clause, Draft, DraftStep, DraftTurn, Origin
from synthesis.errors import Drop
from synthesis.goals import GoalKind, goal_kinds, ranked
from synthesis.ground import ground
from synthesis.language import answer, compose
from synthesis.locate import see_again
from synthesis.paths import places_at, value_of
from synthesis.spoken import say
from synthesis.stage import Stage

TURN_WEIGHTS = (0.2, 0.35, 0.28, 0.17)
"""Shares of tasks with one, two, three and four goals."""
MERGE_SHARE = 0.2
"""How often the next goal is asked for in the same message."""
FIRST_ACT_SHARE = 0.8
"""How often the user does the first of the acts that are open to them, such as paying rather than declining."""
MOST_KINDS = 8
"""How many kinds of goal are tried for one place in a task."""


@dataclass(frozen=True)
class Planned:
    """A draft that holds, and the drops that it met on the way."""

    draft: Draft
    drops: tuple[str, ...]


async def plan(
    episode: Episode, catalogue: Catalogue, counts: Counter[GoalKind], rng: Random, card: Mapping[str, Any]
) -> Planned:
    """Give a draft whose calls were all executed in `episode`, or raise `Drop`."""
    stage = Stage(episode, catalogue, rng, card)
    await stage.begin()
    seen = Counter(counts)
    drops: list[str] = []
    for _ in range(_drawn_length(rng)):
        kind = await _next_goal(stage, seen, drops)
        if kind is None:
            break
        seen[kind] += 1
        await _follow_up(stage)
    if not stage.draft.turns:
        raise Drop("no_goal", ", ".join(sorted(set(drops))))
    _put_into_words(stage)
    return Planned(stage.draft, tuple(drops))


def _drawn_length(rng: Random) -> int:
    lot, total = rng.random(), 0.0
    for length, weight in enumerate(TURN_WEIGHTS, 1):
        total += weight
        if lot < total:
            return length
    return len(TURN_WEIGHTS)


async def _next_goal(stage: Stage, counts: Counter[GoalKind], drops: list[str]) -> GoalKind | None:
    merging = _can_take_more(stage.draft) and stage.chance(MERGE_SHARE)
    for kind in ranked(goal_kinds(stage.catalogue), counts, stage.rng)[:MOST_KINDS]:
        if any(goal.tool == kind.tool for turn in stage.draft.turns for goal in turn.goals):
            continue
        turn = stage.draft.turns[-1] if merging else DraftTurn()
        try:
            if merging and kind.outcome == "refuse":
                raise Drop("refusal_not_merged")
            await ground(stage, kind, turn)
        except Drop as drop:
            drops.append(f"{kind}: {drop.reason}")
            continue
        if not merging:
            stage.draft.turns.append(turn)
        return kind
    return None


def _can_take_more(draft: Draft) -> bool:
    """Whether the last message may ask for one thing more: it asked the agent for one act, which was done."""
    if not draft.turns or len(draft.turns[-1].goals) != 1 or draft.turns[-1].goals[0].outcome != "done":
        return False
    return all(draft.steps[place].actor == "agent" for place in draft.turns[-1].steps)


async def _follow_up(stage: Stage) -> None:
    """Add the user's own act where the goal just reached asks for one, such as the approval of a payment."""
    step_place = stage.draft.turns[-1].steps[-1] if stage.draft.turns[-1].steps else None
    if step_place is None:
        return
    step = stage.draft.steps[step_place]
    open_to_the_user = [name for name in stage.catalogue.phrases.tool if _asks_for(stage, step, name)]
    if not open_to_the_user:
        return
    name = open_to_the_user[0] if stage.chance(FIRST_ACT_SHARE) else stage.pick(open_to_the_user)
    fields = stage.catalogue.said(name).follows[step.tool]
    arguments = {parameter: value_of(step.result, path) for parameter, path in fields.items()}
    origins = {parameter: Origin("earlier", None, step_place, path) for parameter, path in fields.items()}
    await _user_acts(stage, name, arguments, origins)


def _asks_for(stage: Stage, step: DraftStep, name: str) -> bool:
    """Whether a step's result has all that a tool of the user needs to answer it."""
    fields = stage.catalogue.said(name).follows.get(step.tool)
    if fields is None or step.result is None:
        return False
    return all(any(value is not None for _, value in places_at(step.result, path)) for path in fields.values())


async def _user_acts(stage: Stage, name: str, arguments: dict[str, Any], origins: dict[str, Origin]) -> None:
    """Add a turn in which the user does something themself, and the agent sees what has come of it."""
    phrases = stage.catalogue.said(name)
    place = await stage.call(name, arguments, origins, actor="user")
    step = stage.draft.steps[place]
    if step.refusal:
        raise Drop("user_refused", f"{name}: {step.refusal}")
    turn = DraftTurn(goals=[Goal(tool=name, outcome="done")], steps=[place])
    turn.clauses.append(Clause(stage.pick(phrases.acts), imperative=False))
    for parameter, value in arguments.items():
        key = stage.catalogue.parameter(name, parameter).key
        if key:
            turn.steps += await see_again(stage, key.partition(".")[0], value)
    turn.answers.append(str(stage.pick(phrases.done)).format_map(_words(stage, step)))
    stage.draft.turns.append(turn)


def _words(stage: Stage, step: DraftStep) -> dict[str, str]:
    """Give the fields of a result as they are told."""
    contract = stage.catalogue.tools[step.tool].contract
    results = contract.results if contract else {}
    return {
        name: say(results[name].type, value)
        for name, value in (step.result or {}).items()
        if name in results and value is not None
    }


def _put_into_words(stage: Stage) -> None:
    told: set[str] = set()
    for place, turn in enumerate(stage.draft.turns):
        new = [fact for fact in dict.fromkeys(turn.facts) if fact not in told]
        told.update(new)
        turn.user = compose(turn, first=place == 0, new_facts=new, card=stage.card, rng=stage.rng)
        turn.assistant = answer(turn.answers)
