"""A boundary lies between a spot at which a refusal is due and one beside it at which it isn't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from random import Random

from envfactory_client.tool import Tool
from envfactory_client.verify.bench import mirrored
from envfactory_client.verify.boundaries import Boundary, Surveyor
from envfactory_client.verify.mirror import Mirror
from envfactory_client.verify.spot import Spot
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
