"""Databases: the runtime owns transactions, and tool code can't reach past them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from servers.runtime.database import Database, connect
from servers.runtime.errors import EpisodeBusy
from servers.runtime.state import RESERVED_SCHEMA


@pytest.fixture
def db() -> Database:
    database = connect()
    database.executescript(RESERVED_SCHEMA)
    database.executescript(
        "CREATE TABLE shelves (shelf_id INTEGER PRIMARY KEY) STRICT;"
        "CREATE TABLE books (book_id INTEGER PRIMARY KEY, shelf_id INTEGER REFERENCES shelves) STRICT;"
    )
    return database


def count(db: Database) -> int:
    number: int = db.execute("SELECT count(*) FROM shelves").fetchone()[0]
    return number


def run(db: Database, *statements: str) -> None:
    """Run statements as tool code in one transaction."""
    with db.transaction():
        for statement in statements:
            db.execute(statement)


def run_and_fail(db: Database, *statements: str) -> None:
    """Run statements as tool code that ends with a bug."""
    with db.transaction():
        for statement in statements:
            db.execute(statement)
        raise KeyError


def test_what_ends_well_stays(db: Database) -> None:
    run(db, "INSERT INTO shelves VALUES (1)")
    assert count(db) == 1
    assert not db.in_transaction


def test_what_raises_leaves_no_trace(db: Database) -> None:
    with pytest.raises(KeyError):
        run_and_fail(db, "INSERT INTO shelves VALUES (1)")
    assert count(db) == 0
    assert not db.in_transaction


def test_what_fails_at_the_commit_leaves_no_trace(db: Database) -> None:
    db.execute("PRAGMA defer_foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError):
        run(db, "INSERT INTO shelves VALUES (1)", "INSERT INTO books VALUES (1, 99)")
    assert not db.in_transaction
    assert count(db) == 0


def test_inside_a_held_transaction_a_savepoint_is_used(db: Database) -> None:
    db.execute("BEGIN")
    run(db, "INSERT INTO shelves VALUES (1)")
    with pytest.raises(KeyError):
        run_and_fail(db, "INSERT INTO shelves VALUES (2)")
    assert count(db) == 1
    db.rollback()
    assert count(db) == 0


DENIED = [
    "COMMIT",
    "ROLLBACK",
    "BEGIN IMMEDIATE",
    "SAVEPOINT mine",
    "ATTACH ':memory:' AS elsewhere",
    "PRAGMA foreign_keys = OFF",
    "SELECT random()",
    "SELECT hex(randomblob(4))",
    "SELECT current_timestamp",
    "SELECT load_extension('x')",
    "CREATE TABLE more (x)",
    "DROP TABLE books",
    "DELETE FROM ef_touched",
    "UPDATE ef_clock SET now = 'later'",
    "INSERT INTO books VALUES (1, 99)",
]


@pytest.mark.parametrize("sql", DENIED)
def test_tool_code_cannot(db: Database, sql: str) -> None:
    with pytest.raises(sqlite3.Error):
        run(db, "INSERT INTO shelves VALUES (1)", sql)
    assert count(db) == 0
    assert not db.in_transaction


def test_tool_code_cannot_write_a_file(db: Database, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error), db.transaction():
        db.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    assert list(tmp_path.iterdir()) == []


def test_tool_code_cannot_commit_by_method(db: Database) -> None:
    with db.transaction():
        db.execute("INSERT INTO shelves VALUES (1)")
        with pytest.raises(sqlite3.Error):
            db.commit()
        assert db.in_transaction


def test_a_clone_is_apart_and_keeps_foreign_keys(db: Database) -> None:
    db.execute("INSERT INTO shelves VALUES (1)")
    copy = db.clone()
    copy.execute("INSERT INTO shelves VALUES (2)")
    assert (count(db), count(copy)) == (1, 2)
    with pytest.raises(sqlite3.IntegrityError):
        copy.execute("INSERT INTO books VALUES (1, 99)")


def test_an_open_transaction_is_not_copied(db: Database) -> None:
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(EpisodeBusy, match="finish the call first"):
        db.clone()


def test_lists_are_read_with_json_each(db: Database) -> None:
    _, rows = db.select("SELECT key, value FROM json_each(:listed)", {"listed": '["a", "b"]'}, steps=100)
    assert [tuple(row) for row in rows] == [(0, "a"), (1, "b")]
    with pytest.raises(sqlite3.Error, match="may not be modified"):
        run(db, "UPDATE sqlite_master SET sql = 'x'")


def test_undo_goes_back_to_the_moment_that_is_held(db: Database) -> None:
    db.hold("one")
    run(db, "INSERT INTO shelves VALUES (1)")
    db.hold("two")
    run(db, "INSERT INTO shelves VALUES (2)")
    db.undo("two")
    assert count(db) == 1
    run(db, "INSERT INTO shelves VALUES (3)")
    db.undo("one")
    assert count(db) == 0
    assert not db.in_transaction


def test_undo_ends_the_moments_held_since(db: Database) -> None:
    db.hold("one")
    db.hold("two")
    db.undo("one")
    assert (db.holds("one"), db.holds("two")) == (False, False)
    assert not db.in_transaction


def test_undo_leaves_prepared_statements_as_they_are(db: Database) -> None:
    asked: list[int] = []

    def allow(action: int, *_: object) -> int:
        asked.append(action)
        return sqlite3.SQLITE_OK

    db.set_authorizer(allow)
    for place in ("first", "second"):
        asked.clear()
        db.hold(place)
        run(db, "INSERT INTO shelves VALUES (1)")
        db.undo(place)
    assert sqlite3.SQLITE_INSERT not in asked


def test_a_clone_is_of_this_moment_though_others_are_held(db: Database) -> None:
    db.hold("one")
    run(db, "INSERT INTO shelves VALUES (1)")
    copy = db.clone()
    db.undo("one")
    assert (count(db), count(copy)) == (0, 1)
    with pytest.raises(sqlite3.IntegrityError):
        copy.execute("INSERT INTO books VALUES (1, 99)")


def test_no_moment_is_held_in_the_midst_of_a_call(db: Database) -> None:
    db.hold("one")
    with db.transaction(), pytest.raises(EpisodeBusy, match="finish the call first"):
        db.clone()
    assert not db.busy


def test_a_deferred_key_must_fit_when_a_call_ends_though_a_moment_is_held() -> None:
    db = connect()
    db.executescript(
        "CREATE TABLE shelves (shelf_id INTEGER PRIMARY KEY) STRICT;"
        "CREATE TABLE books (shelf_id INTEGER REFERENCES shelves DEFERRABLE INITIALLY DEFERRED) STRICT;"
    )
    db.hold("one")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        run(db, "INSERT INTO books VALUES (1)")
    run(db, "INSERT INTO books VALUES (1)", "INSERT INTO shelves VALUES (1)")
    assert count(db) == 1


def test_a_moment_is_lost_with_a_transaction_that_sqlite_ends(db: Database) -> None:
    db.hold("one")
    with pytest.raises(sqlite3.IntegrityError):
        run(db, "INSERT INTO shelves VALUES (1)", "INSERT OR ROLLBACK INTO shelves VALUES (1)")
    assert not db.holds("one")
    assert count(db) == 0


def test_a_counter_is_taken_back_with_its_call(db: Database) -> None:
    with db.transaction():
        assert db.next_count("books") == 0
    db.execute("BEGIN")
    assert db.next_count("books") == 1
    db.rollback()
    with db.transaction():
        assert db.next_count("books") == 1


def test_select_gives_columns_and_rows(db: Database) -> None:
    db.execute("INSERT INTO shelves VALUES (1)")
    columns, rows = db.select("SELECT shelf_id AS shelf FROM shelves WHERE shelf_id = :shelf", {"shelf": 1}, steps=100)
    assert (columns, [tuple(row) for row in rows]) == (["shelf"], [(1,)])


@pytest.mark.parametrize("before", [False, True], ids=["fresh", "kept"])
@pytest.mark.parametrize("sql", ["INSERT INTO shelves VALUES (1)", "PRAGMA query_only", "DROP TABLE shelves"])
def test_select_refuses_whatever_does_not_only_read(db: Database, sql: str, *, before: bool) -> None:
    if before:  # a statement that was prepared by others and is kept isn't taken for one of select's
        db.execute("BEGIN")
        db.execute(sql).fetchall()
        db.rollback()
    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        db.select(sql, {}, steps=100)
    assert count(db) == 0


def test_select_ends_what_has_no_end(db: Database) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        db.select(endless, {}, steps=100)
    db.execute("INSERT INTO shelves VALUES (1)")
    assert count(db) == 1


def test_select_leaves_prepared_statements_as_they_are(db: Database) -> None:
    asked: list[int] = []

    def allow(action: int, *_: object) -> int:
        asked.append(action)
        return sqlite3.SQLITE_OK

    db.set_authorizer(allow)
    statement = "SELECT count(*) FROM shelves"
    db.execute(statement).fetchall()
    db.select("SELECT 1", {}, steps=100)
    asked.clear()
    db.execute(statement).fetchall()
    assert asked == []


def test_a_version_tells_of_every_change(db: Database, tmp_path: Path) -> None:
    file = db.clone(tmp_path / "state.db")
    other = connect(tmp_path / "state.db")
    seen = [file.version]
    assert file.version == seen[0]
    run(file, "INSERT INTO shelves VALUES (1)")
    seen.append(file.version)
    run(other, "INSERT INTO shelves VALUES (2)")
    seen.append(file.version)
    file.hold("one")
    run(file, "INSERT INTO shelves VALUES (3)")
    seen.append(file.version)
    file.undo("one")
    seen.append(file.version)
    assert len(set(seen)) == len(seen)
