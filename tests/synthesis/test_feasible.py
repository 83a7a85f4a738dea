"""Feasible values: declared refusals sort out the candidates for an argument."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from synthesis.engine import Engine
from synthesis.feasible import Bench
from synthesis.goals import GoalKind
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
