"""Links in use: along which results and parameters the arguments of a trajectory travelled."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envfactory_client.trajectory import Step, Trajectory

_INDEX = re.compile(r"\[\d+\]")
FROM_RESULTS = frozenset({"earlier", "derived"})
"""Sources of arguments that begin with an earlier result: as it stands, or something worked out of it."""
LinkName = tuple[str, str, str, str]
"""Producer, result path, consumer and parameter."""


def links_used(trajectory: Trajectory) -> Iterable[LinkName]:
    """The links along which a trajectory's arguments came from earlier results."""
    steps = trajectory.steps
    for entry in trajectory.ledger:
        if entry.source in FROM_RESULTS:
            producer, consumer = steps[entry.origin["step"]], steps[entry.step]
            path = any_index(entry.origin["path"])
            yield full_name(producer), path, full_name(consumer), entry.argument.partition("[")[0]


def crosses(trajectory: Trajectory) -> bool:
    """Whether an argument in one environment came from a result of another."""
    steps = trajectory.steps
    return any(
        steps[entry.origin["step"]].environment != steps[entry.step].environment
        for entry in trajectory.ledger
        if entry.source in FROM_RESULTS
    )


def full_name(step: Step) -> str:
    """The full name of the tool that a step called."""
    return f"{step.environment}.{step.tool}"


def any_index(path: str) -> str:
    """A place in a result as the path of all its like: "bookings[3].booking_id" as "bookings[].booking_id"."""
    return _INDEX.sub("[]", path)
