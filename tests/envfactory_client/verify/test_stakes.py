"""What a refusal looks at: only that is varied to see when it is due, so it must never be too little."""

from __future__ import annotations

import pytest

from envfactory_client.errors import VerifyError
from envfactory_client.farm import Source
from envfactory_client.verify.layout import Layout
from envfactory_client.verify.stakes import Stakes
from envfactory_client.verify.subject import Facts

SCHEMA = """
CREATE TABLE shelves (shelf_id TEXT PRIMARY KEY, label TEXT NOT NULL UNIQUE, room TEXT NOT NULL) STRICT;
CREATE TABLE books (
  book_id TEXT PRIMARY KEY, room_id TEXT, copies INTEGER NOT NULL, title TEXT NOT NULL,
  label TEXT NOT NULL REFERENCES shelves (label) ON UPDATE CASCADE
) STRICT;
CREATE TABLE notes (note_id TEXT PRIMARY KEY, said TEXT NOT NULL, heard TEXT AS (upper(said))) STRICT;
CREATE TABLE lamps (lamp_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, watts INTEGER NOT NULL) STRICT;
CREATE TABLE bells (bell_id TEXT PRIMARY KEY, rung INTEGER NOT NULL, colour TEXT NOT NULL) STRICT;
CREATE TRIGGER ring AFTER UPDATE ON bells BEGIN UPDATE notes SET said = 'rung'; END;
CREATE VIEW stock AS SELECT book_id, copies, room FROM books JOIN shelves USING (label);
CREATE VIEW clock AS SELECT now FROM ef_clock;
"""
REFUSES = {
    "sold_out": "SELECT 1 FROM stock WHERE book_id = :book_id AND copies < :count",
    "closed": "SELECT 1 FROM clock WHERE now > '2026'",
    "too_late": "SELECT 1 WHERE :today > '2026-03-02'",
}


def stakes(refuses: dict[str, str] = REFUSES) -> Stakes:
    source = Source.model_validate(
        {
            "manifest": {},
            "schema_sql": SCHEMA,
            "policy": None,
            "phrases": None,
            "invariants": {},
            "contracts": {"take": {"refuses": refuses}},
        }
    )
    return Stakes(Facts(source))


@pytest.mark.parametrize(
    ("column", "matters"),
    [
        ("books.copies", True),
        ("shelves.room", True),
        ("books.title", False),
        ("shelves.label", True),
        ("notes.said", True),
        ("bells.rung", True),
        ("bells.colour", True),
    ],
)
def test_a_cell_matters_if_it_is_read_if_only_through_a_view_or_may_stir_others(column: str, matters: bool) -> None:
    known = stakes()
    assert known.of_cell("take", "sold_out", column) is matters


def test_a_column_by_which_tables_are_joined_may_be_seen() -> None:
    joined = stakes({"full": "SELECT 1 FROM books JOIN lamps USING (room_id) WHERE book_id = :book_id"})
    assert joined.may_see("take", "full", "lamps.room_id")
    assert not joined.may_see("take", "full", "lamps.watts")
    natural = stakes({"full": "SELECT 1 FROM books NATURAL JOIN lamps WHERE book_id = :book_id"})
    assert natural.may_see("take", "full", "lamps.watts")


@pytest.mark.parametrize(("name", "matters"), [("book_id", True), ("count", True), ("coun", False), ("note", False)])
def test_an_argument_matters_if_it_is_named(name: str, matters: bool) -> None:
    known = stakes()
    assert known.of_argument("take", "sold_out", name) is matters


@pytest.mark.parametrize(("code", "matters"), [("sold_out", False), ("closed", True), ("too_late", True)])
def test_the_clock_matters_if_it_is_asked_for_in_either_way(code: str, matters: bool) -> None:
    known = stakes()
    assert known.of_clock("take", code) is matters


def test_a_query_that_no_database_takes_is_named() -> None:
    with pytest.raises(VerifyError, match=r"can't be asked \(no such column: pages\): SELECT pages FROM books"):
        Layout.of(SCHEMA).reads({"sold_out": "SELECT pages FROM books"})
