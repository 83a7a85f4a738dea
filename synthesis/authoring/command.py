"""The command `envfactory new`: begin an environment, or list what one still owes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from servers.runtime.discovery import SERVERS
from synthesis.authoring.errors import AuthoringError
from synthesis.authoring.owed import owed_in, shown
from synthesis.authoring.skeleton import begin, parts
from synthesis.authoring.words import Words


def new(  # noqa: PLR0913 - a command's options
    name: Annotated[
        str | None, typer.Argument(help="The environment's name: lower-case letters, digits and underscores.")
    ] = None,
    *,
    title: Annotated[str | None, typer.Option(help="What people call it; made from the name unless given.")] = None,
    domain: Annotated[str | None, typer.Option(help="What it is about in a word or two, such as travel.")] = None,
    entity: Annotated[str, typer.Option(help="What its customers keep in it, in the singular.")] = "item",
    plural: Annotated[str | None, typer.Option(help="The plural of --entity; by rule unless given.")] = None,
    into: Annotated[
        Path | None, typer.Option(help="Folder to write it into; servers/ of this checkout unless given.")
    ] = None,
    owed: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only list what this environment owes; exits with 1 if it does.")
    ] = None,
) -> None:
    """Begin an environment: a small one that works, and a list of what you owe it.

    Every place for your own knowledge of the domain is marked by a comment OWED; remove it when you have put it there.

    Examples: envfactory new tool_shed --entity tool --domain leisure · envfactory new --owed servers/tool_shed
    """
    if (name is None) == (owed is None):
        raise typer.BadParameter("give either a NAME, or --owed with a folder.", param_hint="NAME")
    if owed is not None:
        _list_owed(owed)
    elif name is not None:
        folder = begin(Words.of(name, entity, plural), title, domain).write(into or _checkout())
        _tell(folder)


def _checkout() -> Path:
    """Give the folder of environments of the checkout that this runs from."""
    if not (SERVERS.parent / "pyproject.toml").is_file():
        raise AuthoringError("This EnvFactory is installed and no checkout; say where to write with --into DIR.")
    return SERVERS


def _list_owed(folder: Path) -> None:
    found = owed_in(folder)
    for one in found:
        typer.echo(str(one))
    if found:
        raise typer.Exit(1)
    typer.echo(f"{shown(folder)} owes nothing.")


def _tell(folder: Path) -> None:
    typer.echo(f"{shown(folder)} is there: {len(parts())} files, an environment that works.\n\nWhat you owe it:")
    for one in owed_in(folder):
        typer.echo(f"  {one}")
    typer.echo("\nNext:")
    for step, why in _steps(folder):
        typer.echo(f"  {step:<52}  # {why}")


def _steps(folder: Path) -> list[tuple[str, str]]:
    place = shown(folder)
    steps = [
        (f"envfactory new --owed {place}", "what is still owed"),
        (f"envfactory verify {place}", "try to break what it promises"),
    ]
    if folder.resolve().parent != SERVERS:
        return [
            (f"python -m pytest {place}", "its tests"),
            *steps,
            (f"fastmcp run {place}/server.py", "serve it over stdio"),
        ]
    return [
        (f"python -m pytest {place} tests/rules -k {folder.name}", "its tests, and the rules for all"),
        *steps,
        ("python -m servers.registry", "list it in registry.json"),
    ]
