"""The command `envfactory observe`, and what other commands take from an observation."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from envfactory_client.errors import UnknownField, UsageError
from envfactory_client.foreign import ForeignServer
from envfactory_client.observing.observation import Observation
from envfactory_client.observing.observer import Pace, observe
from envfactory_client.observing.terminal import rendered
from envfactory_client.verify.foreign_subject import ForeignSubject

_PATIENCE = 10.0
"""Seconds that a call may take."""
_EXAMPLES = (
    "Examples: [cyan]envfactory observe https://example.com/mcp[/] · "
    "[cyan]envfactory observe --out memory.json -- npx -y @modelcontextprotocol/server-memory[/] · "
    "[cyan]envfactory graph --observed memory.json -- npx -y @modelcontextprotocol/server-memory[/]"
)


def add_to(app: typer.Typer) -> None:
    """Give a command line the command."""
    app.command(name="observe", epilog=_EXAMPLES)(observe_server)


def observe_server(  # noqa: PLR0913, PLR0917 - a command's options
    target: Annotated[
        list[str],
        typer.Argument(help="The URL of an MCP server, or after -- the command that starts one.", metavar="TARGET"),
    ],
    calls: Annotated[int, typer.Option(min=1, help="Most calls.")] = Pace.calls,
    seconds: Annotated[float, typer.Option(min=1, help="Longest time, in seconds.")] = Pace.seconds,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is drawn.")] = Pace.seed,
    given: Annotated[
        list[str] | None,
        typer.Option(help="A value that only a person knows, by parameter; may be repeated.", metavar="NAME=VALUE"),
    ] = None,
    writes: Annotated[
        bool, typer.Option("--allow-writes", help="Call tools that don't claim to only read as well.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Keep the observation in this file, for --observed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")] = False,
) -> None:
    """Find out how a server's outputs feed its inputs, by calling its tools and watching what they answer to."""
    pace = Pace(calls=calls, seconds=seconds, seed=seed, given=_given(given or []), today=datetime.now(UTC).date())
    with Console(stderr=True).status("observing"):
        found = asyncio.run(observation_of(target, pace, writes=writes))
    text = json.dumps(found.to_json(), ensure_ascii=False)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        sys.stdout.write(text + "\n")
    else:
        Console(width=None if Console().is_terminal else 160).print(rendered(found))


async def observation_of(target: Sequence[str], pace: Pace | None = None, *, writes: bool = False) -> Observation:
    """The observation of the server at a URL or behind a command; UsageError for the name of an environment."""
    where: str | list[str] = list(target)
    if len(target) == 1 and target[0].startswith(("http://", "https://")):
        where = target[0]
    elif shutil.which(target[0]) is None and "/" not in target[0]:
        raise UsageError(
            f"'{target[0]}' is neither a URL nor a command. Environments declare what observing finds out; "
            f"to observe one all the same, start it: envfactory observe -- python -m servers.{target[0]}"
        )
    async with ForeignServer(where, call_timeout=_PATIENCE) as server:
        subject = await ForeignSubject.of(server, shlex.join(target), writes=writes)
        return await observe(subject, pace or Pace(today=datetime.now(UTC).date()))


def kept(path: Path) -> Observation | dict[str, list[Any]]:
    """What a file keeps: an observation, or results by full tool name. Raises UnknownField if it is neither."""
    try:
        seen = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnknownField(f"{path} can't be read as JSON ({error}); it maps tools to lists of results.") from error
    if isinstance(seen, dict) and all(isinstance(results, list) for results in seen.values()):
        return seen
    try:
        return Observation.model_validate(seen)
    except ValidationError as error:
        raise UnknownField(
            f"{path} must hold what `envfactory observe --out` keeps, or one JSON object that maps tools to lists of "
            "results."
        ) from error


def _given(words: Sequence[str]) -> dict[str, list[Any]]:
    """Values by parameter: JSON where a word is JSON, otherwise the text itself."""
    given: dict[str, list[Any]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise UsageError(f"'{word}' gives no value; write --given name=value.")
        given.setdefault(name, []).append(_value(text))
    return given


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
