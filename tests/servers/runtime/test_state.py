"""State: digests and diffs say what the rows are, whatever led to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.runtime import Environment, Episode
from servers.runtime.errors import DefinitionError, EpisodeError, UnknownSnapshot
from servers.runtime.home import Home
from servers.runtime.state import RESERVED_SCHEMA, Rows, changes, reflect


@pytest.fixture
def episode(library: Environment) -> Iterator[Episode]:
    episode = Episode.open([library], seed=1)
    with episode.active():
        yield episode
    episode.close()


def db(episode: Episode) -> sqlite3.Connection:
    return episode.databases["library"]


def test_an_untouched_episode_has_no_changes_and_equal_digests(library: Environment, episode: Episode) -> None:
    assert episode.diff() == {}
    assert episode.state() == Episode.open([library], seed=1).state()


def test_a_diff_tells_inserts_updates_and_deletes(episode: Episode) -> None:
    first, second = (row["loan_id"] for row in db(episode).execute("SELECT loan_id FROM loans LIMIT 2").fetchall())
    old = db(episode).execute("SELECT due_on FROM loans WHERE loan_id = ?", (first,)).fetchone()[0]
    db(episode).execute("UPDATE loans SET due_on = '2030-01-01' WHERE loan_id = ?", (first,))
    db(episode).execute("DELETE FROM loans WHERE loan_id = ?", (second,))
    db(episode).execute("INSERT INTO books VALUES ('B9999', 'New', 'novel', 1)")
    changes = episode.diff()["library"]
    assert changes["loans"]["updated"] == [
        {"key": {"loan_id": first}, "before": {"due_on": old}, "after": {"due_on": "2030-01-01"}}
    ]
    assert [row["loan_id"] for row in changes["loans"]["deleted"]] == [second]
    assert changes["books"]["inserted"] == [{"book_id": "B9999", "title": "New", "genre": "novel", "copies": 1}]


def test_an_upsert_may_touch_a_row_again(episode: Episode) -> None:
    for copies in (1, 2, 3):
        db(episode).execute(
            "INSERT INTO books VALUES ('B9997', 'New', 'novel', ?)"
            " ON CONFLICT (book_id) DO UPDATE SET copies = excluded.copies",
            (copies,),
        )
    (inserted,) = episode.diff()["library"]["books"]["inserted"]
    assert inserted["copies"] == 3


def test_going_there_and_back_is_no_change(episode: Episode) -> None:
    before = episode.state()
    db(episode).execute("UPDATE books SET copies = copies + 1")
    assert episode.state().digest != before.digest
    db(episode).execute("UPDATE books SET copies = copies - 1")
    db(episode).execute("INSERT INTO books VALUES ('B9999', 'New', 'novel', 1)")
    db(episode).execute("DELETE FROM books WHERE book_id = 'B9999'")
    assert episode.diff() == {}
    assert episode.state() == before


def test_a_changed_key_is_one_row_less_and_one_more(episode: Episode) -> None:
    db(episode).execute("INSERT INTO books VALUES ('B9998', 'New', 'novel', 1)")
    middle = episode.snapshot()
    db(episode).execute("UPDATE books SET book_id = 'B9999' WHERE book_id = 'B9998'")
    changes = episode.diff(middle)["library"]["books"]
    assert [row["book_id"] for row in changes["deleted"]] == ["B9998"]
    assert [row["book_id"] for row in changes["inserted"]] == ["B9999"]


steps = st.lists(st.tuples(st.sampled_from(["copies", "title"]), st.integers(0, 9), st.integers(1, 5)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_two_histories_to_the_same_rows_have_one_digest(taken: list[tuple[str, int, int]]) -> None:
    from tests.fixtures.library.server import env

    there = Episode.open([env], seed=1)
    direct = Episode.open([env], seed=1)
    books = [row["book_id"] for row in there.rows("library")["books"]]
    for column, place, value in taken:
        db(there).execute(f"UPDATE books SET {column} = ? WHERE book_id = ?", (_as(column, value), books[place]))
    for row in there.rows("library")["books"]:
        db(direct).execute("UPDATE books SET title = :title, copies = :copies WHERE book_id = :book_id", row)
    assert there.state() == direct.state()
    assert there.diff() == direct.diff()


def _as(column: str, value: int) -> object:
    return value if column == "copies" else f"Title {value}"


def test_rows_make_the_episode_that_they_came_from(library: Environment, episode: Episode) -> None:
    rows: Rows = episode.rows("library")
    again = Episode.open([library], seed=1, scenarios={"library": rows})
    assert again.rows("library") == rows
    assert again.state() == episode.state()


def test_a_table_without_a_key_is_refused() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE notes (text TEXT) STRICT")
    with pytest.raises(DefinitionError, match="notes has no primary key"):
        reflect(database)
    database.close()


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("note_id TEXT COLLATE NOCASE PRIMARY KEY", "note_id is compared by NOCASE"),
        ("note_id REAL PRIMARY KEY", "note_id is REAL"),
        ("note_id TEXT PRIMARY KEY, text ANY", "text is ANY"),
        ("note_id TEXT PRIMARY KEY, text BLOB", "text is BLOB"),
        ("note_id INTEGER PRIMARY KEY, text TEXT COLLATE NOCASE, weight REAL", None),
        ("note_id TEXT, line INTEGER, PRIMARY KEY (note_id, line)", None),
    ],
)
def test_a_table_whose_changes_can_not_be_told_exactly_is_refused(columns: str, problem: str | None) -> None:
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE notes ({columns}) STRICT")
    if problem is None:
        assert [table.name for table in reflect(database)] == ["notes"]
    else:
        with pytest.raises(DefinitionError, match=f"Table notes can't be followed: {problem}"):
            reflect(database)
    database.close()


def test_snapshots_restore_more_than_once(episode: Episode) -> None:
    start = episode.snapshot()
    for _ in range(2):
        db(episode).execute("UPDATE books SET copies = 77")
        assert episode.diff(start)
        episode.restore(start)
        assert episode.diff(start) == {}


@pytest.mark.parametrize(
    "look",
    [lambda episode: episode.now, lambda episode: episode.query("library", "SELECT 1", {})],
    ids=["the clock", "a query"],
)
def test_nothing_is_read_in_the_midst_of_an_operation(episode: Episode, look: Callable[[Episode], object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        with episode.lock:
            reading = pool.submit(look, episode)
            with pytest.raises(TimeoutError):
                reading.result(timeout=0.05)
            episode.reset()  # closes the databases of before
        assert reading.result(timeout=5) == look(episode)


OPERATIONS: dict[str, Callable[[Episode], object]] = {
    "now": lambda episode: episode.now,
    "state": lambda episode: episode.state(),
    "diff": lambda episode: episode.diff(),
    "rows": lambda episode: episode.rows("library"),
    "query": lambda episode: episode.query("library", "SELECT 1", {}),
    "violations": lambda episode: episode.violations(),
    "snapshot": lambda episode: episode.snapshot(),
    "reset": lambda episode: episode.reset(),
    "fork": lambda episode: episode.fork(),
    "advance": lambda episode: episode.advance(1),
    "hold": lambda episode: episode.hold(),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_closed_episode_says_so(library: Environment, operation: str) -> None:
    episode = Episode.open([library])
    episode.close()
    episode.close()
    with pytest.raises(EpisodeError, match="This episode is closed; open another one"):
        OPERATIONS[operation](episode)


def test_a_call_that_comes_too_late_is_told_so(library: Environment, caplog: pytest.LogCaptureFixture) -> None:
    episode = Episode.open([library])
    with episode.active():
        episode.close()
        outcome = library.call(library.tools["search_books"], {})
    assert (outcome.is_error, outcome.refusal) == (True, None)
    assert outcome.text == "This episode is closed; open another one."
    assert caplog.records == []


@pytest.mark.parametrize("way", ["fork", "restore", "reset"])
def test_foreign_keys_hold_after(episode: Episode, way: str) -> None:
    copy = episode.fork() if way == "fork" else episode
    if way == "restore":
        episode.restore(episode.snapshot())
    if way == "reset":
        episode.reset()
    with pytest.raises(sqlite3.IntegrityError):
        db(copy).execute("INSERT INTO loans VALUES ('L000001', 'B0000', 'M0000', '2026-01-01', NULL)")


def test_undo_takes_back_rows_and_clock(episode: Episode) -> None:
    start = episode.state()
    held = episode.hold()
    db(episode).execute("UPDATE members SET name = 'Somebody Else'")
    episode.advance(60)
    assert episode.state() != start
    episode.undo(held)
    assert episode.state() == start


@pytest.mark.parametrize("way", ["undo", "restore", "reset"])
def test_a_moment_that_is_over_can_not_be_undone(episode: Episode, way: str) -> None:
    snapshot, held = episode.snapshot(), episode.hold()
    {"undo": lambda: episode.undo(held), "restore": lambda: episode.restore(snapshot), "reset": episode.reset}[way]()
    with pytest.raises(UnknownSnapshot, match=f"No moment '{held}' is held"):
        episode.undo(held)


def test_a_fork_of_a_held_moment_goes_its_own_way(episode: Episode) -> None:
    held = episode.hold()
    db(episode).execute("UPDATE members SET name = 'Somebody Else'")
    fork, then = episode.fork(), episode.state()
    episode.undo(held)
    assert fork.state() == then


def two_states() -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Two equal states with one table whose keys have two parts, and what notes their changes."""
    pair = []
    for _ in range(2):
        state = sqlite3.connect(":memory:", isolation_level=None)
        state.executescript(RESERVED_SCHEMA + "CREATE TABLE t (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (a, b));")
        for trigger in reflect(state)[0].triggers():
            state.execute(trigger)
        pair.append(state)
    return pair[0], pair[1]


