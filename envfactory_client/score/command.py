"""The command `envfactory score`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from envfactory_client.dataset import Dataset
from envfactory_client.errors import ScoreError
from envfactory_client.farm import Farm
from envfactory_client.score.logs import LoggedAttempt, read_log
from envfactory_client.score.perform import perform
from envfactory_client.score.reward import Reward, score
from envfactory_client.trajectory import Trajectory

_EXAMPLES = (
    "Examples: [cyan]envfactory score out/trajectories.jsonl agent.jsonl[/] · "
    "[cyan]envfactory score out/trajectories.jsonl monday.jsonl tuesday.jsonl --json[/]"
)


def add_to(app: typer.Typer) -> None:
    """Give a command line the command."""
    app.command(name="score", epilog=_EXAMPLES)(score_logs)


def score_logs(  # noqa: PLR0913, PLR0917 - a command's options
    tasks: Annotated[Path, typer.Argument(help="A file of trajectories, whose tasks were attempted.")],
    logs: Annotated[
        list[Path], typer.Argument(help="Files of what agents did, one JSON object a line.", metavar="LOG")
    ],
    claimed: Annotated[
        bool, typer.Option("--as-claimed", help="Believe results and changes in a log instead of making its calls.")
    ] = False,
    scenarios: Annotated[
        Path | None, typer.Option(help="Folder of starting rows; without it, 'scenarios' beside TASKS.")
    ] = None,
    farm: Annotated[
        str | None, typer.Option(envvar="ENVFACTORY_FARM", help="Address of a farm; without it, one in this process.")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="ENVFACTORY_TOKEN", help="The farm's token.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")] = False,
) -> None:
    """Judge what agents did at tasks: every call is made again in a fresh episode, and the end is what counts.

    A log has one line for each attempt: {"task": ID, "turns": [{"user": TEXT, "calls": [{"tool": "airline.get_booking",
    "arguments": {...}}], "assistant": TEXT}]}. Or one line for each event, with "task" and one of "user", "call" and
    "assistant". "attempt" names one of several attempts at a task.
    """
    dataset = Dataset(tasks)
    attempts = [attempt for path in logs for attempt in read_log(path)]
    known = {line.trajectory.id: line.trajectory for line in dataset.read()}
    for attempt in attempts:
        if attempt.task not in known:
            raise ScoreError(f"{tasks} has no task '{attempt.task}'; a log names tasks by the id of their trajectory.")
    work = [(known[attempt.task], attempt) for attempt in attempts]
    if claimed:
        rewards = [_as_claimed(task, attempt) for task, attempt in work]
    else:
        opened = Farm.embedded() if farm is None else Farm(farm, token=token)
        rewards = asyncio.run(_performed(work, opened, scenarios or dataset.scenarios, quiet=as_json))
    _show(attempts, rewards, as_json=as_json)


def _as_claimed(task: Trajectory, attempt: LoggedAttempt) -> Reward:
    if not attempt.complete:
        raise ScoreError(f"The attempt at {task.id} holds calls only; leave out --as-claimed to make them again.")
    return score(task, attempt.attempt)


async def _performed(
    work: Sequence[tuple[Trajectory, LoggedAttempt]], farm: Farm, scenarios: Path, *, quiet: bool
) -> list[Reward]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True, quiet=quiet)
    rewards: list[Reward] = []
    async with farm:
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("scoring", total=len(work))
            for task, attempt in work:
                rewards.append(score(task, await perform(task, attempt.attempt, farm, scenarios)))
                progress.advance(bar)
    return rewards


def _show(attempts: Sequence[LoggedAttempt], rewards: Sequence[Reward], *, as_json: bool) -> None:
    mean = sum(reward.reward for reward in rewards) / len(rewards) if rewards else None
    if as_json:
        lines = [
            {"attempt": attempt.name, **reward.model_dump(mode="json")}
            for attempt, reward in zip(attempts, rewards, strict=True)
        ]
        typer.echo(json.dumps({"attempts": lines, "mean": mean}, ensure_ascii=False))
        return
    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160)
    console.print(_table(attempts, rewards))
    if mean is not None:
        console.print(f"{len(rewards)} attempts, mean reward {mean:.3f}.", highlight=False)


def _table(attempts: Sequence[LoggedAttempt], rewards: Sequence[Reward]) -> Table:
    table = Table(box=None, pad_edge=False)
    columns: Mapping[str, Any] = {"task": "left", "attempt": "left", "reward": "right", "progress": "right"}
    for name, side in {**columns, "trace": "right", "what it lacks": "left"}.items():
        table.add_column(name, justify=side)
    for attempt, reward in zip(attempts, rewards, strict=True):
        lacks = "; ".join(one.reason for one in reward.components if one.value < 1.0)
        figures = (f"{reward.reward:.2f}", f"{reward.progress:.2f}", f"{reward.trace:.2f}")
        table.add_row(reward.task, attempt.name, *figures, escape(lacks) or "[green]nothing[/]")
    return table
