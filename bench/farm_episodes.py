"""What episodes cost a farm: many at once, their memory, resets and forks, several workers, and long runs."""

from __future__ import annotations

import asyncio
import gc
import http.client
import importlib.util
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from rich.table import Table

from bench.contender import TOKEN
from bench.figures import measure
from bench.load import Load, call, closed_loop, open_loop, post
from bench.process import ask, cpu_of, served
from bench.shop.server import env
from envfactory_client import Farm
from servers.runtime import Environment, Episode
from servers.runtime.discovery import Loader
from servers.runtime.farm import EMBEDDED_HOST, create_app

STATEMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_product", {"product_id": "P00001"}),
    ("search_products", {"name": "Am"}),
    ("list_scarce_products", {}),
    ("count_sales", {"product_id": "P00001"}),
    ("get_customer", {"customer_id": "C00001"}),
    ("list_customers", {}),
    ("get_order", {"order_id": "O0000001"}),
    ("list_orders", {"customer_id": "C00001"}),
    ("get_review", {"review_id": "R00001"}),
    ("list_reviews", {"product_id": "P00001"}),
    ("place_order", {"customer_id": "C00001", "product_id": "P00001"}),
    ("restock_product", {"product_id": "P00001", "count": 1}),
    ("set_price", {"product_id": "P00001", "price_cents": 100}),
    ("rename_product", {"product_id": "P00001", "name": "Lamp"}),
    ("rename_customer", {"customer_id": "C00001", "name": "Ada"}),
    ("write_review", {"product_id": "P00001", "stars": 5, "text": "Bright."}),
    ("delete_review", {"review_id": "R00002"}),
)
QUERIES = tuple(f"SELECT {number}, name FROM products WHERE stock > :n ORDER BY name LIMIT 1" for number in range(14))
"""Statements beside those of the tools, so that there are more than 35 between them."""


@dataclass(frozen=True)
class Crowd:
    """A farm with so many live episodes."""

    episodes: int
    cpu_us: float
    """Of a read, made on each in turn."""
    kib_each: float
    """Resident memory of one more episode."""
    data_kib: float
    """Of that, its pages."""
    files: int


def crowd(episodes: int, *, calls: int) -> Crowd:
    """Open so many episodes, use each with many statements, and measure reads over all of them and their memory."""
    with served("farm") as farm:
        farm.ask("open", environments=["shop"])
        before = farm.kib
        opened = [farm.ask("open", environments=["shop"]) for _ in range(episodes)]
        uses = [
            call(f"/episodes/{episode['agent']}/shop/mcp", tool, **arguments)
            for episode in opened
            for tool, arguments in STATEMENTS
        ]
        load = uvloop.run(closed_loop(farm.port, uses, 32, len(uses)))
        _good(load)
        _ask_all(farm.port, [episode["episode"] for episode in opened])
        each = (farm.kib - before) / episodes
        reads = [
            call(f"/episodes/{episode['agent']}/shop/mcp", "get_product", product_id="P00001") for episode in opened
        ]
        measured = farm.measure(reads, 32, max(calls, episodes))
        pages = Episode.open([env]).databases["shop"].bytes / 1024
        return Crowd(episodes, measured.cpu_us, each, pages, farm.files)


def _ask_all(port: int, episodes: list[str]) -> None:
    """Ask every query of every episode."""
    requests = [
        post(
            "/farm/query",
            {"episode": episode, "environment": "shop", "sql": sql, "parameters": {"n": 1}},
            authorization=f"Bearer {TOKEN}",
        )
        for episode in episodes
        for sql in QUERIES
    ]
    _good(uvloop.run(closed_loop(port, requests, 32, len(requests))))


def statements_prepared() -> int:
    """Give how many distinct statements are run on each episode of a crowd, beside those of transactions."""
    seen: set[str] = set()
    episode = Episode.open([env])
    episode.databases["shop"].set_trace_callback(lambda sql: seen.add(re.sub(r"'[^']*'|[0-9]+(\.[0-9]+)?", "?", sql)))
    with episode.active():
        for tool, arguments in STATEMENTS:
            assert not env.call(env.tools[tool], arguments).is_error, tool
    return len(seen) + len(QUERIES)


