"""What a call costs over stdio: an environment served alone beside servers that do nothing.

`python -m bench.farm_stdio NAME` is one of those servers, with its client at the other ends of the pipes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

import anyio
from mcp.server.stdio import stdio_server
from rich.table import Table

import bench.shop.server
from bench.contender import lowlevel, plain
from bench.load import is_success, message
from bench.process import cpu_of
from servers.runtime.standalone import run

POINT = {"product_id": "P00001"}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "no-op on the SDK": ("lowlevel", message("do_nothing")),
    "no-op on FastMCP": ("plain", message("do_nothing")),
    "point read": ("shop", message("get_product", **POINT)),
    "search": ("shop", message("search_products", name="Am")),
    "write": ("shop", message("place_order", customer_id="C00001", **POINT)),
}
"""What is called: the server, and the message."""


@dataclass(frozen=True)
class Piped:
    """A server that runs at the other ends of two pipes."""

    process: int
    ask: IO[bytes]
    answer: IO[bytes]

    def call(self, line: bytes) -> bytes:
        """Give the answer to one line."""
        self.ask.write(line)
        self.ask.flush()
        return self.answer.readline()


@dataclass(frozen=True)
class Cost:
    """What a call costs: the server's processor (µs) and the time until its answer (ms)."""

    cpu_us: float
    p50: float
    p99: float


def over_stdio(*, rounds: int, scale: float) -> dict[str, Cost]:
    """Give what calls cost, the median over rounds, each round in turns so that a change of pace hits all alike."""
    found: defaultdict[str, list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_piped(name)) for name in SERVERS}
        for _ in range(rounds):
            for name, (server, body) in CALLS.items():
                found[name].append(_cost(servers[server], body, int(2000 * scale)))
    return {name: _median(costs) for name, costs in found.items()}


def table_of(costs: dict[str, Cost]) -> Table:
    """Give the table of costs over stdio, with multiples of the SDK's server that does nothing."""
    table = Table(title="A call over stdio: server CPU (µs), multiple of the SDK's no-op, ms", title_justify="left")
    for column in ("call", "CPU", "ratio", "p50", "p99"):
        table.add_column(column, justify="left" if column == "call" else "right")
    least = costs["no-op on the SDK"].cpu_us
    for name, cost in costs.items():
        figures = (f"{cost.cpu_us:.0f}", f"{cost.cpu_us / least:.1f}", f"{cost.p50:.2f}", f"{cost.p99:.2f}")
        table.add_row(name, *figures)
    return table


def _cost(server: Piped, body: dict[str, Any], total: int) -> Cost:
    line = json.dumps(body).encode() + b"\n"
    for _ in range(50):
        server.call(line)
    before, times = cpu_of(server.process), []
    for _ in range(total):
        began = time.perf_counter()
        answer = server.call(line)
        times.append((time.perf_counter() - began) * 1000)
        if not is_success(answer):
            raise RuntimeError(f"a call over stdio was answered with {answer[:400]!r}")
    times.sort()
    used = (cpu_of(server.process) - before) / total * 1e6
    return Cost(used, times[total // 2], times[total * 99 // 100])


def _median(costs: list[Cost]) -> Cost:
    columns = zip(*((cost.cpu_us, cost.p50, cost.p99) for cost in costs), strict=True)
    return Cost(*map(statistics.median, columns))


@contextmanager
def _piped(name: str) -> Iterator[Piped]:
    command = [sys.executable, "-m", "bench.farm_stdio", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Piped(process.pid, process.stdin, process.stdout)
        process.stdin.close()  # which ends it


async def _lowlevel() -> None:
    server = lowlevel()
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


SERVERS: dict[str, Callable[[], None]] = {
    "lowlevel": lambda: anyio.run(_lowlevel),
    "plain": lambda: plain().run("stdio", show_banner=False, log_level="ERROR"),
    "shop": lambda: run(bench.shop.server.env, ["--size", "medium"]),
}


if __name__ == "__main__":
    SERVERS[sys.argv[1]]()
