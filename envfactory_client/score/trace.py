"""The trace score: how much of the plan's calls an attempt made, whatever else it did. It is an extra, not the reward.

Calls are paired so that the total is highest. A pair counts by the share of arguments that are equal, arguments that
make no difference left out, and not at all when what the call stands on was made after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envfactory_client.score.assignment import best_pairs
from envfactory_client.score.attempt import Attempt, LoggedCall
from envfactory_client.trajectory import Trajectory, canonical_json


def trace_score(task: Trajectory, attempt: Attempt) -> float:
    """The share of the plan's calls that the attempt has, from 0 to 1; 1 when the plan has none."""
    planned = [(number, step) for number, step in enumerate(task.steps) if step.actor == "agent"]
    if not planned:
        return 1.0
    masked = {(place.step, place.name) for place in task.reward.masks}
    made = attempt.calls
    weights = [
        [_likeness(LoggedCall.of(step), call, {name for place, name in masked if place == number}) for call in made]
        for number, step in planned
    ]
    pairs = dict(best_pairs(weights))
    places = {planned[row][0]: column for row, column in pairs.items()}
    before = _before(task)
    kept = [
        weights[row][column]
        for row, column in pairs.items()
        if all(places.get(earlier, -1) < column for earlier in before.get(planned[row][0], ()))
    ]
    return sum(kept) / len(planned)


def _likeness(planned: LoggedCall, made: LoggedCall, masked: set[str]) -> float:
    if planned.full_name != made.full_name or planned.refusal != made.refusal or planned.is_error != made.is_error:
        return 0.0
    names = ({*planned.arguments} | {*made.arguments}) - masked
    if not names:
        return 1.0
    return sum(_equal(planned.arguments, made.arguments, name) for name in names) / len(names)


def _equal(planned: Mapping[str, Any], made: Mapping[str, Any], name: str) -> bool:
    if name not in planned or name not in made:
        return False
    one, other = planned[name], made[name]
    return bool(one == other) and (isinstance(one, str) or canonical_json(one) == canonical_json(other))


def _before(task: Trajectory) -> dict[int, Sequence[int]]:
    """For each step the earlier steps whose results its arguments came from."""
    found: dict[int, list[int]] = {}
    for entry in task.ledger:
        if entry.source in ("earlier", "derived"):
            found.setdefault(entry.step, []).append(int(entry.origin["step"]))
    return dict(found)
