"""Coverage of a run: which kinds of goal its data has, beside the tools, links and refusals that any dataset covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from envfactory_client import Trajectory
from envfactory_client.card.coverage import Exercised, Reach
from envfactory_client.card.links import crosses, full_name
from synthesis.catalogue import Catalogue
from synthesis.goals import GoalKind, goal_kinds, kinds_in
from synthesis.hidden import Count, of_trajectories

IN_VAIN = frozenset(
    {
        "infeasible",
        "no_candidate",
        "no_condition",
        "no_other_row",
        "no_pair",
        "no_set",
        "no_total",
        "no_value",
        "set_refused",
    }
)
"""Why a kind of goal can't be reached where it was tried."""


def goal_counts(trajectories: Iterable[Trajectory]) -> Counter[GoalKind]:
    """Give how often each kind of goal occurs."""
    return Counter(kind for trajectory in trajectories for kind in kinds_in(trajectory))


def failure_counts(drops: Iterable[str]) -> Counter[GoalKind]:
    """Give how often each kind of goal was tried in vain, so that what a world hasn't got isn't tried in every task."""
    kinds = (GoalKind.read(drop.partition(": ")[0]) for drop in drops if drop.partition(": ")[2] in IN_VAIN)
    return Counter(kind for kind in kinds if kind is not None)


@dataclass
class Tally:
    """Counts over a dataset, filled one trajectory at a time."""

    trajectories: int = 0
    crossing: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    exercised: Exercised = field(default_factory=Exercised)
    goals: Counter[GoalKind] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    grades: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)
    """Difficulty by task."""
    hidden: Count = field(default_factory=Count)

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        self.trajectories += 1
        self.crossing += crosses(trajectory)
        self.turns[len(trajectory.turns)] += 1
        self.calls[len(trajectory.steps)] += 1
        self.tools.update(full_name(step) for step in trajectory.steps)
        self.exercised.add(trajectory)
        self.goals.update(kinds_in(trajectory))
        self.sources.update(entry.source for entry in trajectory.ledger)
        self.references.update(reference.kind for reference in trajectory.references)
        if trajectory.difficulty is not None:
            self.grades[trajectory.difficulty.grade] += 1
            self.scores.append(trajectory.difficulty.score)
        self.hidden += of_trajectories([trajectory])


@dataclass(frozen=True)
class Scope:
    """What a run can cover: what its environments' contracts offer, and what their phrases can ask for."""

    reach: Reach = field(default_factory=Reach)
    goals: frozenset[GoalKind] = frozenset()

    @classmethod
    def of(cls, catalogues: Sequence[Catalogue]) -> Scope:
        """Give what some environments offer together."""
        tools = (tool for catalogue in catalogues for tool in catalogue.tools.values())
        kinds = (kind for catalogue in catalogues for kind in goal_kinds(catalogue))
        return cls(Reach.of(tools), frozenset(kinds))


def card(tally: Tally, scope: Scope, drops: Counter[str]) -> Mapping[str, Any]:
    """Give the report of a run as plain values, in a fixed order."""
    return {
        "format": "envfactory.report/1",
        "kept": tally.trajectories,
        "dropped": dict(sorted(drops.items())),
        "crossing": tally.crossing,
        "coverage": tally.exercised.figures(scope.reach).model_dump(mode="json"),
        "refusals": _refusals(tally, scope.goals),
        "turns": {str(number): tally.turns[number] for number in sorted(tally.turns)},
        "calls": {str(number): tally.calls[number] for number in sorted(tally.calls)},
        "goals": {str(kind): tally.goals[kind] for kind in sorted(scope.goals)},
        "goals_never_reached": [str(kind) for kind in sorted(scope.goals) if not tally.goals[kind]],
        "outcomes": _outcomes(tally),
        "tools": {name: tally.tools[name] for name in sorted(scope.reach.tools)},
        "hidden": round(tally.hidden.rate, 4),
        "arguments": dict(sorted(tally.sources.items())),
        "references": dict(sorted(tally.references.items())),
        "grades": dict(sorted(tally.grades.items())),
        "difficulty": _quartiles(tally.scores),
    }


def _quartiles(scores: Sequence[float]) -> dict[str, float]:
    """Give least, quarters and most of some scores."""
    if not scores:
        return {}
    names, last, ranked = ("least", "quarter", "half", "three_quarters", "most"), len(scores) - 1, sorted(scores)
    return {name: ranked[round(last * place / 4)] for place, name in enumerate(names)}


def _refusals(tally: Tally, goals: Iterable[GoalKind]) -> dict[str, int]:
    """Give how often each refusal code of each environment is met, those that never are among them."""
    counts: dict[str, int] = {}
    for kind in sorted(goals):
        if kind.outcome == "refuse":
            name = f"{kind.environment}.{kind.what}"
            counts[name] = counts.get(name, 0) + tally.goals[kind]
    return dict(sorted(counts.items()))


def _outcomes(tally: Tally) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for kind, number in tally.goals.items():
        counts[kind.outcome] += number
    return dict(sorted(counts.items()))
