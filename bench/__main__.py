"""Measure: `python -m bench [episodes] [calls] [trajectories] [samplers] [typing]`, all if none is named.

Or `farm`, alone.
"""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console

from bench.calls import calls
from bench.episodes import episodes
from bench.farm import main as farm
from bench.samplers import samplers
from bench.trajectories import trajectories
from bench.typing import typing

NAMES = ("episodes", "calls", "trajectories", "samplers", "typing")


def main(names: list[str]) -> int:
    """Print the tables of the named benchmarks."""
    console = Console()
    if names == ["farm"]:
        return farm([])
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        console.print(f"There is no benchmark '{unknown[0]}'; there are {', '.join(NAMES)}, and farm alone.")
        return 2
    for name in names or NAMES:
        if name == "episodes":
            console.print(episodes())
        elif name == "calls":
            console.print(asyncio.run(calls()))
        elif name == "trajectories":
            console.print(asyncio.run(trajectories()))
        elif name == "samplers":
            console.print(asyncio.run(samplers()))
        else:
            console.print(asyncio.run(typing()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