def table_of_crowds(crowds: list[Crowd]) -> Table:
    """Give the table of live episodes."""
    table = Table(title="Live episodes: a read in turn on each, and memory after 17 tools", title_justify="left")
    for column in ("episodes", "CPU of a read (µs)", "KiB each", "of that data", "beyond data", "files open"):
        table.add_column(column, justify="right")
    for one in crowds:
        beyond = one.kib_each - one.data_kib
        cells = (one.episodes, one.cpu_us, one.kib_each, one.data_kib, beyond, one.files)
        table.add_row(*(f"{cell:.0f}" for cell in cells))
    return table


def reset_and_fork() -> dict[str, float]:
    """Give the CPU of a reset and a fork at 2,000 rows (µs), with one call and with 1,000 calls behind them."""
    found = {}
    for history in (1, 1000):
        episode = Episode.open([env], size="medium")
        _call(episode, history)
        found[f"fork, {history} calls made"] = measure(lambda: episode.fork().close(), each=50).cpu_us  # noqa: B023
        found[f"reset, {history} calls made"] = _reset_after(episode, history)
        episode.close()
    return found


def _call(episode: Episode, times: int) -> None:
    with episode.active():
        for number in range(times):
            env.call(env.tools["set_price"], {"product_id": "P00001", "price_cents": 100 + number})


def _reset_after(episode: Episode, calls: int) -> float:
    """Give the median microseconds of a reset, each after so many calls."""
    taken = []
    for _ in range(25):
        _call(episode, calls)
        began = time.process_time()
        episode.reset()
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1e6


def stepping(*, episodes: int, calls: int) -> int:
    """Let many episodes step at once, each with writes of its own; give how many answers were wrong."""
    with served("farm") as farm:
        opened = [farm.ask("open", environments=["shop"]) for _ in range(episodes)]

        def requests(turn: int) -> list[bytes]:
            return [
                call(
                    f"/episodes/{one['agent']}/shop/mcp",
                    "set_price",
                    product_id="P00001",
                    price_cents=number + turn + 1,
                )
                for number, one in enumerate(opened)
            ]

        wrong = 0
        for turn in range(calls):
            wrong += len(uvloop.run(closed_loop(farm.port, requests(turn), episodes, episodes)).bad)
        for number, one in enumerate(opened):
            changes = farm.ask("diff", episode=one["episode"])["changes"]["shop"]["products"]["updated"]
            wrong += [change["after"]["price_cents"] for change in changes] != [number + calls]
            wrong += len(farm.ask("calls", episode=one["episode"])["calls"]) != calls
        return wrong


def at_half_the_capacity(*, calls: int) -> list[Load]:
    """Give loads of reads at half the rate that the farm could answer just before each."""
    with served("farm") as farm:
        opened = [farm.ask("open", environments=["shop"]) for _ in range(64)]
        reads = [call(f"/episodes/{one['agent']}/shop/mcp", "get_product", product_id="P00001") for one in opened]
        loads = []
        for _ in range(9):
            full = farm.measure(reads, 32, calls).load
            loads.append(uvloop.run(open_loop(farm.port, reads, len(full.times) / full.seconds / 2, calls)))
            _good(loads[-1])
        return loads


def workers(*, calls: int) -> dict[str, float]:
    """Give the CPU of a call (µs) with one worker and with two, and the share of calls that the first of two served."""
    one = _crew(1, calls)
    two = _crew(2, calls)
    total = sum(cpu for cpu, _ in two.values())
    served_by_first = next(iter(two.values()))[1]
    return {
        "one worker": sum(cpu for cpu, _ in one.values()) / calls * 1e6,
        "two workers": total / calls * 1e6,
        "share of the first": served_by_first / calls,
    }


def _crew(count: int, calls: int) -> dict[str, tuple[float, int]]:
    """Give each process's seconds of CPU and calls, while episodes are called where they are."""
    with _farm_of(count) as (port, process):
        opened = [ask(port, "open", environments=["airline"], seed=1) for _ in range(64)]
        by_port: dict[int, list[bytes]] = {}
        for one in opened:
            request = call(f"/episodes/{one['agent']}/airline/mcp", "find_airports", city="Bo")
            by_port.setdefault(int(one.get("url", f":{port}").rpartition(":")[2]), []).append(request)
        processes = _workers_of(port) if count > 1 else {port: process}
        before = {place: cpu_of(worker) for place, worker in processes.items()}
        counts = uvloop.run(_load_all(by_port, calls))
        return {str(place): (cpu_of(worker) - before[place], counts[place]) for place, worker in processes.items()}


