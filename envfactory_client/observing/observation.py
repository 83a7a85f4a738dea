"""An observation: what one server's tools were seen to take and give, with the evidence for each field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from envfactory_client.graph import ToolGraph
from envfactory_client.observing.trials import TEST, Counts
from envfactory_client.tool import Frozen, Ground, Tool

Ends = tuple[str, str, str, str]
"""Producing tool, result path, consuming tool, parameter."""


class ObservedParameter(Frozen):
    """One parameter of one tool."""

    tool: str
    path: str
    column: str | None = None
    """The column whose values it takes, by the path that shows it best."""
    key: bool = False
    """Whether the values name rows and only whole ones do: then results that show the column link to it."""
    operator: Literal["=", "like"] | None = None
    ground: Ground | None = None
    why: str
    """Why it has this column or none, in a few words."""
    counts: Counts = Counts()
    rivals: tuple[str, ...] = ()
    """Columns whose values succeed as well; a search that looks into several columns is of none."""


class ObservedResult(Frozen):
    """One result path of one tool."""

    tool: str
    path: str
    column: str | None = None
    key: bool = False
    """Whether the column's values name rows."""
    ground: Ground | None = None
    values: int = 0
    """Distinct values that were seen and weren't arguments of the same call."""
    answers: int = 0
    """Answers in which there was a value."""


class Agreement(Frozen):
    """How the links that were observed or inferred compare with those that the server declares."""

    declared: int
    found: int
    right: int
    wrong: tuple[str, ...] = ()
    """The links that were found and aren't declared."""
    missed: tuple[str, ...] = ()
    """The links that are declared and weren't found."""

    @property
    def precision(self) -> float:
        """The share of the links found that are declared; 1 where none was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the links declared that were found; 1 where none is declared."""
        return self.right / self.declared if self.declared else 1.0


class Observation(Frozen):
    """What was observed of one server."""

    name: str
    calls: int
    successes: Mapping[str, int] = Field(default_factory=dict)
    """By tool that was called, the calls that gave a result."""
    left_alone: tuple[str, ...] = ()
    """Tools that ended the server or left it silent."""
    spent: bool = False
    """Whether the bound of calls or time came before the end."""
    tools: tuple[Tool, ...] = ()
    """All tools, with contracts made of what was observed."""
    parameters: tuple[ObservedParameter, ...] = ()
    results: tuple[ObservedResult, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """By column, the result paths that show it."""
    samples: Mapping[str, tuple[Any, ...]] = Field(default_factory=dict)
    """By full tool name, some results, in which parts of texts have paths."""
    test: str = TEST
    """The test behind the columns that parameters answer to, with its level."""
    agreement: Agreement | None = None
    """Where the server declares contracts, how they compare; they play no other part."""

    @cached_property
    def graph(self) -> ToolGraph:
        """The tool graph with observed, inferred and named links."""
        return ToolGraph.build(self.tools, observed=self.samples)

    def typed(self, tools: Iterable[Tool]) -> tuple[Tool, ...]:
        """These tools with the contracts of those that were observed under the same names."""
        contracts = {tool.name: tool.contract for tool in self.tools}
        return tuple(tool.model_copy(update={"contract": contracts.get(tool.name, tool.contract)}) for tool in tools)

    def to_json(self) -> dict[str, Any]:
        """The observation as plain values; `Observation.model_validate` reads them back."""
        return self.model_dump(mode="json", exclude_none=True)


def agreement(declared: ToolGraph, observed: ToolGraph) -> Agreement:
    """How observed and inferred links compare with declared ones."""
    said = {_ends(link): str(link) for link in declared.links if link.evidence == "declared"}
    found = {_ends(link): str(link) for link in observed.links if link.evidence in ("observed", "inferred")}
    return Agreement(
        declared=len(said),
        found=len(found),
        right=len(said.keys() & found.keys()),
        wrong=tuple(text for ends, text in found.items() if ends not in said),
        missed=tuple(text for ends, text in said.items() if ends not in found),
    )


def _ends(link: Any) -> Ends:
    return link.producer, link.path, link.consumer, link.parameter
