"""The second process finds the same whether it begins with what this one has loaded or anew."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from envfactory_client.verify.aside import Aside, Shown, Tried, start_method
from envfactory_client.verify.battery import Began, Beside, Ended, Event, verify
from envfactory_client.verify.bench import Effort
from envfactory_client.verify.example import Example
from envfactory_client.verify.target import Way, targets
from envfactory_client.verify.terminal import Watch
from synthesis.battery.direct import DirectSubject
from synthesis.battery.loading import environment_in
from tests.fixtures.shelves import write_shelves

LITTLE = Effort(calls=30, walks=1, short=10, tries=20)


@contextmanager
def another_thread() -> Iterator[None]:
    """A block beside which another thread runs."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def found(aside: Aside) -> tuple[Shown, Tried]:
    """What walks and an experiment bring about in the second process."""

    async def both() -> tuple[Shown, Tried]:
        walks, order = aside.walks(LITTLE, ["B3", "B11"]), aside.experiment(LITTLE, "D9")
        return await walks.done(), await order.done()

    return asyncio.run(both())


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
def test_a_process_is_forked_by_one_that_has_no_other_threads() -> None:
    asking = "from envfactory_client.verify.aside import start_method; print(start_method())"
    answer = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "fork"
    with another_thread():
        assert start_method() == "spawn"


def test_a_terminal_that_is_still_has_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    before = threading.active_count()
    with Watch(quiet=False) as watch:
        assert threading.active_count() == before + 1
        with watch.still():
            assert threading.active_count() == before
        assert threading.active_count() == before + 1


def test_the_second_process_finds_the_same_however_it_begins(tmp_path: Path) -> None:
    folder = str(write_shelves(tmp_path / "shelves"))
    with Aside(folder) as aside:
        here = found(aside)
    with another_thread(), Aside(folder) as aside:
        anew = found(aside)
    assert here == anew
    assert here[0].calls == LITTLE.calls + LITTLE.short
    assert set(here[0].counts) == {"B3", "B11"}


def test_only_what_is_under_way_there_is_not_to_be_had_back(tmp_path: Path) -> None:
    with Aside(str(write_shelves(tmp_path / "shelves"))) as aside:
        walks = aside.walks(LITTLE, ["B3"])
        waiting = [aside.experiment(LITTLE, check) for check in ("D9", "B2", "B6")]
        assert [work.taken_back() for work in waiting] == [True, True, True]
        assert asyncio.run(walks.done()).calls == LITTLE.calls + LITTLE.short
        assert not walks.taken_back()


def test_starting_states_are_built_once_for_both_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Aside(str(write_shelves(tmp_path / "shelves"))) as aside:
        shown, _ = found(aside)
    theirs, ours = (DirectSubject(environment_in(tmp_path / "shelves")) for _ in range(2))
    built = asyncio.run(first_digest(ours, seed=1))
    theirs.know(shown.starts)
    monkeypatch.setattr(theirs.environment, "populate", lambda _: {})
    assert asyncio.run(first_digest(theirs, seed=1)) == built
    assert asyncio.run(first_digest(theirs, seed=2)) != asyncio.run(first_digest(ours, seed=2))


def test_progress_counts_what_has_ended(tmp_path: Path) -> None:
    folder = str(write_shelves(tmp_path / "shelves"))
    (target,) = targets([folder], Way())

    async def events(aside: Aside) -> list[Event]:
        async with target.open() as opened:
            beside = Beside(aside, nullcontext())
            return [event async for event in verify(opened.subject, LITTLE, inner=opened.inner, beside=beside)]

    with Aside(folder) as aside:
        seen = asyncio.run(events(aside))
    ended = 0
    for event in seen:
        ended += isinstance(event, Ended)
        assert not isinstance(event, Began) or event.place == ended + 1 <= event.of


async def first_digest(subject: DirectSubject, seed: int) -> str:
    """The digest of the state that an episode of this seed begins in."""
    session = await subject.open(Example(seed=seed))
    try:
        return (await session.state()).digest
    finally:
        await session.close()


def test_a_second_process_that_ends_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    with Aside(str(write_shelves(tmp_path / "shelves"))) as aside:
        found(aside)
    assert list(place.iterdir()) == []
