"""Phrases that contradict their environment are told, each by a sentence."""

from __future__ import annotations

import pytest

from synthesis.catalogue import Catalogue
from synthesis.errors import PhrasesError
from synthesis.flaws import flaws
from synthesis.phrases import read_phrases
from tests.synthesis.conftest import Mend


def test_sound_phrases_have_no_flaw(library_catalogue: Catalogue) -> None:
    assert flaws(library_catalogue) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"book_id.title" =', '"book_id.tittle" =', "no such column or path"),
        ('view = "shelf"', 'view = "shelve"', "no view shelve"),
        ("due_on = {", "due = {", "no such column or path"),
        ("{goal} {amount_cents}", "{goal} {amount}", "names amount"),
        ("until {due_on}.", "until {due_at}.", "names due_at"),
        ("no_copies = [", "no_copy = [", "never refuses with no_copy"),
        ("no_copies = [", "no_copy = [", "nothing is said for the refusal no_copies"),
        ("[tool.return_book]", "[tool.give_book]", "there is no such tool"),
        ("[tool.return_book]", "[tool.give_book]", "[tool.return_book] is missing"),
        ('mine = "email = :persona_email"', 'mine = "mail = :persona_email"', "no such column: mail"),
        ('of = "loans"', 'of = "books"', "a key of loans.loan_id, not of books"),
        ("[entity.loans]\n", '[entity.loans]\ntheirs = "owner = 1"\n', "theirs: no such column: owner"),
        ("[entity.loans]\n", '[entity.loans]\nstands = "owner = 1"\n', "stands: no such column: owner"),
        ("[entity.loans]\n", '[entity.loans]\nalone = ["due_on"]\n', "alone: nothing says due_on before the noun"),
    ],
)
def test_each_kind_of_flaw_is_told(with_phrases: Mend, old: str, new: str, told: str) -> None:
    found = flaws(with_phrases(old, new))
    assert any(told in flaw for flaw in found), found


LACKING = """[lacking.wish]
changes = "update books.colour"
of = "books"
asks = ["paint {row}"]
told = ["I can't paint a book."]

"""
SUM = """[sums.many]
tool = "list_loans"
op = "count"
of = "loans"
asks = ["how many {those} have I?"]
answered = ["{value}."]

"""


@pytest.mark.parametrize(
    ("section", "old", "new", "told"),
    [
        (LACKING, "update books.colour", "update loans.returned_on", "return_book makes that very change"),
        (LACKING, "update books.colour", "paint books", "'paint books' is no change"),
        (LACKING, "{row}", "{book}", "must have {row}"),
        (LACKING, "lacking.wish", "lacking.return_book", "there is a tool of that name"),
        (LACKING, 'of = "books"', 'of = "boots"', "there is no [entity.boots]"),
        (SUM, "list_loans", "return_book", "return_book is no look-up of the agent"),
        (SUM, 'op = "count"', 'op = "sum"', "a count has no column, and all else has one"),
        (SUM, "{those}", "{row}", "must have {rows} or {those}"),
        (SUM, "{value}", "many", "doesn't tell {value}"),
        (SUM, 'of = "loans"', 'of = "loanings"', "there is no [entity.loanings]"),
        (SUM, 'of = "loans"', 'of = "loans"\nalike = ["colour"]', "has no column colour"),
    ],
)
def test_wishes_and_sums_are_held_against_the_tools(
    with_phrases: Mend, section: str, old: str, new: str, told: str
) -> None:
    place = "[tool.return_book]"
    assert flaws(with_phrases(place, section + place)) == []
    found = flaws(with_phrases(place, section.replace(old, new) + place))
    assert any(told in flaw for flaw in found), found


