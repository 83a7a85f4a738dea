"""A boundary lies between a spot at which a refusal is due and one beside it at which it isn't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from random import Random

import pytest

from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench, Effort, boundary_calls, mirrored
from envfactory_client.verify.boundaries import Boundary, Surveyor
from envfactory_client.verify.mirror import Mirror
from envfactory_client.verify.spot import Spot
from servers.airline.server import env as airline
from servers.bank.server import env as bank
from synthesis.battery.direct import DirectSubject

TRIES = 60
MOST = 6
"""Boundaries that are looked at for each refusal."""


async def surveyed(surveyor: Surveyor, tools: list[Tool]) -> AsyncIterator[tuple[Tool, Boundary]]:
    """Give boundaries of each refusal of some tools."""
    for tool in tools:
        codes = frozenset(surveyor.mirror.facts.refuses(tool.name))
        spots = await surveyor.spots(tool, codes, TRIES)
        for code in sorted(codes):
            around = [spots[outcome] for outcome in (code, "") if outcome in spots]
            for boundary in islice(surveyor.boundaries(tool, code, around), MOST):
                yield tool, boundary


def due(mirror: Mirror, tool: Tool, spot: Spot) -> frozenset[str]:
    """Give what all declared SQL says at a spot."""
    with mirror.at(spot.wait, spot.edits) as possible:
        assert possible, spot
        return mirror.due(tool, spot.arguments)


def test_a_refusal_is_due_on_one_side_of_its_boundary_alone() -> None:
    async def use() -> set[str]:
        subject = DirectSubject(bank)
        mirror = await mirrored(subject, seed=0)
        try:
            tools = [subject.tools[name] for name in ("move_money", "send_transfer", "open_dispute")]
            across = set()
            async for tool, boundary in surveyed(Surveyor(subject, mirror, Random(0)), tools):
                assert boundary.code in due(mirror, tool, boundary.refused), boundary
                assert boundary.code not in due(mirror, tool, boundary.passing), boundary
                across.add(boundary.across)
            return across
        finally:
            mirror.close()

    assert {"argument amount_cents", "the clock"} <= asyncio.run(use())


@pytest.mark.parametrize(("seed", "columns"), [(1, {"checked_in_at"}), (2, {"seat", "checked_in_at"})])
def test_a_code_is_made_due_alone_by_cells_that_stand_so_in_other_rows(seed: int, columns: set[str]) -> None:
    """Nobody there who could upgrade has checked in, for which a ticket needs a moment, and a seat if it has none."""

    async def use() -> tuple[Spot | None, frozenset[str], list[str]]:
        subject = DirectSubject(airline)
        mirror = await mirrored(subject, seed=seed)
        try:
            tool = subject.tools["upgrade_segment"]
            spot = await Surveyor(subject, mirror, Random(0)).edited(tool, "checked_in", [])
            if spot is None:
                return None, frozenset(), []
            with mirror.at(0, spot.edits):
                broken = [name for name, sql in mirror.facts.source.invariants.items() if mirror.holds(sql, {})]
            return spot, due(mirror, tool, spot), broken
        finally:
            mirror.close()

    spot, found, broken = asyncio.run(use())
    assert spot is not None
    assert found == {"checked_in"}
    assert not broken
    assert {edit.column for edit in spot.edits} == columns


def test_borrowed_cells_give_a_boundary_that_the_environment_itself_keeps() -> None:
    async def use() -> tuple[set[tuple[str, str]], set[str | None]]:
        bench = Bench(DirectSubject(airline), Effort(seed=2, focus=frozenset({"upgrade_segment"})))
        refusals = {walked.seen.result.refusal async for walked in boundary_calls(bench)}
        return bench.at_boundary, refusals

    at_boundary, refusals = asyncio.run(use())
    assert ("upgrade_segment", "checked_in") in at_boundary
    assert "checked_in" in refusals
