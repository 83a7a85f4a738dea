"""The hidden rate: how many arguments of calls the user never said, so that the agent has to find them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from envfactory_client.card.report import HiddenRate
from envfactory_client.card.said import Said
from envfactory_client.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of one of the agent's calls, judged against what the user had said by then."""

    step: int
    name: str
    value: Any
    hidden: bool
    """Whether the user hadn't said the value in any form."""
    unrepeated: bool
    """Whether no message held the value letter by letter."""


def arguments(trajectory: Trajectory) -> Iterator[Argument]:
    """The arguments of the agent's calls, in their order; a null stands for nothing and isn't one."""
    said, step = Said(date.fromisoformat(trajectory.world.now[:10])), -1
    for turn in trajectory.turns:
        said.hear(turn.user)
        for call in turn.steps:
            step += 1
            if call.actor == "agent":
                for name, value in call.arguments.items():
                    if value is not None:
                        yield Argument(step, name, value, not said.gives(value, name), not said.repeats(value))


@dataclass
class HiddenCount:
    """Counts of hidden arguments over a dataset, filled one trajectory at a time."""

    total: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)
    """By where the ledger says that an argument comes from; "" stands for all."""
    unrepeated: int = 0
    shares: Counter[int] = field(default_factory=Counter)
    """Trajectories by their own hidden rate, in tenths."""
    without: int = 0

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        sources = {(entry.step, entry.argument.partition("[")[0]): entry.source for entry in trajectory.ledger}
        found = list(arguments(trajectory))
        for argument in found:
            for group in ("", sources.get((argument.step, argument.name), "unclassified")):
                self.total[group] += 1
                self.hidden[group] += argument.hidden
            self.unrepeated += argument.unrepeated
        hidden = sum(argument.hidden for argument in found)
        self.without += not hidden
        if found:
            self.shares[min(9, 10 * hidden // len(found))] += 1

    def figures(self) -> HiddenRate:
        """The rates over everything counted."""
        whole = self.total[""]
        return HiddenRate(
            arguments=whole,
            rate=_share(self.hidden[""], whole),
            literal_rate=_share(self.unrepeated, whole),
            by_source={
                source: _share(self.hidden[source], count) for source, count in sorted(self.total.items()) if source
            },
            trajectories_by_tenth={f"{tenth * 10}-{tenth * 10 + 10}%": self.shares[tenth] for tenth in range(10)},
            trajectories_without=self.without,
        )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
