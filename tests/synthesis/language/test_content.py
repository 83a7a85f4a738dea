"""Gate G9: what a message says of the world is accounted for, or the draft is dropped."""

from __future__ import annotations

import pytest

from envfactory_client import Goal, Span
from synthesis.draft import Clause, Draft, DraftStep, DraftTurn, Origin, Part
from synthesis.errors import Drop
from synthesis.gates.content import check_content

CARD = {"email": "ana@example.org"}


def draft(user: str, *spans: Span, side: tuple[str, tuple[str, ...]] | None = None) -> Draft:
    step = DraftStep(
        "library", "pay_fine", {"amount_cents": 100}, {"amount_cents": Origin("explicit", "$1")}, {}, "", None, "", ""
    )
    turn = DraftTurn(
        goals=[Goal(tool="library.pay_fine", outcome="done")], steps=[0], user=user, spans=spans, side=side
    )
    return Draft(turns=[turn], steps=[step])


def test_arguments_facts_and_one_side_fact_are_accounted_for() -> None:
    user = "ana@example.org here, pay $1, the red one"
    spans = (
        Span(start=0, end=15, kind="fact", type="email"),
        Span(start=26, end=28, kind="argument", type="money"),
        Span(start=34, end=41, kind="side", type="colour"),
    )
    check_content(draft(user, *spans, side=("colour", ("red one",))), CARD)


def test_a_sentence_may_begin_with_an_argument() -> None:
    whole = draft("Half of it, please", Span(start=0, end=10, kind="argument", type="money"))
    with pytest.raises(Drop, match="gate_G9"):
        check_content(whole, CARD)
    half = Part("argument", "money", ("half of it",))
    whole.turns[0].clauses.append(Clause("pay half of it", imperative=True, parts={"amount_cents": half}))
    check_content(whole, CARD)


@pytest.mark.parametrize(
    ("user", "span"),
    [
        ("pay $1 of 20", Span(start=4, end=6, kind="argument", type="money")),
        ("pay $7 please", Span(start=4, end=6, kind="argument", type="money")),
        ("bob here", Span(start=0, end=3, kind="fact", type="name")),
        ("the red one", Span(start=4, end=7, kind="side", type="colour")),
    ],
)
def test_what_nothing_accounts_for_is_dropped(user: str, span: Span) -> None:
    with pytest.raises(Drop, match="gate_G9"):
        check_content(draft(user, span), CARD)
