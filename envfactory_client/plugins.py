"""Plugins: commands that other packages of this distribution add to the command line, found by entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer

from envfactory_client.errors import MissingExtra


def plugins() -> dict[str, EntryPoint]:
    """The commands that installed packages offer, by name."""
    return {plugin.name: plugin for plugin in entry_points(group="envfactory.commands")}


def plugin_command(name: str, plugin: EntryPoint) -> Any:
    """A package's command: a typer app, or a function whose parameters are its options."""
    taking: dict[str, Any] = {}
    try:
        offered = plugin.load()
    except ModuleNotFoundError:
        offered, taking = _absent(name), {"allow_extra_args": True, "ignore_unknown_options": True}
    if isinstance(offered, typer.Typer):
        return typer.main.get_command(offered)
    single = typer.Typer(add_completion=False, rich_markup_mode="rich")
    single.command(name, context_settings=taking)(offered)
    return typer.main.get_command(single)


def _absent(name: str) -> Any:
    extra = "farm" if name in {"bundle", "eject", "run", "serve"} else "synthesis"

    def absent() -> None:
        raise MissingExtra(f"`envfactory {name}`", extra)

    absent.__doc__ = f"(needs the extra '{extra}')"
    return absent
