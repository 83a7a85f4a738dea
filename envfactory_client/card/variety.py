"""Variety of values: how much the arguments of each parameter differ over a dataset, as Shannon entropy."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from envfactory_client.card.links import full_name
from envfactory_client.card.report import ParameterVariety, Variety
from envfactory_client.trajectory import Trajectory, canonical_json

_SHOWN = 10


@dataclass
class ValueCount:
    """How often each parameter took each value, filled one trajectory at a time."""

    values: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, trajectory: Trajectory) -> None:
        """Count the arguments of the agent's calls."""
        for step in trajectory.steps:
            if step.actor == "agent":
                for name, value in step.arguments.items():
                    self.values[f"{full_name(step)}.{name}"][canonical_json(value)] += 1

    def figures(self) -> Variety:
        """The entropies, weighted by how often a parameter is used."""
        found = [_variety(name, counts) for name, counts in sorted(self.values.items()) if counts.total() > 1]
        uses = sum(one.uses for one in found)
        return Variety(
            parameters=len(self.values),
            entropy_bits=round(sum(one.entropy_bits * one.uses for one in found) / uses, 4) if uses else 0.0,
            relative=round(sum(one.relative * one.uses for one in found) / uses, 4) if uses else 0.0,
            flattest=tuple(sorted(found, key=lambda one: (one.relative, -one.uses, one.parameter))[:_SHOWN]),
        )


def _variety(name: str, counts: Counter[str]) -> ParameterVariety:
    uses = counts.total()
    bits = math.fsum(-count / uses * math.log2(count / uses) for count in counts.values())
    return ParameterVariety(
        parameter=name,
        uses=uses,
        values=len(counts),
        entropy_bits=round(bits, 4),
        relative=round(bits / math.log2(uses), 4),
    )
