"""Chains: tools in an order that links allow, sampled backward from a goal and forward along consumers.

Every required argument that some tool can give is bound to an earlier result through a link; the others are given
by the user. So a chain is valid by construction, and `flaws` proves it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from envfactory_client.errors import NoChain, did_you_mean
from envfactory_client.graph import GraphField, Link, ToolGraph, ToolNode


@dataclass(frozen=True, slots=True)
class Binding:
    """Where an argument comes from: a path in an earlier step's result, or the user when step is None."""

    parameter: str
    step: int | None = None
    path: str | None = None

    @property
    def given(self) -> bool:
        """Whether the user gives it."""
        return self.step is None


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One tool of a chain with where its arguments come from."""

    tool: str
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps in order; the last is what they lead to."""

    steps: tuple[ChainStep, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools in order."""
        return tuple(step.tool for step in self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return " -> ".join(self.tools)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far sampling goes."""

    length: int = 8
    """Most steps in a chain."""
    depth: int = 4
    """Most producers of producers behind an argument."""


def sample(graph: ToolGraph, goal: str, *, seed: int | Random = 0, bounds: Bounds | None = None) -> Chain:
    """A chain that ends in `goal` and holds only what its required arguments need; NoChain if bounds forbid it."""
    builder = _Builder(graph, _random(seed), bounds or Bounds())
    if not builder.add(graph.tool(goal), depth=0, above=frozenset()):
        raise NoChain(
            f"Links don't lead to '{goal}' within {builder.bounds.length} steps and {builder.bounds.depth} producers "
            "of producers; allow more, or look at its producers with `envfactory graph`."
        )
    return builder.chain()


def walk(graph: ToolGraph, *, length: int, seed: int | Random = 0, bounds: Bounds | None = None) -> Chain:
    """A chain of up to `length` steps that goes on from results to their consumers, adding what those need."""
    if not graph.tools:
        raise NoChain(f"The graph has no tools{did_you_mean('', ())}")
    random = _random(seed)
    limits = bounds or Bounds()
    builder = _Builder(graph, random, Bounds(length=length, depth=limits.depth))
    starts = [node for node in graph.tools if node.actor == "agent"]
    random.shuffle(starts)
    for start in starts:
        if builder.add(start, depth=0, above=frozenset()):
            break
    while len(builder.steps) < length and builder.extend():
        pass
    return builder.chain()


def chains(graph: ToolGraph, count: int, *, seed: int = 0, bounds: Bounds | None = None) -> Iterator[Chain]:
    """Chains to goals in turn, those used least so far first; tools out of reach are left out."""
    random = Random(seed)
    used: Counter[str] = Counter()
    goals = [node.name for node in graph.tools if node.actor == "agent"]
    out_of_reach: set[str] = set()
    made = 0
    while made < count and len(out_of_reach) < len(goals):
        open_goals = [name for name in goals if name not in out_of_reach]
        goal = min(open_goals, key=lambda name: (used[name], random.random()))
        try:
            chain = sample(graph, goal, seed=random, bounds=bounds)
        except NoChain:
            out_of_reach.add(goal)
            continue
        used.update(chain.tools)
        made += 1
        yield chain


def flaws(chain: Chain, graph: ToolGraph) -> list[str]:
    """Why a chain isn't valid in a graph, a sentence each; empty for every chain that was sampled from it."""
    return [flaw for number in range(len(chain)) for flaw in _step_flaws(chain, number, graph)]


def _step_flaws(chain: Chain, number: int, graph: ToolGraph) -> Iterator[str]:
    step = chain.steps[number]
    bound = {binding.parameter for binding in step.bindings}
    for parameter in graph.tool(step.tool).parameters:
        if parameter.required and parameter.path not in bound:
            yield f"Step {number} ({step.tool}) lacks '{parameter.path}'."
    for binding in step.bindings:
        if binding.step is not None and not _linked(chain, number, binding, graph):
            yield f"Step {number} ({step.tool}): no link gives '{binding.parameter}' from {binding.path}."


def _linked(chain: Chain, number: int, binding: Binding, graph: ToolGraph) -> bool:
    if binding.step is None or binding.step >= number:
        return False
    producer = chain.steps[binding.step].tool
    links = graph.producers(chain.steps[number].tool, binding.parameter)
    return any(link.producer == producer and link.path == binding.path and not link.echo for link in links)


class _Builder:
    """A chain in the making; a failed attempt leaves no steps behind."""

    def __init__(self, graph: ToolGraph, random: Random, bounds: Bounds) -> None:
        self.graph = graph
        self.random = random
        self.bounds = bounds
        self.steps: list[ChainStep] = []

    def chain(self) -> Chain:
        return Chain(tuple(self.steps))

    def add(self, node: ToolNode, *, depth: int, above: frozenset[str], via: Link | None = None) -> bool:
        """Append what the tool needs and then the tool itself; `above` are the tools that wait for it."""
        kept = len(self.steps)
        bindings = []
        for parameter in node.parameters:
            if not (parameter.required or (via is not None and parameter.path == via.parameter)):
                continue
            binding = self._bind(node, parameter, depth=depth, above=above | {node.name}, via=via)
            if binding is None:
                del self.steps[kept:]
                return False
            bindings.append(binding)
        if len(self.steps) >= self.bounds.length:
            del self.steps[kept:]
            return False
        self.steps.append(ChainStep(node.name, tuple(bindings)))
        return True

    def extend(self) -> bool:
        """Go on to a consumer of any result so far that isn't in the chain yet."""
        present = {step.tool for step in self.steps}
        onward = [
            link
            for step in self.steps
            for link in self.graph.consumers(step.tool)
            if not link.echo and link.consumer not in present and self.graph.tool(link.consumer).actor == "agent"
        ]
        self.random.shuffle(onward)
        return any(self.add(self.graph.tool(link.consumer), depth=0, above=frozenset(), via=link) for link in onward)

    def _bind(
        self, node: ToolNode, parameter: GraphField, *, depth: int, above: frozenset[str], via: Link | None
    ) -> Binding | None:
        """Where an argument comes from; None if it must be found and can't be within the bounds."""
        links = self._useful(self.graph.producers(node.name, parameter.path))
        if via is not None and parameter.path == via.parameter:
            links = [link for link in links if (link.producer, link.path) == (via.producer, via.path)]
        if not links:
            return Binding(parameter.path)
        if (present := self._present(links)) is not None:
            return present
        for link in self._ordered(links) if depth < self.bounds.depth else ():
            if link.producer in above:
                continue
            if self.add(self.graph.tool(link.producer), depth=depth + 1, above=above):
                return Binding(parameter.path, len(self.steps) - 1, link.path)
        return Binding(parameter.path) if parameter.shared else None

    def _useful(self, links: Sequence[Link]) -> list[Link]:
        return [link for link in links if not link.echo and self.graph.tool(link.producer).actor == "agent"]

    def _present(self, links: Sequence[Link]) -> Binding | None:
        """A binding to a step that is already in the chain."""
        places = [
            Binding(link.parameter, number, link.path)
            for number, step in enumerate(self.steps)
            for link in links
            if link.producer == step.tool
        ]
        return self.random.choice(places) if places else None

    def _ordered(self, links: Sequence[Link]) -> list[Link]:
        """Producers in random order, mostly reads before writes."""
        shuffled = self.random.sample(list(links), len(links))
        if self.random.random() < 0.8:
            shuffled.sort(key=lambda link: not self.graph.tool(link.producer).read_only)
        return shuffled


def _random(seed: int | Random) -> Random:
    return seed if isinstance(seed, Random) else Random(seed)
