"""What is due at a spot is what its declared SQL says there, whatever was looked up before and beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envfactory_client.tool import Tool
from envfactory_client.verify.bench import mirrored
from envfactory_client.verify.dues import Dues
from envfactory_client.verify.example import Edit
from envfactory_client.verify.mirror import Mirror
from envfactory_client.verify.spot import Spot
from envfactory_client.verify.stakes import Stakes
from synthesis.battery.direct import DirectSubject
from tests.fixtures.library.server import env as library_environment

DAY = 86_400


@dataclass(frozen=True)
class Desk:
    """A library and its mirror, with what is due in it."""

    subject: DirectSubject
    mirror: Mirror
    dues: Dues

    @property
    def borrow(self) -> Tool:
        """The tool that is asked about."""
        return self.subject.tools["borrow_book"]

    def said(self, spot: Spot) -> frozenset[str] | None:
        """What all declared SQL says together at a spot; None where the schema doesn't take its edits."""
        with self.mirror.at(spot.wait, spot.edits) as possible:
            return self.mirror.due(self.borrow, spot.arguments) if possible else None


def ids(mirror: Mirror, table: str, column: str) -> list[str]:
    return [row[column] for row in mirror.select(f"SELECT {column} FROM {table} ORDER BY 1 LIMIT 4", {})]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    subject = DirectSubject(library_environment)
    mirror = asyncio.run(mirrored(subject, seed=1))
    yield Desk(subject, mirror, Dues(mirror, Stakes(mirror.facts)))
    mirror.close()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_due_is_what_all_declared_sql_says(desk: Desk, data: st.DataObject) -> None:
    books, members = ids(desk.mirror, "books", "book_id"), ids(desk.mirror, "members", "member_id")
    edits = st.one_of(
        st.builds(
            lambda book, value: Edit(table="books", key={"book_id": book}, column="copies", value=value),
            st.sampled_from(books),
            st.sampled_from([-1, 0, 1, 9]),
        ),
        st.builds(
            lambda member, value: Edit(table="members", key={"member_id": member}, column="fines_cents", value=value),
            st.sampled_from(members),
            st.sampled_from([0, 1, 10_000]),
        ),
    )
    spot = Spot(
        {"book_id": data.draw(st.sampled_from([*books, "B999"])), "member_id": data.draw(st.sampled_from(members))},
        data.draw(st.sampled_from([0, DAY, 400 * DAY])),
        tuple(data.draw(st.lists(edits, max_size=2))),
    )
    said = desk.said(spot)
    codes = desk.mirror.facts.refuses("borrow_book")
    assert desk.dues.at(desk.borrow, spot) == said
    for code in codes:
        assert desk.dues.has(desk.borrow, spot, code) == (None if said is None else code in said)
        assert desk.dues.only(desk.borrow, spot, code, due=True) == (said == frozenset({code}))
        assert desk.dues.only(desk.borrow, spot, code, due=False) == (said == frozenset())


def test_before_the_start_nothing_can_be(desk: Desk) -> None:
    arguments = {"book_id": ids(desk.mirror, "books", "book_id")[0], "member_id": "M001"}
    assert desk.dues.at(desk.borrow, Spot(arguments, -1)) is None


@pytest.mark.parametrize(("copies", "sound"), [(9, True), (1, False)])
def test_edits_are_sound_unless_they_break_an_invariant(desk: Desk, copies: int, sound: bool) -> None:
    lent = "SELECT book_id FROM loans WHERE returned_on IS NULL GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
    (book,) = desk.mirror.select(lent, {})
    edit = Edit(table="books", key=book, column="copies", value=copies)
    assert desk.dues.sound(Spot({}, 0, (edit,))) is sound
