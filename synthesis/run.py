"""Generate trajectories: `python -m synthesis.run --environments airline --count 100 --seed 7 --out out/airline`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from envfactory_client import EnvFactoryError, Farm
from envfactory_client.farm import Size
from envfactory_client.garbage import looked_for_seldom
from synthesis.campaign import Campaign
from synthesis.coverage import card
from synthesis.errors import RunError
from synthesis.folder import RunFolder, Settings
from synthesis.workers import Place, Workers

COVERED = {
    "tools": "tools used",
    "links": "links used",
    "identities": "links of keys used",
    "refusals": "refusal codes met",
    "branches": "refusals met by tool",
}
"""What the summary tells of the coverage."""
console = Console(stderr=True)
app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    epilog="Examples: [b]python -m synthesis.run -e airline -n 20 --out out/try[/b] · "
    "[b]python -m synthesis.run -e airline -n 200 --out out/try --resume[/b]"
)
def generate(  # noqa: PLR0913, PLR0917 - the command's options
    out: Annotated[Path, typer.Option(help="Folder to write; it must be new or empty unless --resume is given.")],
    environments: Annotated[
        str, typer.Option("--environments", "-e", help="Names, comma separated, such as 'airline'.")
    ] = "airline",
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, help="How many trajectories the folder shall hold.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds and settings give equal bytes.")] = 0,
    size: Annotated[Size, typer.Option(help="How many rows each world has.")] = "small",
    worlds: Annotated[int, typer.Option(min=1, help="How many different worlds the run plays in.")] = 40,
    workers: Annotated[int, typer.Option(min=1, help="Processes; their number doesn't change the bytes.")] = 1,
    hidden: Annotated[int, typer.Option(min=30, max=80, help="Percent of arguments that the user never says.")] = 55,
    resume: Annotated[bool, typer.Option(help="Go on with the run in the folder, after a stop or for more.")] = False,
    farm: Annotated[str | None, typer.Option(help="URL of a running farm; left out, one runs in this process.")] = None,
    token: Annotated[str | None, typer.Option(envvar="ENVFACTORY_TOKEN", help="The farm's token.")] = None,
) -> None:
    """Generate multi-turn trajectories whose every call ran over MCP and which replay to the same state.

    Needs no model and no key. The folder gets trajectories.jsonl, the tools and starting rows that replays need,
    report.json, and screens.json with what the tests of the rewards got.
    """
    names = tuple(name.strip() for name in environments.split(",") if name.strip())
    settings = Settings(seed, names, size, worlds, hidden / 100)
    try:
        with looked_for_seldom():
            asyncio.run(_generate(settings, RunFolder(out), Order(count, resume, workers, Place(farm, token))))
    except EnvFactoryError as error:
        console.print(f"[red]{type(error).__name__}[/red]: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print(f"Stopped; everything finished is in {out}. Add --resume to go on.")
        raise typer.Exit(130) from None


@dataclass(frozen=True)
class Order:
    """What is wanted of one start of the command, beside the settings that decide the bytes."""

    count: int
    resume: bool
    workers: int
    place: Place


async def _generate(settings: Settings, folder: RunFolder, order: Order) -> None:
    async with AsyncExitStack() as stack:
        # first, so that they get ready while this process does
        workers = stack.enter_context(Workers(order.workers, order.place)) if order.workers > 1 else None
        farm = await stack.enter_async_context(order.place.farm())
        await _check_names(farm, settings)
        campaign = Campaign(farm, settings, folder, order.count, workers)
        if order.resume:
            campaign.trajectories, campaign.jobs = folder.resume(settings)
            console.print(f"Going on after {len(campaign.trajectories)} trajectories in {folder.path}.")
        else:
            folder.begin(settings)
        await _with_progress(campaign)
        report = card(campaign.tally(), campaign.scope, campaign.drops())
        path = folder.finish(report, campaign.screening())
        _summarize(report, folder, path)


async def _check_names(farm: Farm, settings: Settings) -> None:
    """Raise the farm's own clear error for an unknown name, before anything is written."""
    if not settings.environments:
        raise RunError("no environment is named; give some with --environments, such as 'airline'.")
    if len(set(settings.environments)) != len(settings.environments):
        raise RunError("each environment is to be named only once in --environments.")
    for name in settings.environments:
        await farm.source(name)


async def _with_progress(campaign: Campaign) -> None:
    columns = (
        TextColumn("trajectories"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("trajectories", total=campaign.wanted, completed=len(campaign.trajectories))
        async for event in campaign.run():
            progress.update(task, completed=event.kept)


def _summarize(report: Mapping[str, Any], folder: RunFolder, path: Path) -> None:
    table = Table(title=f"{report['kept']} trajectories, every one replayed to equal digests", title_justify="left")
    table.add_column("what")
    table.add_column("figures")
    for name, words in COVERED.items():
        found = report["coverage"][name]
        table.add_row(words, f"{found['covered']} of {found['of']}")
    table.add_row("across environments", f"{report['crossing']} of {report['kept']}")
    table.add_row("arguments hidden", f"{report['hidden']:.0%}")
    for name in ("outcomes", "turns", "calls", "arguments", "references", "grades", "difficulty"):
        table.add_row(name, "  ".join(f"{key}: {number}" for key, number in report[name].items()))
    never, kinds = len(report["goals_never_reached"]), len(report["goals"])
    table.add_row("kinds of goal reached", f"{kinds - never} of {kinds}")
    dropped = sorted(report["dropped"].items(), key=lambda pair: -pair[1])
    table.add_row("tries given up, by reason", "  ".join(f"{name}: {number}" for name, number in dropped[:8]) or "none")
    console.print(table)
    data = folder.dataset.path
    console.print(f"Trajectories: {data}\nReport: {path}\nRead one: envfactory show {data} --line 1", soft_wrap=True)


def main() -> None:
    """Run the command."""
    app(prog_name="python -m synthesis.run")


if __name__ == "__main__":
    main()
