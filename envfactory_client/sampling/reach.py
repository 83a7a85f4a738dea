"""Reach: what an agent can find along a graph's links, and how many calls each tool takes at least."""

from __future__ import annotations

import math
from collections.abc import Mapping

from envfactory_client.graph import Link, ToolGraph, ToolNode
from envfactory_client.sampling.chain import finders


class Reach:
    """A graph as samplers ask it."""

    def __init__(self, graph: ToolGraph, depth: int) -> None:
        self.graph = graph
        self.agents = tuple(node for node in graph.tools if node.actor == "agent")
        self.finders: Mapping[tuple[str, str], tuple[Link, ...]] = {
            (node.name, field.path): finders(graph, node.name, field.path)
            for node in graph.tools
            for field in node.parameters
        }
        mine = {node.name for node in self.agents}
        self.links = tuple(link for found in self.finders.values() for link in found if link.consumer in mine)
        onward: dict[str, list[Link]] = {node.name: [] for node in graph.tools}
        for link in self.links:
            onward[link.producer].append(link)
        self.onward: Mapping[str, tuple[Link, ...]] = {name: tuple(found) for name, found in onward.items()}
        self._costs = self._priced(depth)

    def cost(self, tool: str, depth: int) -> float:
        """The fewest calls that end in a tool with so many links in a row behind it; infinite if it can't be."""
        return self._costs[depth][tool] if depth >= 0 else math.inf

    def _priced(self, depth: int) -> list[dict[str, float]]:
        """The costs for each depth, from those of the depth below; a call that two arguments share counts twice."""
        costs: list[dict[str, float]] = []
        for _ in range(depth + 1):
            below = costs[-1] if costs else {}
            costs.append({node.name: self._price(node, below) for node in self.graph.tools})
        return costs

    def _price(self, node: ToolNode, below: Mapping[str, float]) -> float:
        needs = (
            self.finders[node.name, field.path] for field in node.parameters if field.required and not field.shared
        )
        return 1 + sum(min(below.get(link.producer, math.inf) for link in links) for links in needs if links)
