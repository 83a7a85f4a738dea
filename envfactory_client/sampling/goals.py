"""Goal-directed sampling: backward from a goal to what it needs, then forward to what can be done with its result.

Every argument that tools can find is bound to an earlier result, and every call but the last is used by a later one,
so a chain is valid and free of idle calls by construction. A goal is a tool, or a link into one that the chain has to
use; the least used so far comes first, and so do the least used producers on the way. Environments that no link joins
meet in the user: a chain may have a further goal elsewhere if the user gives both the same fact, such as their email.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from envfactory_client.errors import NoChain
from envfactory_client.graph import GraphField, Link, ToolGraph, ToolNode
from envfactory_client.sampling.chain import Binding, Bounds, Chain, environment_of, strands
from envfactory_client.sampling.coverage import Coverage, ends
from envfactory_client.sampling.draft import Draft
from envfactory_client.sampling.reach import Reach

ONWARD_SHARE = 0.6
"""How often a chain goes on from its end to a consumer."""
JOIN_SHARE = 0.4
"""How often a chain gets a further goal in another environment, when it can."""
KNOWN_SHARE = 0.75
"""How often the user gives a fact that tools could find as well."""
READ_SHARE = 0.8
"""How often reads are tried before writes to find a value."""
_ATTEMPTS = 2
"""Attempts by chance before the cheapest way is taken."""
_JOINS = 8
"""Goals tried in other environments."""
_PATIENCE = 200
"""Tools tried in one attempt; graphs with many ways into dead ends would take forever."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What a chain is for: a tool, and perhaps a link into it that must be used."""

    node: ToolNode
    via: Link | None = None

    def uses(self, coverage: Coverage) -> int:
        return coverage.uses(self.node.name if self.via is None else self.via)


class GoalSampler:
    """Chains towards goals, used evenly; the default."""

    def __init__(self, graph: ToolGraph, bounds: Bounds | None = None) -> None:
        self.graph = graph
        self.bounds = bounds or Bounds()
        self._reach = Reach(graph, self.bounds.depth)

    @cached_property
    def _targets(self) -> tuple[_Target, ...]:
        """What can be reached within the bounds."""
        targets = [_Target(node) for node in self._reach.agents]
        targets += [_Target(self.graph.tool(link.consumer), link) for link in self._reach.links]
        return tuple(target for target in targets if self._cheapest(target) is not None)

    @property
    def tools(self) -> frozenset[str]:
        """The tools that chains can end in within the bounds."""
        return frozenset(target.node.name for target in self._targets if target.via is None)

    @property
    def links(self) -> tuple[Link, ...]:
        """The links that chains can use within the bounds."""
        return tuple(target.via for target in self._targets if target.via is not None)

    def draw(self, seed: int | str | Random, coverage: Coverage | None = None) -> tuple[Chain, Coverage]:
        """A chain for what has been used least, and the coverage with it; NoChain if nothing is within the bounds."""
        random, used = seeded(seed), coverage or Coverage()
        if not self._targets:
            raise NoChain("No chain leads to any tool of this graph within the bounds; allow more steps or depth.")
        target = min(self._targets, key=lambda one: (one.uses(used), random.random()))
        builder = self._built(target, random, used)
        assert builder is not None  # what has no cheapest way is no target
        while random.random() < ONWARD_SHARE and builder.extend(len(builder.draft) - 1):
            pass
        while random.random() < JOIN_SHARE and self._joined(builder, random, used):
            pass
        chain = builder.draft.chain()
        return chain, used.plus(chain)

    def towards(self, goal: str, seed: int | str | Random, coverage: Coverage | None = None) -> Chain:
        """A chain that ends in a tool and holds only what that needs; NoChain if the bounds forbid it."""
        target = _Target(self.graph.tool(goal))
        builder = self._built(target, seeded(seed), coverage or Coverage())
        if builder is None:
            raise NoChain(
                f"Links don't lead to '{goal}' within {self.bounds.length} steps and {self.bounds.depth} producers "
                "of producers; allow more, or look at its producers with `envfactory graph`."
            )
        return builder.draft.chain()

    def wander(self, length: int, seed: int | str | Random) -> Chain:
        """A chain of up to `length` steps that goes on from any of its results to consumers, with what those need."""
        random = seeded(seed)
        builder = _Builder(self._reach, self.bounds, random, Coverage())
        starts = random.sample(self._reach.agents, len(self._reach.agents))
        if not any(builder.add(start) for start in starts):
            raise NoChain("No chain leads to any tool of this graph within the bounds; allow more steps or depth.")
        while len(builder.draft) < length:
            places = random.sample(range(len(builder.draft)), len(builder.draft))
            if not any(builder.extend(place) for place in places):
                break
        return builder.draft.chain()

    def _joined(self, builder: _Builder, random: Random, coverage: Coverage) -> bool:
        """Whether a further goal in another environment, with a fact in common, has been added."""
        here = builder.draft.chain().environments
        others = [target for target in self._targets if environment_of(target.node.name) not in here]
        others.sort(key=lambda target: (target.uses(coverage), random.random()))
        return any(builder.join(target.node, target.via) for target in others[:_JOINS])

    def _built(self, target: _Target, random: Random, coverage: Coverage) -> _Builder | None:
        """A builder that holds the way to a target: one by chance, or the cheapest when chance leads nowhere."""
        for _ in range(_ATTEMPTS):
            builder = _Builder(self._reach, self.bounds, random, coverage)
            if builder.add(target.node, target.via):
                return builder
        cheapest = self._cheapest(target)
        if cheapest is not None:
            cheapest.random, cheapest.coverage = random, coverage
        return cheapest

    def _cheapest(self, target: _Target) -> _Builder | None:
        """The way to a target with the fewest calls, the same every time."""
        builder = _Builder(self._reach, self.bounds)
        return builder if builder.add(target.node, target.via) else None


