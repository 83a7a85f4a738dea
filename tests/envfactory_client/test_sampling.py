"""Chains and the samplers that make them: promises held over random graphs, and a desk that one can follow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import envfactory_client as ef
from envfactory_client.sampling import strands

TEXT = {"type": "string"}
SAMPLERS = (ef.GoalSampler, ef.TopologyWalk, ef.RandomWalk)
KEYS = ("users.user_id", "orders.order_id", "items.item_id", "shops.shop_id")
FACTS = ("person.email", "trip.reference")


def _field(kind: str) -> dict[str, Any]:
    return {"type": kind, "shared": kind} if kind in FACTS else {"type": kind, "key": kind}


def _tool(
    name: str,
    needs: Sequence[str] = (),
    gives: Sequence[str] = (),
    *,
    optional: Sequence[str] = (),
    reads: bool = True,
    actor: str = "agent",
    echoes: bool = False,
) -> ef.Tool:
    """A tool with contracts: a parameter for each key or fact that it needs, one free text, a result for each given.

    One that echoes gives its arguments back as well.
    """
    environment, _, short = name.partition(".")
    inputs = {f"in_{number}": kind for number, kind in enumerate((*needs, *optional))}
    outputs = {f"rows[].out_{number}": kind for number, kind in enumerate(gives)}
    outputs |= {f"rows[].{path}": kind for path, kind in inputs.items() if echoes}
    row = {"type": "object", "properties": {path.removeprefix("rows[]."): TEXT for path in outputs}}
    return ef.Tool.model_validate(
        {
            "environment": environment,
            "name": short,
            "input_schema": {
                "type": "object",
                "properties": dict.fromkeys([*inputs, "note"], TEXT),
                "required": [*list(inputs)[: len(needs)], "note"],
            },
            "output_schema": {"type": "object", "properties": {"rows": {"type": "array", "items": row}}},
            "annotations": {"readOnlyHint": reads},
            "contract": {
                "kind": "reads" if reads else "writes",
                "actor": actor,
                "parameters": {path: _field(kind) for path, kind in inputs.items()},
                "results": {path: _field(kind) for path, kind in outputs.items()},
            },
        }
    )


@st.composite
def graphs(draw: st.DrawFn) -> ef.ToolGraph:
    """Small graphs over up to four environments: rings, echoes, facts that all share, and tools of the user's."""
    environments = draw(st.sampled_from(("a", "a", "ab", "abcd")))
    kinds = st.lists(st.sampled_from(KEYS[: draw(st.integers(1, len(KEYS)))] + FACTS), max_size=3, unique=True)
    tools = [
        _tool(
            f"{draw(st.sampled_from(environments))}.tool_{number}",
            needs := draw(kinds),
            draw(kinds),
            optional=[kind for kind in draw(kinds) if kind not in needs],
            reads=draw(st.booleans()),
            actor=draw(st.sampled_from(("agent", "agent", "agent", "user"))),
            echoes=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 9)))
    ]
    return ef.ToolGraph.build(tools)


BOUNDS = st.builds(ef.Bounds, length=st.integers(1, 7), depth=st.integers(0, 4), environments=st.integers(1, 3))
SEEDS = st.integers(0, 1_000)


def _drawn(sampler: ef.Sampler, count: int, seed: int) -> list[ef.Chain]:
    """Chains drawn one after the other, each with the coverage of those before; none if none can be."""
    coverage, drawn = ef.Coverage(), []
    for number in range(count):
        try:
            chain, after = sampler.draw(f"{seed}/{number}", coverage)
        except ef.NoChain:
            break
        assert after == coverage.plus(chain)
        coverage = after
        drawn.append(chain)
    return drawn


