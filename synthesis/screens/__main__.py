"""Screen a dataset again and tell what every variant got: `python -m synthesis.screens out/trajectories.jsonl`."""

from __future__ import annotations

import asyncio
import json
import time
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
from synthesis.screens.screen import examine
from synthesis.screens.screening import Screening

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@dataclass
class Timed:
    """A screening, and how long it took in milliseconds of processor time."""

    screening: Screening = field(default_factory=Screening)
    milliseconds: float = 0.0
    score_milliseconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values."""
        tasks = max(self.screening.tasks, 1)
        return {
            **self.screening.to_json(),
            "ms_per_screen": round(self.milliseconds / tasks, 2),
            "ms_per_score": round(self.score_milliseconds / tasks, 3),
        }


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
    if found.screening.passed < found.screening.tasks:
        raise typer.Exit(1)


async def _screen(dataset: Dataset) -> Timed:
    found = Timed()
    async with Farm.embedded() as farm:
        engine = Engine(farm)
        for line in dataset.read():
            await _screen_one(found, engine, (line.trajectory, dataset.scenarios))
    return found


async def _screen_one(found: Timed, engine: Engine, recorded: tuple[Trajectory, Path]) -> None:
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
    found.screening.add(screened)


def _show(found: Timed) -> None:
    plain = found.to_json()
    table = Table(
        title=f"{plain['passed']} of {plain['tasks']} tasks pass every test of their reward", title_justify="left"
    )
    for name in ("variant", "runs", "mean", "max"):
        table.add_column(name)
    for name, got in plain["rewards"].items():
        table.add_row(name, str(got["runs"]), f"{got['mean']:.3f}", f"{got['max']:.2f}")
    console = Console()
    console.print(table)
    console.print(f"{plain['ms_per_screen']} ms a screen, {plain['ms_per_score']} ms a score (processor time).")
    console.print(f"Other paths: {plain['paths']}; more than needless look-ups: {plain['differing']}.")
    console.print(f"Tasks by kind of path: {plain['kinds']}. Failed: {plain['failures'] or 'none'}.")


def main() -> None:
    """Run the command."""
    app(prog_name="python -m synthesis.screens")


if __name__ == "__main__":
    main()
