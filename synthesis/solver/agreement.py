"""Agreement: whether a solver that hears the user's side of a task comes to what the task says.

The solver gets each message's logical form and the facts that it tells. What the user does with tools of their own
is done as it is on record: it is the user's, not the solver's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envfactory_client import Episode, Goal, Trajectory, Turn
from synthesis.solver.outcome import Outcome
from synthesis.solver.skill import BLIND, Skill
from synthesis.solver.solver import Solver
from synthesis.solver.toolbox import Toolbox


@dataclass(frozen=True)
class Solved:
    """How far a solver got, and what it took."""

    disagreement: str = ""
    """The first thing that it came to otherwise; "" when it agrees in all."""
    hops: int = 0
    distractors: float = 0.0
    rows: int = 1
    turns_back: int = 0
    calls: int = 0
    wrote: bool = False

    @property
    def agrees(self) -> bool:
        """Whether the solver came to what the task says."""
        return not self.disagreement


async def solve(
    episode: Episode,
    trajectory: Trajectory,
    toolbox: Toolbox,
    skill: Skill = BLIND,
    *,
    start: dict[tuple[str, str], Any] | None = None,
) -> Solved:
    """Solve a task in a fresh episode, up to the first turn that ends otherwise than on record.

    `start` is what others have seen there before anybody wrote, and takes in what this solver sees.
    """
    solver = Solver(episode, toolbox, skill, start=start)
    before, disagreement = trajectory.world.state, ""
    for place, turn in enumerate(trajectory.turns):
        disagreement = await _play(solver, trajectory, place)
        touched = bool(solver.sight.writes) or turn.state != before
        if not disagreement and touched and (state := (await episode.state()).digest) != turn.state:
            disagreement = f"turn {place}: another state ({state})"
        if disagreement:
            break
        before = turn.state
    search = solver.terms.search
    return Solved(
        disagreement,
        hops=search.deepest,
        distractors=round(search.distractors, 2),
        rows=search.most_rows,
        turns_back=solver.terms.turns_back,
        calls=solver.sight.calls,
        wrote=bool(solver.sight.writes) or any(step.actor == "user" for step in trajectory.steps),
    )


async def _play(solver: Solver, trajectory: Trajectory, place: int) -> str:
    """Play one turn; gives what came otherwise than on record."""
    turn = trajectory.turns[place]
    for step in turn.steps:
        if step.actor == "user":
            result = await solver.sight.episode.user.probe(step.environment, step.tool, **step.arguments)
            if (result.structured if not result.is_error else None) != step.result:
                return f"turn {place}: the user's {step.tool} ends otherwise"
            solver.sight.writes[step.environment] += 1
    if not turn.intents:
        return ""
    facts = {fact: trajectory.persona[fact] for intent in turn.intents for fact in intent.told}
    outcomes = await solver.hear(turn.intents, facts, waits=_waits(trajectory.turns[place + 1 : place + 2]))
    return _difference(place, turn, outcomes)


def _waits(following: tuple[Turn, ...]) -> bool:
    """Whether the user's next message does nothing but say to go ahead."""
    return any(intent.reply and not intent.terms for turn in following for intent in turn.intents)


def _difference(place: int, turn: Turn, outcomes: tuple[Outcome, ...]) -> str:
    if len(outcomes) != len(turn.goals):
        return f"turn {place}: {len(outcomes)} outcomes for {len(turn.goals)} goals"
    for goal, outcome in zip(turn.goals, outcomes, strict=True):
        wanted = _outcome_of(goal)
        if wanted != outcome:
            return f"turn {place}: {_told(outcome)} instead of {_told(wanted)} for {goal.tool}"
    return ""


def _outcome_of(goal: Goal) -> Outcome:
    match goal.outcome:
        case "ask":
            return Outcome("ask", str(goal.parameter))
        case "refuse":
            return Outcome("refuse", str(goal.code))
        case "left":
            return Outcome("left")
        case "answer":
            return Outcome("answer", value=next(iter(goal.answer.values()), None))
        case _:
            return Outcome("done")


def _told(outcome: Outcome) -> str:
    value = "" if outcome.value is None else f" {outcome.value!r}"
    return f"{outcome.kind} {outcome.what}".rstrip() + value
