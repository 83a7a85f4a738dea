"""What a call costs, in process and over HTTP, as a ratio to a tool that does nothing on the same stack."""

from __future__ import annotations

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from rich.table import Table

import bench.noop.server
import servers.airline.server
from bench.figures import measure_async
from envfactory_client import Episode, Farm
from servers.runtime import Environment
from servers.runtime.farm import EMBEDDED_HOST, FarmApp, create_app

TURNS = 9
TOKEN = "bench"


def _loaders() -> dict[str, Callable[[], Environment]]:
    return {"airline": lambda: servers.airline.server.env, "noop": lambda: bench.noop.server.env}


async def calls() -> Table:
    """Give the table of call costs: wall microseconds one after the other, and the ratio to doing nothing."""
    table = Table(title="One call after the other (µs of wall time, ratio to a no-op tool)", title_justify="left")
    for column in ("tool", "in process", "ratio", "over HTTP", "ratio"):
        table.add_column(column, justify="right")
    async with _embedded() as farm:
        near = await _costs(farm)
    async with _over_http() as farm:
        far = await _costs(farm)
    for name, cost in near.items():
        floor, floor_far = near["do_nothing"], far["do_nothing"]
        table.add_row(name, f"{cost:.0f}", f"{cost / floor:.2f}", f"{far[name]:.0f}", f"{far[name] / floor_far:.2f}")
    return table


async def _costs(farm: Farm) -> dict[str, float]:
    async with await farm.open("airline", "noop", seed=7) as episode:
        customer = (await episode.call("airline", "find_customer", email=episode.persona["email"]))["customer_id"]
        booking = (await episode.call("airline", "list_bookings", customer_id=customer))["bookings"][0]
        operations = {
            "do_nothing": _call(episode, "noop", "do_nothing"),
            "find_customer": _call(episode, "airline", "find_customer", email=episode.persona["email"]),
            "find_airports": _call(episode, "airline", "find_airports", city="Bo"),
            "search_flights": _call(
                episode,
                "airline",
                "search_flights",
                origin=booking["origin_code"],
                destination=booking["destination_code"],
                departs_on=booking["departs_on"],
            ),
            "get_booking": _call(episode, "airline", "get_booking", booking_id=booking["booking_id"]),
        }
        return await _interleaved(operations)


async def _interleaved(operations: dict[str, Callable[[], Awaitable[object]]]) -> dict[str, float]:
    """Give the median wall time of each operation, measured in turns so that a change of pace hits all alike."""
    turns: dict[str, list[float]] = {name: [] for name in operations}
    for turn in range(TURNS + 1):
        for name, operation in operations.items():
            figure = await measure_async(operation, batches=1)
            if turn:
                turns[name].append(figure.wall_us)
    return {name: statistics.median(walls) for name, walls in turns.items()}


def _call(episode: Episode, environment: str, tool: str, **arguments: object) -> Callable[[], Awaitable[object]]:
    return lambda: episode.call(environment, tool, **arguments)


@asynccontextmanager
async def _embedded() -> AsyncIterator[Farm]:
    async with Farm(_app(), token=TOKEN) as farm:
        yield farm


def _wait_for(server: uvicorn.Server) -> None:
    """Wait until the server listens, half a minute at most."""
    for _ in range(1500):
        if server.started:
            return
        time.sleep(0.02)
    raise TimeoutError("the farm didn't start within 30 seconds")


def _app() -> FarmApp:
    return create_app(_loaders(), token=TOKEN, sandbox=False, allowed_hosts=[EMBEDDED_HOST, "127.0.0.1"])


@asynccontextmanager
async def _over_http() -> AsyncIterator[Farm]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(_app(), host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    await asyncio.to_thread(_wait_for, server)
    async with Farm(f"http://127.0.0.1:{port}", token=TOKEN) as farm:
        yield farm
    server.should_exit = True
    await asyncio.to_thread(thread.join)