@dataclass(frozen=True, slots=True)
class _Want:
    """A tool to be added: the link that must be used, the links that may lie behind it, the tools waiting for it."""

    node: ToolNode
    via: Link | None
    depth: int
    waiting: tuple[str, ...] = ()

    def forced(self, field: GraphField) -> bool:
        return self.via is not None and self.via.parameter == field.path


class _Builder:
    """Adds tools with what they need; a failed attempt leaves no steps behind. Without chance, the cheapest way."""

    def __init__(
        self, reach: Reach, bounds: Bounds, random: Random | None = None, coverage: Coverage | None = None
    ) -> None:
        self.reach = reach
        self.bounds = bounds
        self.random = random
        self.coverage = coverage or Coverage()
        self.draft = Draft(bounds)
        self.patience = _PATIENCE

    def add(self, node: ToolNode, via: Link | None = None) -> bool:
        """Append what the tool needs and then the tool itself, using that link if one is given."""
        self.patience = _PATIENCE
        return self._add(_Want(node, via, self.bounds.depth))

    def extend(self, place: int) -> bool:
        """Go on from a step's result to a consumer that isn't in the chain yet."""
        onward = self._least_used(self.reach.onward[self.draft.steps[place].tool])
        return any(self.add(self.reach.graph.tool(link.consumer), link) for link in onward)

    def join(self, node: ToolNode, via: Link | None) -> bool:
        """Go for a further goal if it has to do with those before; what the chain led to so far becomes a goal."""
        kept = len(self.draft)
        if not self.add(node, via):
            return False
        if len(strands(self.draft.chain(), self.reach.graph)) > 1:
            self.draft.cut(kept)
            return False
        if kept - 1 in Chain(tuple(self.draft.steps)).unused:
            self.draft.goals.append(kept - 1)
        return True

    def _add(self, want: _Want) -> bool:
        name, kept = want.node.name, len(self.draft)
        self.patience -= 1
        if self.patience < 0 or name in self.draft or not self.draft.room(name, want.waiting):
            return False
        bindings = []
        for field in want.node.parameters:
            if field.required or want.forced(field):
                binding = self._bind(want, field)
                if binding is None:
                    self.draft.cut(kept)
                    return False
                bindings.append(binding)
        self.draft.append(name, bindings)
        return True

    def _bind(self, want: _Want, field: GraphField) -> Binding | None:
        """Where an argument comes from; None if it must be found and can't be within the bounds."""
        if want.forced(field) and want.via is not None:
            links: Sequence[Link] = (want.via,)
        else:
            links = self.reach.finders[want.node.name, field.path]
            if not links or (field.shared and (self.random is None or self.random.random() < KNOWN_SHARE)):
                return Binding(field.path)
        if places := self.draft.places(links, want.depth - 1):
            return self._place(places, want.node.name)
        for link in self._ordered(links, want.depth - 1):
            if link.producer in want.waiting:
                continue
            producer = self.reach.graph.tool(link.producer)
            if self._add(_Want(producer, None, want.depth - 1, (*want.waiting, want.node.name))):
                return Binding(field.path, len(self.draft) - 1, link.path)
        return Binding(field.path) if field.shared and not want.forced(field) else None

    def _place(self, places: Sequence[Binding], consumer: str) -> Binding:
        """The place whose link is used least; without chance, the one with the fewest links behind it."""
        random, steps = self.random, self.draft.steps
        if random is None:
            return min(places, key=lambda one: self.draft.depths[one.step or 0])

        def uses(one: Binding) -> tuple[int, float]:
            link = (steps[one.step or 0].tool, one.path or "", consumer, one.parameter)
            return self.coverage.links.get(link, 0), random.random()

        return min(places, key=uses)

    def _ordered(self, links: Sequence[Link], depth: int) -> list[Link]:
        """The links whose producers can be reached: cheap ones first, or by chance the least used, mostly by reads."""
        within = [link for link in links if self.reach.cost(link.producer, depth) < self.bounds.length]
        if self.random is None:
            return sorted(within, key=lambda link: self.reach.cost(link.producer, depth))
        ordered = self._least_used(within)
        if self.random.random() < READ_SHARE:
            ordered.sort(key=lambda link: not self.reach.graph.tool(link.producer).read_only)
        return ordered

    def _least_used(self, links: Sequence[Link]) -> list[Link]:
        random = self.random or Random(0)
        return sorted(links, key=lambda link: (self.coverage.links.get(ends(link), 0), random.random()))


def seeded(seed: int | str | Random) -> Random:
    """The generator that a seed gives, or the generator itself."""
    return seed if isinstance(seed, Random) else Random(seed)
