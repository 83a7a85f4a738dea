"""The stock: a database that is used again can't be told from a new copy, but that its statements are prepared."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.runtime import Episode
from servers.runtime.database import Database, connect
from servers.runtime.errors import EpisodeBusy, QuotaExceeded
from servers.runtime.home import Home
from servers.runtime.log import EMPTY
from servers.runtime.place import Memory
from servers.runtime.quota import UNLIMITED, Quota
from servers.runtime.stock import Stock
from tests.fixtures.library.server import env as library

SCHEMA = "CREATE TABLE shelves (shelf_id INTEGER PRIMARY KEY) STRICT; CREATE VIEW shelf AS SELECT * FROM shelves;"


def shelves(*numbers: int, schema: str = SCHEMA) -> Database:
    """Give a database with these shelves."""
    db = connect()
    db.executescript(schema)
    db.executemany("INSERT INTO shelves VALUES (?)", [(number,) for number in numbers])
    return db


def on(db: Database) -> list[int]:
    """Give the shelves of a database."""
    return [row[0] for row in db.execute("SELECT shelf_id FROM shelf ORDER BY shelf_id")]


@pytest.fixture
def stock() -> Iterator[Stock]:
    stock = Stock(most=2)
    yield stock
    stock.close()


def test_what_was_prepared_for_one_copy_serves_the_next(stock: Stock) -> None:
    first = stock.copy(shelves(1, 2), UNLIMITED)
    assert on(first) == [1, 2]
    first.close()
    asked: list[int] = []

    def allow(action: int, *_: object) -> int:
        asked.append(action)
        return sqlite3.SQLITE_OK

    second = stock.copy(shelves(7), UNLIMITED)
    second.set_authorizer(allow)
    assert on(second) == [7]  # once prepared anew, for another authorizer
    second.close()
    asked.clear()
    third = stock.copy(shelves(3, 4, 5), UNLIMITED)
    assert third is second is first
    assert on(third) == [3, 4, 5]
    assert not asked
    third.close()


def test_a_copy_knows_whether_it_was_written_to(stock: Stock) -> None:
    source = shelves(1)
    first = stock.copy(source, UNLIMITED)
    first.execute("INSERT INTO shelves VALUES (2)")
    assert not first.is_still(source)
    before = first.version
    first.close()
    again = stock.copy(source, UNLIMITED)
    assert again.is_still(source)
    assert again.version != before
    assert again.standing is None
    again.close()


def test_nothing_of_one_episode_is_left_for_the_next(stock: Stock) -> None:
    source = shelves(1)
    first = stock.copy(source, UNLIMITED)
    first.execute("DELETE FROM shelves")
    first.execute("INSERT INTO shelves VALUES (9)")
    first.close()
    again = stock.copy(source, UNLIMITED)
    assert on(again) == [1]
    assert again.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    again.close()


def test_other_schemas_and_quotas_have_databases_of_their_own(stock: Stock) -> None:
    plain = stock.copy(shelves(1), UNLIMITED)
    plain.close()
    other = stock.copy(shelves(1, schema=SCHEMA.replace("shelf_id", "shelf_no")), UNLIMITED)
    limited = stock.copy(shelves(1), Quota(rows=5))
    assert other is not plain
    assert limited is not plain
    assert limited.quota.rows == 5
    other.close()
    limited.close()


def test_those_in_use_are_apart_and_beyond_the_most_there_are_clones(stock: Stock) -> None:
    copies = [stock.copy(shelves(1), UNLIMITED) for _ in range(4)]
    for number, copy in enumerate(copies):
        copy.execute("INSERT INTO shelves VALUES (?)", (10 + number,))
    assert [on(copy) for copy in copies] == [[1, 10 + number] for number in range(4)]
    assert [copy.keeper is None for copy in copies] == [False, False, True, True]
    for copy in copies:
        copy.close()


def test_a_copy_is_of_this_moment_though_others_are_held(stock: Stock) -> None:
    source = stock.copy(shelves(1), UNLIMITED)
    source.hold("one")
    source.execute("INSERT INTO shelves VALUES (2)")
    copy = stock.copy(source, UNLIMITED)
    assert on(copy) == [1, 2]
    source.undo("one")
    assert (on(source), on(copy)) == ([1], [1, 2])
    source.close()
    copy.close()


def test_one_that_comes_back_with_moments_held_is_used_again(stock: Stock) -> None:
    first = stock.copy(shelves(1), UNLIMITED)
    first.hold("one")
    first.execute("INSERT INTO shelves VALUES (2)")
    first.hold("two")
    first.close()
    again = stock.copy(shelves(1), UNLIMITED)
    assert again is first
    assert (on(again), again.holds("one"), again.in_transaction) == ([1], False, False)
    again.close()


def test_one_that_comes_back_in_a_transaction_is_not_used_again(stock: Stock) -> None:
    first = stock.copy(shelves(1), UNLIMITED)
    first.execute("BEGIN IMMEDIATE")
    first.execute("INSERT INTO shelves VALUES (2)")
    first.close()
    again = stock.copy(shelves(1), UNLIMITED)
    assert again is not first
    assert on(again) == [1]
    again.close()


def test_one_that_somebody_still_reads_is_not_refilled(stock: Stock) -> None:
    first = stock.copy(shelves(1, 2, 3), UNLIMITED)
    reading = first.execute("SELECT shelf_id FROM shelves ORDER BY shelf_id")
    assert next(reading)[0] == 1
    first.close()
    again = stock.copy(shelves(7), UNLIMITED)
    assert again is not first
    assert on(again) == [7]
    again.close()


def test_a_call_that_is_under_way_is_not_copied(stock: Stock) -> None:
    source = shelves(1)
    source.execute("BEGIN IMMEDIATE")
    with pytest.raises(EpisodeBusy, match="finish the call first"):
        stock.copy(source, UNLIMITED)


def test_too_many_pages_are_refused_as_in_a_clone(stock: Stock) -> None:
    with pytest.raises(QuotaExceeded, match=r"at its limit of 4 KiB"):
        stock.copy(shelves(1), Quota(pages=1))


def test_closing_it_closes_what_comes_back_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stock = Stock(12)
    idle, used = stock.copy(shelves(1), UNLIMITED), stock.copy(shelves(2), UNLIMITED)
    idle.close()
    assert list(tmp_path.iterdir())
    stock.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        on(idle)
    assert on(used) == [2]
    used.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        on(used)
    assert not list(tmp_path.iterdir())


def test_without_a_place_to_write_there_are_plain_clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    stock = Stock(12)
    copy = stock.copy(shelves(1), UNLIMITED)
    assert (on(copy), copy.keeper) == ([1], None)
    copy.close()
    stock.close()


def test_where_the_place_to_write_is_gone_there_are_plain_clones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stock = Stock(12)
    first = stock.copy(shelves(1), UNLIMITED)
    for folder in tmp_path.iterdir():
        rmtree(folder)
    second = stock.copy(shelves(2), UNLIMITED)
    assert (on(second), second.keeper) == ([2], None)
    first.close()
    third = stock.copy(shelves(3), UNLIMITED)
    assert on(third) == [3]
    for copy in (second, third):
        copy.close()
    stock.close()


def test_to_close_one_again_does_nothing(stock: Stock) -> None:
    first = stock.copy(shelves(1), UNLIMITED)
    first.close()
    first.close()
    second = stock.copy(shelves(2), UNLIMITED)
    assert on(second) == [2]
    second.close()


def test_what_was_taken_for_an_episode_that_can_not_begin_comes_back(stock: Stock) -> None:
    place = Memory(Quota(pages=3), stock=stock)
    large = shelves(*range(5000))
    for _ in range(4):
        with pytest.raises(QuotaExceeded):
            place.live({"small": shelves(1), "large": large}, EMPTY)
    copy = stock.copy(shelves(2), UNLIMITED)
    assert copy.keeper is not None
    copy.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["lend", "fine", "wait", "hold", "undo", "keep", "go back", "reset"]), max_size=12))
def test_episodes_from_a_stock_are_like_any_others(taken: list[str]) -> None:
    with_stock = Stock(2)
    for number in range(2):  # the second takes over what the first had
        pair = [
            Episode.open([library], seed=number, home=Home(place=Memory(stock=kept))) for kept in (with_stock, None)
        ]
        told = [_lived(episode, taken) for episode in pair]
        assert told[0] == told[1]
        for episode in pair:
            episode.close()
    with_stock.close()


def _lived(episode: Episode, taken: list[str]) -> list[object]:
    """Give what is told of an episode after each step."""
    told: list[object] = []
    kept, held = episode.snapshot(), [episode.hold()]
    for step in taken:
        match step:
            case "lend":
                episode.databases["library"].execute("UPDATE books SET copies = copies + 1")
            case "fine":
                episode.databases["library"].execute("UPDATE members SET fines_cents = fines_cents + 5")
            case "wait":
                episode.advance(86_400 * 30)
            case "hold":
                held.append(episode.hold())
            case "undo" if held:
                episode.undo(held.pop())
            case "keep":
                kept = episode.snapshot()
            case "go back":
                episode.restore(kept)
                held = []
            case "reset":
                episode.reset()
                held = []
        told.append((episode.state(), episode.diff(), episode.violations()))
    return told


def test_a_source_whose_schema_has_changed_is_copied_as_it_is_now(stock: Stock) -> None:
    source = shelves(1, 2)
    stock.copy(source, UNLIMITED).close()
    source.execute("CREATE VIEW last_shelf AS SELECT max(shelf_id) AS shelf_id FROM shelves")
    copy = stock.copy(source, UNLIMITED)
    assert copy.execute("SELECT shelf_id FROM last_shelf").fetchone()[0] == 2
    copy.close()
    source.close()
