"""Many episodes: what idle ones do to save memory can't be seen, and no episode takes what belongs to the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from servers.runtime import Environment, Episode, UnknownEpisode
from servers.runtime.database import Database
from servers.runtime.errors import QuotaExceeded, UnknownSnapshot
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.limits import Limits
from servers.runtime.farm.store import Store
from servers.runtime.home import Home
from servers.runtime.place import Memory
from servers.runtime.quota import Quota
from servers.runtime.tool import Definition, Outcome

FIRST_LOAN = (
    "SELECT book_id, member_id FROM shelf, members WHERE available > 0 AND fines_cents = 0 ORDER BY 1, 2 LIMIT 1"
)


def lend(episode: Episode, library: Environment) -> Outcome:
    """Lend the first book that can be lent to the first member who may have it."""
    [book_id, member_id] = episode.query("library", FIRST_LOAN, {})[1][0]
    with episode.active():
        return library.call(library.tools["borrow_book"], {"book_id": book_id, "member_id": member_id})


def everything(episode: Episode, snapshots: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Give all that can be seen of an episode."""
    diffs = [episode.diff(name) for name in (None, *snapshots)]
    return episode.state(), episode.rows("library"), diffs, episode.calls(), episode.violations()


@pytest.fixture
def lived_in(library: Environment, tmp_path: Path) -> Iterator[tuple[Store, Episode, str]]:
    """An episode with calls, a refusal, an advanced clock and a snapshot in its middle."""
    store = Store(Limits(warm=1), parking=tmp_path)
    episode = store.open([library], seed=4)
    lend(episode, library)
    snapshot = episode.snapshot()
    episode.advance(3600)
    lend(episode, library)
    with episode.active():
        library.call(library.tools["get_book"], {"book_id": "B0000"})
    yield store, episode, snapshot
    store.close()


def test_parking_and_waking_change_nothing(lived_in: tuple[Store, Episode, str], library: Environment) -> None:
    _, episode, snapshot = lived_in
    before = everything(episode, (snapshot,))
    assert episode.park()
    assert not episode.park()
    assert everything(episode, (snapshot,)) == before
    assert episode.park()
    episode.restore(snapshot)
    assert [call["tool"] for call in episode.calls()] == ["borrow_book"]
    assert lend(episode, library).text
    episode.reset()
    assert episode.calls() == []


def test_an_episode_at_its_start_is_parked_without_a_file(library: Environment, tmp_path: Path) -> None:
    store = Store(parking=tmp_path)
    episode = store.open([library], seed=4)
    other = store.open([library], seed=4)
    assert episode.park()
    assert list(tmp_path.iterdir()) == []
    assert everything(episode) == everything(other)
    assert episode.park()  # it has been looked at, and is still what it was
    assert list(tmp_path.iterdir()) == []
    assert not lend(episode, library).is_error
    assert episode.park()
    assert len(list(tmp_path.iterdir())) == 1
    episode.reset()
    assert list(tmp_path.iterdir()) == []
    assert episode.park()
    assert list(tmp_path.iterdir()) == []
    assert everything(episode) == everything(other)
    store.close()


def test_an_episode_at_its_start_with_a_snapshot_keeps_both(
    lived_in: tuple[Store, Episode, str], library: Environment
) -> None:
    store, episode, snapshot = lived_in
    there = episode.state().digest
    episode.restore(snapshot)
    kept = episode.state().digest
    episode.reset()
    assert episode.park()
    assert episode.state() == store.open([library], seed=4).state()
    episode.restore(snapshot)
    assert episode.state().digest == kept != there


def test_a_fork_of_an_episode_is_not_at_its_start(lived_in: tuple[Store, Episode, str]) -> None:
    store, episode, _ = lived_in
    fork = store.fork(episode.episode_id)
    assert fork.park()
    assert fork.state() == episode.state()
    assert fork.calls() == episode.calls()


def test_shrinking_changes_nothing(lived_in: tuple[Store, Episode, str], library: Environment) -> None:
    _, episode, snapshot = lived_in
    before = everything(episode, (snapshot,))
    assert episode.shrink()
    assert everything(episode, (snapshot,)) == before
    assert not lend(episode, library).is_error


def test_a_woken_episode_is_as_well_guarded_as_before(lived_in: tuple[Store, Episode, str]) -> None:
    _, episode, _ = lived_in
    for put_to_rest in (episode.park, episode.shrink):
        put_to_rest()
        database = episode.databases["library"]
        assert database.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        with pytest.raises(Exception, match="FOREIGN KEY"), database.transaction():
            database.execute("INSERT INTO loans VALUES ('L000000', 'B0000', 'M0000', '2026-01-01', NULL)")