async def _load_all(by_port: dict[int, list[bytes]], calls: int) -> dict[int, int]:
    total = sum(map(len, by_port.values()))
    parts = {port: calls * len(requests) // total for port, requests in by_port.items()}
    connections = 32 // len(by_port)
    loads = await asyncio.gather(*(closed_loop(port, by_port[port], connections, part) for port, part in parts.items()))
    for load in loads:
        _good(load)
    return parts


def _workers_of(port: int) -> dict[int, int]:
    """Give the process of each worker of a farm, by its port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/healthz")
    told = json.loads(connection.getresponse().read())["workers"]
    connection.close()
    return {worker["port"]: worker["process"] for worker in told.values()}


@contextmanager
def _farm_of(count: int) -> Iterator[tuple[int, int]]:
    """Run a farm of so many workers; give its port and its first process."""
    command = [
        sys.executable,
        "-m",
        "servers",
        "--port",
        "0",
        "--workers",
        str(count),
        "--token",
        TOKEN,
        "--calls",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = "".join(iter(process.stdout.readline, "token           as given\n"))
            address = re.search(r"http://127\.0\.0\.1:(\d+)", told)
            assert address is not None, told
            yield int(address[1]), process.pid
        finally:
            process.terminate()


def endurance(*, episodes: int, calls_each: int) -> float:
    """Give by how many MiB memory grows in 100,000 calls, over short episodes that are opened, used and closed."""
    with served("farm") as farm:
        points: list[tuple[int, int]] = []
        for batch in range(0, episodes, 100):
            opened = [farm.ask("open", environments=["shop"]) for _ in range(100)]
            requests = [
                call(f"/episodes/{one['agent']}/shop/mcp", *STATEMENTS[turn % 17][:1], **STATEMENTS[turn % 17][1])
                for turn in range(calls_each)
                for one in opened
            ]
            uvloop.run(closed_loop(farm.port, requests, 32, len(requests)))
            for one in opened:
                farm.ask("close", episode=one["episode"])
            points.append(((batch + 100) * calls_each, farm.kib))
        warm = points[len(points) // 4 :]
        slope = statistics.linear_regression([calls for calls, _ in warm], [kib for _, kib in warm]).slope
        return slope * 100_000 / 1024


@dataclass(frozen=True)
class Catalogue:
    """How long a farm of many environments takes, in seconds of CPU."""

    ready: float
    cold_call: float


def many_environments(count: int) -> Catalogue:
    """Give how long a farm of so many environments takes to be ready, and the first call to a cold one."""
    with TemporaryDirectory() as folder:
        code = f"from bench.farm_episodes import start_many; start_many({folder!r}, {count})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return Catalogue(*json.loads(done.stdout))


def start_many(folder: str, count: int) -> None:
    """Print how long it takes to make a farm of copies of the shop, and to open and call one."""
    names = [f"shop{number}" for number in range(count)]
    for name in names:
        place = Path(folder) / name
        shutil.copytree(env.folder, place, ignore=shutil.ignore_patterns("__pycache__"))
        manifest = place / "manifest.toml"
        manifest.write_text(manifest.read_text(encoding="utf-8").replace('"shop"', f'"{name}"'), encoding="utf-8")

    def loader(name: str) -> Loader:
        def load() -> Environment:
            spec = importlib.util.spec_from_file_location(name, Path(folder) / name / "server.py")
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            found: Environment = module.env
            return found

        return load

    gc.collect()
    began = time.process_time()
    app = create_app({name: loader(name) for name in names}, token=TOKEN, allowed_hosts=[EMBEDDED_HOST])
    ready = time.process_time() - began

    async def first_call() -> float:
        began = time.process_time()
        async with Farm(app, token=TOKEN) as farm, await farm.open(names[-1], size="medium") as episode:
            (await episode.call(names[-1], "get_product", product_id="P00001")).require()
        return time.process_time() - began

    sys.stdout.write(json.dumps([ready, asyncio.run(first_call())]))


def _good(load: Load) -> None:
    if load.bad:
        raise RuntimeError(f"{len(load.bad)} of {len(load.times)} answers are bad, first {load.bad[0][:400]!r}")
