"""Every rule test runs over every environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.runtime import Environment, Episode, discover

LOADERS = discover()


@pytest.fixture(params=sorted(LOADERS))
def env(request: pytest.FixtureRequest) -> Environment:
    """Each environment in turn."""
    return LOADERS[request.param]()


@pytest.fixture
def episode(env: Environment) -> Iterator[Episode]:
    """A fresh episode of the environment, which tool code runs on."""
    episode = Episode.open([env], seed=3)
    with episode.active():
        yield episode
    episode.close()
