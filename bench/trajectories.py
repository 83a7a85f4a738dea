"""How fast trajectories are made in one process, and what each stage of a task takes: worlds are drawn before."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from envfactory_client import Farm
from synthesis.campaign import Campaign
from synthesis.engine import Engine, world_seed
from synthesis.folder import RunFolder, Settings

COUNT = 100
RUNS = (
    Settings(7, ("airline",), "small", 40),
    Settings(7, ("airline", "bank", "schedule"), "small", 40),
)
STAGES = ("planning", "recording", "screening", "replay", "solving")


@dataclass
class Stopwatch:
    """Seconds of processor time by stage, those of attempts that were given up among them."""

    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Count what a block takes to a stage."""
        began = time.process_time()
        try:
            yield
        finally:
            self.spent[stage] += time.process_time() - began


async def trajectories() -> Table:
    """Give the table of synthesis speed."""
    table = Table(title=f"Synthesis of {COUNT} trajectories, CPU ms each by stage", title_justify="left")
    for column in ("environments", "tasks a CPU second", *STAGES, "the rest", "all"):
        table.add_column(column, justify="right")
    for settings in RUNS:
        watch = Stopwatch()
        used = await _made(settings, watch)
        stages = [f"{watch.spent[stage] / COUNT * 1000:.0f}" for stage in STAGES]
        rest = (used - sum(watch.spent.values())) / COUNT * 1000
        figures = (f"{COUNT / used:.1f}", *stages, f"{rest:.0f}", f"{used / COUNT * 1000:.0f}")
        table.add_row(", ".join(settings.environments), *figures)
    return table


async def _made(settings: Settings, watch: Stopwatch) -> float:
    """Make trajectories and give the processor time that it took without the drawing of worlds."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        run.begin(settings)
        async with Farm.embedded() as farm:
            for index in range(min(settings.worlds, COUNT)):
                seed = world_seed(settings.seed, index, settings.worlds)
                async with await farm.open(*settings.environments, seed=seed, size=settings.size):
                    pass
            began = time.process_time()
            async for _ in Campaign(farm, settings, run, COUNT, engine=Engine(farm, clock=watch.of)).run():
                pass
            used = time.process_time() - began
        run.dataset.close()
    return used
