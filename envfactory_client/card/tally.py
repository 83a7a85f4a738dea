"""A tally: sizes, histograms and mixes of a dataset, counted one trajectory at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from envfactory_client.card.links import crosses, full_name
from envfactory_client.card.report import EnvironmentFigures, Histograms, Mix, Size
from envfactory_client.card.toolset import Parameters
from envfactory_client.trajectory import Trajectory

_WRITE = {"done": "write"}


@dataclass
class Tally:
    """Counts over a dataset."""

    trajectories: int = 0
    crossing: int = 0
    several: int = 0
    unused: float = 0.0
    """The sum over trajectories of the share of the offered tools that are never called."""
    user_calls: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    offered: Counter[int] = field(default_factory=Counter)
    goals: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    tools: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    """Digests of the lists of tools that were offered."""
    versions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    present: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    """Environment to calls of its tools."""

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        steps = trajectory.steps
        agent = [step for step in steps if step.actor == "agent"]
        called = {full_name(step) for step in steps}
        self.trajectories += 1
        self.crossing += crosses(trajectory)
        self.several += len({step.environment for step in steps}) > 1
        self.user_calls += len(steps) - len(agent)
        self.turns[len(trajectory.turns)] += 1
        self.calls[len(agent)] += 1
        self.goals.update(_WRITE.get(goal.outcome, goal.outcome) for turn in trajectory.turns for goal in turn.goals)
        self.refusals.update(f"{step.environment}.{step.refusal}" for step in agent if step.refusal is not None)
        self.references.update(reference.kind for reference in trajectory.references)
        self.sources.update(entry.source for entry in trajectory.ledger)
        self.used.update(step.environment for step in steps)
        self._offer(trajectory, called)

    def _offer(self, trajectory: Trajectory, called: set[str]) -> None:
        names = set(trajectory.tools.names)
        self.offered[len(names)] += 1
        self.unused += len(names - called) / len(names) if names else 0.0
        self.tools |= names | called
        self.lists.add(trajectory.tools.digest)
        for environment in trajectory.environments:
            self.versions[environment.name].add(environment.version)
            self.present[environment.name] += 1

    def size(self, parameters: Parameters) -> Size:
        """How much there is."""
        return Size(
            trajectories=self.trajectories,
            environments=len(self.versions),
            tools=len(self.tools),
            parameters=sum(len(parameters.get(tool, ())) for tool in self.tools),
            turns=_sum(self.turns),
            calls=_sum(self.calls),
            user_calls=self.user_calls,
        )

    def environments(self, parameters: Parameters) -> tuple[EnvironmentFigures, ...]:
        """Each environment's part."""
        own = {name: [tool for tool in self.tools if tool.partition(".")[0] == name] for name in self.versions}
        return tuple(
            EnvironmentFigures(
                name=name,
                version=", ".join(sorted(self.versions[name])),
                tools=len(own[name]),
                parameters=sum(len(parameters.get(tool, ())) for tool in own[name]),
                trajectories=self.present[name],
                calls=self.used[name],
            )
            for name in sorted(self.versions)
        )

    def histograms(self, chain: Counter[int]) -> Histograms:
        """How trajectories are spread; the lengths of chains are counted elsewhere."""
        turns, calls, lengths, offered = map(_by_number, (self.turns, self.calls, chain, self.offered))
        return Histograms(turns=turns, calls=calls, chain=lengths, offered=offered)

    def mix(self) -> Mix:
        """What the trajectories are made of."""
        whole = max(1, self.trajectories)
        return Mix(
            goals=_ranked(self.goals),
            refusals=_ranked(self.refusals),
            references=_ranked(self.references),
            sources=_ranked(self.sources),
            crossing=round(self.crossing / whole, 4),
            several=round(self.several / whole, 4),
            distractors=round(self.unused / whole, 4),
        )


def _sum(counts: Counter[int]) -> int:
    return sum(number * times for number, times in counts.items())


def _by_number(counts: Counter[int]) -> dict[int, int]:
    return dict(sorted(counts.items()))


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
