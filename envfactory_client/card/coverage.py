"""Coverage: which tools, links and refusals a dataset exercises, out of those that the environments declare.

What counts is decided here alone, for the card of a dataset and for a run that aims at what its data lacks. A link
leads to an argument that someone can give who has seen the result: none that only echoes an argument of the same call,
none from what the user alone sees to what the agent does, and none that tells the user a fact of their own. A branch is
a refusal for which a write looks at its rows; that a key names no row is none of them, since nothing is called with a
key that hasn't been found.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from envfactory_client.card.links import LinkName, full_name, links_used
from envfactory_client.card.report import Coverage, Covered
from envfactory_client.graph import Link, ToolGraph
from envfactory_client.tool import Tool
from envfactory_client.trajectory import Trajectory

Branch = tuple[str, str]
"""A tool and a code that it may refuse with."""
UNKNOWN: Final = "not_found"
"""The code with which every tool refuses a key that no row has."""


@dataclass(frozen=True)
class Reach:
    """What there is to cover."""

    tools: frozenset[str] = frozenset()
    links: frozenset[LinkName] = frozenset()
    identities: frozenset[LinkName] = frozenset()
    """Those links that carry the key of a row, and not a fact that the user may know as well."""
    branches: frozenset[Branch] = frozenset()

    @classmethod
    def of(cls, tools: Iterable[Tool]) -> Reach:
        """What some tools offer together, links between environments among it."""
        listed = tuple(tools)
        of_the_user = {tool.full_name for tool in listed if tool.actor == "user"}
        links = [link for link in ToolGraph.build(listed).links if not link.echo and _carries(link, of_the_user)]
        return cls(
            tools=frozenset(tool.full_name for tool in listed),
            links=frozenset(_name(link) for link in links),
            identities=frozenset(_name(link) for link in links if _is_identity(link)),
            branches=frozenset(branch for tool in listed for branch in _branches(tool)),
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


def _is_identity(link: Link) -> bool:
    """Whether a link carries the key of a row, which belongs to one environment, and not a shared fact."""
    return ":" in link.key


def _carries(link: Link, of_the_user: Container[str]) -> bool:
    """Whether who gives the argument can have it from the result, and not sooner from elsewhere."""
    if link.consumer in of_the_user:
        return _is_identity(link)
    return link.producer not in of_the_user


def _branches(tool: Tool) -> Iterable[Branch]:
    """The refusals of a write of the agent's that some row leads to."""
    if tool.contract is None or tool.contract.kind != "writes" or tool.actor != "agent":
        return ()
    return [(tool.full_name, code) for code in tool.contract.refusals if code != UNKNOWN]


def _name(link: Link) -> LinkName:
    return link.producer, link.path, link.consumer, link.parameter


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
