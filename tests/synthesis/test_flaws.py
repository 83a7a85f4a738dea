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
    ],
)
def test_each_kind_of_flaw_is_told(with_phrases: Mend, old: str, new: str, told: str) -> None:
    found = flaws(with_phrases(old, new))
    assert any(told in flaw for flaw in found), found


def test_broken_files_name_the_place() -> None:
    with pytest.raises(PhrasesError, match=r"x/phrases\.toml is not TOML"):
        read_phrases("x", "[entity")
    with pytest.raises(PhrasesError, match=r"at entity\.books\.noun"):
        read_phrases("x", "[entity.books]\nnoun = []")
    with pytest.raises(PhrasesError, match=r"at tool\.find\.slots\.email\.bye"):
        read_phrases("x", 'tool.find.slots.email = { bye = ["x"] }')
