"""Difficulty: how hard a task is, as a number made of what has to be found out, and as the solver that it takes."""

from __future__ import annotations

from envfactory_client import Trajectory
from envfactory_client.logical_form import Card, Said, Term
from envfactory_client.trajectory import Difficulty
from synthesis.solver import Ladder

HIDDEN, HOP, DISTRACTOR, ROW, CALL, TOOL, BACK = 1.0, 1.0, 0.25, 0.5, 0.25, 0.02, 1.0
"""What one more of each adds to the score."""


def difficulty(trajectory: Trajectory, ladder: Ladder) -> Difficulty:
    """Give the difficulty of a task that the ladder was climbed for."""
    hidden = sum(_is_hidden(term) for turn in trajectory.turns for intent in turn.intents for term in intent.all_terms)
    blind, calls, tools = ladder.blind, len(trajectory.steps), len(trajectory.tools.names)
    score = (
        HIDDEN * hidden
        + HOP * blind.hops
        + DISTRACTOR * blind.distractors
        + ROW * (blind.rows - 1)
        + CALL * calls
        + TOOL * tools
        + BACK * blind.turns_back
    )
    return Difficulty(
        score=round(score, 2),
        grade=ladder.grade,
        hidden=hidden,
        hops=blind.hops,
        distractors=blind.distractors,
        rows=blind.rows,
        calls=calls,
        tools=tools,
        turns_back=blind.turns_back,
    )


def with_difficulty(trajectory: Trajectory, ladder: Ladder) -> Trajectory:
    """Give a trajectory with its difficulty written in, under the id that it has then."""
    graded = trajectory.model_copy(update={"difficulty": difficulty(trajectory, ladder), "id": ""})
    return graded.model_copy(update={"id": graded.content_id()})


def _is_hidden(term: Term) -> bool:
    return not isinstance(term, Said | Card)
