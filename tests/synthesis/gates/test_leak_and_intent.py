"""The gates G1, G2 and G8: no leak, no argument without a true origin, no wish that two tools could meet."""

from __future__ import annotations

import pytest

from envfactory_client import Tool
from envfactory_client.logical_form import Intent
from synthesis.catalogue import Catalogue
from synthesis.draft import Draft, DraftStep, DraftTurn, Origin
from synthesis.errors import Drop
from synthesis.gates.intent import check_intents, signature
from synthesis.gates.leak import check_no_leak, surface_forms
from synthesis.ledger import ledger

FOUND = {"books": [{"book_id": "B0042"}], "total": 1}


def task(user: str, origin: Origin) -> Draft:
    """Give a task of a look-up and a look at the book that it found."""
    search = DraftStep("library", "search_books", {}, {}, FOUND, "", None, "s", "s")
    get = DraftStep("library", "get_book", {"book_id": "B0042"}, {"book_id": origin}, {}, "", None, "s", "s")
    return Draft(turns=[DraftTurn(user=user, steps=[0, 1])], steps=[search, get])


FROM_THE_SEARCH = Origin("earlier", step=0, place="books[0].book_id")


def test_g1_catches_an_id_in_the_users_words(library_catalogue: Catalogue) -> None:
    with pytest.raises(Drop, match=r"gate_G1.*B0042"):
        check_no_leak(task("Is b0042 in?", FROM_THE_SEARCH), {"library": library_catalogue})


def test_g1_lets_pass_what_is_said_outright_and_what_only_looks_alike(library_catalogue: Catalogue) -> None:
    check_no_leak(task("Is B0042 in?", Origin("explicit", text="B0042")), {"library": library_catalogue})
    check_no_leak(task("Is B00421 in?", FROM_THE_SEARCH), {"library": library_catalogue})


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("date", "2026-03-02", "March 2nd"),
        ("date", "2026-03-02", "2 March"),
        ("date", "2026-03-12", "12th of March"),
        ("date", "2026-03-02", "3/2"),
        ("date", "2026-03-02", "2026-03-02"),
        ("time", "2026-03-02T15:30:00", "3:30 pm"),
        ("money", 125050, "$1,250.50"),
        ("money", 125050, "1250.50"),
        ("money", 40000, "$400"),
        ("books.book_id", "B0042", "B0042"),
    ],
)
def test_g1_knows_the_forms_of_days_hours_and_amounts(kind: str, value: object, form: str) -> None:
    assert form in set(surface_forms(kind, value))


def test_g1_doesnt_take_small_numbers_for_amounts() -> None:
    assert "3" not in set(surface_forms("money", 3))
    assert not set(surface_forms(None, 3))


def test_g2_catches_an_argument_without_an_origin() -> None:
    draft = task("Is it in?", FROM_THE_SEARCH)
    draft.steps[1] = DraftStep("library", "get_book", {"book_id": "B0042"}, {}, {}, "", None, "s", "s")
    with pytest.raises(Drop, match="unclassified"):
        ledger(draft)


def test_g2_catches_an_origin_that_shows_something_else() -> None:
    with pytest.raises(Drop, match="untrue_origin"):
        ledger(task("Is it in?", Origin("earlier", step=0, place="total")))


def test_g2_catches_a_value_that_nobody_says() -> None:
    with pytest.raises(Drop, match="unsaid"):
        ledger(task("Is it in?", Origin("explicit", text="B0042")))


def test_g2_passes_true_origins() -> None:
    assert [entry.source for entry in ledger(task("Is it in?", FROM_THE_SEARCH))] == ["earlier"]


def test_g8_catches_a_wish_that_another_tool_would_meet_as_well(library_catalogue: Catalogue) -> None:
    tools = list(library_catalogue.tools.values())
    wish = [Intent(act="library.borrow_book")]
    check_intents(wish, tools)
    twin = library_catalogue.tools["borrow_book"].model_copy(update={"name": "lend_book"})
    with pytest.raises(Drop, match=r"gate_G8.*borrow_book and library.lend_book"):
        check_intents(wish, [*tools, twin])


def test_g8_catches_a_wish_for_a_tool_that_is_not_there(library_catalogue: Catalogue) -> None:
    tools = [tool for tool in library_catalogue.tools.values() if tool.name != "borrow_book"]
    with pytest.raises(Drop, match="gate_G8"):
        check_intents([Intent(act="library.borrow_book")], tools)


def test_a_question_and_a_reply_need_no_effect(library_catalogue: Catalogue) -> None:
    check_intents([Intent(wants="library.shelf.available"), Intent(reply=True)], [])


def test_tools_that_refuse_differently_have_different_effects(library_catalogue: Catalogue) -> None:
    tool = library_catalogue.tools["return_book"]
    assert tool.contract is not None
    other = Tool(**{**dict(tool), "contract": tool.contract.model_copy(update={"refusals": ("lost",)})})
    assert signature(tool) != signature(other)
