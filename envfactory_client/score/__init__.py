"""Scoring: what an agent did at a task becomes a reward that can't be had without doing it.

`score` is pure: a task and an attempt give a `Reward`. `perform` makes the calls of an attempt in an episode first, for
logs that hold calls alone.
"""

from envfactory_client.score.attempt import RESPOND_TOOL, Attempt, AttemptTurn, LoggedCall, Response
from envfactory_client.score.perform import perform, perform_in
from envfactory_client.score.reward import Component, Judge, Reward, TurnProgress, score

__all__ = [
    "RESPOND_TOOL",
    "Attempt",
    "AttemptTurn",
    "Component",
    "Judge",
    "LoggedCall",
    "Response",
    "Reward",
    "TurnProgress",
    "perform",
    "perform_in",
    "score",
]
