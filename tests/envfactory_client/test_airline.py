"""The client against the embedded farm as it is installed, and a whole environment."""

from __future__ import annotations

import asyncio

import pytest

import envfactory_client as ef

pytestmark = pytest.mark.anyio


@pytest.fixture
async def graph() -> ef.ToolGraph:
    async with ef.Farm.embedded() as farm:
        return ef.ToolGraph.build((await ef.explore(farm, "airline")).tools)


async def test_every_tool_of_the_agent_is_reached_by_valid_chains(graph: ef.ToolGraph) -> None:
    chains = list(ef.chains(graph, 60, seed=5))
    assert len(chains) == 60
    assert not [flaw for chain in chains for flaw in ef.flaws(chain, graph)]
    agents = {tool.name for tool in graph.tools if tool.actor == "agent"}
    assert {tool for chain in chains for tool in chain.tools} == agents


async def test_no_link_leaves_its_key(graph: ef.ToolGraph) -> None:
    assert {link.evidence for link in graph.links} == {"declared"}
    sources = {link.path for link in graph.producers("airline.get_flight", "flight_id")}
    assert "flights[].flight_id" in sources


async def test_links_lead_from_a_persons_email_to_a_booking_in_every_world() -> None:
    async def booking_of(farm: ef.Farm, seed: int) -> str:
        async with await farm.open("airline", seed=seed) as episode:
            customer = await episode.call("airline", "find_customer", email=episode.persona["email"])
            found = await episode.call("airline", "list_bookings", customer_id=customer["customer_id"])
            booking_id = ef.values_at(found.require(), "bookings[].booking_id")[0]
            booking = await episode.call("airline", "get_booking", booking_id=booking_id)
            return str(booking["customer_id"])

    async with ef.Farm.embedded() as farm:
        customers = await asyncio.gather(*(booking_of(farm, seed) for seed in range(3)))
    assert len(set(customers)) == 3


def test_embedded_farms_live_in_any_event_loop() -> None:
    async def names() -> list[str]:
        async with ef.Farm.embedded() as farm:
            return [environment.name for environment in await farm.environments()]

    assert asyncio.run(names()) == asyncio.run(names())
