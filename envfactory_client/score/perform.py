"""Performing: an attempt's calls are made again in an episode, so that what is judged is what really happened."""

from __future__ import annotations

from pathlib import Path

from envfactory_client.episode import Episode
from envfactory_client.farm import Farm
from envfactory_client.recorder import Call
from envfactory_client.replay import open_start
from envfactory_client.score.attempt import Attempt, AttemptTurn, LoggedCall, aligned
from envfactory_client.trajectory import Trajectory


async def perform(task: Trajectory, attempt: Attempt, farm: Farm, scenarios: Path | str | None = None) -> Attempt:
    """The attempt with every call made in a fresh episode at the task's start, closed afterwards.

    Results and changes that the attempt claims are replaced by what the episode gives. `scenarios` is the folder of
    starting rows, for when the seed no longer gives them.
    """
    async with await open_start(task, farm, scenarios) as episode:
        return await perform_in(episode, task, attempt)


async def perform_in(episode: Episode, task: Trajectory, attempt: Attempt) -> Attempt:
    """The attempt with every call made in an open episode that stands at the task's start.

    The user's own calls are made when their turn begins, unless the attempt has them itself.
    """
    own = any(call.actor == "user" for turn in attempt.turns for call in turn.calls)
    turns: list[AttemptTurn] = []
    done = -1
    for number, turn in aligned(task, attempt.turns):
        calls = [] if own else [call for place in range(done + 1, number + 1) for call in _users(task, place)]
        done = max(done, number)
        made = [await _made(episode, call) for call in (*calls, *turn.calls)]
        changes = (await episode.diff()).changes
        turns.append(turn.model_copy(update={"calls": tuple(made), "turn": number, "changes": changes}))
    return Attempt(turns=tuple(turns), changes=(await episode.diff()).changes)


def _users(task: Trajectory, turn: int) -> list[LoggedCall]:
    return [LoggedCall.of(step) for step in task.turns[turn].steps if step.actor == "user"]


async def _made(episode: Episode, call: LoggedCall) -> LoggedCall:
    result = await Call(call.environment, call.tool, call.arguments, call.actor).on(episode)
    return LoggedCall(
        environment=call.environment,
        tool=call.tool,
        arguments=call.arguments,
        result=None if result.is_error else result.structured,
        text=result.text if result.is_error or result.structured is None else None,
        is_error=result.is_error,
        refusal=result.refusal,
        actor=call.actor,
    )