@given(graphs(), BOUNDS, SEEDS)
def test_chains_towards_goals_are_valid_and_waste_no_call(graph: ef.ToolGraph, bounds: ef.Bounds, seed: int) -> None:
    for chain in _drawn(ef.GoalSampler(graph, bounds), 6, seed):
        assert ef.flaws(chain, graph) == []
        assert chain.unused == ()
        assert len(strands(chain, graph)) == 1
        assert len(set(chain.tools)) == len(chain)
        assert {graph.tool(tool).actor for tool in chain.tools} == {"agent"}


@pytest.mark.parametrize("kind", SAMPLERS)
@given(graph=graphs(), bounds=BOUNDS, seed=SEEDS)
def test_every_sampler_keeps_within_its_bounds(
    kind: type[ef.GoalSampler | ef.RandomWalk], graph: ef.ToolGraph, bounds: ef.Bounds, seed: int
) -> None:
    for chain in _drawn(kind(graph, bounds), 4, seed):
        assert len(chain) >= 1
        assert bounds.exceeded(chain) == []


@pytest.mark.parametrize("kind", SAMPLERS)
@given(graph=graphs(), seed=SEEDS)
def test_equal_seeds_and_coverage_give_equal_chains(
    kind: type[ef.GoalSampler | ef.RandomWalk], graph: ef.ToolGraph, seed: int
) -> None:
    sampler = kind(graph)
    assert _drawn(sampler, 4, seed) == _drawn(sampler, 4, seed) == _drawn(kind(graph), 4, seed)


@given(graphs(), SEEDS)
def test_coverage_leaves_nothing_behind(graph: ef.ToolGraph, seed: int) -> None:
    """The least used comes first, so twice as many chains as tools and links use each of them twice."""
    sampler = ef.GoalSampler(graph)
    targets: list[str | ef.Link] = [*sampler.tools, *sampler.links]
    coverage = ef.Coverage().plus(*_drawn(sampler, 2 * len(targets), seed))
    assert all(coverage.uses(target) >= 2 for target in targets)


@given(graphs(), SEEDS)
def test_what_is_covered_already_waits(graph: ef.ToolGraph, seed: int) -> None:
    sampler = ef.GoalSampler(graph)
    targets: list[str | ef.Link] = [*sampler.tools, *sampler.links]
    for last in targets:
        others = ef.Coverage(
            {tool: 9 for tool in sampler.tools if tool != last},
            {(link.producer, link.path, link.consumer, link.parameter): 9 for link in sampler.links if link != last},
        )
        _, coverage = sampler.draw(seed, others)
        assert coverage.uses(last) >= 1


@given(graphs(), BOUNDS, SEEDS)
def test_a_tool_is_a_goal_exactly_when_a_chain_to_it_is_found(
    graph: ef.ToolGraph, bounds: ef.Bounds, seed: int
) -> None:
    sampler = ef.GoalSampler(graph, bounds)
    for node in graph.tools:
        if node.name in sampler.tools:
            chain = sampler.towards(node.name, seed)
            assert chain.tools[-1] == node.name
            assert chain.unused == ()
            assert ef.flaws(chain, graph) == bounds.exceeded(chain) == []
        elif node.actor == "agent":
            with pytest.raises(ef.NoChain):
                sampler.towards(node.name, 0)


@given(graphs(), SEEDS)
def test_walks_lack_only_what_nobody_found(graph: ef.ToolGraph, seed: int) -> None:
    for kind in (ef.TopologyWalk, ef.RandomWalk):
        for chain in _drawn(kind(graph), 4, seed):
            assert all("the user can't know" in flaw for flaw in ef.flaws(chain, graph))


@given(graphs(), SEEDS)
def test_an_argument_that_was_found_cant_be_left_to_the_user(graph: ef.ToolGraph, seed: int) -> None:
    for chain in _drawn(ef.GoalSampler(graph), 4, seed):
        for number, step in enumerate(chain.steps):
            fields = {field.path: field for field in graph.tool(step.tool).parameters}
            for place, binding in enumerate(step.bindings):
                field = fields[binding.parameter]
                bindings = list(step.bindings)
                bindings[place] = ef.Binding(binding.parameter)
                steps = (*chain.steps[:number], replace(step, bindings=tuple(bindings)), *chain.steps[number + 1 :])
                must_be_found = not binding.given and field.required and not field.shared
                assert bool(ef.flaws(ef.Chain(steps), graph)) == must_be_found


