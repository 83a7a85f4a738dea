"""A figure: the median time of an operation, with CPU beside the wall clock."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Microseconds for one operation: medians over batches."""

    wall_us: float
    cpu_us: float


def measure(operation: Callable[[], object], *, batches: int = 7, each: int = 100) -> Figure:
    """Give the median over batches of the time that one operation takes in this process."""
    operation()
    walls, cpus = [], []
    for _ in range(batches):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(each):
            operation()
        walls.append((time.perf_counter() - wall) / each * 1e6)
        cpus.append((time.process_time() - cpu) / each * 1e6)
    return Figure(statistics.median(walls), statistics.median(cpus))


async def measure_async(operation: Callable[[], Awaitable[object]], *, batches: int = 7, each: int = 50) -> Figure:
    """Give the median over batches of the time that one awaited operation takes; CPU is this process's alone."""
    await operation()
    walls, cpus = [], []
    for _ in range(batches):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(each):
            await operation()
        walls.append((time.perf_counter() - wall) / each * 1e6)
        cpus.append((time.process_time() - cpu) / each * 1e6)
    return Figure(statistics.median(walls), statistics.median(cpus))
