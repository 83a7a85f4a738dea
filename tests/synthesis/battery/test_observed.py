"""What tools do is observed in SQLite, and whatever they declare otherwise is found."""

from __future__ import annotations

import asyncio
import importlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from envfactory_client import Tool, ToolGraph
from envfactory_client.verify.bench import Bench, Effort
from envfactory_client.verify.check import Broken
from envfactory_client.verify.layout import Layout
from servers.runtime import Environment
from synthesis.battery.direct import DirectSubject
from synthesis.battery.loading import environment_in
from synthesis.battery.observed import Pace, agreement, compare, contracts_of, observe, typed
from synthesis.battery.observed.checks import Links
from synthesis.battery.observed.lineage import Lineage, Place
from synthesis.battery.observed.statement import Statements, Use, cut

LIBRARY = Path(__file__).resolve().parents[2] / "fixtures" / "library"
Edited = Callable[..., Environment]


@pytest.fixture
def library(tmp_path: Path) -> Edited:
    """The library with pieces of its server replaced."""

    def edited(*edits: tuple[str, str]) -> Environment:
        folder = tmp_path / "library"
        shutil.copytree(LIBRARY, folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / "server.py").read_text(encoding="utf-8")
        for find, replace in edits:
            assert text.count(find) == 1, find
            text = text.replace(find, replace)
        (folder / "server.py").write_text(text, encoding="utf-8")
        return environment_in(folder)

    return edited


LIES = {
    "the column of a filter": (
        ('Filter("shelf.genre", "="', 'Filter("shelf.title", "="'),
        "search_books, genre: declared is filter shelf.title =; observed was = shelf.genre.",
    ),
    "the operator of a filter": (
        ('Filter("shelf.title", "like"', 'Filter("shelf.title", "="'),
        "search_books, title: declared is filter shelf.title =; observed was like shelf.title.",
    ),
    "the column of a key": (
        ('Key("loans.loan_id"', 'Key("members.email"'),
        "return_book, loan_id: declared is key of members.email; observed was = loans.loan_id.",
    ),
    "the column that a value is stored in": (
        ('Sets("members.fines_cents"', 'Sets("books.copies"'),
        "pay_fine, amount_cents: declared is sets books.copies; observed was sets members.fines_cents (derived).",
    ),
    "the column that a result shows": (
        ("    name: str\n", '    name: Annotated[str, Shows("members.email", description="Their name.")]\n'),
        "find_member, name: declared is shows members.email; observed was values of members.name.",
    ),
    "the key that a result is": (
        ("    loan_id: LoanId\n    book_id: BookId\n", "    loan_id: LoanId\n    book_id: str\n"),
        "list_loans, loans[].book_id: declared is link by no key; observed was link by books.book_id.",
    ),
    "the table that changes": (
        ('changes={"loans": "insert"}', 'changes={"members": "insert"}'),
        "borrow_book, loans: declared is changes: nothing; observed was insert loans.",
    ),
    "how a table changes": (
        ('changes={"loans": "insert"}', 'changes={"loans": "delete"}'),
        "borrow_book, loans: declared is changes: delete; observed was insert loans.",
    ),
    "the column that changes": (
        ('changes={"loans": "update returned_on"}', 'changes={"loans": "update due_on"}'),
        "return_book, loans: declared is changes: update due_on; observed was update loans.returned_on.",
    ),
    "that anything changes": (
        ('env.db.execute("UPDATE loans SET returned_on = ? WHERE loan_id = ?", (env.today, loan_id))', "pass"),
        "return_book: declared is writes; observed was reads.",
    ),
}


def test_the_honest_library_raises_no_alarm_whatever_the_seed(library: Edited) -> None:
    environment = library()
    for seed in range(3):
        assert compare(environment, observe(environment, pace=Pace(seed=seed))) == []


def test_all_that_the_library_declares_is_seen_but_what_is_always_null(library: Edited) -> None:
    environment = library()
    found = agreement(environment, observe(environment))
    assert [(unseen.tool, unseen.where) for unseen in found.unseen] == [("borrow_book", "returned_on")]
    assert (found.parameters, found.results, found.changes) == (10, 45, 3)
    assert found.links
    assert not found.unseen_links


@pytest.mark.parametrize("lie", LIES)
def test_a_contract_that_lies_is_found_out(lie: str, library: Edited) -> None:
    edit, sentence = LIES[lie]
    environment = library(edit, ("Record, Refusal, Sets, Shared, find", "Record, Refusal, Sets, Shared, Shows, find"))
    assert sentence in [found.sentence for found in compare(environment, observe(environment))]


def test_a_tool_is_observed_alone_as_it_is_among_all(library: Edited) -> None:
    environment = library()
    alone, among = observe(environment, ["return_book"]), observe(environment)
    assert alone.tools["return_book"] == among.tools["return_book"]


def test_the_check_says_what_it_found_in_a_way_that_can_be_seen_again(library: Edited) -> None:
    environment = library(('Filter("shelf.genre", "="', 'Filter("shelf.title", "="'))
    (found,) = broken(environment)
    assert found.tool == "search_books"
    again = asyncio.run(Links().judge(DirectSubject(environment), found.example))
    assert again == found.sentence
    assert asyncio.run(Links().judge(DirectSubject(environment_in(LIBRARY)), found.example)) is None


