"""The catalogue: the environments that a farm can serve, each loaded when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from servers.runtime.discovery import Loader, pick
from servers.runtime.environment import Environment
from servers.runtime.errors import UnknownEnvironment
from servers.runtime.farm.fault import Fault


class Catalogue:
    """Environments by name; a broken one says so when it is asked for and doesn't touch the others."""

    def __init__(self, loaders: Mapping[str, Loader]) -> None:
        self._loaders = dict(sorted(loaders.items()))
        self._loaded: dict[str, Environment] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all environments, in order."""
        return tuple(self._loaders)

    def get(self, name: str) -> Environment:
        """Give an environment; raises `UnknownEnvironment`, or a 500 fault when its files don't load."""
        found = self._loaded.get(name)
        if found is not None:
            return found
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Environment:
        try:
            return pick(self._loaders, name)
        except UnknownEnvironment:
            raise
        except Exception as error:  # an environment's own code runs here: whatever it raises is its fault, not ours
            sentence = f"Environment '{name}' does not load: {type(error).__name__}: {error}"
            raise Fault(500, "environment_broken", sentence) from error
