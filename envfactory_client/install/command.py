"""The command `envfactory install`."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from envfactory_client.errors import ConfigError, MissingExtra, UnknownEnvironment, UsageError, did_you_mean
from envfactory_client.farm import Farm, Size
from envfactory_client.install import launch
from envfactory_client.install.clients import CLIENTS, Client, Machine, Scope, client
from envfactory_client.install.merge import merged, rendered
from envfactory_client.install.place import read, write

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EXAMPLES = (
    "Examples: [cyan]envfactory install airline --client claude-desktop --seed 7[/] · "
    "[cyan]envfactory install airline -c cursor -c vscode --project[/] · "
    "[cyan]envfactory install airline -c gemini --url http://127.0.0.1:8000[/] · "
    "[cyan]envfactory install airline -c codex --uvx --print[/]"
)


@dataclass(frozen=True)
class Installed:
    """What became of one client's file."""

    client: Client
    path: Path
    changed: bool
    backup: Path | None

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON."""
        backup = None if self.backup is None else str(self.backup)
        return {"client": self.client.key, "path": str(self.path), "changed": self.changed, "backup": backup}


def add_to(app: typer.Typer) -> None:
    """Give a command line the command."""
    app.command(name="install", epilog=_EXAMPLES)(install)


def install(  # noqa: PLR0913, PLR0917 - a command's options
    environment: Annotated[str, typer.Argument(help="The environment's name, such as airline.")],
    clients: Annotated[
        list[str], typer.Option("--client", "-c", help=f"The client (repeat for more): {', '.join(CLIENTS)}.")
    ],
    url: Annotated[
        str | None,
        typer.Option(help="Let the client call a farm at this address, or any address that ends in /mcp."),
    ] = None,
    header: Annotated[list[str] | None, typer.Option(help="With --url: a header to send, as 'Name: value'.")] = None,
    uvx: Annotated[bool, typer.Option("--uvx", help="Start the released package by uvx, not by this Python.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the world (0 unless given).")] = None,
    size: Annotated[Size | None, typer.Option(help="Size of the world (small unless given).")] = None,
    db: Annotated[Path | None, typer.Option(help="Keep the state in this file from one start to the next.")] = None,
    actor: Annotated[str | None, typer.Option(help="Whose tools to offer: agent, user or both (unless given).")] = None,
    name: Annotated[
        str | None, typer.Option(help="What the client calls it; the environment's name if absent.")
    ] = None,
    project: Annotated[
        bool, typer.Option("--project/--user", help="For the project in this folder, or for you everywhere.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="The client's file, where it isn't in its usual place.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another server of the same name.")] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Print the configuration; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")] = False,
) -> None:
    """Put an environment into the configuration of MCP clients, beside all that stands there.

    Comments and layout stay as they are, the file is replaced whole or not at all, and what it held before is kept
    beside it as FILE.bak. A file that can't be understood is left alone.
    """
    chosen = [client(key) for key in clients]
    if file is not None and len(chosen) > 1:
        raise UsageError("--file is the file of one client; name one --client with it.")
    world = launch.World(seed, size, db, actor)
    server = _launch(environment, world, url, header or [], uvx=uvx)
    called = _checked(name or environment)
    if only_print:
        for one in chosen:
            typer.echo(rendered(one, called, one.entry(server)), nl=False)
        return
    scope: Scope = "project" if project else "user"
    places = [file or one.place(scope, Machine.here(), Path.cwd()) for one in chosen]
    entries = [one.entry(server) for one in chosen]
    done = []
    for one, place, entry in zip(chosen, places, entries, strict=True):
        done.append(_put(one, place, called, entry, replace=replace))
        if not as_json:
            _tell(done[-1], called)
    if as_json:
        typer.echo(json.dumps([one.to_json() for one in done], ensure_ascii=False))


def _launch(environment: str, world: launch.World, url: str | None, headers: list[str], *, uvx: bool) -> launch.Launch:
    if url is None and headers:
        raise UsageError("Headers are sent to an address; give it by --url, or leave --header out.")
    if url is not None and (uvx or world.to_args()):
        raise UsageError("A server at --url runs already; leave --uvx, --seed, --size, --db and --actor out.")
    if url is not None:
        return launch.at(url, environment, headers)
    if uvx:
        return launch.by_uvx(environment, world)
    try:
        asyncio.run(_check_environment(environment))
    except MissingExtra as error:
        raise MissingExtra("A server that this Python starts (without --uvx or --url)", error.extra) from error
    return launch.by_this_python(environment, world)


async def _check_environment(name: str) -> None:
    async with Farm.embedded() as farm:
        known = [card.name for card in await farm.environments()]
    if name not in known:
        raise UnknownEnvironment(
            f"There is no environment '{name}'{did_you_mean(name, known)}", code="unknown_environment"
        )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' can't be a server's name; use letters, digits, - and _, at most 64.")
    return name


def _put(one: Client, path: Path, name: str, entry: dict[str, Any], *, replace: bool) -> Installed:
    before = read(path)
    try:
        found = merged(before, one, name, entry)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}; nothing was changed.") from error
    if found.replaced is not None and not replace:
        raise ConfigError(
            f"{path} has another server '{name}'; give ours another name by --name, or replace it by --replace."
        )
    backup = write(path, before, found.text) if found.changed else None
    return Installed(one, path, found.changed, backup)


def _tell(done: Installed, name: str) -> None:
    what = f"{done.client.title} knows '{name}' now" if done.changed else f"{done.client.title} knows '{name}' already"
    kept = f" (before: {done.backup})" if done.backup else ""
    Console(width=None, soft_wrap=True).print(f"[green]✓[/] {escape(f'{what}: {done.path}{kept}')}", highlight=False)
