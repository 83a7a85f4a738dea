"""Coverage: what counts as a link and as a branch, and what of it a dataset exercises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envfactory_client import Tool
from envfactory_client.card.coverage import Exercised, Reach
from envfactory_client.tool import Actor, Contract, FieldContract
from tests.envfactory_client.card.told import call, found, trajectory, turn

CARD = FieldContract(key="cards.card_id")
ECHO = ("shop.get_card", "card_id", "shop.block_card", "card_id")
FOUND = ("shop.list_cards", "cards[].card_id", "shop.block_card", "card_id")
SEEN_BY_THE_USER = ("shop.show_card", "card_id", "shop.block_card", "card_id")
TAKEN_BY_THE_USER = ("shop.list_cards", "cards[].card_id", "shop.sign_card", "card_id")


def shop_tool(
    name: str, *, takes: bool = False, gives: str = "", actor: Actor = "agent", refusals: Sequence[str] = ()
) -> Tool:
    """Give a tool that may take a card's key and give it at a path."""
    text: dict[str, Any] = {"type": "string"}
    card = {"type": "object", "properties": {"card_id": text}}
    listed = {"type": "object", "properties": {"cards": {"type": "array", "items": card}}}
    return Tool(
        environment="shop",
        name=name,
        input_schema=card | {"required": ["card_id"]} if takes else {"type": "object"},
        output_schema=listed if "[]" in gives else card if gives else {"type": "object"},
        contract=Contract(
            kind="writes" if refusals else "reads",
            actor=actor,
            parameters={"card_id": CARD} if takes else {},
            results={gives: CARD} if gives else {},
            refusals=tuple(refusals),
        ),
    )


TOOLS = (
    shop_tool("list_cards", gives="cards[].card_id"),
    shop_tool("get_card", takes=True, gives="card_id"),
    shop_tool("show_card", gives="card_id", actor="user"),
    shop_tool("block_card", takes=True, refusals=("blocked", "not_found")),
    shop_tool("sign_card", takes=True, actor="user", refusals=("signed", "not_found")),
)


def test_a_link_leads_to_whoever_has_seen_the_result() -> None:
    reach = Reach.of(TOOLS)
    assert {FOUND, TAKEN_BY_THE_USER} <= reach.identities == reach.links
    assert not {ECHO, SEEN_BY_THE_USER} & reach.links


def test_a_fact_that_the_user_may_know_is_no_identity() -> None:
    email = FieldContract(shared="person.email")
    text = {"type": "object", "properties": {"email": {"type": "string"}}}
    found_by = shop_tool("find_person", gives="email").model_copy(
        update={"output_schema": text, "contract": Contract(results={"email": email})}
    )
    asked_of = shop_tool("list_cards", takes=True).model_copy(
        update={"input_schema": text, "contract": Contract(parameters={"email": email})}
    )
    asked_by_the_user = asked_of.model_copy(
        update={"name": "show_cards", "contract": Contract(actor="user", parameters={"email": email})}
    )
    reach = Reach.of((found_by, asked_of, asked_by_the_user))
    assert reach.links == {("shop.find_person", "email", "shop.list_cards", "email")}
    assert not reach.identities


def test_a_branch_is_a_refusal_of_a_row_by_a_write_of_the_agents() -> None:
    assert Reach.of(TOOLS).branches == {("shop.block_card", "blocked")}


def test_a_refused_call_meets_its_branch_and_uses_its_link() -> None:
    listed = call("shop.list_cards").model_copy(update={"result": {"cards": [{"card_id": "C1"}]}})
    exercised = Exercised()
    exercised.add(
        trajectory(
            turn("block it", listed, call("shop.block_card", refusal="blocked", card_id="C1")),
            ledger=[found((0, 1), "card_id", 0, "cards[0].card_id")],
        )
    )
    figures = exercised.figures(Reach.of(TOOLS))
    assert (figures.branches.covered, figures.branches.of, figures.passed.covered) == (1, 1, 0)
    assert (figures.identities.covered, exercised.links) == (1, {FOUND})
    assert figures.tools.missing == ("shop.get_card", "shop.show_card", "shop.sign_card")
