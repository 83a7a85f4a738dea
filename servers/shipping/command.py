"""The commands `envfactory eject` and `envfactory bundle`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from servers.runtime.discovery import discover, pick
from servers.runtime.errors import InvalidRequest, ServerError
from servers.shipping.bundle import bundle as bundled
from servers.shipping.contents import ENTRY, contents
from servers.shipping.eject import write_folder

Name = Annotated[str, typer.Argument(help="The environment's name, such as airline.", metavar="ENVIRONMENT")]


def eject(
    environment: Name, folder: Annotated[Path, typer.Argument(help="A new folder to write it into.", metavar="DIR")]
) -> None:
    """Write an environment as a folder that runs by itself, with the runtime and its tests in it.

    Example: envfactory eject airline my-airline && cd my-airline && uv run main.py --help
    """
    try:
        write_folder(contents(pick(discover(), environment), tests=True), folder)
    except ServerError as error:
        raise _failed(error) from error
    typer.echo(f"{folder} holds '{environment}' and all of ours that it needs; its README.md says how to run it:")
    typer.echo(f"  cd {folder} && uv run {ENTRY} --help")


def bundle(
    environment: Name,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; ENVIRONMENT-VERSION.mcpb unless given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write an environment as an .mcpb file, which Claude Desktop and others install by a double click.

    The file is the same wherever it is made, so the digest that is printed can stand in a registry's entry.
    Example: envfactory bundle airline
    """
    try:
        chosen = pick(discover(), environment)
        path = out or Path(f"{environment}-{chosen.manifest.version}.mcpb")
        content = bundled(chosen)
        _write(path, content, force=force)
    except ServerError as error:
        raise _failed(error) from error
    typer.echo(f"{path}  {len(content) / 1e3:.0f} kB  sha256 {hashlib.sha256(content).hexdigest()}")


def _write(path: Path, content: bytes, *, force: bool) -> None:
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise InvalidRequest(f"{path} is there already; choose another name by --out, or --force it.") from error
    except OSError as error:
        raise InvalidRequest(f"{path} can't be written: {error.strerror}; choose another place.") from error


def _failed(error: ServerError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)