@given(graphs(), st.integers(1, 6), SEEDS)
def test_wandering_is_valid_seeded_and_bounded(graph: ef.ToolGraph, length: int, seed: int) -> None:
    try:
        chain = ef.walk(graph, length=length, seed=seed)
    except ef.NoChain:
        return
    assert 1 <= len(chain) <= length
    assert ef.flaws(chain, graph) == []
    assert chain == ef.walk(graph, length=length, seed=seed)


SHOP = [
    _tool("shop.find_user", ["person.email"], ["users.user_id"]),
    _tool("shop.list_orders", ["users.user_id"], ["orders.order_id", "trip.reference"]),
    _tool("shop.place_order", ["users.user_id"], ["orders.order_id"], reads=False),
    _tool("shop.cancel_order", ["orders.order_id"], optional=["users.user_id"], reads=False),
    _tool("shop.approve", ["orders.order_id"], ["orders.order_id"], reads=False, actor="user"),
    _tool("mail.search", ["trip.reference"], ["person.email"]),
]


@pytest.fixture
def shop() -> ef.ToolGraph:
    return ef.ToolGraph.build(SHOP)


def test_a_sampled_chain_finds_what_it_needs_and_asks_for_the_rest(shop: ef.ToolGraph) -> None:
    chain = ef.sample(shop, "shop.cancel_order", seed=3)
    assert chain.tools == ("shop.find_user", "shop.list_orders", "shop.cancel_order")
    assert [binding.given for step in chain.steps for binding in step.bindings] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
    assert chain.steps[-1].bindings[0] == ef.Binding("in_0", 1, "rows[].out_0")
    assert (chain.depth, chain.environments) == (2, frozenset(("shop",)))


def test_values_are_found_by_reading_more_often_than_by_writing(shop: ef.ToolGraph) -> None:
    chains = [ef.sample(shop, "shop.cancel_order", seed=seed) for seed in range(100)]
    writing = sum("shop.place_order" in chain.tools for chain in chains)
    assert 0 < writing < 25


def test_chains_use_every_tool_of_the_agent_and_every_way_to_a_value(shop: ef.ToolGraph) -> None:
    chains = list(ef.chains(shop, 12, seed=1))
    coverage = ef.Coverage().plus(*chains)
    assert set(coverage.tools) == {tool.full_name for tool in SHOP if tool.actor == "agent"}
    assert {(link[0], link[2], link[3]) for link in coverage.links} == {
        ("shop.find_user", "shop.list_orders", "in_0"),
        ("shop.find_user", "shop.place_order", "in_0"),
        ("shop.find_user", "shop.cancel_order", "in_1"),
        ("shop.list_orders", "shop.cancel_order", "in_0"),
        ("shop.place_order", "shop.cancel_order", "in_0"),
        ("shop.list_orders", "mail.search", "in_0"),
        ("mail.search", "shop.find_user", "in_0"),
    }
    assert chains == list(ef.chains(shop, 12, seed=1)) != list(ef.chains(shop, 12, seed=2))


def test_facts_lead_from_one_environment_to_another_only_as_far_as_allowed(shop: ef.ToolGraph) -> None:
    assert any(len(chain.environments) == 2 for chain in ef.chains(shop, 12))
    alone = list(ef.chains(shop, 12, bounds=ef.Bounds(environments=1)))
    assert {len(chain.environments) for chain in alone} == {1}


CLUB = [
    *(
        _tool(f"{name}.find_member", ["person.email"], ["users.user_id"])
        for name in ("chess", "rowing", "film", "bridge")
    ),
    *(_tool(f"{name}.leave", ["users.user_id"], reads=False) for name in ("chess", "rowing", "film", "bridge")),
    _tool("chess.show_rules"),
    _tool("weather.show_forecast"),
]


