"""Invariants: whatever was looked at before, all rows that break one are told, and no more is asked than may be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.runtime import Environment, Episode
from servers.runtime.errors import DefinitionError, ScenarioError
from servers.runtime.standing import differing_parts, parts_read
from servers.runtime.state import Table, canonical, changes, digest, reflect
from servers.runtime.template import violations
from tests.fixtures.library.server import env as library_environment

RETURNED = "UPDATE loans SET returned_on = date({}, '+0 days') WHERE loan_id = (SELECT min(loan_id) FROM loans)"
STEPS = {
    "lend": "UPDATE books SET copies = 1",
    "buy": "UPDATE books SET copies = 9",
    "return early": RETURNED.format("'2040-01-01'"),
    "return": RETURNED.format("'2020-01-01'"),
    "take back": "UPDATE loans SET returned_on = NULL",
    "fine": "UPDATE members SET fines_cents = fines_cents + 1",
}


@pytest.fixture
def episode(library: Environment) -> Iterator[Episode]:
    episode = Episode.open([library], seed=1)
    yield episode
    episode.close()


@settings(max_examples=40, deadline=None)
@given(
    taken=st.lists(st.sampled_from([*STEPS, "wait", "look", "keep", "go back"]), max_size=14),
    start=st.sampled_from(["small", "given"]),
)
def test_what_is_told_is_what_all_invariants_say(taken: list[str], start: str) -> None:
    library, rows = library_environment, Episode.open([library_environment], seed=1).rows("library")
    episode = Episode.open([library], seed=1, scenarios={"library": rows} if start == "given" else None)
    kept = episode.snapshot()
    for step in [*taken, "look"]:
        match step:
            case "look":
                everything = violations(episode.databases["library"], library, episode.now)
                assert episode.violations().get("library", {}) == everything
            case "wait":
                episode.advance(40 * 365 * 86_400 // 10)
            case "keep":
                kept = episode.snapshot()
            case "go back":
                episode.restore(kept)
            case _:
                episode.databases["library"].execute(STEPS[step])
    episode.close()


@settings(max_examples=40, deadline=None)
@given(taken=st.lists(st.sampled_from(sorted(STEPS)), max_size=4))
def test_rows_beside_a_known_start_are_refused_where_an_invariant_is_broken_and_only_there(taken: list[str]) -> None:
    library = library_environment
    episode = Episode.open([library], seed=1)
    for step in taken:
        episode.databases["library"].execute(STEPS[step])
    rows, broken = episode.rows("library"), episode.violations().get("library", {})
    with pytest.raises(ScenarioError, match=next(iter(broken))) if broken else nullcontext():
        assert library.scenario_template(rows, seed=1, size="small").sound
    episode.close()


def test_rows_with_the_same_keys_differ_in_columns_and_other_rows_as_a_table() -> None:
    table = Table("books", ("book_id", "copies", "title"), ("book_id",))
    before = [{"book_id": 1, "copies": 2, "title": "a"}, {"book_id": 2, "copies": 2, "title": "b"}]
    assert differing_parts(table, before, before) == frozenset()
    assert differing_parts(table, before, [before[0], {**before[1], "copies": 3}]) == {"books.copies"}
    both = [{**before[0], "title": None}, {**before[1], "copies": 3}]
    assert differing_parts(table, before, both) == {"books.copies", "books.title"}
    assert differing_parts(table, before, [before[0], {**before[1], "copies": 2.0}]) == {"books.copies"}
    for others in (before[:1], [before[0], {**before[1], "book_id": 3}], [*before, {**before[1], "book_id": 3}]):
        assert differing_parts(table, before, others) == {"books"}


def asked(episode: Episode) -> list[str]:
    """The invariants that a look at all of them asks for."""
    database = episode.databases["library"]
    seen: list[str] = []
    database.set_trace_callback(seen.append)
    episode.violations()
    database.set_trace_callback(None)
    known = episode.environments["library"].invariants
    return [name for name, sql in known.items() if any(sql.partition(":")[0] in text for text in seen)]


def test_only_what_may_have_been_broken_is_asked(episode: Episode) -> None:
    database = episode.databases["library"]
    assert asked(episode) == []
    database.execute(STEPS["fine"])
    assert asked(episode) == []
    database.execute(STEPS["buy"])
    assert asked(episode) == ["no_copy_lent_twice"]
    assert asked(episode) == []
    database.execute(STEPS["return"])
    assert asked(episode) == ["no_copy_lent_twice", "returns_in_the_past"]
    episode.advance(60)
    assert asked(episode) == ["returns_in_the_past"]


def test_what_is_broken_is_asked_until_it_is_mended(episode: Episode) -> None:
    database = episode.databases["library"]
    database.execute(STEPS["return early"])
    for _ in range(2):
        assert list(episode.violations()["library"]) == ["returns_in_the_past"]
    database.execute(STEPS["take back"])
    assert "returns_in_the_past" not in episode.violations().get("library", {})


def test_a_digest_stands_for_the_start_and_the_canonical_changes(episode: Episode) -> None:
    database, template = episode.databases["library"], episode.templates["library"]
    for step in ("buy", "fine", "return"):
        database.execute(STEPS[step])
    told = canonical(changes(template.database, database, reflect(database)))
    assert episode.state().digests["library"] == digest(template.digest.encode(), told)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT book_id FROM shelf", {"shelf", "books", "loans"}),
        ("SELECT count(*) FROM members", {"members"}),
        ("SELECT 1 FROM ef_clock WHERE now > '2026'", {"ef_clock"}),
        ("SELECT title FROM books WHERE :today > '2026'", {"books", "ef_clock"}),
        ("SELECT title FROM books WHERE @now > '2026' AND title <> ':today'", {"books", "ef_clock"}),
        ("SELECT title FROM books WHERE title <> ':now'", {"books"}),
        ("SELECT title FROM books JOIN loans USING (book_id)", {"books", "loans"}),
        ("SELECT fines_cents FROM members NATURAL JOIN loans", {"members", "loans", "books"}),
    ],
)
def test_a_query_reads_the_tables_behind_its_views_and_the_clock(sql: str, tables: set[str], episode: Episode) -> None:
    read = parts_read(episode.templates["library"].database.clone(), sql, episode.environments["library"].tables)
    assert {part for part in read if "." not in part} == tables


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT title FROM books", {"books.title"}),
        ("SELECT count(*) FROM books", {"books."}),
        ("SELECT title FROM books JOIN loans USING (book_id)", {"books.title", "books.book_id", "loans.book_id"}),
    ],
)
def test_a_query_reads_columns_and_those_that_tables_are_joined_by(
    sql: str, columns: set[str], episode: Episode
) -> None:
    read = parts_read(episode.templates["library"].database.clone(), sql, episode.environments["library"].tables)
    assert {part for part in read if "." in part} == columns


def test_of_a_table_with_a_generated_column_that_is_read_all_is() -> None:
    db = sqlite3.connect(":memory:")
    db.executescript("CREATE TABLE notes (note_id TEXT PRIMARY KEY, said TEXT, heard TEXT AS (upper(said))) STRICT")
    read = parts_read(db, "SELECT heard FROM notes", reflect(db))
    assert read == {"notes", "notes.heard", "notes.note_id", "notes.said"}
    db.close()


def test_a_query_that_no_database_takes_is_named(episode: Episode) -> None:
    with pytest.raises(DefinitionError, match="no such column: pages"):
        parts_read(episode.templates["library"].database.clone(), "SELECT pages FROM books", ())


def test_a_column_that_nobody_looks_at_breaks_nothing(episode: Episode) -> None:
    episode.databases["library"].execute("UPDATE loans SET due_on = date(due_on, '+1 day')")
    assert asked(episode) == []
