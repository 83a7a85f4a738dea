"""The story, the farm that it plays on, and the stages that every client is put on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.runtime.farm import create_app
from tests.clients.stage import WAYS, Stage, alone, on_a_farm
from tests.clients.story import Story, tell
from tests.servers.runtime.conftest import TOKEN, RunningFarm, serve


@pytest.fixture(scope="module")
def story() -> Story:
    return tell()


@pytest.fixture(scope="module")
def farm() -> Iterator[RunningFarm]:
    yield from serve(create_app(token=TOKEN))


@pytest.fixture(params=WAYS)
def stage(request: pytest.FixtureRequest, farm: RunningFarm, story: Story, tmp_path: Path) -> Stage:
    return on_a_farm(farm, story) if request.param == "http" else alone(story, tmp_path)
