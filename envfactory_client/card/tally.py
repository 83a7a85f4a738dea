"""A tally: sizes, histograms and mixes of a dataset, counted one trajectory at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from envfactory_client.card.links import crosses, full_name
from envfactory_client.card.report import EnvironmentFigures, Histograms, Mix, Size
from envfactory_client.card.toolset import Parameters
from envfactory_client.exports.figures import Figures
from envfactory_client.trajectory import Trajectory

_WRITE = {"done": "write"}


@dataclass
class Tally:
    """Counts over a dataset."""

    figures: Figures = field(default_factory=Figures)
    """What an export counts too."""
    crossing: int = 0
    several: int = 0
    unused: float = 0.0
    """The sum over trajectories of the share of the offered tools that are never called."""
    offered: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Refusals that the agent met, by environment and code."""
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
        self.figures.add(trajectory)
        self.crossing += crosses(trajectory)
        self.several += len({step.environment for step in steps}) > 1
        self.refusals.update(
            f"{step.environment}.{step.refusal}" for step in steps if step.actor == "agent" and step.refusal is not None
        )
        self.used.update(step.environment for step in steps)
        self._offer(trajectory, {full_name(step) for step in steps})

    def _offer(self, trajectory: Trajectory, called: set[str]) -> None:
        names = set(trajectory.tools.names)
        self.offered[len(names)] += 1
        self.unused += len(names - called) / len(names) if names else 0.0
        self.tools |= names | called
        self.lists.add(trajectory.tools.digest)
        for environment in trajectory.environments:
            self.versions[environment.name].add(environment.version)
            self.present[environment.name] += 1

    @property
    def trajectories(self) -> int:
        """How many were counted."""
        return self.figures.trajectories

    def size(self, parameters: Parameters) -> Size:
        """How much there is."""
        sums = self.figures.totals()
        return Size(
            trajectories=self.trajectories,
            environments=len(self.versions),
            tools=len(self.tools),
            parameters=sum(len(parameters.get(tool, ())) for tool in self.tools),
            turns=sums["turns"],
            calls=sums["calls"],
            user_calls=sums["user_calls"],
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
        turns, calls, lengths, offered = map(_by_number, (self.figures.turns, self.figures.calls, chain, self.offered))
        return Histograms(turns=turns, calls=calls, chain=lengths, offered=offered)

    def mix(self) -> Mix:
        """What the trajectories are made of."""
        whole = max(1, self.trajectories)
        return Mix(
            goals=_ranked(Counter({_WRITE.get(name, name): count for name, count in self.figures.outcomes.items()})),
            refusals=_ranked(self.refusals),
            references=_ranked(self.figures.references),
            sources=_ranked(self.figures.sources),
            crossing=round(self.crossing / whole, 4),
            several=round(self.several / whole, 4),
            distractors=round(self.unused / whole, 4),
        )


def _by_number(counts: Counter[int]) -> dict[int, int]:
    return dict(sorted(counts.items()))


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
