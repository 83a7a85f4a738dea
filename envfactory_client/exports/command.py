"""The command `envfactory export`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from envfactory_client.errors import DatasetError
from envfactory_client.exports.export import Exported, FormatName, export

_EXAMPLES = (
    "Examples: [cyan]envfactory export out/airline-100/trajectories.jsonl --format openai --out out/openai.jsonl[/] · "
    "[cyan]envfactory export out/airline-100/trajectories.jsonl --format parquet --out out/airline-hf[/]"
)


def add_to(app: typer.Typer) -> None:
    """Give a command line the command."""
    app.command(name="export", epilog=_EXAMPLES)(export_trajectories)


def export_trajectories(  # noqa: PLR0913, PLR0917 - a command's options
    path: Annotated[Path, typer.Argument(help="A file of trajectories, one a line.", metavar="DATA")],
    form: Annotated[FormatName, typer.Option("--format", "-f", help="What to write.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; for parquet, the folder.")],
    system: Annotated[
        Path | None,
        typer.Option(help="A text file for the system message; {now} and {environments} in it are filled in."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there, whatever it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")] = False,
) -> None:
    """Write trajectories in the format of a trainer or a chat API."""
    text = None if system is None else _text(system)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("exporting", total=_lines(path))
        done = export(path, form, out, force=force, system=text, watch=lambda _: progress.advance(task))
    if as_json:
        typer.echo(json.dumps(done.to_json(), ensure_ascii=False))
    else:
        width = None if sys.stdout.isatty() else 160
        Console(width=width).print(_summary(done), highlight=False, soft_wrap=True)


def _summary(done: Exported) -> str:
    sums = done.figures.totals()
    calls = f"{sums['calls']:,} calls ({sums['refusals']:,} refused)"
    said = [f"{sums['trajectories']:,} trajectories with {sums['turns']:,} turns and {calls}, as {done.form}."]
    if sums["user_calls"]:
        said.append(f"{sums['user_calls']:,} calls of the user's own tools are left out: they aren't the agent's.")
    said += [f"[green]✓[/] {escape(str(path))}  {_size(path)}" for path in done.files]
    return "\n".join(said)


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _lines(path: Path) -> int | None:
    """How many lines a file has, for the progress bar; None when it can't be read, which the export will tell."""
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} can't be read as text ({error}); --system takes a text file.") from error
