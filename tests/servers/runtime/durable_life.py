"""A process that lives on durable episodes until it is killed, and says on a pipe what it does and what came of it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from servers.runtime import Environment, Episode
from servers.runtime.farm.archive import Archive
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.limits import QUOTA, Limits
from servers.runtime.farm.store import Store
from tests.fixtures.library.server import env as library

LOADERS = {"library": lambda: library}
LENDABLE = "SELECT book_id, member_id FROM shelf, members WHERE available > 0 AND fines_cents = 0 ORDER BY 1, 2 LIMIT 1"
Print = dict[str, Any]
"""What can be told from an episode's state: whatever differs between two moments differs here."""


def annex(folder: Path) -> Environment:
    """Give a second library, called annex."""
    place = folder / "annex"
    if not place.exists():
        shutil.copytree(library.folder, place, ignore=shutil.ignore_patterns("__pycache__"))
        manifest = place / "manifest.toml"
        manifest.write_text(manifest.read_text(encoding="utf-8").replace('"library"', '"annex"'), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("annex_server", place / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment: Environment = module.env
    return environment


def take_up(folder: Path, *, warm: int = 2) -> tuple[Store, list[Environment]]:
    """Give the store over what is in a folder, and its environments."""
    second = annex(folder)
    store = Store(Limits(warm=warm, quota=QUOTA), archive=Archive(folder / "durable", QUOTA))
    store.restore(Catalogue({"library": lambda: library, "annex": lambda: second}))
    return store, [library, second]


def fingerprint(episode: Episode) -> Print:
    """Give what can be told from an episode's state."""
    clocks = {db.execute("SELECT now FROM ef_clock").fetchone()[0] for db in episode.databases.values()}
    assert clocks == {episode.now}
    return {"digest": episode.state().digest, "now": episode.now, "calls": episode.calls()}


def live(folder: str, seed: int, pipe: Connection) -> None:
    """Work on the episodes of a folder until killed; each step is told before and after."""
    rng = Random(seed)
    store, environments = take_up(Path(folder))
    known = list(store)
    snapshots: dict[str, list[str]] = {episode.episode_id: [] for episode in known}
    for number in count():
        if len(known) < 3:
            _tell(pipe, ["begin", number, "open", None, None])
            opened = store.open(environments, seed=rng.randrange(3))
            known.append(opened)
            snapshots[opened.episode_id] = []
            _tell(pipe, ["end", number, opened.episode_id, fingerprint(opened)])
            continue
        episode = store.by_id(rng.choice(known).episode_id)
        kept = snapshots[episode.episode_id]
        deeds = ["lend", "lend", "lend", "read", "refused", "advance", "snapshot", "reset", "close"]
        deed = rng.choice([*deeds, *(["restore"] if kept else []), *(["fork"] if len(known) < 6 else [])])
        target = rng.choice(kept) if deed == "restore" else None
        _tell(pipe, ["begin", number, deed, episode.episode_id, target])
        changed = _do(store, episode, deed, target, rng)
        if deed == "snapshot":
            kept.append(str(changed))
        if deed == "fork":
            assert isinstance(changed, Episode)
            known.append(changed)
            snapshots[changed.episode_id] = []
            _tell(pipe, ["end", number, changed.episode_id, fingerprint(changed)])
        elif deed == "close":
            known.remove(episode)
            _tell(pipe, ["end", number, episode.episode_id, None])
        else:
            _tell(pipe, ["end", number, episode.episode_id, {**fingerprint(episode), "snapshot": changed}])


def _do(store: Store, episode: Episode, deed: str, target: str | None, rng: Random) -> object:
    environment = rng.choice(list(episode.environments.values()))
    match deed:
        case "lend":
            call(episode, environment, "borrow_book", *episode.query(environment.name, LENDABLE, {})[1][0])
        case "read":
            call(episode, environment, "get_book", episode.query(environment.name, LENDABLE, {})[1][0][0])
        case "refused":
            call(episode, environment, "get_book", "B0000")
        case "advance":
            episode.advance(rng.randrange(1, 100_000))
        case "snapshot":
            return episode.snapshot()
        case "restore":
            assert target is not None
            episode.restore(target)
        case "reset":
            episode.reset()
        case "fork":
            return store.fork(episode.episode_id)
        case "close":
            store.remove(episode.episode_id).close()
    return None


def call(episode: Episode, environment: Environment, tool: str, *values: str) -> None:
    """Call a tool, its arguments in order."""
    names = list(environment.tools[tool].contract.parameters)
    with episode.active():
        environment.call(environment.tools[tool], dict(zip(names, values, strict=False)))


def _tell(pipe: Connection, what: list[Any]) -> None:
    pipe.send_bytes(json.dumps(what).encode())