keys = st.tuples(st.text(st.sampled_from("a0\"'\\é\0"), max_size=3) | st.none(), st.integers(-(2**63), 2**63 - 1))


@settings(max_examples=60, deadline=None)
@given(old=st.dictionaries(keys, st.sampled_from("xy"), max_size=9), new=st.dictionaries(keys, st.sampled_from("xy")))
def test_a_diff_is_exact_however_many_rows_it_is_about(
    old: dict[tuple[str | None, int], str], new: dict[tuple[str | None, int], str]
) -> None:
    before, after = two_states()
    for state, rows in ((before, old), (after, new)):
        state.executemany("INSERT INTO t VALUES (?, ?, ?)", [(*key, value) for key, value in rows.items()])
    told = changes(before, after, reflect(before)).get("t", {"inserted": [], "updated": [], "deleted": []})
    before.close()
    after.close()
    assert {(row["a"], row["b"]): row["c"] for row in told["inserted"]} == {
        key: value for key, value in new.items() if key not in old
    }
    assert {(row["a"], row["b"]): row["c"] for row in told["deleted"]} == {
        key: value for key, value in old.items() if key not in new
    }
    assert {(row["key"]["a"], row["key"]["b"]): (row["before"]["c"], row["after"]["c"]) for row in told["updated"]} == {
        key: (old[key], new[key]) for key in old.keys() & new.keys() if old[key] != new[key]
    }


def test_going_back_to_where_one_is_takes_back_the_log_and_the_moments_held(library: Environment) -> None:
    episode = Episode.open([library], seed=1, home=Home(logged=True))
    mark = episode.snapshot()
    episode.restore(mark)
    live = episode.databases["library"]
    with episode.active():
        episode.call(library, library.tools["get_book"], {"book_id": "B0000"})
    held = episode.hold()
    episode.undo(held)
    assert len(episode.calls()) == 1
    episode.restore(mark)
    assert episode.databases["library"] is live
    assert episode.calls() == []
    held = episode.hold()
    episode.restore(mark)
    with pytest.raises(UnknownSnapshot):
        episode.undo(held)
    episode.databases["library"].execute("UPDATE books SET copies = copies + 1")
    episode.restore(mark)
    assert episode.diff() == {}
    episode.close()
