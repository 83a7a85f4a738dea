"""Constraints: the library's schema refuses what its contracts promise never to be, and is caught where it doesn't."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from envfactory_client.verify.checks.constraints import Constraints
from envfactory_client.verify.example import Edit, Example
from tests.envfactory_client.verify.examined import library, sentences


def test_the_library_refuses_all_that_must_not_be(tmp_path: Path) -> None:
    assert sentences(Constraints(), library(tmp_path)) == []


@pytest.mark.parametrize(
    ("find", "replace", "said"),
    [
        (" CHECK (genre IN ('novel', 'poetry', 'travel'))", "", "books.genre takes 'nonsense'"),
        (" CHECK (fines_cents >= 0)", "", "members.fines_cents takes -1"),
        (" CHECK (due_on IS date(due_on, '+0 days'))", "", "loans.due_on takes 'nonsense'"),
        (
            "due_on IS date(due_on, '+0 days')",
            "due_on GLOB '20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]'",
            "loans.due_on takes '20",
        ),
        ("due_on TEXT NOT NULL", "due_on TEXT", "loans.due_on takes None"),
        ("book_id TEXT NOT NULL REFERENCES books", "book_id TEXT NOT NULL", "loans.book_id takes "),
        (" CHECK (member_id GLOB 'M[0-9][0-9][0-9][0-9]')", "", "members.member_id takes 'nonsense'"),
        (
            "loan_id TEXT PRIMARY KEY CHECK (loan_id GLOB 'L[0-9][0-9][0-9][0-9][0-9][0-9]'),",
            "loan_id TEXT NOT NULL, place INTEGER PRIMARY KEY,",
            "loans.loan_id takes ",
        ),
    ],
)
def test_what_the_schema_takes_is_named(find: str, replace: str, said: str, tmp_path: Path) -> None:
    found = sentences(Constraints(), library(tmp_path, "schema.sql", find, replace))
    assert len(found) == 1
    assert found[0].startswith(said)
    assert "; add " in found[0]


def test_an_edit_within_the_domain_breaks_nothing(tmp_path: Path) -> None:
    subject = library(tmp_path, "schema.sql", " CHECK (fines_cents >= 0)", "")
    edit = Edit(table="members", key={}, column="fines_cents", value=5)
    for one, broken in ((edit, False), (edit.model_copy(update={"value": -5}), True)):
        sentence = asyncio.run(Constraints().judge(subject, Example(edits=(one,))))
        assert (sentence is not None) == broken
