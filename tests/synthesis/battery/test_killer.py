"""The battery as a killer: what it notices of a fault, and what it needn't ask again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from servers.runtime import Environment
from synthesis.battery.killer import Noticing, concerned
from synthesis.battery.loading import environment_in

LIBRARY = Path(__file__).resolve().parents[2] / "fixtures" / "library"
FINES = "fines_cents INTEGER NOT NULL DEFAULT 0"
PROMISED = f"{FINES} CHECK (fines_cents >= 0)"


def changed(tmp_path: Path, file: str, old: str, new: str) -> Environment:
    """Give the library with one change."""
    folder = tmp_path / "library"
    shutil.copytree(LIBRARY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return environment_in(folder)


@pytest.fixture(scope="module")
def library() -> Environment:
    return environment_in(LIBRARY)


def test_nothing_is_noticed_of_the_library_as_it_is(library: Environment) -> None:
    noticing = Noticing(library)
    assert noticing.unchanged(library) is None
    assert noticing.notice(library, "get_book") is None


def test_nothing_is_noticed_of_our_environments_where_all_tools_are_looked_at() -> None:
    schedule = environment_in(Path(__file__).resolve().parents[3] / "servers" / "schedule")
    assert concerned(schedule, "events") == frozenset()
    assert Noticing(schedule).notice(schedule, "events") is None


def test_a_guard_that_never_refuses_is_noticed(library: Environment, tmp_path: Path) -> None:
    fault = changed(tmp_path, "server.py", 'if book["available"] == 0:', "if False:")
    found = Noticing(library).notice(fault, "borrow_book")
    assert found is not None
    assert found.startswith(("B5: ", "B11: "))


def test_an_environment_that_fails_by_itself_is_noticed_unchanged(tmp_path: Path) -> None:
    fault = changed(tmp_path, "server.py", 'return Book.of(find(env.db, "shelf", book_id=book_id))', "return None")
    assert str(Noticing(fault).unchanged(fault)).startswith("B14: get_book fails like a bug")


def test_declarations_that_promise_too_much_are_noticed(library: Environment, tmp_path: Path) -> None:
    fault = changed(tmp_path, "schema.sql", PROMISED, FINES)
    assert str(Noticing(library).notice(fault, "members")).startswith("D7: members.fines_cents takes ")
    assert str(Noticing(fault).unchanged(fault)).startswith("D7: members.fines_cents takes ")


def test_what_is_declared_as_in_the_unchanged_environment_is_not_asked_again(tmp_path: Path) -> None:
    unsound = changed(tmp_path, "schema.sql", PROMISED, FINES)
    assert Noticing(unsound).notice(unsound, "members") is None