def test_an_episode_rests_only_between_calls(lived_in: tuple[Store, Episode, str]) -> None:
    _, episode, _ = lived_in
    with episode.databases["library"].transaction():
        assert not episode.park()
        assert not episode.shrink()


def test_a_closed_episode_leaves_no_file(lived_in: tuple[Store, Episode, str], tmp_path: Path) -> None:
    store, episode, _ = lived_in
    episode.park()
    assert len(list(tmp_path.iterdir())) == 1
    store.remove(episode.episode_id).close()
    assert list(tmp_path.iterdir()) == []


def test_memory_is_bounded_by_parking_those_idle_for_longest(library: Environment, tmp_path: Path) -> None:
    one = library.template(seed=0, size="small").bytes
    limits = Limits(warm=2, memory=2 * (one + 320 * 1024) + 4 * (one + 40 * 1024))
    store = Store(limits, parking=tmp_path)
    episodes = [store.open([library]) for _ in range(30)]
    assert store.counts["warm"] == 2
    assert store.counts["parked"] >= 20
    assert store.memory <= limits.memory
    digests = {store.by_id(episode.episode_id).state().digest for episode in episodes}
    assert len(digests) == 1
    assert store.memory <= limits.memory
    assert len(store) == 30
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_room_is_made_little_by_little(library: Environment, tmp_path: Path) -> None:
    one = library.template(seed=0, size="small").bytes + 320 * 1024
    store = Store(Limits(memory=40 * one), parking=tmp_path)
    parked = [0]
    for _ in range(60):
        lend(store.open([library]), library)
        parked.append(store.counts["parked"])
    steps = [after - before for before, after in pairwise(parked)]
    assert sum(steps) >= 20
    assert max(steps) <= 4
    assert store.memory <= 40 * one
    store.close()


def test_where_nothing_can_be_parked_no_more_is_opened(library: Environment, tmp_path: Path) -> None:
    store = Store(Limits(memory=1), parking=tmp_path / "missing")
    kept = store.open([library])
    with pytest.raises(Fault, match="can't be moved to files") as refused:
        store.open([library])
    assert refused.value.status == 429
    assert store.by_id(kept.episode_id).state().digest
    store.remove(kept.episode_id).close()
    store.open([library])
    store.close()


def test_memory_is_accounted_for_to_the_last_byte(library: Environment) -> None:
    store = Store(Limits(warm=1))
    episodes = [store.open([library]) for _ in range(3)]
    for episode in episodes:
        store.by_id(episode.episode_id).snapshot()
        store.grown(episode)
    for episode in episodes:
        store.remove(episode.episode_id).close()
    assert store.memory == 0
    assert dict(store.counts) == {"warm": 0, "cool": 0, "parked": 0}
    store.close()


def test_a_parked_episode_expires_too(library: Environment, tmp_path: Path) -> None:
    seconds = [0.0]
    store = Store(Limits(warm=1, memory=1, idle_seconds=60), clock=lambda: seconds[0], parking=tmp_path)
    first = store.open([library])
    store._park(first, 0.0)
    seconds[0] = 61.0
    with pytest.raises(UnknownEpisode):
        store.by_id(first.episode_id)
    assert list(tmp_path.iterdir()) == []
    store.close()


# The log


def test_the_log_follows_the_state(library: Environment) -> None:
    store = Store()
    episode = store.open([library])
    lend(episode, library)
    snapshot = episode.snapshot()
    lend(episode, library)
    fork = store.fork(episode.episode_id)
    assert fork.calls() == episode.calls()
    lend(fork, library)
    assert [len(fork.calls()), len(episode.calls()), len(episode.calls(since=1))] == [3, 2, 1]
    episode.restore(snapshot)
    [call] = episode.calls()
    assert (call["environment"], call["tool"], call["actor"], call["refusal"]) == (
        "library",
        "borrow_book",
        "agent",
        None,
    )
    assert call["result"]["loan_id"]
    store.close()


def test_the_log_tells_refusals_and_bad_arguments(library: Environment) -> None:
    store = Store()
    episode = store.open([library])
    with episode.active():
        library.call(library.tools["get_book"], {"book_id": "B0000"})
        library.call(library.tools["get_book"], {"book_id": "\ud800", "limit": float("nan")})
    refused, bad = episode.calls()
    assert (refused["is_error"], refused["refusal"], refused["text"][:10]) == (True, "not_found", "not_found:")
    assert (bad["is_error"], bad["refusal"], bad["arguments"]) == (True, None, {"book_id": "?", "limit": None})
    store.close()