TOGETHER = """[tool.return_book.together]
column = "due_on"
asks = ["{goal} {first} and {second} by {limit}"]

"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", "due_on is nothing of loans that is said and can be added up"),
        ("{limit}", "then", "must have {first}, {second} and {limit}"),
        ("return_book", "borrow_book", "the tool must take just one row"),
    ],
)
def test_requests_under_a_total_are_held_against_their_rows(with_phrases: Mend, old: str, new: str, told: str) -> None:
    place = "[tool.pay_fine]"
    found = flaws(with_phrases(place, TOGETHER.replace(old, new) + place if old else TOGETHER + place))
    assert any(told in flaw for flaw in found), found


def test_conditions_and_kin_are_held_against_the_schema(with_phrases: Mend) -> None:
    place = "[entity.loans.say]"
    tests = '[entity.loans.tests]\ndue = { kind = "date", more = ["it is due later"], told = ["it is due on {}"] }\n'
    found = flaws(with_phrases(place, f"{tests}\n[entity.loans.kin]\nbooks = ['{{}}']\n\n{place}"))
    assert any("loans has no such column" in flaw for flaw in found), found
    assert any("has no {} for the value" in flaw for flaw in found), found
    assert any("no entity of that name refers to loans" in flaw for flaw in found), found


def test_senses_and_ends_are_held_against_tests_and_parameters(with_phrases: Mend) -> None:
    place = "[tool.pay_fine]"
    senses = '[tool.return_book.only]\ndue_on = "less"\n[tool.return_book.ends]\nloan = {}\n'
    found = flaws(with_phrases(place, senses + place))
    assert any("no row that it takes has a test of that name" in flaw for flaw in found), found
    assert any("[tool.return_book.ends] loan: it has no loan" in flaw for flaw in found), found
    tests = '[entity.loans.tests]\ndue_on = { kind = "date", more = ["it is due after {}"], told = ["it is due {}"] }\n'
    sound = senses.replace("loan =", "loan_id =")
    assert flaws(with_phrases(place, tests + sound + place)) == []
    listed = sound.replace('"less"', '["less"]')
    assert any("is a list of its values" in flaw for flaw in flaws(with_phrases(place, tests + listed + place)))


def test_reasons_and_told_values_are_held_against_the_tool(with_phrases: Mend) -> None:
    place = "[tool.borrow_book]\n"

    def told(reason: str, further: str = "") -> list[str]:
        return flaws(with_phrases(place, f"{place}reasons = [{reason}]\n{further}"))

    sound = '{ say = "it\'s short", needs = ["book_id"], where = "(SELECT 1 FROM books WHERE book_id = :book_id)" }'
    assert told(sound) == []
    assert any("it needs seat" in flaw for flaw in told(sound.replace('["book_id"]', '["seat"]')))
    assert any("no such table: boots" in flaw for flaw in told(sound.replace("books", "boots")))
    assert any("')' outside" in flaw for flaw in told('"too many)"'))
    for name in ("nothing.due = ['free']", "words.due = { x = 'y' }"):
        assert any("no field due that could be 0" in flaw for flaw in told(sound, f"{name}\n"))


def test_what_is_told_of_a_row_is_a_column_that_is_said_of_it(with_phrases: Mend) -> None:
    place = "until {due_on}."
    assert flaws(with_phrases(place, "until {due_on} ({book_id.genre}).")) == []
    found = flaws(with_phrases(place, "until {due_on} ({book_id.colour})."))
    assert any("names book_id.colour" in flaw for flaw in found), found


def test_what_has_just_been_done_is_said_with_fields_of_its_result(with_phrases: Mend) -> None:
    place = "[tool.pay_fine]\n"
    for name in ("acts", "unasked"):
        found = flaws(with_phrases(place, f'{place}{name} = ["I have paid {{nothing_at_all}}"]\n'))
        assert any("names nothing_at_all, which is no result" in flaw for flaw in found), found


def test_what_a_row_is_named_through_is_kin(with_phrases: Mend) -> None:
    place = "[entity.loans.say]"
    found = flaws(with_phrases(place, f"[entity.loans.through]\nbooks = ['{{}}']\n\n{place}"))
    assert any("[entity.loans.through] books: it is no kin" in flaw for flaw in found), found
    found = flaws(with_phrases("[entity.loans]\n", '[entity.loans]\nreplying = ["books"]\n'))
    assert "[entity.loans] replying: books is no kin." in found


def test_broken_files_name_the_place() -> None:
    with pytest.raises(PhrasesError, match=r"x/phrases\.toml is not TOML"):
        read_phrases("x", "[entity")
    with pytest.raises(PhrasesError, match=r"at entity\.books\.noun"):
        read_phrases("x", "[entity.books]\nnoun = []")
    with pytest.raises(PhrasesError, match=r"at tool\.find\.slots\.email\.bye"):
        read_phrases("x", 'tool.find.slots.email = { bye = ["x"] }')
