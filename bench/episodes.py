"""What an episode costs: open, reset, fork, snapshot, digest and diff, at three sizes, and memory."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.figures import measure
from servers.airline.server import env
from servers.runtime import Episode
from servers.runtime.world import Size

SIZES: tuple[Size, ...] = ("small", "medium", "large")
LIVE = 300


def episodes() -> Table:
    """Give the table of episode operations over the airline, in microseconds."""
    table = Table(title="Episode operations over the airline (µs, median)", title_justify="left")
    for column in ("size", "rows", "open", "reset", "fork", "snapshot", "digest", "diff", "KiB each"):
        table.add_column(column, justify="right")
    for size in SIZES:
        table.add_row(*_row(size))
    return table


def _row(size: Size) -> list[str]:
    episode = Episode.open([env], seed=7, size=size)
    rows = sum(len(entries) for entries in episode.rows("airline").values())
    _write_something(episode)
    operations: list[Any] = [
        lambda: Episode.open([env], seed=7, size=size).close(),
        episode.reset,
        lambda: episode.fork().close(),
        episode.snapshot,
    ]
    costs = [measure(operation, each=20) for operation in operations]
    _write_something(episode)
    costs += [measure(operation, each=50) for operation in (episode.state, episode.diff)]
    return [size, str(rows), *(f"{cost.wall_us:.0f}" for cost in costs), f"{_memory_each(size):.0f}"]


def _write_something(episode: Episode) -> None:
    """Advance the state by one booking, so that digests and diffs have something to find."""
    with episode.active():
        row = env.db.execute(
            "SELECT c.customer_id, d.flight_id FROM departures d, customers c WHERE d.seats_left > 0"
            " AND d.status = 'scheduled' AND NOT EXISTS (SELECT 1 FROM segment_board s"
            " WHERE s.customer_id = c.customer_id AND s.flight_id = d.flight_id)"
            " ORDER BY d.departs_at DESC, c.customer_id LIMIT 1"
        ).fetchone()
        arguments = {"customer_id": row["customer_id"], "flight_id": row["flight_id"], "fare_type": "standard"}
        outcome = env.call(env.tools["hold_flight"], arguments)
        assert not outcome.is_error, outcome.text


def _memory_each(size: Size) -> float:
    """Give the KiB of resident memory that one more open episode takes, measured in a fresh process."""
    command = [sys.executable, "-c", f"from bench.episodes import print_memory; print_memory({size!r})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def print_memory(size: Size) -> None:
    """Print the KiB that an open episode takes, over as many as `LIVE`."""
    warm = [Episode.open([env], seed=7, size=size) for _ in range(10)]
    gc.collect()
    before = _resident()
    live = [Episode.open([env], seed=7, size=size) for _ in range(LIVE)]
    for episode in live:
        episode.state()
    print((_resident() - before) / LIVE)
    for episode in warm + live:
        episode.close()


def _resident() -> float:
    fields = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in fields if line.startswith("VmRSS"))
