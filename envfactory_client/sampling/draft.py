"""A chain in the making: it grows step by step and never exceeds its bounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envfactory_client.graph import Link
from envfactory_client.sampling.chain import Binding, Bounds, Chain, ChainStep, environment_of


class Draft:
    """The steps so far, each with how many links in a row lie behind it."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.steps: list[ChainStep] = []
        self.depths: list[int] = []
        self.goals: list[int] = []

    def __len__(self) -> int:
        return len(self.steps)

    def __contains__(self, tool: str) -> bool:
        return any(step.tool == tool for step in self.steps)

    def chain(self) -> Chain:
        """The chain as it stands."""
        return Chain(tuple(self.steps), tuple(self.goals))

    def room(self, tool: str, waiting: Sequence[str] = ()) -> bool:
        """Whether a tool fits in beside those that wait for it."""
        if len(self.steps) + len(waiting) >= self.bounds.length:
            return False
        tools = (*(step.tool for step in self.steps), *waiting, tool)
        return len({environment_of(one) for one in tools}) <= self.bounds.environments

    def places(self, links: Iterable[Link], deepest: int) -> list[Binding]:
        """The bindings to steps that are there already, in their order, with at most so many links behind them."""
        return [
            Binding(link.parameter, number, link.path)
            for number, step in enumerate(self.steps)
            if self.depths[number] <= deepest
            for link in links
            if link.producer == step.tool
        ]

    def append(self, tool: str, bindings: Iterable[Binding]) -> None:
        """Add a step; the caller has made sure that there is room."""
        bound = tuple(bindings)
        sources = (binding.step for binding in bound if binding.step is not None)
        self.depths.append(max((self.depths[source] + 1 for source in sources), default=0))
        self.steps.append(ChainStep(tool, bound))

    def cut(self, length: int) -> None:
        """Take back all steps from that one on."""
        del self.steps[length:]
        del self.depths[length:]
