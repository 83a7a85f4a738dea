"""How fast trajectories are made: planned, recorded and replayed, in one process."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from rich.table import Table

from envfactory_client import Farm
from synthesis.campaign import Campaign
from synthesis.folder import RunFolder, Settings

COUNT = 30


async def trajectories() -> Table:
    """Give the table of synthesis speed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(7, ("airline",), "small", 10)
        run = RunFolder(Path(folder) / "run")
        run.begin(settings)
        start, cpu = time.perf_counter(), time.process_time()
        async with Farm.embedded() as farm:
            campaign = Campaign(farm, settings, run, COUNT)
            async for _ in campaign.run():
                pass
        wall, used = time.perf_counter() - start, time.process_time() - cpu
        run.dataset.close()
    steps = sum(len(trajectory.steps) for trajectory in campaign.trajectories)
    table = Table(title=f"Synthesis of {COUNT} trajectories, worlds included", title_justify="left")
    for column in ("trajectories/s", "CPU s each", "recorded calls each"):
        table.add_column(column, justify="right")
    table.add_row(f"{COUNT / wall:.1f}", f"{used / COUNT:.2f}", f"{steps / COUNT:.1f}")
    return table
