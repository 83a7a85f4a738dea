"""Coverage: which tools, links and refusals a dataset exercises, out of those that the environments declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from envfactory_client.card.links import LinkName, full_name, links_used
from envfactory_client.card.report import Coverage, Covered
from envfactory_client.graph import ToolGraph
from envfactory_client.tool import Tool
from envfactory_client.trajectory import Trajectory

Branch = tuple[str, str]
"""A tool and a code that it may refuse with."""


@dataclass(frozen=True)
class Reach:
    """What there is to cover."""

    tools: frozenset[str]
    links: frozenset[LinkName]
    identities: frozenset[LinkName]
    branches: frozenset[Branch]

    @classmethod
    def of(cls, tools: Iterable[Tool]) -> Reach:
        """What some tools offer together, links between environments among it."""
        listed = tuple(tools)
        links = [link for link in ToolGraph.build(listed).links if not link.echo]
        return cls(
            tools=frozenset(tool.full_name for tool in listed),
            links=frozenset((link.producer, link.path, link.consumer, link.parameter) for link in links),
            identities=frozenset(
                (link.producer, link.path, link.consumer, link.parameter) for link in links if ":" in link.key
            ),
            branches=frozenset(
                (tool.full_name, code) for tool in listed if tool.contract for code in tool.contract.refusals
            ),
        )


@dataclass
class Exercised:
    """What a dataset exercises, filled one trajectory at a time."""

    tools: set[str] = field(default_factory=set)
    links: set[LinkName] = field(default_factory=set)
    branches: set[Branch] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    """Tools of which a call succeeded."""

    def add(self, trajectory: Trajectory) -> None:
        """Note what one trajectory exercises."""
        self.links.update(links_used(trajectory))
        for step in trajectory.steps:
            name = full_name(step)
            self.tools.add(name)
            if step.refusal is not None:
                self.branches.add((name, step.refusal))
            elif not step.is_error:
                self.passed.add(name)

    def figures(self, reach: Reach | None) -> Coverage:
        """What is covered of what there is; without a reach, only what occurs is told."""
        codes = {f"{_environment(tool)}.{code}" for tool, code in self.branches}
        if reach is None:
            links, branches = _counted(self.links), _counted(self.branches)
            unknown = Covered(covered=0, of=None, missing=())
            return Coverage(
                tools=_counted(self.tools), links=links, identities=unknown,
                refusals=_counted(codes), branches=branches, passed=_counted(self.passed),
            )  # fmt: skip
        declared = {f"{_environment(tool)}.{code}" for tool, code in reach.branches}
        guarded = {tool for tool, _ in reach.branches}
        return Coverage(
            tools=_covered({name: name for name in reach.tools}, self.tools),
            links=_covered({link: _link(link) for link in reach.links}, self.links),
            identities=_covered({link: _link(link) for link in reach.identities}, self.links),
            refusals=_covered({code: code for code in declared}, codes),
            branches=_covered({branch: " ".join(branch) for branch in reach.branches}, self.branches),
            passed=_covered({name: name for name in guarded}, self.passed),
        )


def _environment(tool: str) -> str:
    return tool.partition(".")[0]


def _link(link: LinkName) -> str:
    producer, path, consumer, parameter = link
    return f"{producer}:{path} -> {consumer}({parameter})"


def _counted(found: set[str] | set[LinkName] | set[Branch]) -> Covered:
    return Covered(covered=len(found), of=None, missing=())


def _covered(wanted: Mapping[object, str], found: Iterable[object]) -> Covered:
    missing = wanted.keys() - set(found)
    return Covered(
        covered=len(wanted) - len(missing), of=len(wanted), missing=tuple(sorted(wanted[name] for name in missing))
    )
