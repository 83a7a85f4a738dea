"""The surfaces of one event loop: for each environment and set of actors, for whole episodes, for the control plane."""

from __future__ import annotations

from collections.abc import Mapping

from servers.runtime.contract import Actor
from servers.runtime.environment import ACTORS, Environment
from servers.runtime.episode import Episode
from servers.runtime.farm.combined import Shelf, active_schema, build_combined_server, build_shelf
from servers.runtime.farm.control import Function
from servers.runtime.farm.surface import Surface, schemas_of
from servers.runtime.farm.tools import build_control_server

SANDBOX_NOTE = (
    "This is a sandbox: everybody who connects to it shares one state, which begins anew after an hour without calls."
)


class Surfaces:
    """Surfaces by what they serve, each built when first asked for."""

    def __init__(self, table: Mapping[str, Function]) -> None:
        self._table = table
        self._environments: dict[tuple[str, frozenset[Actor]], Surface] = {}
        self._shelves: dict[tuple[tuple[str, ...], Actor], Shelf] = {}
        self._combined: Surface | None = None
        self._control: Surface | None = None

    def of_actor(self, environment: Environment, actor: Actor) -> Surface:
        """Give the surface with an actor's tools of an environment."""
        return self._of_environment(environment, frozenset({actor}), "")

    def of_sandbox(self, environment: Environment) -> Surface:
        """Give the surface with all tools of an environment, which says that its state is shared."""
        return self._of_environment(environment, ACTORS, SANDBOX_NOTE)

    def combined(self) -> Surface:
        """Give the surface that serves the active shelf."""
        if self._combined is None:
            self._combined = Surface(build_combined_server(), active_schema)
        return self._combined

    def control(self) -> Surface:
        """Give the surface of the control plane's functions."""
        if self._control is None:
            schemas = {name: function.schema for name, function in self._table.items()}
            self._control = Surface(build_control_server(self._table), schemas.get)
        return self._control

    async def shelf(self, episode: Episode, actor: Actor) -> Shelf:
        """Give what an actor finds on the combined surface in an episode."""
        place = (tuple(episode.environments), actor)
        if place not in self._shelves:
            self._shelves[place] = await build_shelf(list(episode.environments.values()), actor)
        return self._shelves[place]

    async def close(self) -> None:
        """End the lifespans of all surfaces."""
        for surface in (*self._environments.values(), self._combined, self._control):
            if surface is not None:
                await surface.close()

    def _of_environment(self, environment: Environment, actors: frozenset[Actor], note: str) -> Surface:
        place = (environment.name, actors)
        if place not in self._environments:
            server = environment.build_server(actors, note=note)
            self._environments[place] = Surface(server, schemas_of(environment))
        return self._environments[place]
