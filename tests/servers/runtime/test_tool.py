"""Tools: contracts are read off annotations, and every way a call can end is told apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from servers.runtime import Cents, Environment, Episode, Filter, IsoDate, IsoDateTime, Key, Record, Refusal, Sets
from servers.runtime.errors import DefinitionError

LIBRARY = Path(__file__).parents[2] / "fixtures" / "library" / "server.py"

BookId = Annotated[str, Key("books.book_id", pattern=r"^B[0-9]{4}$", description="Book id.")]


class Book(Record, table="shelf"):
    """A book."""

    book_id: BookId
    available: int
    price: Annotated[Cents, Sets("books.copies", description="Price.")] = 0


class Books(Record):
    """Books."""

    books: list[Book]
    seen_at: IsoDateTime | None = None


@pytest.fixture
def env() -> Environment:
    """An environment with the library's folder and no tools yet."""
    return Environment(str(LIBRARY))


@pytest.fixture
def running(env: Environment) -> Iterator[Environment]:
    with Episode.open([env], seed=1).active():
        yield env


def call(env: Environment, name: str, **arguments: Any) -> Any:
    return env.call(env.tools[name], arguments)


def test_a_contract_says_what_each_field_is(env: Environment) -> None:
    @env.reads
    def list_books(
        book_id: Annotated[BookId | None, Filter("shelf.book_id", "=", description="Only this.")] = None,
        bought_on: IsoDate | None = None,
    ) -> Books:
        """List books."""
        raise NotImplementedError

    contract = env.tools["list_books"].contract.to_meta()
    assert contract["parameters"] == {
        "book_id": {
            "type": "books.book_id",
            "key": "books.book_id",
            "filter": {"column": "shelf.book_id", "operator": "="},
        },
        "bought_on": {"type": "date"},
    }
    assert contract["results"] == {
        "books[].book_id": {"type": "books.book_id", "key": "books.book_id", "shows": "shelf.book_id"},
        "books[].available": {"shows": "shelf.available"},
        "books[].price": {"type": "money", "sets": "books.copies"},
        "seen_at": {"type": "time"},
    }
    assert contract["refusals"] == ["not_found"]
    assert "changes" not in contract


def test_nothing_of_the_contract_shows_in_the_schemas(env: Environment) -> None:
    @env.reads
    def get_book(book_id: BookId) -> Book:
        """Get a book."""
        raise NotImplementedError

    tool = env.tools["get_book"]
    assert tool.input_schema == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"book_id": {"type": "string", "pattern": "^B[0-9]{4}$", "description": "Book id."}},
        "required": ["book_id"],
    }
    assert "shelf" not in str(tool.output_schema)


Colour = Annotated[str, Filter("books.colour", "=", description="No such column.")]
Elsewhere = Annotated[str, Filter("bookz.book_id", "=", description="No such table.")]


def test_a_column_that_is_not_there_is_told_at_once(env: Environment) -> None:
    with pytest.raises(DefinitionError, match=r"books\.colour, which schema\.sql doesn't have"):

        @env.reads
        def list_by_colour(colour: Colour) -> Book:
            """List books."""
            raise NotImplementedError

    with pytest.raises(DefinitionError, match=r"bookz\.book_id, which schema\.sql doesn't have"):

        @env.reads
        def list_elsewhere(book_id: Elsewhere) -> Book:
            """List books."""
            raise NotImplementedError


def test_changes_must_be_readable_and_true(env: Environment) -> None:
    with pytest.raises(DefinitionError, match="must be insert, delete, 'update column …' or others"):

        @env.writes(changes={"books": "alter copies"})
        def spoil_book(book_id: BookId) -> Book:
            """Spoil a book."""
            raise NotImplementedError

    @env.writes(changes={"books": "update copies, others"})
    def count_books(book_id: BookId) -> Book:
        """Count the books of a shelf anew."""
        raise NotImplementedError

    assert env.tools["count_books"].contract.changes == {"books": "update copies, others"}


