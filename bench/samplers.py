"""What samplers give: how many of their chains are valid, what they waste, what they cover, and how fast they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import mean

from rich.console import Group
from rich.table import Table

from bench.forge import listing
from envfactory_client import (
    Bounds,
    Chain,
    Coverage,
    Farm,
    GoalSampler,
    Link,
    RandomWalk,
    Sampler,
    Tool,
    ToolGraph,
    TopologyWalk,
    explore,
    flaws,
)
from envfactory_client.sampling import finders, strands

COUNT = 500
BOUNDS = Bounds()
SAMPLERS: Mapping[str, Callable[[ToolGraph, Bounds], Sampler]] = {
    "goal-directed": GoalSampler,
    "topology walk": TopologyWalk,
    "no skips": lambda graph, bounds: TopologyWalk(graph, bounds, skip_required=0, skip_optional=0),
    "random walk": RandomWalk,
}


async def samplers() -> Group:
    """Give the tables of the samplers: over the airline, all environments together, and a foreign server's listing."""
    async with Farm.embedded() as farm:
        names = sorted(card.name for card in await farm.environments())
        offered = {name: (await explore(farm, name)).tools for name in names}
    forge = [Tool.from_wire("forge", entry) for entry in listing()]
    together = [tool for tools in offered.values() for tool in tools]
    return Group(
        _table("the airline", ToolGraph.build(offered["airline"])),
        _table(f"all environments ({', '.join(names)})", ToolGraph.build(together)),
        _table("a code forge without contracts", ToolGraph.build(forge)),
    )


def _table(title: str, graph: ToolGraph) -> Table:
    agents = [node for node in graph.tools if node.actor == "agent"]
    links = [link for node in agents for field in node.parameters for link in finders(graph, node.name, field.path)]
    caption = f"{COUNT} chains over {title}: {len(agents)} tools, {len(links)} links"
    table = Table("", *SAMPLERS, title=caption, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    columns = []
    for kind in SAMPLERS.values():
        start = time.process_time()
        chains, coverage = _drawn(kind(graph, BOUNDS))
        speed = COUNT / (time.process_time() - start)
        columns.append({**_validity(chains, graph), **_covered(coverage, len(agents), links), **_sizes(chains)})
        columns[-1]["chains/CPU second"] = f"{speed:,.0f}"
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _drawn(sampler: Sampler) -> tuple[list[Chain], Coverage]:
    chains, coverage = [], Coverage()
    for number in range(COUNT):
        chain, coverage = sampler.draw(f"bench/{number}", coverage)
        chains.append(chain)
    return chains, coverage


def _validity(chains: list[Chain], graph: ToolGraph) -> dict[str, str]:
    repeating = sum(len(set(chain.tools)) < len(chain) for chain in chains)
    return {
        "valid": _share(sum(not flaws(chain, graph) for chain in chains), len(chains)),
        "within bounds": _share(sum(not BOUNDS.exceeded(chain) for chain in chains), len(chains)),
        "repeat a tool": _share(repeating, len(chains)),
        "unrelated parts": _share(sum(len(strands(chain, graph)) > 1 for chain in chains), len(chains)),
        "idle calls": _share(sum(len(chain.unused) for chain in chains), sum(map(len, chains))),
    }


def _covered(coverage: Coverage, tools: int, links: list[Link]) -> dict[str, str]:
    return {
        "tools used": _share(len(coverage.tools), tools),
        "links used": _share(len(coverage.links), len(links)),
        "rarest link's uses": str(min((coverage.uses(link) for link in links), default=0)),
    }


def _sizes(chains: list[Chain]) -> dict[str, str]:
    return {
        "calls in a chain": f"{mean(map(len, chains)):.1f}",
        "6 calls or more": _share(sum(len(chain) >= 6 for chain in chains), len(chains)),
        "environments > 1": _share(sum(len(chain.environments) > 1 for chain in chains), len(chains)),
    }


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %".replace(".0 %", " %")