def test_environments_that_no_link_joins_meet_in_a_fact_that_the_user_gives_both() -> None:
    club = ef.ToolGraph.build(CLUB)
    chains = list(ef.chains(club, 100))
    assert not [flaw for chain in chains for flaw in ef.flaws(chain, club)]
    assert {len(chain.environments) for chain in chains} == {1, 2, 3}
    wide = next(chain for chain in chains if len(chain.environments) == 2)
    assert wide.goals
    assert wide.unused == ()
    assert replace(wide, goals=()).unused == wide.goals
    assert all(chain.tools == ("weather.show_forecast",) for chain in chains if "weather" in chain.environments)


def test_a_goal_that_has_nothing_to_do_with_the_rest_is_a_flaw() -> None:
    club = ef.ToolGraph.build(CLUB)
    note = ef.Binding("note")
    forecast = ef.ChainStep("weather.show_forecast", (note,))
    member = ef.ChainStep("film.find_member", (ef.Binding("in_0"), note))
    assert strands(ef.Chain((forecast, member)), club) == [{0}, {1}]
    assert ef.flaws(ef.Chain((forecast, member), goals=(0,)), club) == [
        "Step 0 has nothing to do with what the chain leads to."
    ]
    other = replace(member, tool="chess.find_member")
    assert ef.flaws(ef.Chain((other, member), goals=(0,)), club) == []


def test_chains_come_from_any_sampler(shop: ef.ToolGraph) -> None:
    walks = list(ef.chains(shop, 30, sampler=ef.RandomWalk(shop)))
    assert len(walks) == 30
    assert any(ef.flaws(chain, shop) for chain in walks)


def test_a_walk_that_adds_what_is_needed_is_valid_more_often(shop: ef.ToolGraph) -> None:
    def valid(sampler: ef.Sampler) -> int:
        return sum(not ef.flaws(chain, shop) for chain in ef.chains(shop, 200, sampler=sampler))

    assert valid(ef.RandomWalk(shop)) < valid(ef.TopologyWalk(shop)) < valid(ef.GoalSampler(shop)) == 200


def test_bounds_hold(shop: ef.ToolGraph) -> None:
    with pytest.raises(ef.NoChain, match="within 2 steps"):
        ef.sample(shop, "shop.cancel_order", bounds=ef.Bounds(length=2))
    with pytest.raises(ef.NoChain):
        ef.sample(shop, "shop.cancel_order", bounds=ef.Bounds(depth=1))


def test_a_chain_says_which_bounds_it_exceeds(shop: ef.ToolGraph) -> None:
    chain = ef.sample(shop, "shop.cancel_order", seed=3)
    assert ef.Bounds(length=2, depth=1, environments=0).exceeded(chain) == [
        "3 steps; at most 2 are allowed.",
        "2 links in a row; at most 1 are allowed.",
        "1 environments; at most 0 are allowed.",
    ]


def test_tools_that_need_each_other_make_no_chain() -> None:
    ring = ef.ToolGraph.build([_tool("a.one", KEYS[:1], KEYS[1:2]), _tool("a.two", KEYS[1:2], KEYS[:1])])
    with pytest.raises(ef.NoChain):
        ef.sample(ring, "a.one")
    assert list(ef.chains(ring, 5)) == []


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_graph_without_tools_gives_no_chain(kind: type[ef.GoalSampler | ef.RandomWalk]) -> None:
    with pytest.raises(ef.NoChain):
        kind(ef.ToolGraph.build([])).draw(0)


def _ladder(kind: str, rungs: int, width: int = 1) -> list[ef.Tool]:
    """Tools that lead to a key in that many calls, with many tools for each call."""
    steps = ["", *(f"{kind}_{rung}.id" for rung in range(1, rungs)), kind]
    return [
        _tool(f"a.{kind.partition('.')[0]}_{rung}_{number}", [steps[rung]] if rung else [], [steps[rung + 1]])
        for rung in range(rungs)
        for number in range(width)
    ]