# Quotas


def limited(library: Environment, **limits: Any) -> tuple[Store, Episode]:
    store = Store(Limits(quota=Quota(**limits)))
    return store, store.open([library])


def test_calls_are_limited(library: Environment) -> None:
    store, episode = limited(library, calls=2)
    before = [lend(episode, library), lend(episode, library), episode.state()]
    refused = lend(episode, library)
    assert refused.text == "This episode has made 2 calls, which is its limit; open another."
    assert refused.is_error
    assert episode.state() == before[2]
    episode.reset()
    assert not lend(episode, library).is_error
    store.close()


def test_rows_are_limited(library: Environment) -> None:
    rows = sum(map(len, Episode.open([library]).rows("library").values()))
    store, episode = limited(library, rows=rows + 1)
    assert not lend(episode, library).is_error
    before = episode.state()
    refused = lend(episode, library)
    assert refused.text == (
        "borrow_book left no trace."
        f" It would make {rows + 2} rows, and {rows + 1} is the limit of this episode's state."
    )
    assert episode.state() == before
    store.close()


def test_a_scenario_keeps_to_the_limit_of_rows(library: Environment) -> None:
    store = Store(Limits(quota=Quota(rows=1)))
    books = [{"book_id": f"B000{n}", "title": "The One", "genre": "novel", "copies": 1} for n in range(2)]
    with pytest.raises(QuotaExceeded, match="The scenario of 'library' has 2 rows, and 1 is the limit; give fewer"):
        store.open([library], scenarios={"library": {"books": books}})
    store.close()


def test_bytes_are_limited(library: Environment) -> None:
    pages = Episode.open([library]).databases["library"].bytes // 4096
    with pytest.raises(QuotaExceeded, match=r"at its limit of \d+ KiB"):
        limited(library, pages=pages - 1)
    store, episode = limited(library, pages=pages)
    outcome = lend(episode, library)
    while not outcome.is_error:
        outcome = lend(episode, library)
    assert outcome.text.startswith("borrow_book left no trace. This episode's state is at its limit of ")
    assert not episode.databases["library"].in_transaction
    with episode.active():
        assert not library.call(library.tools["search_books"], {}).is_error
    store.close()


class Endless:
    """A tool whose first write never ends."""

    def call(self, database: Database, _arguments: object) -> None:
        """Write until the time is over."""
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        with suppress(QuotaExceeded), database.transaction():
            database.execute(f"UPDATE books SET copies = copies + 1 WHERE ({endless}) > 0")


def test_a_call_that_costs_the_moments_held_leads_back_to_the_first_of_them(library: Environment) -> None:
    place = Memory(Quota(call_seconds=0.05))
    episode = Episode.open([library], seed=4, home=Home(place=place))
    before = everything(episode)
    held = episode.hold()
    episode.advance(3600)
    inner = episode.hold()
    lend(episode, library)
    assert episode.state() != before[0]
    assert episode.violations() == {}
    episode.call(library, cast("Definition", Endless()), {})
    assert not episode.databases["library"].holds(inner)
    assert everything(episode) == before
    with pytest.raises(UnknownSnapshot):
        episode.undo(held)
    episode.close()


def test_snapshots_are_limited(library: Environment) -> None:
    store, episode = limited(library, snapshots=1)
    kept = episode.snapshot()
    with pytest.raises(QuotaExceeded, match="This episode keeps 1 snapshots, which is its limit; forget some first"):
        episode.snapshot()
    episode.forget(kept)
    assert episode.snapshot() == "s2"
    store.close()


def test_the_time_of_a_call_is_limited(library: Environment) -> None:
    store, episode = limited(library, call_seconds=0.05)
    database = episode.databases["library"]
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    def go_on() -> None:
        with database.transaction():
            database.execute("UPDATE members SET fines_cents = 1")
            database.execute(endless).fetchone()

    with pytest.raises(QuotaExceeded, match=r"It took longer than 0.05 s, the limit of a call"):
        go_on()
    assert episode.diff() == {}
    assert not lend(episode, library).is_error
    store.close()


def test_time_that_passes_between_calls_counts_for_none(library: Environment) -> None:
    store, episode = limited(library, call_seconds=0.0)
    database = episode.databases["library"]
    sums = "SELECT sum(a.fines_cents + b.fines_cents) FROM members a, members b, members c"
    assert database.execute(sums).fetchone()
    with pytest.raises(QuotaExceeded), database.transaction():
        database.execute(sums).fetchone()
    assert database.execute(sums).fetchone()
    assert episode.query("library", sums, {})[1]
    store.close()