def broken(environment: Environment) -> list[Broken]:
    async def run() -> list[Broken]:
        bench = Bench(DirectSubject(environment), Effort())
        return [found async for found in Links().probe(bench)]

    return asyncio.run(run())


# Servers that declare none -------------------------------------------------------------------------------------------


def pairs(tools: Iterable[Tool]) -> set[tuple[str, str, str, str]]:
    links = ToolGraph.build(tools).links
    return {(link.producer, link.path, link.consumer, link.parameter) for link in links}


@pytest.mark.parametrize("name", ["library", "bank"])
def test_observed_contracts_make_the_links_that_declared_ones_make(name: str) -> None:
    environment = (
        environment_in(LIBRARY) if name == "library" else importlib.import_module(f"servers.{name}.server").env
    )
    declared, observed = pairs(DirectSubject(environment).tools.values()), pairs(typed(environment))
    precision, recall = len(declared & observed) / len(observed), len(declared & observed) / len(declared)
    assert (precision, recall) == (1.0, 1.0)


def test_an_observed_contract_reads_as_a_declared_one(library: Edited) -> None:
    observed = contracts_of(observe(library()))
    search, borrow, pay = (observed[name] for name in ("search_books", "borrow_book", "pay_fine"))
    assert (search.kind, borrow.kind) == ("reads", "writes")
    assert (title := search.parameters["title"].filter) is not None
    assert (title.column, title.operator) == ("shelf.title", "like")
    assert search.results["books[].book_id"].key == "books.book_id"
    assert search.results["total"].shows is None
    assert borrow.parameters["member_id"].key == "members.member_id"
    assert borrow.changes == {"loans": "insert"}
    assert borrow.refusals == ("fines_due", "no_copies", "not_found")
    assert pay.parameters["amount_cents"].sets == "members.fines_cents"
    assert pay.changes == {"members": "update fines_cents"}


def test_what_a_tool_declares_plays_no_part_in_what_is_observed(library: Edited) -> None:
    honest = contracts_of(observe(environment_in(LIBRARY)))
    lying = contracts_of(observe(library(('Filter("shelf.genre", "="', 'Filter("shelf.title", "="'))))
    assert lying == honest


# Statements and lineage ----------------------------------------------------------------------------------------------

SCHEMA = """
CREATE TABLE people (person_id TEXT PRIMARY KEY, name TEXT NOT NULL, age INTEGER NOT NULL) STRICT;
CREATE TABLE pets (pet_id TEXT PRIMARY KEY, owner_id TEXT NOT NULL REFERENCES people, name TEXT) STRICT;
CREATE VIEW homes AS SELECT p.pet_id, coalesce(p.name, 'nameless') AS pet, o.person_id AS home, o.age + 1 AS older
FROM pets p JOIN people o ON o.person_id = p.owner_id;
"""


def uses(sql: str) -> list[list[str]]:
    statements = Statements(Lineage(Layout.of(SCHEMA)))
    text, _ = statements.read(sql)
    return [[str(use) for use in sorted(slot)] for slot in statements.shape(text).slots]


def test_values_are_cut_out_of_a_statement_and_signs_stay_where_they_subtract() -> None:
    assert cut("SELECT age - 5, -7 FROM people WHERE name = 'O''Hara' -- 9")[1] == (5, -7, "O'Hara")


def test_a_compared_value_speaks_of_the_column_on_the_other_side() -> None:
    assert uses("SELECT * FROM people WHERE 30 <= age AND name LIKE '%' || 'an' || '%'")[0] == [">= people.age"]
    assert uses("SELECT * FROM people WHERE age + 1 > 30") == [[], ["> people.age (derived)"]]
    assert uses("SELECT 1 FROM pets WHERE owner_id IN ('P1')") == [[], ["= pets.owner_id"]]


def test_a_stored_value_speaks_of_its_column() -> None:
    assert uses("INSERT INTO pets (name, pet_id, owner_id) VALUES ('Rex', 'T1', 'P1')") == [
        ["sets pets.name"],
        ["sets pets.pet_id"],
        ["sets pets.owner_id"],
    ]
    assert uses("UPDATE people SET age = age + 1 WHERE person_id = 'P1'") == [
        ["sets people.age (derived)"],
        ["= people.person_id"],
    ]


def test_a_view_passes_columns_on_but_not_what_it_calculates() -> None:
    lineage = Lineage(Layout.of(SCHEMA))
    assert lineage.sources(Place("homes", "pet")) == {Place("pets", "name")}
    assert lineage.key_roots(Place("homes", "home")) == {Place("people", "person_id")}
    assert lineage.key_roots(Place("pets", "owner_id")) == {Place("people", "person_id")}
    assert lineage.sources(Place("homes", "older")) == {Place("homes", "older")}


def test_a_use_reads_as_an_operator_and_a_column() -> None:
    assert str(Use(Place("people", "age"), "<=", derived=True)) == "<= people.age (derived)"
