"""Figures of an export: counts over the trajectories as they pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from envfactory_client.trajectory import Trajectory


@dataclass(slots=True)
class Figures:
    """What was exported, counted."""

    trajectories: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    """Number of turns to how many trajectories have it."""
    calls: Counter[int] = field(default_factory=Counter)
    """Number of the agent's calls to how many trajectories have it."""
    user_calls: int = 0
    """Calls of the user's own tools, which no export holds."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Codes of refusals that the agent met."""
    environments: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    """How often the agent called each tool."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """How goals end: done, answer or refuse."""
    references: Counter[str] = field(default_factory=Counter)
    """Kinds of descriptions."""
    sources: Counter[str] = field(default_factory=Counter)
    """Where the arguments come from."""

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        steps = [step for step in trajectory.steps if step.actor == "agent"]
        self.trajectories += 1
        self.turns[len(trajectory.turns)] += 1
        self.calls[len(steps)] += 1
        self.user_calls += len(trajectory.steps) - len(steps)
        self.refusals.update(step.refusal for step in steps if step.refusal is not None)
        self.environments.update(f"{one.name} {one.version}" for one in trajectory.environments)
        self.tools.update(f"{step.environment}.{step.tool}" for step in steps)
        self.outcomes.update(goal.outcome for turn in trajectory.turns for goal in turn.goals)
        self.references.update(reference.kind for reference in trajectory.references)
        self.sources.update(entry.source for entry in trajectory.ledger)

    def totals(self) -> dict[str, int]:
        """The sums of the summary."""
        return {
            "trajectories": self.trajectories,
            "turns": weight(self.turns),
            "calls": weight(self.calls),
            "user_calls": self.user_calls,
            "refusals": self.refusals.total(),
        }


def weight(counts: Counter[int]) -> int:
    """The sum of numbers, each as often as it was counted."""
    return sum(number * times for number, times in counts.items())
