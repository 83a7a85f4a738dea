"""The gates of meaning catch descriptions that don't single out the row that is meant: planted violations."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from random import Random
from typing import Any

import pytest

from envfactory_client.logical_form import Derived, Extreme, Field, Property, Row, Said, Same
from envfactory_client.logical_form import Rows as Set
from synthesis.catalogue import Catalogue
from synthesis.draft import DraftStep, DraftTurn, Meant, Origin
from synthesis.errors import Drop
from synthesis.gates import GATES
from synthesis.gates.denotation import denoted
from synthesis.gates.meaning import (
    check_acted_on,
    check_binding,
    check_distractor,
    check_readings,
    check_spoken,
    check_unique,
)
from synthesis.gates.watch import Watch
from synthesis.memo import Memo
from synthesis.stage import Stage
from tests.synthesis.conftest import Mend, library_farm

Rows = dict[str, list[dict[str, Any]]]
Scene = Callable[[Stage, Rows], Awaitable[None]]


def in_library(catalogue: Catalogue, scene: Scene, most_loans: int | None = None) -> None:
    """Play a scene on a stage whose user is the member with the most loans, or with just so many."""

    async def run() -> None:
        async with library_farm() as farm, await farm.open("library", seed=3) as episode:
            rows = {table: [dict(row) for row in found] for table, found in (await episode.rows("library")).items()}
            counts = Counter(str(loan["member_id"]) for loan in rows["loans"])
            ranked = [key for key, number in counts.most_common() if most_loans in (None, number)]
            email = next(row["email"] for row in rows["members"] if row["member_id"] == ranked[0])
            rows["mine"] = [loan for loan in rows["loans"] if loan["member_id"] == ranked[0]]
            stage = Stage(episode, {"library": catalogue}, "library", Random(0), {"email": email})
            await stage.begin()
            await scene(stage, rows)

    asyncio.run(run())


def book(*properties: tuple[str, Any]) -> Row:
    parts = tuple(Property(path=path, value=Said(value=value)) for path, value in properties)
    return Row(environment="library", entity="books", properties=parts)


def loan(*properties: Property, extreme: Extreme | None = None) -> Row:
    return Row(environment="library", entity="loans", mine=True, properties=properties, extreme=extreme)


def meant(row: Row, value: Any, sql: str = "SELECT 1 WHERE 0", **known: Any) -> Meant:
    return Meant("it", row, value, 0, sql, known=known.get("known", {}))


def refused(check: Awaitable[None]) -> Awaitable[str]:
    """Give the reason for which a check drops a task."""

    async def reason() -> str:
        with pytest.raises(Drop) as drop:
            await check
        return drop.value.reason

    return reason()


async def on_the_shelf(stage: Stage) -> tuple[str, str, int]:
    """Give key, title and copies on the shelf of a book that can be borrowed."""
    found = await stage.query(
        "SELECT book_id, title, available FROM shelf WHERE available > 0 ORDER BY book_id LIMIT 1"
    )
    return found[0][0], found[0][1], found[0][2]


def test_every_gate_says_what_it_holds() -> None:
    assert list(GATES) == [f"G{number}" for number in range(1, 10)]
    assert all(sentence.endswith(".") for sentence in GATES.values())


def test_a_denotation_reads_descriptions_inside_descriptions(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        first = rows["mine"][0]
        title = next(row["title"] for row in rows["books"] if row["book_id"] == first["book_id"])
        of_book = Property(path="loans.book_id", value=book(("shelf.title", title)))
        through = Property(path="books.title", value=Said(value=title))
        due = Property(path="loans.due_on", op="on", value=Field(of=loan(of_book), column="loans.due_on"))
        expected = [row["loan_id"] for row in rows["mine"] if row["book_id"] == first["book_id"]]
        assert await denoted(stage, loan(of_book), {}) == expected
        assert await denoted(stage, loan(through), {}) == expected
        assert set(expected) <= set(await denoted(stage, loan(due), {}))

    in_library(library_catalogue, scene)


def test_a_denotation_reads_what_a_field_refers_to(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        first = rows["mine"][0]
        own = loan(Property(path="loans.due_on", value=Said(value=first["due_on"], type="date")))
        lent = Field(of=own, column="loans.book_id")
        genre = next(row["genre"] for row in rows["books"] if row["book_id"] == first["book_id"])
        alike = Property(path="shelf.genre", value=Field(of=lent, column="shelf.genre"))
        expected = sorted(row["book_id"] for row in rows["books"] if row["genre"] == genre)
        assert await denoted(stage, book().model_copy(update={"properties": (alike,)}), {}) == expected
        no_row = Property(
            path="shelf.genre", value=Field(of=Field(of=own, column="loans.due_on"), column="shelf.genre")
        )
        with pytest.raises(Drop, match="refers to no row"):
            await denoted(stage, book().model_copy(update={"properties": (no_row,)}), {})

    in_library(library_catalogue, scene, most_loans=1)


def test_a_denotation_takes_it_for_the_row_that_was_spoken_of(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        first = rows["mine"][0]
        it = Property(path="loans.book_id", value=Same(environment="library", entity="books"))
        known = {("library", "books"): first["book_id"]}
        assert first["loan_id"] in await denoted(stage, loan(it), known)
        assert await denoted(stage, loan(it), {}) == []

    in_library(library_catalogue, scene)


def test_g3_catches_a_description_that_fits_several_rows(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        assert len(rows["mine"]) > 1
        reason = await refused(check_unique(stage, meant(loan(), rows["mine"][0]["loan_id"]), "spoken"))
        assert reason == "gate_G3"

    in_library(library_catalogue, scene)


def test_g3_catches_a_description_that_a_write_makes_mean_something_else(library_catalogue: Catalogue) -> None:
    """Spoken, the book has so many copies on the shelf; by the time that it is acted on one of them was lent."""

    async def scene(stage: Stage, rows: Rows) -> None:
        key, title, available = await on_the_shelf(stage)
        row = book(("shelf.title", title), ("shelf.available", available))
        member = next(row["member_id"] for row in rows["members"] if row["fines_cents"] == 0)
        arguments = {"book_id": key, "member_id": member}
        origins = {name: Origin("explicit", text=value) for name, value in arguments.items()}
        steps = [
            DraftStep("library", "borrow_book", arguments, origins, None, "", None, "later", "later"),
            DraftStep("library", "get_book", {"book_id": key}, origins, None, "", None, "later", "later"),
        ]
        spoken = Meant("book_id", row, key, 1, f"SELECT book_id FROM books WHERE title = '{title}'")
        stage.draft.steps, stage.draft.turns = steps, [DraftTurn(meant=[spoken], steps=[0, 1])]
        watch = Watch(stage)
        await watch.spoken(0)
        await watch.acted_on(0)
        assert (await stage.episode.call("library", "borrow_book", **arguments)).refusal is None
        assert await refused(watch.acted_on(1)) == "gate_G3"

    in_library(library_catalogue, scene)


def test_g3_catches_a_set_that_takes_in_more_rows_than_are_acted_on(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        all_mine = Set(environment="library", entity="loans", mine=True)
        keys = [row["loan_id"] for row in rows["mine"]]
        await check_unique(stage, Meant("it", all_mine, keys, 0, ""), "spoken")
        assert await refused(check_unique(stage, Meant("it", all_mine, keys[1:], 0, ""), "spoken")) == "gate_G3"

    in_library(library_catalogue, scene)


def test_g4_catches_a_query_of_the_plan_that_gives_another_row(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        key, title, _ = await on_the_shelf(stage)
        row = book(("shelf.title", title))
        right = f"SELECT book_id FROM books WHERE title = '{title}'"
        await check_acted_on(stage, [meant(row, key, right)])
        wrong = right.replace("=", "<>") + " LIMIT 1"
        assert await refused(check_acted_on(stage, [meant(row, key, wrong)])) == "gate_G4"

    in_library(library_catalogue, scene)


def test_g6_catches_a_latest_row_that_is_another_one_by_another_day(with_phrases: Mend) -> None:
    catalogue = with_phrases('noun = ["loan"]', 'noun = ["loan"]\nrecency = "loan_id"')

    async def scene(stage: Stage, rows: Rows) -> None:
        latest = loan(extreme=Extreme(path="loans.loan_id", function="max"))
        found = await denoted(stage, latest, {})
        by_due = await denoted(stage, loan(extreme=Extreme(path="loans.due_on", function="max")), {})
        assert by_due != found[:1]
        assert await refused(check_readings(stage, meant(latest, found[0]))) == "gate_G6"
        await check_readings(stage, meant(latest, by_due[0]))

    in_library(catalogue, scene)


def test_g6_catches_a_code_that_somebody_else_has_as_well(with_phrases: Mend) -> None:
    catalogue = with_phrases('noun = ["loan"]', 'noun = ["loan"]\nhandles = ["book_id"]')

    async def scene(stage: Stage, rows: Rows) -> None:
        lent = Counter(row["book_id"] for row in rows["loans"])
        shared = next(row for row in rows["mine"] if lent[row["book_id"]] > 1)
        row = loan(Property(path="loans.book_id", value=Said(value=shared["book_id"])))
        assert await refused(check_readings(stage, meant(row, shared["loan_id"]))) == "gate_G6"

    in_library(catalogue, scene)


def test_g7_catches_a_description_that_need_not_be_read(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        [only] = rows["mine"]
        row = loan(Property(path="loans.due_on", op="on", value=Said(value=only["due_on"])))
        await check_unique(stage, meant(row, only["loan_id"]), "spoken")
        assert await refused(check_distractor(stage, meant(row, only["loan_id"]))) == "gate_G7"
        await check_distractor(stage, meant(loan(), only["loan_id"]))

    in_library(library_catalogue, scene, most_loans=1)


def test_g7_catches_a_set_whose_words_leave_nothing_out(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        any_day = Property(path="loans.due_on", op=">=", value=Said(value="1900-01-01"))
        all_mine = Set(environment="library", entity="loans", mine=True, properties=(any_day,))
        keys = [row["loan_id"] for row in rows["mine"]]
        assert await refused(check_distractor(stage, Meant("it", all_mine, keys, 0, ""))) == "gate_G7"

    in_library(library_catalogue, scene)


def test_g7_catches_a_limit_that_changes_nothing(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        out = sorted(str(row["due_on"]) for row in rows["mine"])
        last = next(row for row in rows["mine"] if row["due_on"] == out[-1])
        first_day = Field(of=loan(extreme=Extreme(path="loans.due_on", function="min")), column="loans.due_on")
        latest = Extreme(path="loans.due_on", function="max")

        def within(days: int) -> Row:
            until = Derived(op="days_later", of=(first_day, Said(value=days)))
            return loan(Property(path="loans.due_on", op="<=", value=until), extreme=latest)

        span = (date.fromisoformat(out[-1]) - date.fromisoformat(out[0])).days
        assert await refused(check_binding(stage, meant(within(span), last["loan_id"]))) == "gate_G7"
        (before,) = await denoted(stage, within(span - 1), {})
        assert before != last["loan_id"]
        await check_binding(stage, meant(within(span - 1), before))

    in_library(library_catalogue, scene)


def test_a_good_description_passes_all_gates(library_catalogue: Catalogue) -> None:
    async def scene(stage: Stage, rows: Rows) -> None:
        key, title, _ = await on_the_shelf(stage)
        await check_spoken(stage, [meant(book(("shelf.title", title)), key)])

    in_library(library_catalogue, scene)


def test_a_stage_of_a_watch_keeps_its_own_answers(library_catalogue: Catalogue) -> None:
    """What the plan's last state answered must not pass for the recording's first."""

    async def scene(stage: Stage, rows: Rows) -> None:
        watch = Watch(stage)
        assert watch.stage.memo is not stage.memo
        assert watch.stage.draft.locals is not stage.draft.locals
        assert watch.stage.draft.locals == stage.draft.starts
        assert isinstance(watch.stage.memo, Memo)

    in_library(library_catalogue, scene)
