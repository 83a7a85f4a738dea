"""Sampling: chains of tools over a graph, by three samplers behind one protocol.

A sampler gives one chain for a seed and for what has been covered so far, and nothing else counts: workers may draw at
once and one of them may add up the coverage. `GoalSampler` is the default; the walks are there to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Protocol

from envfactory_client.errors import NoChain
from envfactory_client.graph import ToolGraph
from envfactory_client.sampling.chain import Binding, Bounds, Chain, ChainStep, finders, flaws, strands
from envfactory_client.sampling.coverage import Coverage
from envfactory_client.sampling.goals import GoalSampler
from envfactory_client.sampling.walks import RandomWalk, TopologyWalk

__all__ = [
    "Binding",
    "Bounds",
    "Chain",
    "ChainStep",
    "Coverage",
    "GoalSampler",
    "RandomWalk",
    "Sampler",
    "TopologyWalk",
    "chains",
    "finders",
    "flaws",
    "sample",
    "strands",
    "walk",
]


class Sampler(Protocol):
    """What gives chains of one graph within bounds."""

    def draw(self, seed: int | str | Random, coverage: Coverage | None = None) -> tuple[Chain, Coverage]:
        """A chain, and the coverage with it counted in; NoChain if the graph has none within the bounds."""
        ...


def sample(graph: ToolGraph, goal: str, *, seed: int | Random = 0, bounds: Bounds | None = None) -> Chain:
    """A chain that ends in `goal` and holds only what its required arguments need; NoChain if bounds forbid it."""
    return GoalSampler(graph, bounds).towards(goal, seed)


def walk(graph: ToolGraph, *, length: int, seed: int | Random = 0, bounds: Bounds | None = None) -> Chain:
    """A chain of up to `length` steps that goes on from results to their consumers, adding what those need."""
    limits = bounds or Bounds()
    within = Bounds(length=length, depth=limits.depth, environments=limits.environments)
    return GoalSampler(graph, within).wander(length, seed)


def chains(
    graph: ToolGraph, count: int, *, seed: int = 0, bounds: Bounds | None = None, sampler: Sampler | None = None
) -> Iterator[Chain]:
    """Chains that use tools and links evenly; each comes from its own seed. None if nothing is within the bounds."""
    drawn, coverage = sampler or GoalSampler(graph, bounds), Coverage()
    for number in range(count):
        try:
            chain, coverage = drawn.draw(f"{seed}/{number}", coverage)
        except NoChain:
            return
        yield chain
