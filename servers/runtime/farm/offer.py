"""An offer: the tools that one URL has, by name, as the hot path finds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import fastmcp
from pydantic_core import to_json

from servers.runtime.contract import Actor
from servers.runtime.environment import ACTORS, Environment
from servers.runtime.farm.naming import qualified_names
from servers.runtime.farm.reach import Reached
from servers.runtime.tool import Definition

COMBINED = "episode"
"""What the server of a whole episode is called."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool, and the environment that it belongs to."""

    environment: Environment
    definition: Definition


@dataclass(frozen=True)
class Offer:
    """Tools by the names under which they are called, and the server that they are called on."""

    server: str
    version: str
    tools: Mapping[str, Offered]

    @cached_property
    def stamp(self) -> bytes:
        """The member of a result's `_meta` that says which server answered."""
        return b'"io.modelcontextprotocol/serverInfo":' + to_json({"name": self.server, "version": self.version})


class Offers:
    """Offers by what a URL leads to, each made when first asked for."""

    def __init__(self) -> None:
        self._environments: dict[tuple[str, Actor | None], Offer] = {}
        self._episodes: dict[tuple[tuple[str, ...], Actor], Offer] = {}

    def of(self, reached: Reached) -> Offer:
        """Give the tools at a URL."""
        if reached.environment is not None:
            place = (reached.environment.name, reached.actor)
            if (known := self._environments.get(place)) is None:
                actors = ACTORS if reached.actor is None else frozenset({reached.actor})
                known = self._environments[place] = offer_of_environment(reached.environment, actors)
            return known
        assert reached.actor is not None
        names = (tuple(reached.episode.environments), reached.actor)
        if (offer := self._episodes.get(names)) is None:
            environments = list(reached.episode.environments.values())
            offer = self._episodes[names] = offer_of_episode(environments, reached.actor)
        return offer


def offer_of_environment(environment: Environment, actors: frozenset[Actor] = ACTORS) -> Offer:
    """Give the tools that these actors have in one environment."""
    tools = {definition.name: Offered(environment, definition) for definition in _of_actors(environment, actors)}
    return Offer(environment.name, environment.manifest.version, tools)


def offer_of_episode(environments: Sequence[Environment], actor: Actor) -> Offer:
    """Give the tools that an actor has over all of these environments, named `{environment}_{tool}`."""
    tools = {
        (environment.name, definition.name): Offered(environment, definition)
        for environment in environments
        for definition in _of_actors(environment, frozenset({actor}))
    }
    return Offer(COMBINED, fastmcp.__version__, {name: tools[pair] for name, pair in qualified_names(tools).items()})


def _of_actors(environment: Environment, actors: frozenset[Actor]) -> Iterable[Definition]:
    return (definition for definition in environment.tools.values() if definition.contract.actor in actors)
