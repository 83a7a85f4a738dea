"""A stage: a server that waits for a client to play the story, over HTTP or over stdio, and how its end is seen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.clients.story import ENVIRONMENT, SEED, Story, kept_rows
from tests.servers.runtime.conftest import RunningFarm

ROOT = Path(__file__).resolve().parents[2]
Way = Literal["http", "stdio"]
WAYS: tuple[Way, ...] = ("http", "stdio")


@dataclass
class Stage:
    """Which way a client takes, what it has to know for it, and what sees that the end is that of the story."""

    way: Way
    reach: dict[str, Any]
    ended: Callable[[], None]


def on_a_farm(farm: RunningFarm, story: Story) -> Stage:
    """Give an episode of a farm, which must end as the story does."""
    opened = farm.ask("open", environments=[ENVIRONMENT], seed=SEED)
    assert farm.ask("state", episode=opened["episode"])["digest"] == story.before

    def ended() -> None:
        assert farm.ask("state", episode=opened["episode"])["digest"] == story.after

    return Stage("http", {"url": f"{farm.url}/episodes/{opened['agent']}/{ENVIRONMENT}/mcp"}, ended)


def alone(story: Story, folder: Path) -> Stage:
    """Give a server that a client starts, perhaps anew for each call, and whose state outlives it in a file.

    It is started through a script, because clients don't hand on the surroundings in which our sources are found.
    """
    file, script = folder / "state.db", folder / "serve.py"
    script.write_text(
        f"import runpy, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"sys.argv[1:] = ['--seed', '{SEED}', '--db', {str(file)!r}]\n"
        f"runpy.run_module('servers.{ENVIRONMENT}', run_name='__main__', alter_sys=True)\n",
        encoding="utf-8",
    )

    def ended() -> None:
        assert kept_rows(file) == story.rows

    return Stage("stdio", {"command": sys.executable, "args": [str(script)]}, ended)
