"""Proof: what a dataset's own records say of its tasks, and whether its trajectories replay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envfactory_client.card.report import Proof
from envfactory_client.errors import DatasetError
from envfactory_client.farm import Farm
from envfactory_client.replay import replay
from envfactory_client.trajectory import Trajectory

ENOUGH_PATHS = 3
_RATES = ("replayed", "reward_tests", "null_agent")


@dataclass
class ProofCount:
    """What trajectories record of difficulty and paths; those of a format without these fields record nothing."""

    scores: Counter[int] = field(default_factory=Counter)
    """Difficulty in tenths to how many trajectories have it."""
    grades: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    """Trajectories whose reward can be scored."""
    few_paths: int = 0

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        difficulty: Any = getattr(trajectory, "difficulty", None)
        if difficulty is not None:
            self.scores[int(difficulty.score * 10)] += 1
            self.grades[difficulty.grade] += 1
        paths: int | None = getattr(trajectory.reward, "paths", None)
        if paths is not None and getattr(trajectory.reward, "format", None) is not None:
            self.tasks += 1
            self.few_paths += paths < ENOUGH_PATHS

    def figures(self, rates: Mapping[str, float]) -> Proof:
        """What is recorded; `rates` are those that the run's report tells."""
        return Proof(
            **{name: rates.get(name) for name in _RATES},
            few_paths=self.few_paths if self.tasks else None,
            difficulty={f"{tenth / 10:.1f}": self.scores[tenth] for tenth in sorted(self.scores)} or None,
            grades=dict(sorted(self.grades.items())) or None,
        )


async def replay_rate(trajectories: Iterable[Trajectory], farm: Farm, scenarios: Path) -> float:
    """The share of trajectories that a farm replays to equal results and digests."""
    outcomes = [(await replay(trajectory, farm, scenarios)).ok for trajectory in trajectories]
    return sum(outcomes) / len(outcomes) if outcomes else 0.0


def recorded_rates(folder: Path) -> dict[str, float]:
    """The rates under "proof" in the report.json that a run leaves beside its trajectories; none without one."""
    path = folder / "report.json"
    if not path.exists():
        return {}
    try:
        told = json.loads(path.read_bytes()).get("proof", {})
        return {name: float(told[name]) for name in _RATES if told.get(name) is not None}
    except (ValueError, AttributeError, TypeError) as error:
        raise DatasetError(f"{path} isn't the report of a run ({error}); take it away, or copy it again.") from error
