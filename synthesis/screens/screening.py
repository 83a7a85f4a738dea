"""A screening: what every variant of a dataset's tasks got when their rewards were put to the test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from envfactory_client import Trajectory
from synthesis.screens.paths import KINDS, MOST_PATHS, NEEDLESS
from synthesis.screens.screen import TRIVIAL, Screened

Got = Mapping[str, Sequence[float]]
"""Variant to the rewards of its runs."""


@dataclass
class Screening:
    """The figures over a dataset, filled one task at a time."""

    tasks: int = 0
    passed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    paths: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Tasks by the kinds of their other paths."""
    differing: Counter[int] = field(default_factory=Counter)
    """Tasks by how many of their other paths, up to three, do more than look up what nobody needs."""
    rewards: dict[str, list[float]] = field(default_factory=dict)
    """By variant, and for trivial agents also by outcome."""

    def add(self, screened: Screened) -> None:
        """Count one task."""
        self.failures.update({verdict.name for verdict in screened.failures})
        self._count(screened.task, screened.got, passed=not screened.failures)

    def add_passed(self, task: Trajectory, got: Got) -> None:
        """Count one task of which it is only on record what its variants got, all as they should."""
        self._count(task, got, passed=True)

    def _count(self, task: Trajectory, got: Got, *, passed: bool) -> None:
        self.tasks += 1
        self.passed += passed
        self.paths[task.reward.paths] += 1
        paid = {name: rewards.count(1.0) for name, rewards in got.items() if name in KINDS and 1.0 in rewards}
        self.kinds.update(paid.keys())
        differing = sum(number for name, number in paid.items() if name not in NEEDLESS)
        self.differing[min(differing, MOST_PATHS)] += 1
        for variant, rewards in got.items():
            for name in (variant, *_by_outcome(task, variant)):
                self.rewards.setdefault(name, []).extend(rewards)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {
            "tasks": self.tasks,
            "passed": self.passed,
            "failures": dict(sorted(self.failures.items())),
            "paths": {str(number): self.paths[number] for number in sorted(self.paths)},
            "kinds": dict(sorted(self.kinds.items())),
            "differing": {str(number): self.differing[number] for number in sorted(self.differing)},
            "rewards": {
                name: {"runs": len(got), "mean": round(sum(got) / len(got), 4), "max": round(max(got), 4)}
                for name, got in sorted(self.rewards.items())
            },
        }


def _by_outcome(task: Trajectory, name: str) -> Iterator[str]:
    if name in TRIVIAL:
        outcomes = {goal.outcome for turn in task.turns for goal in turn.goals}
        yield from (f"{name} / {outcome}" for outcome in sorted(outcomes))
