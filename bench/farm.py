"""The farm's bench: what it costs beside its rivals, in one run, and whether that keeps to what we promise.

`python -m bench.farm` measures everything in some ten minutes and writes a table, the figures and a plot to
bench/results/; `--quick` takes a tenth of the calls, and `--parts` only some of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import farm_calls, farm_episodes, farm_stdio
from bench.farm_calls import Costs

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Bar:
    """Something that we promise: a figure, and how high or low it may be."""

    what: str
    figure: float
    limit: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to it."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


@dataclass
class Bench:
    """The run: how much is measured, where it is shown, and what has been found so far."""

    console: Console
    scale: float
    rounds: int
    bars: list[Bar]
    costs: Costs | None = None

    def calls(self) -> None:
        """Compare calls over HTTP."""
        costs = self.costs = farm_calls.over_http(rounds=self.rounds, scale=self.scale)
        self.console.print(farm_calls.table_of(costs))
        stock = costs.ratio("point read on FastMCP", "point read")
        hooked = costs.ratio("point read on FastMCP, hook", "point read")
        self.bars += [
            Bar("point read: times cheaper than stock FastMCP", stock, 15, at_least=True),
            Bar("point read: times cheaper than FastMCP with the schema hook", hooked, 6, at_least=True),
            Bar("point read: multiple of the echo", costs.ratio("point read"), 4),
            Bar("write: multiple of the echo", costs.ratio("write"), 6),
            Bar("open: multiple of the echo", costs.ratio("open"), 10),
        ]

    def stdio(self) -> None:
        """Compare calls over stdio."""
        self.console.print(farm_stdio.table_of(farm_stdio.over_stdio(rounds=self.rounds, scale=self.scale)))

    def clients(self) -> None:
        """Compare clients, and calls in process."""
        near = asyncio.run(farm_calls.in_process(scale=self.scale))
        far = asyncio.run(farm_calls.clients(scale=self.scale))
        self._show("CPU of a call in one process, both sides (µs)", near)
        self._show("CPU of a call over HTTP for the client (µs)", far)
        self.bars.append(
            Bar("our client's CPU as a share of the SDK's", far["our client"] / far["the SDK's client"], 0.1)
        )

    def crowds(self) -> None:
        """Measure many live episodes."""
        counts = [1, 1000, 10_000] if self.scale >= 1 else [1, 1000, 2000]
        crowds = [farm_episodes.crowd(count, calls=int(6000 * self.scale)) for count in counts]
        self.console.print(farm_episodes.table_of_crowds(crowds))
        prepared = farm_episodes.statements_prepared()
        self.console.print(f"Each was used with {prepared} distinct statements.")
        most = crowds[-1]
        self.bars += [
            Bar("distinct statements on each live episode", prepared, 35, at_least=True),
            Bar(f"KiB beyond data of {most.episodes:,} live episodes, each", most.kib_each - most.data_kib, 64),
            Bar(f"files open with {most.episodes:,} live episodes", most.files, 1024),
        ]

    def resets(self) -> None:
        """Measure resets and forks."""
        found = farm_episodes.reset_and_fork()
        self._show("CPU at 2,000 rows (µs)", found)
        self.bars += [Bar(f"{what} (µs)", figure, 400) for what, figure in found.items()]

    def stepping(self) -> None:
        """Let 1,024 episodes step at once."""
        wrong = farm_episodes.stepping(episodes=1024, calls=32 if self.scale >= 1 else 4)
        self.bars.append(Bar("wrong answers of 1,024 episodes that step at once", wrong, 0))

    def pace(self) -> None:
        """Measure waiting at half the capacity."""
        loads = farm_episodes.at_half_the_capacity(calls=int(3000 * self.scale))
        p50, p99 = (statistics.median(load.percentile(share) for load in loads) for share in (0.5, 0.99))
        self._show("Open loop at half the capacity (ms, medians of nine loads)", {"p50": p50, "p99": p99})
        ratio = statistics.median(load.percentile(0.99) / load.percentile(0.5) for load in loads)
        self.bars.append(Bar("open loop at half the capacity: p99 as a multiple of p50", ratio, 8))

    def workers(self) -> None:
        """Compare two workers with one."""
        found = farm_episodes.workers(calls=int(20_000 * self.scale))
        self._show("Workers: CPU of a call (µs), and a share", found)
        share = found["share of the first"]
        self.bars += [
            Bar(
                "two workers: CPU of a call as a multiple of one worker's",
                found["two workers"] / found["one worker"],
                1.15,
            ),
            Bar("two workers: how far the first one's share is from half", abs(share - 0.5), 0.05),
        ]

    def endurance(self) -> None:
        """Measure how memory grows over many short episodes."""
        episodes = 20_000 if self.scale >= 10 else int(4000 * self.scale)
        slope = farm_episodes.endurance(episodes=episodes, calls_each=25)
        self.bars.append(Bar(f"MiB more in 100,000 calls, over {episodes * 25:,} calls", slope, 1))

    def catalogue(self) -> None:
        """Measure a farm of a hundred environments."""
        found = farm_episodes.many_environments(100)
        self._show("A hundred environments (s of CPU)", asdict(found))
        self.bars += [
            Bar("a hundred environments: ready (s)", found.ready, 3),
            Bar("a hundred environments: first call to a cold one (s)", found.cold_call, 1),
        ]

    def _show(self, title: str, figures: Mapping[str, float]) -> None:
        table = Table(title=title, title_justify="left", show_header=False)
        for name, figure in figures.items():
            table.add_row(name, f"{figure:.3g}" if figure < 10 else f"{figure:.0f}")
        self.console.print(table)


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "calls": Bench.calls,
    "stdio": Bench.stdio,
    "clients": Bench.clients,
    "crowds": Bench.crowds,
    "resets": Bench.resets,
    "stepping": Bench.stepping,
    "pace": Bench.pace,
    "workers": Bench.workers,
    "endurance": Bench.endurance,
    "catalogue": Bench.catalogue,
}


def main(argv: list[str] | None = None) -> int:
    """Measure, show and write; 1 if something that we promise doesn't hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.farm", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls")
    parser.add_argument("--long", action="store_true", help="500,000 calls for the growth of memory")
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=list(PARTS), help="only these")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results go")
    options = parser.parse_args(argv)
    scale = 0.1 if options.quick else 10.0 if options.long else 1.0
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "farm.txt").open("w", encoding="utf-8") as file:
        screen, paper = Console(width=150), Console(file=file, width=150)
        bench = Bench(screen, scale, 1 if options.quick else 3, [])
        for part in options.parts:
            screen.print(f"... {part}")
            with screen.capture() as shown:
                PARTS[part](bench)
            screen.print(shown.get(), markup=False, highlight=False)
            paper.print(shown.get(), markup=False, highlight=False)
        for console in (screen, paper):
            console.print(_bars(bench.bars))
    (options.out / "farm.json").write_text(
        json.dumps([asdict(bar) | {"holds": bar.holds} for bar in bench.bars], indent=1)
    )
    if bench.costs is not None:
        from bench.plot import plot_costs

        plot_costs(bench.costs, options.out / "farm.png")
    return 0 if all(bar.holds for bar in bench.bars) else 1


def _bars(bars: list[Bar]) -> Table:
    table = Table(title="What we promise", title_justify="left")
    for column in ("what", "figure", "bar", "holds"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for bar in bars:
        sign = "≥" if bar.at_least else "≤"
        table.add_row(bar.what, f"{bar.figure:.2f}", f"{sign} {bar.limit:g}", "yes" if bar.holds else "NO")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
