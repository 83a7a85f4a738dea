"""A farm over the library fixture in this process, and what a run in it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from envfactory_client import Farm, Trajectory
from servers.runtime.farm import create_app
from synthesis.campaign import Campaign
from synthesis.catalogue import Catalogue
from synthesis.coverage import card
from synthesis.engine import Engine
from synthesis.folder import RunFolder, Settings
from synthesis.stage import Stage
from tests.fixtures.library.server import env as library

SETTINGS = Settings(seed=5, environments=("library",), size="small", worlds=4)


@asynccontextmanager
async def library_farm() -> AsyncIterator[Farm]:
    """Give a farm whose only environment is the library."""
    app = create_app({"library": lambda: library}, token="t", sandbox=False, allowed_hosts=["farm.local"])
    async with Farm(app, token="t") as farm:
        yield farm


@dataclass(frozen=True)
class Run:
    """What a run left."""

    folder: Path
    trajectories: Sequence[Trajectory]

    @property
    def bytes(self) -> dict[str, bytes]:
        """Give every file of the folder."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def run_library(folder: Path, count: int, settings: Settings = SETTINGS, *, resume: bool = False) -> Run:
    """Run the engine over the library to its end."""

    async def run() -> Run:
        async with library_farm() as farm:
            campaign = Campaign(farm, settings, RunFolder(folder), count)
            if resume:
                campaign.trajectories, campaign.jobs = campaign.folder.resume(settings)
            else:
                campaign.folder.begin(settings)
            async for _ in campaign.run():
                pass
            report = card(campaign.tally(), campaign.scope, campaign.drops())
            campaign.folder.finish(report, campaign.screening())
            return Run(folder, tuple(campaign.trajectories))

    return asyncio.run(run())


_Found = TypeVar("_Found")


def on_stage(
    environment: str, use: Callable[[Stage], Awaitable[_Found]], *, seed: int = 3, beside: tuple[str, ...] = ()
) -> _Found:
    """Give what comes of using a stage in one environment of the embedded farm, at a world's start.

    Other environments may stand beside it.
    """

    async def run() -> _Found:
        async with Farm.embedded() as farm:
            engine, names = Engine(farm), (environment, *beside)
            catalogues = {name: await engine.survey(name) for name in names}
            async with await farm.open(*names, seed=seed) as episode:
                card = {name: value for name, value in episode.persona.items() if isinstance(value, str | int)}
                stage = Stage(episode, catalogues, environment, Random(1), card)
                await stage.begin()
                return await use(stage)

    return asyncio.run(run())


@pytest.fixture(scope="session")
def library_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of sixteen trajectories over the library."""
    return run_library(tmp_path_factory.mktemp("runs") / "library", 16)


@pytest.fixture(scope="session")
def library_catalogue() -> Catalogue:
    """The library as synthesis knows it."""

    async def survey() -> Catalogue:
        async with library_farm() as farm:
            return await Engine(farm).survey("library")

    return asyncio.run(survey())


Mend = Callable[[str, str], Catalogue]


@pytest.fixture
def with_phrases(library_catalogue: Catalogue) -> Mend:
    """Give the library's catalogue with one piece of its phrases replaced."""
    from dataclasses import replace

    from synthesis.phrases import read_phrases

    text = library.text("phrases.toml") or ""

    def mended(old: str, new: str) -> Catalogue:
        assert old in text
        return replace(library_catalogue, phrases=read_phrases("library", text.replace(old, new)))

    return mended
