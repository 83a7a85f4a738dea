"""Starting alone, and saving: the library does both as in a farm, and is caught where it doesn't."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from envfactory_client import Farm
from envfactory_client.episode import Rows
from envfactory_client.errors import VerifyError
from envfactory_client.verify.checks.saving import SaveAndLoad
from envfactory_client.verify.checks.start import Start
from envfactory_client.verify.example import Example
from envfactory_client.verify.farm_subject import FarmSubject
from servers.runtime.farm import EMBEDDED_HOST, create_app
from synthesis.battery.direct import DirectSession
from tests.envfactory_client.verify.examined import LoadingSubject, found, library, sentences

TOKEN = "a-token-for-tests"


def said(subject: LoadingSubject, *command: str) -> list[str]:
    """What is found when a command is to start what a farm serves."""

    async def visit() -> list[str]:
        app = create_app({"library": lambda: subject.environment}, token=TOKEN, allowed_hosts=[EMBEDDED_HOST])
        async with Farm(app, token=TOKEN) as farm:
            served = await FarmSubject.of(farm, "library", here=True)
            return [one.sentence for one in await found(Start(lambda _: (sys.executable, *command)), served, again=1)]

    return asyncio.run(visit())


def test_the_library_starts_alone_as_in_a_farm(tmp_path: Path) -> None:
    assert said(library(tmp_path), "-m", "tests.fixtures.library") == []


def test_a_process_that_differs_is_named_over_each_transport_and_era(tmp_path: Path) -> None:
    other = library(tmp_path, "server.py", '"""Show one book."""', '"""Show a book."""')
    assert said(other, "-m", "tests.fixtures.library") == [
        "over stdio, get_book is listed otherwise than in a farm",
        "over HTTP in the era 2025-06-18, get_book is listed otherwise than in a farm",
        "over HTTP in the era 2025-11-25, get_book is listed otherwise than in a farm",
        "over HTTP in the era 2026-07-28, get_book is listed otherwise than in a farm",
    ]


def test_a_process_that_does_not_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    named = said(library(tmp_path), "-c", "raise SystemExit('no luck today')")
    assert len(named) == 4
    assert all("no luck today" in sentence for sentence in named)


def test_the_librarys_rows_are_the_same_when_saved_and_loaded(tmp_path: Path) -> None:
    assert sentences(SaveAndLoad(), library(tmp_path)) == []


def test_rows_that_change_by_being_loaded_are_named(tmp_path: Path) -> None:
    find = "CREATE INDEX loans_by_member"
    trigger = """CREATE TRIGGER late_fee AFTER INSERT ON members BEGIN
    UPDATE members SET fines_cents = fines_cents + 1 WHERE member_id = new.member_id;
END;
"""
    named = sentences(SaveAndLoad(), library(tmp_path, "schema.sql", find, trigger + find))
    assert set(named) == {"the rows of members are others in a database with its schema"}


def test_rows_that_cannot_be_loaded_again_are_named(tmp_path: Path) -> None:
    class Closed(LoadingSubject):
        async def load(self, rows: Rows, example: Example) -> DirectSession:
            raise VerifyError("not today")

    named = sentences(SaveAndLoad(), Closed(library(tmp_path).environment))
    assert set(named) == {"rows that it saved itself can't be loaded: not today"}