def test_two_patterns_for_one_key_are_refused(env: Environment) -> None:
    @env.reads
    def get_book(book_id: BookId) -> Book:
        """Get a book."""
        raise NotImplementedError

    with pytest.raises(DefinitionError, match="two patterns"):

        @env.reads
        def see_book(book_id: Annotated[str, Key("books.book_id", pattern="^C[0-9]{4}$", description="x")]) -> Book:
            """See a book."""
            raise NotImplementedError


def test_a_tool_needs_a_docstring_and_a_result_model(env: Environment) -> None:
    with pytest.raises(DefinitionError, match="result model"):

        @env.reads  # type: ignore[type-var]
        def guess_book() -> dict[str, int]:
            """Guess."""
            return {}

    @env.reads
    def find_book() -> Book:
        raise NotImplementedError

    with pytest.raises(DefinitionError, match="no docstring"):
        env.build_server()


def test_a_refusal_carries_its_code_and_leaves_no_trace(running: Environment) -> None:
    @running.writes(changes={"books": "update copies"}, refuses={"closed": "SELECT 1"})
    def buy_copies(book_id: BookId) -> Book:
        """Buy copies."""
        running.db.execute("UPDATE books SET copies = copies + 1")
        raise Refusal("closed", "We are closed; come back tomorrow.")

    outcome = call(running, "buy_copies", book_id="B0001")
    assert (outcome.refusal, outcome.text) == ("closed", "closed: We are closed; come back tomorrow.")
    assert outcome.is_error
    assert running.episode.diff() == {}


def test_a_bug_is_neither_a_refusal_nor_a_bad_argument(running: Environment, caplog: pytest.LogCaptureFixture) -> None:
    @running.writes(changes={"books": "update copies"})
    def break_book(book_id: BookId) -> Book:
        """Break."""
        running.db.execute("UPDATE books SET copies = 50")
        return Book(book_id=book_id, available=1 // (len(book_id) - 5))

    with caplog.at_level(logging.CRITICAL):
        outcome = call(running, "break_book", book_id="B0001")
    assert outcome.text == "Internal error in break_book (ZeroDivisionError); the call left no trace."
    assert outcome.refusal is None
    assert running.episode.diff() == {}


def test_a_read_that_writes_is_a_bug(running: Environment, caplog: pytest.LogCaptureFixture) -> None:
    @running.reads
    def peek_book(book_id: BookId) -> Book:
        """Peek."""
        running.db.execute("UPDATE books SET copies = copies")
        return Book(book_id=book_id, available=1)

    with caplog.at_level(logging.CRITICAL):
        assert "Internal error" in call(running, "peek_book", book_id="B0001").text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"day": "2026-02-30"}, "day: "),
        ({"day": 86_400}, "day: Input should be a valid string"),
        ({"day": "2026-02-03", "n": "3"}, "n: Input should be a valid integer"),
        ({"day": "2026-02-03", "n": True}, "n: Input should be a valid integer"),
        ({"day": "2026-02-03", "n": 0}, "n: Input should be greater than or equal to 1"),
        ({"day": "2026-02-03", "m": 1}, "m: Extra inputs are not permitted"),
        ({}, "day: Field required"),
    ],
)
def test_bad_arguments_are_named(running: Environment, arguments: dict[str, Any], told: str) -> None:
    @running.writes(changes={"books": "update copies"})
    def count_books(
        day: Annotated[IsoDate, Sets("loans.due_on", description="Day.")],
        n: Annotated[int, Sets("books.copies", description="How many.", ge=1)] = 1,
    ) -> Book:
        """Count."""
        raise NotImplementedError

    outcome = call(running, "count_books", **arguments)
    assert outcome.text.startswith("Invalid arguments for count_books: ")
    assert told in outcome.text
    assert outcome.refusal is None


def test_new_ids_go_on_from_the_scenario_and_cannot_be_counted(running: Environment) -> None:
    @running.reads
    def get_book(book_id: BookId) -> Book:
        """Get a book."""
        raise NotImplementedError

    there = {row["book_id"] for row in running.episode.rows("library")["books"]}
    with running.db.transaction():
        new = [running.new_id("books.book_id") for _ in range(50)]
    assert len({*there, *new}) == len(there) + 50
    numbers = [int(name[1:]) for name in new]
    assert numbers != sorted(numbers)
    with pytest.raises(DefinitionError, match="no pattern"):
        running.new_id("loans.loan_id")
