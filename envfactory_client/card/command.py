"""The command `envfactory card`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from envfactory_client.card import terminal
from envfactory_client.card.contamination import compare
from envfactory_client.card.coverage import Reach
from envfactory_client.card.measure import Measure
from envfactory_client.card.page import page
from envfactory_client.card.proof import recorded_rates, replay_rate
from envfactory_client.card.report import Card
from envfactory_client.card.splits import splits, write_splits
from envfactory_client.card.toolset import declared_parameters
from envfactory_client.dataset import Dataset
from envfactory_client.errors import MissingExtra, UnknownEnvironment, UsageError
from envfactory_client.explore import explore
from envfactory_client.farm import Farm
from envfactory_client.tool import Tool

_LINES = "trajectories.jsonl"
_EXAMPLES = (
    "Examples: [cyan]envfactory card out/airline-100[/] · [cyan]envfactory card out/airline-100 --html out/card.html "
    "--splits out/splits[/] · [cyan]envfactory card out/airline-100 --against bfcl-eval[/]"
)


@dataclass(frozen=True)
class Wanted:
    """What is wanted beside the figures of the dataset itself."""

    farm: str | None
    token: str | None
    seed: int
    against: Sequence[str]
    embed: bool
    replay: bool
    quiet: bool


def add_to(app: typer.Typer) -> None:
    """Give a command line the command."""
    app.command(name="card", epilog=_EXAMPLES)(report_card)


def report_card(  # noqa: PLR0913, PLR0917 - a command's options
    dataset: Annotated[
        Path, typer.Argument(help="A folder of trajectories, or the file of lines in it.", metavar="DATASET")
    ],
    html: Annotated[Path | None, typer.Option(help="Write the card as a page to this file as well.")] = None,
    splits_to: Annotated[
        Path | None, typer.Option("--splits", help="Write splits by environments and by tasks to this folder as well.")
    ] = None,
    held_out: Annotated[float, typer.Option(help="About the share that a split holds out.")] = 0.2,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Compare names of tools and parameters with a benchmark: bfcl-eval, inspect-evals."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the messages that are drawn, and of the splits.")] = 0,
    embed: Annotated[
        bool, typer.Option("--embed", help="Compare the drawn messages by meaning too (needs the extra 'embed').")
    ] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Replay every trajectory, and count those that do.")] = False,
    farm: Annotated[
        str | None, typer.Option(envvar="ENVFACTORY_FARM", help="Farm that tells what there is to cover.")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="ENVFACTORY_TOKEN", help="The farm's token.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")] = False,
) -> None:
    """Tell what a dataset covers, hides, repeats and proves; docs/card.md says how each figure is defined."""
    lines = dataset / _LINES if dataset.is_dir() else dataset
    wanted = Wanted(farm, token, seed, against or (), embed, replay, as_json)
    measure = _measured(lines, wanted)
    card = asyncio.run(_card(measure, lines, wanted))
    if html is not None:
        text = page(card)
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(text, encoding="utf-8")
    out = Console(width=None if sys.stdout.isatty() else 160)
    if as_json:
        typer.echo(json.dumps(card.model_dump(mode="json"), ensure_ascii=False, indent=2))
    else:
        out.print(terminal.card(card), highlight=False)
    if splits_to is not None:
        parted = splits(measure.likeness, seed=seed, share=held_out)
        write_splits(parted, splits_to, dataset=card.dataset, seed=seed)
        if not as_json:
            out.print(terminal.split_up(parted, splits_to), highlight=False, soft_wrap=True)


def _measured(lines: Path, wanted: Wanted) -> Measure:
    measure, console = Measure(wanted.seed, wanted.embed), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    off = wanted.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off) as progress:
        task = progress.add_task("reading", total=None)
        for line in Dataset(lines).read():
            measure.add(line.trajectory)
            progress.advance(task)
    if not measure.tally.trajectories:
        raise UsageError(f"{lines} holds no trajectory yet, so there is nothing to report.")
    return measure


async def _card(measure: Measure, lines: Path, wanted: Wanted) -> Card:
    folder = lines.parent
    rates, tools = recorded_rates(folder), None
    if (opened := _farm(wanted)) is not None:
        async with opened as farm:
            tools = await _tools(sorted(measure.tally.versions), farm)
            if wanted.replay:
                dataset = Dataset(lines)
                rates["replayed"] = await replay_rate(
                    (line.trajectory for line in dataset.read()), farm, dataset.scenarios
                )
    elif wanted.replay:
        raise MissingExtra("Replaying without --farm", "farm")
    parameters = measure.parameters(folder) | declared_parameters(tools or ())
    return measure.card(
        _name(folder),
        parameters,
        reach=None if tools is None else Reach.of(tools),
        contamination=[compare(package, parameters) for package in wanted.against],
        said=rates,
    )


def _name(folder: Path) -> str:
    return folder.resolve().name


def _farm(wanted: Wanted) -> Farm | None:
    """The farm that was named, or one in this process; None when that can't be had."""
    if wanted.farm:
        return Farm(wanted.farm, token=wanted.token)
    try:
        return Farm.embedded()
    except MissingExtra:
        return None


async def _tools(environments: Sequence[str], farm: Farm) -> list[Tool] | None:
    """The tools of the environments as a farm lists them; None when it lacks one of them."""
    try:
        return [tool for name in environments for tool in (await explore(farm, name)).tools]
    except UnknownEnvironment:
        return None
