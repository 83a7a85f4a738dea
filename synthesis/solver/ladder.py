"""The ladder: ever more able solvers, of which the weakest that passes gives a task its grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envfactory_client import Episode, Trajectory
from envfactory_client.logical_form import Given
from synthesis.solver.agreement import Solved, solve
from synthesis.solver.skill import BLIND, RUNGS, Rung
from synthesis.solver.toolbox import Toolbox


@dataclass(frozen=True)
class Ladder:
    """What came of climbing: how the blind solver did, and the weakest rung that passes."""

    blind: Solved
    grade: Rung


async def climb(episode: Episode, trajectory: Trajectory, toolbox: Toolbox) -> Ladder:
    """Let the blind solver try a task in an episode at its start, and then weaker ones if it agrees, weakest first."""
    seen = dict[tuple[str, str], Any]()
    async with episode.trial():
        blind = await solve(episode, trajectory, toolbox, start=seen)
    if not blind.agrees or _takes_memory(trajectory):
        return Ladder(blind, BLIND.rung)
    for skill in RUNGS[:-1]:
        async with episode.trial():
            tried = await solve(episode, trajectory, toolbox, skill, start=seen)
        if tried.agrees:
            return Ladder(blind, skill.rung)
    return Ladder(blind, BLIND.rung)


def _takes_memory(trajectory: Trajectory) -> bool:
    """Whether a task has replies, or values given before, with which no rung below can do anything."""
    intents = [intent for turn in trajectory.turns for intent in turn.intents]
    return any(intent.reply or any(isinstance(term, Given) for term in intent.all_terms) for intent in intents)
