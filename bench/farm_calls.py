"""What a call costs over HTTP, on the farm and on what it is compared with, in process, and for the client."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import mcp
from rich.table import Table

import bench.shop.server
from bench.contender import CONTENDERS, ENVIRONMENTS, TOKEN
from bench.load import call, post
from bench.process import Measured, Served, served
from envfactory_client import Farm
from servers.runtime.farm import EMBEDDED_HOST, Limits, Options, create_app
from servers.runtime.farm.surface import schemas_of, set_schema_lookup

CONNECTIONS = (1, 32, 256)
POINT = {"product_id": "P00001"}


@dataclass
class Costs:
    """Costs of a call by what is called and how many connections call it, over several rounds."""

    rounds: dict[tuple[str, int], list[Measured]] = field(default_factory=lambda: defaultdict(list))

    def cpu(self, name: str, connections: int = 32) -> float:
        """Give the median microseconds of the server's processor."""
        return statistics.median(measured.cpu_us for measured in self.rounds[name, connections])

    def ratio(self, name: str, to: str = "echo", connections: int = 32) -> float:
        """Give the median, over rounds, of one cost as a multiple of another of the same round."""
        pairs = zip(self.rounds[name, connections], self.rounds[to, connections], strict=True)
        return statistics.median(one.cpu_us / other.cpu_us for one, other in pairs)

    def milliseconds(self, name: str, share: float, connections: int) -> float:
        """Give the median over rounds of the time within which a share of answers came."""
        return statistics.median(one.load.percentile(share) for one in self.rounds[name, connections])


@dataclass(frozen=True)
class Target:
    """A request to a server, and how often it is made in a round."""

    name: str
    served: Served
    requests: list[bytes]
    total: int


def over_http(*, rounds: int, scale: float) -> Costs:
    """Give what calls cost over HTTP, each round in turns so that a change of pace hits all alike."""
    costs = Costs()
    with ExitStack() as stack:
        servers = {name: stack.enter_context(served(name)) for name in CONTENDERS}
        for _ in range(rounds):
            for connections in CONNECTIONS:
                for target in _targets(servers, scale):
                    measured = target.served.measure(target.requests, connections, target.total)
                    costs.rounds[target.name, connections].append(measured)
    return costs


def _targets(servers: dict[str, Served], scale: float) -> list[Target]:
    """Give what is called in a round, on episodes that are opened anew for it."""
    farm = servers["farm"]
    opened = [farm.ask("open", environments=["shop", "noop"], size="medium", seed=seed) for seed in range(16)]
    paths = [f"/episodes/{episode['agent']}/shop/mcp" for episode in opened]
    orders = [call(path, "place_order", customer_id="C00001", **POINT) for path in paths]
    ours = {
        "no-op": [call(f"/episodes/{opened[0]['agent']}/noop/mcp", "do_nothing")],
        "point read": [call(path, "get_product", **POINT) for path in paths],
        "search": [call(path, "search_products", name="Am") for path in paths],
        "write": orders,
    }
    targets = [Target("echo", servers["echo"], [call("/mcp", "get_product", **POINT)], int(20_000 * scale))]
    targets += [Target(name, farm, requests, int(12_000 * scale)) for name, requests in ours.items()]
    opening = post("/farm/open", {"environments": ["shop"], "size": "small"}, authorization=f"Bearer {TOKEN}")
    targets.append(Target("open", farm, [opening], int(3_000 * scale)))
    nothing = [call("/mcp", "do_nothing")]
    targets.append(Target("no-op on the SDK", servers["lowlevel"], nothing, int(3_000 * scale)))
    targets.append(Target("no-op on FastMCP", servers["plain"], nothing, int(1_500 * scale)))
    read = [call("/mcp", "get_product", **POINT)]
    targets.append(Target("point read on FastMCP", servers["fastmcp"], read, int(600 * scale)))
    targets.append(Target("point read on FastMCP, hook", servers["fastmcp+hook"], read, int(1_500 * scale)))
    return targets


def table_of(costs: Costs) -> Table:
    """Give the table of costs over HTTP."""
    table = Table(
        title="A call over HTTP: server CPU (µs), multiple of the echo, p50 and p99 (ms)", title_justify="left"
    )
    table.add_column("call")
    for connections in CONNECTIONS:
        for column in (f"CPU, {connections}", "ratio", "p50", "p99"):
            table.add_column(column, justify="right")
    for name in dict.fromkeys(name for name, _ in costs.rounds):
        cells = []
        for connections in CONNECTIONS:
            times = [costs.milliseconds(name, share, connections) for share in (0.5, 0.99)]
            ratio = costs.ratio(name, connections=connections)
            cells += [f"{costs.cpu(name, connections):.0f}", f"{ratio:.1f}", *(f"{time:.2f}" for time in times)]
        table.add_row(name, *cells)
    return table


async def in_process(*, scale: float) -> dict[str, float]:
    """Give the CPU of calls in this process, our client's and a point read's on FastMCP (µs)."""
    environment = bench.shop.server.env
    options = Options(limits=Limits())
    app = create_app(ENVIRONMENTS, token=TOKEN, sandbox=False, allowed_hosts=[EMBEDDED_HOST], options=options)
    server = environment.build_server()
    set_schema_lookup(server, schemas_of(environment))
    async with Farm(app, token=TOKEN) as farm, await farm.open("shop", size="medium") as episode:
        operations = {
            "point read": lambda: episode.call("shop", "get_product", **POINT),
            "search": lambda: episode.call("shop", "search_products", name="Am"),
            "write": lambda: episode.call("shop", "place_order", customer_id="C00001", **POINT),
            "point read, FastMCP.call_tool": lambda: server.call_tool("get_product", POINT),
        }
        return {name: await _cpu(operation, 2000 * scale) for name, operation in operations.items()}


async def _cpu(operation: Callable[[], Awaitable[Any]], count: float) -> float:
    for _ in range(50):
        await operation()
    before = time.process_time()
    for _ in range(int(count)):
        await operation()
    return (time.process_time() - before) / int(count) * 1e6


async def clients(*, scale: float) -> dict[str, float]:
    """Give the CPU that a call over HTTP costs the client, ours and the SDK's (µs), 32 under way."""
    with served("farm") as server:
        opened = server.ask("open", environments=["shop"], size="medium")
        path = f"http://127.0.0.1:{server.port}/episodes/{opened['agent']}/shop/mcp"
        async with Farm(f"http://127.0.0.1:{server.port}", token=TOKEN) as farm:
            side = farm.join(opened["agent"], "shop")
            ours = await _many(lambda: side.call("shop", "get_product", **POINT), int(6000 * scale))
        async with mcp.Client(path, mode="2026-07-28") as client:
            theirs = await _many(lambda: client.call_tool("get_product", POINT), int(1500 * scale))
    return {"our client": ours, "the SDK's client": theirs}


async def _many(operation: Callable[[], Awaitable[Any]], count: int) -> float:
    async def turns(number: int) -> None:
        for _ in range(number):
            await operation()

    await turns(20)
    before = time.process_time()
    await asyncio.gather(*(turns(count // 32) for _ in range(32)))
    return (time.process_time() - before) / (count // 32 * 32) * 1e6
