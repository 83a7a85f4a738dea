"""Feasible values: declared refusals sort out the candidates for an argument."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from synthesis.choose import Choice
from synthesis.draft import DraftTurn
from synthesis.engine import Engine
from synthesis.errors import Drop
from synthesis.feasible import Bench
from synthesis.goals import GoalKind
from synthesis.ground import Grounding, ground
from synthesis.stage import Stage
from tests.synthesis.conftest import library_farm, on_stage

MEMBER = "SELECT min(member_id) FROM members WHERE fines_cents = 0"


def sorted_out(kind: GoalKind, name: str, column: str, others: dict[str, str]) -> tuple[list[Any], list[Any], set[Any]]:
    """Give all candidates, those that are left, and those that the call itself then accepts."""

    async def run() -> tuple[list[Any], list[Any], set[Any]]:
        async with library_farm() as farm:
            catalogue = await Engine(farm).survey("library")
            async with await farm.open("library", seed=3) as episode:
                stage = Stage(episode, {"library": catalogue}, "library", Random(1), dict(episode.persona))
                await stage.begin()
                table, _, key = column.partition(".")
                found = [row[0] for row in await stage.query(f"SELECT {key} FROM {table} ORDER BY {key}")]
                bench = Bench(stage, catalogue.tools[kind.tool], kind, {})
                values = {other: (await stage.query(sql))[0][0] for other, sql in others.items()}
                ends = {}
                for value in found:
                    async with await episode.fork() as fork:
                        result = await fork.call("library", kind.tool, **{**values, name: value})
                        assert result.refusal or not result.is_error
                        ends[value] = result.refusal
                wanted = kind.what or None
                right = {value for value, end in ends.items() if end == wanted}
                return found, await bench.sorted_out(name, found, values), right

    return asyncio.run(run())


def test_only_what_will_not_be_refused_is_left_for_a_goal_to_be_done() -> None:
    found, left, right = sorted_out(
        GoalKind("library", "borrow_book", "done"), "book_id", "books.book_id", {"member_id": MEMBER}
    )
    assert set(left) == right
    assert 0 < len(left) < len(found)


def test_only_what_will_be_refused_for_that_reason_is_left_for_a_goal_to_be_refused() -> None:
    _, left, right = sorted_out(
        GoalKind("library", "borrow_book", "refuse", "no_copies"), "book_id", "books.book_id", {"member_id": MEMBER}
    )
    assert left
    assert set(left) <= right


def test_candidates_stay_as_long_as_no_refusal_is_decided() -> None:
    found, left, _ = sorted_out(GoalKind("library", "search_books", "answer", "total"), "title", "books.title", {})
    assert left == found


def test_a_refusal_that_another_one_is_always_due_beside_leaves_the_rows_of_both() -> None:
    async def use(stage: Stage) -> tuple[list[Any], set[str | None]]:
        tool = stage.catalogue.tools["check_in"]
        bench = Bench(stage, tool, GoalKind("airline", "check_in", "refuse", "payment_pending"), {})
        left = await bench.sorted_out("segment_id", await stage.keys("segments", None), {})
        ends = set()
        for segment in left:
            async with await stage.episode.fork() as fork:
                ends.add((await fork.call("airline", "check_in", segment_id=segment)).refusal)
        return left, ends

    left, ends = on_stage("airline", use)
    assert left
    assert "payment_pending" in ends


def test_a_refusal_that_another_one_forestalls_is_no_broken_contract() -> None:
    """Where two refusals are due, the call says which comes first; both were declared."""
    bags = GoalKind("airline", "add_bags", "refuse", "payment_pending")

    async def use(stage: Stage) -> str:
        sql = """SELECT ticket_id FROM ticket_board WHERE booking_status = 'held' AND payment_pending
            AND email = :persona_email ORDER BY ticket_id"""
        found = await stage.query(sql)
        if not found:
            return "none"
        values = {"ticket_id": found[0][0], "bags": 1}
        choice = Choice("{goal} {bags} to {ticket_id}", values, asked={"payment_pending", "not_confirmed"})
        try:
            await Grounding(stage, bags, stage.catalogue.tools["add_bags"]).rehearse(choice)
        except Drop as drop:
            return drop.reason
        return "rehearsed"

    assert {on_stage("airline", use, seed=seed) for seed in range(3, 6)} - {"none"} == {"other_refusal"}


def test_one_account_is_named_in_two_ways_where_it_stands_on_both_sides() -> None:
    same = GoalKind("bank", "move_money", "refuse", "same_account")

    async def use(stage: Stage) -> tuple[set[str], ...]:
        turn = DraftTurn()
        await ground(stage, same, turn)
        (one, other) = (mention for _, _, mention in turn.mentions if mention.table == "accounts")
        assert one.value == other.value
        return tuple({str(part["column"]) for part in mention.properties} for mention in (one, other))

    for seed in (3, 4, 5):
        one, other = on_stage("bank", use, seed=seed)
        assert not one & other
