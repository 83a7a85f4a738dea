"""Worlds: how many stay open depends on where the farm is."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import pytest
import uvicorn

from envfactory_client import Farm, UnknownEpisode
from servers.runtime.farm import create_app
from synthesis.worlds import MOST_ELSEWHERE, Worlds
from tests.fixtures.library.server import env as library
from tests.synthesis.conftest import library_farm

TOKEN = "t"


@pytest.fixture
def farm_url() -> Iterator[str]:
    """A farm of the library that listens on a free port."""
    app = create_app({"library": lambda: library}, token=TOKEN, sandbox=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


def entered(opened: AbstractAsyncContextManager[Farm], seeds: list[int]) -> list[str]:
    """Give the episodes that are entered for seeds, one after another, each undone at once."""

    async def run() -> list[str]:
        worlds, found = Worlds(), []
        async with opened as farm:
            for seed in seeds:
                episode, held = await worlds.enter(farm, ("library",), seed, "small")
                await episode.undo(held)
                found.append(episode.id)
        return found

    return asyncio.run(run())


def test_many_worlds_of_a_farm_elsewhere_stay_open(farm_url: str) -> None:
    seeds = list(range(MOST_ELSEWHERE))
    first = entered(Farm(farm_url, token=TOKEN), [*seeds, *seeds])
    assert len(set(first)) == MOST_ELSEWHERE
    assert first[:MOST_ELSEWHERE] == first[MOST_ELSEWHERE:]


def test_the_world_that_was_entered_longest_ago_is_closed_for_one_too_many(farm_url: str) -> None:
    seeds = list(range(MOST_ELSEWHERE))
    found = entered(Farm(farm_url, token=TOKEN), [*seeds, 0, MOST_ELSEWHERE, 0, 1])
    assert found[-2] == found[0]
    assert found[-1] != found[1]


def test_one_world_of_a_farm_in_this_process_stays_open() -> None:
    found = entered(library_farm(), [1, 1, 2, 1])
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_a_world_that_its_farm_has_closed_is_opened_anew() -> None:
    async def run() -> None:
        worlds = Worlds()
        async with library_farm() as farm:
            episode, _ = await worlds.enter(farm, ("library",), 1, "small")
            await farm.control("close", episode=episode.id)
            again, held = await worlds.enter(farm, ("library",), 1, "small")
            await again.undo(held)
            assert again.id != episode.id
            with pytest.raises(UnknownEpisode):
                await episode.hold()

    asyncio.run(run())
