"""Durable episodes: what was answered is still there after a kill, and nothing is there by half."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from servers.runtime import Episode, InvalidRequest
from servers.runtime.farm.archive import Archive
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.limits import QUOTA
from servers.runtime.farm.store import Store
from tests.servers.runtime.durable_life import Print, call, fingerprint, live, take_up

KILLS = int(os.environ.get("ENVFACTORY_KILLS", "8"))
"""How often the process is killed; 100 make a thorough test."""


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[tuple[Store, Episode]]:
    store, environments = take_up(tmp_path)
    yield store, store.open(environments, seed=2)
    store.close()


def lend(episode: Episode) -> None:
    environment = episode.environments["library"]
    sql = "SELECT book_id, member_id FROM shelf, members WHERE available > 0 AND fines_cents = 0 LIMIT 1"
    call(episode, environment, "borrow_book", *episode.query("library", sql, {})[1][0])


def test_episodes_are_taken_up_where_they_were_left(tmp_path: Path) -> None:
    store, environments = take_up(tmp_path)
    episode = store.open(environments, seed=2)
    lend(episode)
    snapshot = episode.snapshot()
    at_snapshot = fingerprint(episode)
    episode.advance(86_400)
    lend(episode)
    fork = store.fork(episode.episode_id)
    lend(fork)
    left, left_fork, diff = fingerprint(episode), fingerprint(fork), episode.diff(snapshot)
    names = (episode.agent_handle, episode.user_handle)
    store.close()
    store, _ = take_up(tmp_path)
    again = store.by_id(episode.episode_id)
    assert again is not episode
    assert fingerprint(again) == left
    assert fingerprint(store.by_id(fork.episode_id)) == left_fork
    assert again.diff(snapshot) == diff
    assert [store.seat(name).actor for name in names] == ["agent", "user"]
    again.restore(snapshot)
    assert fingerprint(again) == at_snapshot
    assert again.snapshot() == "s2"
    again.reset()
    assert again.diff() == {}
    assert again.calls() == []
    store.close()


def test_a_closed_episode_is_gone_from_the_folder(durable: tuple[Store, Episode], tmp_path: Path) -> None:
    store, episode = durable
    assert len(list((tmp_path / "durable" / "episodes").iterdir())) == 1
    store.remove(episode.episode_id).close()
    assert list((tmp_path / "durable" / "episodes").iterdir()) == []


def test_starting_states_are_kept_while_an_episode_needs_them(tmp_path: Path) -> None:
    store, environments = take_up(tmp_path)
    starts = tmp_path / "durable" / "templates"
    kept, closed = store.open(environments, seed=2), store.open(environments, seed=3)
    assert len(list(starts.iterdir())) == 4
    store.remove(closed.episode_id).close()
    store.close()
    store, _ = take_up(tmp_path)
    assert len(list(starts.iterdir())) == 2
    again = store.by_id(kept.episode_id)
    again.reset()
    assert again.diff() == {}
    store.close()


def test_idle_episodes_hold_no_files_open(tmp_path: Path) -> None:
    def held() -> int:
        return sum(
            str(tmp_path) in str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()
        )

    store, environments = take_up(tmp_path, warm=2)
    episodes = [store.open(environments) for _ in range(12)]
    for episode in episodes:
        lend(store.by_id(episode.episode_id))
    assert held() <= 2 * 5 + 1  # of each: two databases and their journals, and the log; and the lock
    store.close()


def test_a_folder_belongs_to_one_farm(durable: tuple[Store, Episode], tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="belongs to another farm that runs; choose another folder"):
        Archive(tmp_path / "durable", QUOTA)


def test_a_call_that_was_logged_but_not_committed_is_taken_out_of_the_log(tmp_path: Path) -> None:
    store, environments = take_up(tmp_path)
    episode = store.open(environments)
    lend(episode)
    left = fingerprint(episode)
    store.close()
    [log] = (tmp_path / "durable" / "episodes").glob("*/g*/calls.jsonl")
    content = log.read_bytes()
    for rest in (content, content[: len(content) // 2]):
        log.write_bytes(content + rest)
        store, _ = take_up(tmp_path)
        assert fingerprint(store.by_id(episode.episode_id)) == left
        store.close()
        assert log.read_bytes() == content


def test_an_episode_whose_environment_is_gone_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, environments = take_up(tmp_path)
    store.open(environments)
    store.close()
    store = Store(archive=Archive(tmp_path / "durable", QUOTA))
    store.restore(Catalogue({}))
    assert len(store) == 0
    assert "can't be continued" in caplog.text
    store.close()
    assert len(list((tmp_path / "durable" / "episodes").iterdir())) == 1


def test_what_was_answered_outlives_kills(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.servers.runtime.durable_life"])
    rng = Random(5)
    expected: dict[str, Print] = {}
    snapshots: dict[str, dict[str, Print]] = {}
    steps = 0
    for round_number in range(KILLS):
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=live, args=(str(tmp_path), round_number, sending))
        process.start()
        sending.close()
        wanted = rng.randrange(1, 60)
        told: list[list[Any]] = []
        while len(told) < wanted and receiving.poll(60):
            told.append(json.loads(receiving.recv_bytes()))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        told += _rest(receiving)
        steps += len(told)
        pending = _follow(told, expected, snapshots)
        _compare(tmp_path, pending, expected, snapshots)
    assert steps > KILLS * 10


def _rest(receiving: Any) -> list[list[Any]]:
    rest = []
    try:
        while receiving.poll(0):
            rest.append(json.loads(receiving.recv_bytes()))
    except EOFError:
        pass
    return rest


def _follow(told: list[list[Any]], expected: dict[str, Print], snapshots: dict[str, dict[str, Print]]) -> Any:
    """Note what came of each step; give the step that was under way at the end, if one was."""
    pending = None
    for line in told:
        if line[0] == "begin":
            pending = line
            continue
        _, _, episode, after = line
        assert pending is not None
        if after is None:
            expected.pop(episode)
        else:
            name = after.pop("snapshot", None)
            expected[episode] = after
            if pending[2] == "snapshot":
                snapshots.setdefault(episode, {})[name] = after
        pending = None
    return pending


def _compare(folder: Path, pending: Any, expected: dict[str, Print], snapshots: dict[str, dict[str, Print]]) -> None:
    """Compare what is there with what was told, and take what is there for what is to be expected next."""
    store, environments = take_up(folder)
    found = {episode.episode_id: fingerprint(episode) for episode in store}
    deed, concerned, target = pending[2:] if pending is not None else (None, None, None)
    for name, before in expected.items():
        if name not in found:
            assert (deed, concerned) == ("close", name)
        elif name != concerned:
            assert found[name] == before
        else:
            after = found[name]
            in_log = len(after["calls"]) - len(before["calls"])
            restored = deed == "restore" and after == snapshots[name][str(target)]
            begun = deed == "reset" and after["calls"] == []
            moved = deed == "advance" and after["now"] > before["now"] and in_log == 0
            called = deed in ("lend", "read", "refused") and in_log == 1
            assert after == before or restored or begun or moved or called, (deed, before, after)
    assert len(set(found) - set(expected)) <= (deed in ("open", "fork"))
    for episode in store:
        _is_whole(episode)
        for name in snapshots.get(episode.episode_id, {}):
            assert episode.diff(name) is not None
    expected.clear()
    expected.update(found)
    store.close()
    assert environments


def _is_whole(episode: Episode) -> None:
    """Check that the state is what the calls in the log make of the start, no more and no less."""
    for name in episode.environments:
        tables = episode.diff().get(name, {})
        lent = [row["loan_id"] for row in tables.get("loans", {}).get("inserted", [])]
        logged = [
            entry["result"]["loan_id"]
            for entry in episode.calls()
            if entry["tool"] == "borrow_book" and entry["environment"] == name and not entry["is_error"]
        ]
        assert sorted(lent) == sorted(logged)
    assert episode.violations() == {}