def test_many_ways_that_are_all_too_long_are_given_up_in_time() -> None:
    """Each of two arguments can be found within the bounds, in a great many ways, but not both."""
    goal = _tool("a.goal", ["near.id", "far.id"])
    graph = ef.ToolGraph.build([goal, *_ladder("near.id", 3), *_ladder("far.id", 5, width=60)])
    with pytest.raises(ef.NoChain):
        ef.sample(graph, "a.goal", bounds=ef.Bounds(length=8))
    assert ef.sample(graph, "a.goal", bounds=ef.Bounds(length=9)).tools[-1] == "a.goal"


@pytest.mark.parametrize("seed", range(10))
def test_a_long_way_to_one_argument_leaves_no_room_for_another_so_the_short_one_is_taken(seed: int) -> None:
    short = _tool("a.short", [], ["near.id"])
    graph = ef.ToolGraph.build(
        [_tool("a.goal", ["near.id", "far.id"]), *_ladder("near.id", 3, width=8), short, *_ladder("far.id", 2)]
    )
    chain = ef.sample(graph, "a.goal", seed=seed, bounds=ef.Bounds(length=4))
    assert chain.tools == ("a.short", "a.far_0_0", "a.far_1_0", "a.goal")


def test_a_tool_that_gives_back_what_it_was_told_finds_nothing() -> None:
    told = _tool("a.show_user", ["users.user_id"], echoes=True)
    graph = ef.ToolGraph.build([told, _tool("a.delete_user", ["users.user_id"])])
    assert ef.sample(graph, "a.delete_user").tools == ("a.delete_user",)
    both = (
        ef.ChainStep("a.show_user", (ef.Binding("in_0"), ef.Binding("note"))),
        ef.ChainStep("a.delete_user", (ef.Binding("in_0", 0, "rows[].in_0"), ef.Binding("note"))),
    )
    assert ef.flaws(ef.Chain(both), graph) == ["Step 1 (a.delete_user): no link gives 'in_0' from rows[].in_0."]


def test_a_chain_that_links_dont_allow_has_flaws(shop: ef.ToolGraph) -> None:
    def flaws(*steps: tuple[str, Mapping[str, tuple[int, str] | None]]) -> list[str]:
        bound = [
            ef.ChainStep(tool, tuple(ef.Binding(name, *(place or ())) for name, place in bindings.items()))
            for tool, bindings in steps
        ]
        return ef.flaws(ef.Chain(tuple(bound)), shop)

    assert flaws(
        ("shop.find_user", {"in_0": None}),
        ("shop.cancel_order", {"in_0": (0, "rows[].out_0"), "note": None}),
        ("shop.list_orders", {"in_0": None, "note": None, "limit": None}),
        ("shop.approve_all", {}),
        ("shop.place_order", {"in_0": (9, "rows[].out_0"), "note": None}),
    ) == [
        "Step 0 (shop.find_user) lacks 'note'.",
        "Step 1 (shop.cancel_order): no link gives 'in_0' from rows[].out_0.",
        "Step 2 (shop.list_orders): the user can't know 'in_0', and no earlier step gives it.",
        "Step 2 (shop.list_orders) has no parameter 'limit'.",
        "Step 3: the graph has no tool 'shop.approve_all'.",
        "Step 4 (shop.place_order): no link gives 'in_0' from rows[].out_0.",
    ]


def test_chains_are_the_same_in_every_process(shop: ef.ToolGraph) -> None:
    script = (
        "import sys, envfactory_client as ef\n"
        "graph = ef.ToolGraph.model_validate_json(sys.stdin.read())\n"
        "for kind in (ef.GoalSampler, ef.TopologyWalk, ef.RandomWalk):\n"
        "    print(*ef.chains(graph, 20, sampler=kind(graph)), sep='\\n')\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=shop.model_dump_json(),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
