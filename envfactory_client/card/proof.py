"""Proof: what a dataset's own records say of its tasks, and whether its trajectories replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from envfactory_client.card.report import Proof
from envfactory_client.errors import DatasetError
from envfactory_client.farm import Farm
from envfactory_client.replay import replay
from envfactory_client.tool import Frozen
from envfactory_client.trajectory import Trajectory

ENOUGH_PATHS = 3
SCREENS = "screens.json"
"""The file beside the trajectories that a run writes: what the tests of the rewards got."""


class _Got(Frozen):
    """What one kind of attempt got over all tasks."""

    mean: float


class Screens(Frozen):
    """How the rewards of a dataset's tasks did when they were put to the test."""

    tasks: int
    passed: int
    rewards: Mapping[str, _Got]
    """By kind of attempt; "null / answer" is that kind on tasks with such a goal alone."""
    kinds: Mapping[str, int] | None = None
    """Tasks by the kinds of their other paths that pay in full; None where that wasn't noted."""
    differing: Mapping[int, int] | None = None
    """Tasks by how many of these, up to three, do more than look up what nobody needs."""


@dataclass
class ProofCount:
    """What trajectories record of difficulty and paths; those that nobody has made a task of record nothing."""

    scores: Counter[int] = field(default_factory=Counter)
    """Difficulty, rounded down, to how many trajectories have it."""
    grades: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    """Trajectories whose reward can be scored."""
    few_paths: int = 0

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        if (difficulty := trajectory.difficulty) is not None:
            self.scores[int(difficulty.score)] += 1
            self.grades[difficulty.grade] += 1
        if trajectory.reward.format is not None:
            self.tasks += 1
            self.few_paths += trajectory.reward.paths < ENOUGH_PATHS

    def figures(self, screens: Screens | None, replayed: float | None) -> Proof:
        """What is recorded by the trajectories, by a screening of their rewards, and by a replay."""
        means = (
            {} if screens is None else {name: got.mean for name, got in screens.rewards.items() if " / " not in name}
        )
        return Proof(
            replayed=replayed,
            reward_tests=screens.passed / screens.tasks if screens is not None and screens.tasks else None,
            null_agent=means.get("null"),
            rewards=means or None,
            few_paths=self.few_paths if self.tasks else None,
            paths=None if screens is None else screens.kinds,
            differing_paths=None if screens is None else screens.differing,
            difficulty=dict(sorted(self.scores.items())) or None,
            grades=dict(sorted(self.grades.items())) or None,
        )


async def replay_rate(trajectories: Iterable[Trajectory], farm: Farm, scenarios: Path) -> float:
    """The share of trajectories that a farm replays to equal results and digests."""
    outcomes = [(await replay(trajectory, farm, scenarios)).ok for trajectory in trajectories]
    return sum(outcomes) / len(outcomes) if outcomes else 0.0


def recorded_screens(folder: Path) -> Screens | None:
    """What a screening left beside the trajectories; None when there was none."""
    path = folder / SCREENS
    if not path.exists():
        return None
    try:
        return Screens.model_validate_json(path.read_bytes())
    except ValidationError as error:
        where = f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
        raise DatasetError(
            f"{path} isn't the JSON of a screening ({where}); take it away, or make it again."
        ) from error
