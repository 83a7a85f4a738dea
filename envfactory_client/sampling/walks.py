"""Walks along links, to compare with: they go where chance leads and bind what happens to be there.

`RandomWalk` follows links from result to consumer. `TopologyWalk` is the sampler of EnvFactory (arXiv 2605.18703) as
we understand its description: on the way it adds what a tool needs beforehand, unless a coin says to skip it. Neither
promises that every argument can be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from envfactory_client.errors import NoChain
from envfactory_client.graph import GraphField, Link, ToolGraph, ToolNode
from envfactory_client.sampling.chain import Binding, Bounds, Chain
from envfactory_client.sampling.coverage import Coverage
from envfactory_client.sampling.draft import Draft
from envfactory_client.sampling.goals import seeded
from envfactory_client.sampling.reach import Reach

_T = TypeVar("_T")
RESTART_SHARE = 0.15
"""How often a walk jumps to any tool instead of following a link."""


class RandomWalk:
    """Random links from tool to tool; at a dead end, and now and then, a fresh start anywhere."""

    skip_required: float = 1.0
    """How often the producer of a required argument is left out though nothing gives it yet."""
    skip_optional: float = 1.0
    """The same of an optional argument."""

    def __init__(self, graph: ToolGraph, bounds: Bounds | None = None) -> None:
        self.graph = graph
        self.bounds = bounds or Bounds()
        self._reach = Reach(graph, 0)

    def draw(self, seed: int | str | Random, coverage: Coverage | None = None) -> tuple[Chain, Coverage]:
        """A walk of a random length, and the coverage with it; coverage doesn't guide it."""
        random, draft = seeded(seed), Draft(self.bounds)
        if not self._reach.agents:
            raise NoChain("The graph has no tools for an agent.")
        length = random.randint(min(2, self.bounds.length), self.bounds.length)
        while len(draft) < length:
            via = self._onward(draft, random)
            node = self.graph.tool(via.consumer) if via else self._start(draft, random)
            if node is None:
                break
            came = Binding(via.parameter, len(draft) - 1, via.path) if via else None
            self._visit(draft, node, came, random)
        chain = draft.chain()
        return chain, (coverage or Coverage()).plus(chain)

    def _onward(self, draft: Draft, random: Random) -> Link | None:
        """A link to follow from the last step, if any."""
        if not draft.steps or random.random() < RESTART_SHARE or draft.depths[-1] >= self.bounds.depth:
            return None
        return _any(random, [link for link in self._reach.onward[draft.steps[-1].tool] if draft.room(link.consumer)])

    def _start(self, draft: Draft, random: Random) -> ToolNode | None:
        return _any(random, [node for node in self._reach.agents if draft.room(node.name)])

    def _visit(
        self, draft: Draft, node: ToolNode, came: Binding | None, random: Random, waiting: tuple[str, ...] = ()
    ) -> None:
        """Append a tool after what the coins leave of what it needs; `waiting` are the tools that this is done for."""
        bindings = []
        for field in node.parameters:
            here = came is not None and came.parameter == field.path
            binding = came if here else self._argument(draft, node, field, random, waiting)
            if binding is not None:
                bindings.append(binding)
        draft.append(node.name, bindings)

    def _argument(
        self, draft: Draft, node: ToolNode, field: GraphField, random: Random, waiting: tuple[str, ...]
    ) -> Binding | None:
        """Where an argument comes from: the latest result that has it, a producer added for it, or else the user."""
        links = self._reach.finders[node.name, field.path]
        deepest, above = self.bounds.depth - len(waiting) - 1, (*waiting, node.name)
        places = draft.places(links, deepest)
        if not places and not field.shared and deepest >= 0:
            missing = [link for link in links if link.producer not in above and draft.room(link.producer, above)]
            skip = self.skip_required if field.required else self.skip_optional
            if missing and random.random() >= skip:
                self._visit(draft, self.graph.tool(random.choice(missing).producer), None, random, above)
                return draft.places(links, deepest)[-1]
        if not field.required:
            return None
        return places[-1] if places else Binding(field.path)


class TopologyWalk(RandomWalk):
    """A random walk that adds what a tool needs when it is missing, unless a coin says to skip it."""

    def __init__(
        self,
        graph: ToolGraph,
        bounds: Bounds | None = None,
        *,
        skip_required: float = 0.6,
        skip_optional: float = 0.9,
    ) -> None:
        super().__init__(graph, bounds)
        self.skip_required = skip_required
        self.skip_optional = skip_optional


def _any(random: Random, options: Sequence[_T]) -> _T | None:
    return random.choice(options) if options else None
