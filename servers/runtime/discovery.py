"""Which environments there are: the folders beside the runtime that have a manifest, each imported on first use."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from servers.runtime.environment import Environment
from servers.runtime.errors import DefinitionError, UnknownEnvironment

Loader = Callable[[], Environment]
SERVERS = Path(__file__).resolve().parent.parent


def discover() -> dict[str, Loader]:
    """Give a loader for each environment, by name."""
    names = sorted(path.parent.name for path in SERVERS.glob("*/manifest.toml"))
    return {name: _loader(name) for name in names}


def pick(loaders: Mapping[str, Loader], name: str) -> Environment:
    """Give the environment of that name, or raise `UnknownEnvironment` with the nearest one."""
    if name in loaders:
        return loaders[name]()
    near = difflib.get_close_matches(name, loaders, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(loaders) or 'none'}."
    raise UnknownEnvironment(f"There is no environment '{name}'; {hint}")


def _loader(name: str) -> Loader:
    @cache
    def load() -> Environment:
        environment = importlib.import_module(f"servers.{name}.server").env
        if not isinstance(environment, Environment) or environment.name != name:
            raise DefinitionError(f"servers/{name}/server.py must define env = Environment(__file__), named '{name}'.")
        return environment

    return load
