"""The assistant: it tells what came of a request, and nothing before it is untrue or said twice."""

from __future__ import annotations

from random import Random

import pytest

from envfactory_client import Goal
from synthesis.draft import DraftTurn
from synthesis.language.assistant import Assistant
from synthesis.language.lexicon import lexicon


def says(outcome: str, *answers: str, acted: bool = False) -> set[str]:
    goal = Goal.model_validate({"tool": "library.return_book", "outcome": outcome})
    turn = DraftTurn(goals=[goal], answers=list(answers))
    found = set()
    for seed in range(60):
        rng = Random(seed)
        found.add(Assistant.drawn(rng).says(turn, rng, acted=acted))
    return found


@pytest.mark.parametrize("outcome", ["done", "answer", "refuse", "ask"])
def test_what_is_told_stands_in_every_answer(outcome: str) -> None:
    found = says(outcome, "there are 3 copies")
    assert len(found) > 5
    assert all("there are 3 copies" in one.lower() for one in found)


def test_nothing_is_called_done_that_waits_for_approval() -> None:
    for one in says("done", "please approve $50 and it goes out"):
        assert one.startswith("Please approve $50")


def test_what_the_user_did_is_not_claimed() -> None:
    assert all(
        one.startswith("Your payment has come in") for one in says("done", "your payment has come in", acted=True)
    )


def test_names_keep_their_large_letter_after_a_colon() -> None:
    assert all("Ana Ruiz is invited" in one for one in says("done", "Ana Ruiz is invited"))


def test_several_answers_are_told_one_after_the_other() -> None:
    for one in says("done", "the first is off", "the second is off", "the third is off"):
        assert one.lower().index("first") < one.lower().index("second is") < one.lower().index("third")


def test_there_are_several_manners() -> None:
    assert len(lexicon().assistant) == 4
