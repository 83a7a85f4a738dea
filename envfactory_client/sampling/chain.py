"""A chain: tools in an order that links allow, and where each argument comes from.

An argument is bound to a path in an earlier step's result, or the user gives it. `flaws` says where a chain breaks
that promise; whoever made the chain, a chain without flaws can be grounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envfactory_client.graph import GraphField, Link, ToolGraph

LinkEnds = tuple[str, str, str, str]
"""What tells a link from all others: producer, path, consumer, parameter."""


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
    goals: tuple[int, ...] = ()
    """Steps before the last that are wanted for themselves, as in tasks over several environments."""

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools in order."""
        return tuple(step.tool for step in self.steps)

    @property
    def environments(self) -> frozenset[str]:
        """The environments that its tools are of."""
        return frozenset(environment_of(tool) for tool in self.tools)

    @property
    def links(self) -> tuple[LinkEnds, ...]:
        """The links that its arguments come along, in order."""
        return tuple(
            (self.steps[binding.step].tool, binding.path or "", step.tool, binding.parameter)
            for step in self.steps
            for binding in step.bindings
            if binding.step is not None
        )

    @property
    def depth(self) -> int:
        """The most links in a row, each from the result that the one before made possible."""
        depths: list[int] = []
        for step in self.steps:
            sources = (binding.step for binding in step.bindings if binding.step is not None)
            depths.append(max((depths[source] + 1 for source in sources), default=0))
        return max(depths, default=0)

    @property
    def unused(self) -> tuple[int, ...]:
        """The steps before the last that aren't goals and whose results no later step takes."""
        used = {binding.step for step in self.steps for binding in step.bindings} | set(self.goals)
        return tuple(number for number in range(len(self.steps) - 1) if number not in used)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return " -> ".join(self.tools)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far sampling goes."""

    length: int = 8
    """Most steps in a chain."""
    depth: int = 5
    """Most links in a row: producers of producers behind an argument."""
    environments: int = 3
    """Most environments whose tools a chain uses."""

    def exceeded(self, chain: Chain) -> list[str]:
        """Which bounds a chain exceeds, a sentence each."""
        sizes = (
            ("steps", len(chain), self.length),
            ("links in a row", chain.depth, self.depth),
            ("environments", len(chain.environments), self.environments),
        )
        return [f"{size} {name}; at most {most} are allowed." for name, size, most in sizes if size > most]


def environment_of(tool: str) -> str:
    """The environment in a tool's full name."""
    return tool.partition(".")[0]


def finders(graph: ToolGraph, tool: str, parameter: str) -> tuple[Link, ...]:
    """The links by which an agent can find what a parameter needs: no echoes, and no tools of the user's."""
    return tuple(
        link
        for link in graph.producers(tool, parameter)
        if not link.echo and graph.tool(link.producer).actor == "agent"
    )


def strands(chain: Chain, graph: ToolGraph) -> list[frozenset[int]]:
    """The steps that belong together: one takes another's result, or the user gives both the same fact."""
    found: list[tuple[frozenset[int], frozenset[str]]] = []
    for number, step in enumerate(chain.steps):
        given = {binding.parameter for binding in step.bindings if binding.given}
        fields = graph.tool(step.tool).parameters
        steps = frozenset({number, *(binding.step for binding in step.bindings if binding.step is not None)})
        facts = frozenset(field.key or "" for field in fields if field.shared and field.path in given)
        joined = [strand for strand in found if strand[0] & steps or strand[1] & facts]
        found = [strand for strand in found if strand not in joined]
        found.append((steps.union(*(one[0] for one in joined)), facts.union(*(one[1] for one in joined))))
    return [steps for steps, _ in found]


def flaws(chain: Chain, graph: ToolGraph) -> list[str]:
    """Why a chain isn't valid in a graph, a sentence each.

    Every required argument must be there. What tools can find must come from an earlier step along a link, unless it
    is a fact that the user knows as well; what no tool can find is the user's to give. Several goals must have to do
    with each other.
    """
    known = {node.name: {field.path: field for field in node.parameters} for node in graph.tools}
    found: list[str] = []
    for number, step in enumerate(chain.steps):
        if step.tool not in known:
            found.append(f"Step {number}: the graph has no tool '{step.tool}'.")
            continue
        bound = {binding.parameter for binding in step.bindings}
        missing = (name for name, field in known[step.tool].items() if field.required and name not in bound)
        found += [f"Step {number} ({step.tool}) lacks '{name}'." for name in missing]
        found += _binding_flaws(chain, number, graph, known[step.tool])
    return found or _goal_flaws(chain, graph)


def _goal_flaws(chain: Chain, graph: ToolGraph) -> list[str]:
    if not chain.goals:
        return []
    last = next(strand for strand in strands(chain, graph) if len(chain) - 1 in strand)
    apart = (goal for goal in chain.goals if goal not in last)
    return [f"Step {goal} has nothing to do with what the chain leads to." for goal in apart]


def _binding_flaws(chain: Chain, number: int, graph: ToolGraph, fields: dict[str, GraphField]) -> Iterator[str]:
    step = chain.steps[number]
    for binding in step.bindings:
        field = fields.get(binding.parameter)
        if field is None:
            yield f"Step {number} ({step.tool}) has no parameter '{binding.parameter}'."
        elif binding.step is not None:
            if not _linked(chain, number, binding, graph):
                yield f"Step {number} ({step.tool}): no link gives '{binding.parameter}' from {binding.path}."
        elif field.required and not field.shared and finders(graph, step.tool, field.path):
            yield f"Step {number} ({step.tool}): the user can't know '{field.path}', and no earlier step gives it."


def _linked(chain: Chain, number: int, binding: Binding, graph: ToolGraph) -> bool:
    if binding.step is None or not 0 <= binding.step < number:
        return False
    producer = chain.steps[binding.step].tool
    links = finders(graph, chain.steps[number].tool, binding.parameter)
    return any(link.producer == producer and link.path == binding.path for link in links)
