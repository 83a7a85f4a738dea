"""Screen a dataset again and tell what every variant got: `python -m synthesis.screens out/trajectories.jsonl`."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from envfactory_client import Attempt, Dataset, EnvFactoryError, Farm, Trajectory, score
from envfactory_client.replay import open_start
from synthesis.catalogue import Catalogue
from synthesis.engine import Engine
from synthesis.screens.screen import TRIVIAL, Screened, examine

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@dataclass
class Screening:
    """What came of screening the tasks of a dataset."""

    tasks: int = 0
    passed: int = 0
    milliseconds: float = 0.0
    score_milliseconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    paths: Counter[int] = field(default_factory=Counter)
    rewards: dict[str, list[float]] = field(default_factory=dict)
    """By variant, and for trivial agents also by outcome."""

    def add(self, screened: Screened) -> None:
        """Count one task."""
        self.tasks += 1
        self.passed += not screened.failures
        self.paths[screened.task.reward.paths] += 1
        self.failures.update({verdict.name for verdict in screened.failures})
        for verdict in screened.verdicts:
            for name in (verdict.name, *_by_outcome(screened.task, verdict.name)):
                self.rewards.setdefault(name, []).append(verdict.reward)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {
            "tasks": self.tasks,
            "passed": self.passed,
            "ms_per_screen": round(self.milliseconds / max(self.tasks, 1), 2),
            "ms_per_score": round(self.score_milliseconds / max(self.tasks, 1), 3),
            "failures": dict(sorted(self.failures.items())),
            "paths": {str(number): self.paths[number] for number in sorted(self.paths)},
            "rewards": {
                name: {"runs": len(got), "mean": round(sum(got) / len(got), 4), "max": round(max(got), 4)}
                for name, got in sorted(self.rewards.items())
            },
        }


def _by_outcome(task: Trajectory, name: str) -> Iterator[str]:
    if name in TRIVIAL:
        outcomes = {goal.outcome for turn in task.turns for goal in turn.goals}
        yield from (f"{name} / {outcome}" for outcome in sorted(outcomes))


@app.command()
def screen_again(
    path: Annotated[Path, typer.Argument(help="A file of trajectories, one a line.", metavar="DATA")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")] = False,
) -> None:
    """Put the rewards of a dataset's tasks to the test again, and tell what each variant gets."""
    console = Console(stderr=True)
    try:
        found = asyncio.run(_screen(Dataset(path)))
    except EnvFactoryError as error:
        console.print(f"[red]error:[/] {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        _show(found)
    if found.passed < found.tasks:
        raise typer.Exit(1)


async def _screen(dataset: Dataset) -> Screening:
    found = Screening()
    async with Farm.embedded() as farm:
        engine = Engine(farm)
        for line in dataset.read():
            await _screen_one(found, engine, (line.trajectory, dataset.scenarios))
    return found


async def _screen_one(found: Screening, engine: Engine, recorded: tuple[Trajectory, Path]) -> None:
    task, scenarios = recorded
    catalogues: dict[str, Catalogue] = {}
    for environment in task.environments:
        if environment.name not in engine.catalogues:
            await engine.survey(environment.name)
        catalogues[environment.name] = engine.catalogues[environment.name]
    async with await open_start(task, engine.farm, scenarios) as episode:
        began = time.process_time()
        screened = await examine(task, episode, catalogues)
        found.milliseconds += (time.process_time() - began) * 1000
    began = time.process_time()
    score(screened.task, Attempt.of(screened.task))
    found.score_milliseconds += (time.process_time() - began) * 1000
    found.add(screened)


def _show(found: Screening) -> None:
    plain = found.to_json()
    table = Table(title=f"{found.passed} of {found.tasks} tasks pass every test of their reward", title_justify="left")
    for name in ("variant", "runs", "mean", "max"):
        table.add_column(name)
    for name, got in plain["rewards"].items():
        table.add_row(name, str(got["runs"]), f"{got['mean']:.3f}", f"{got['max']:.2f}")
    console = Console()
    console.print(table)
    console.print(f"{plain['ms_per_screen']} ms a screen, {plain['ms_per_score']} ms a score (processor time).")
    console.print(f"Other paths: {plain['paths']}. Failed: {plain['failures'] or 'none'}.")


def main() -> None:
    """Run the command."""
    app(prog_name="python -m synthesis.screens")


if __name__ == "__main__":
    main()
