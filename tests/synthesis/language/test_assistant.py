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


def test_several_answers_are_opened_as_the_first_one_calls_for() -> None:
    goals = [Goal.model_validate({"tool": "library.return_book", "outcome": one}) for one in ("done", "answer")]
    turn = DraftTurn(goals=goals, answers=["the book is back", "there are 3 copies"])
    for seed in range(60):
        rng = Random(seed)
        said = Assistant.drawn(rng).says(turn, rng)
        assert not said.startswith(("I had", "I've", "I checked", "From what", "Going by"))


def test_what_costs_nothing_has_no_amount() -> None:
    for one in says("done", "the new card ends in 3536 and comes on 3 August, for $0"):
        assert "$" not in one
        assert "3 August, free of charge." in one
    for one in says("answer", "you would get $0 back"):
        assert "ou would get $0 back." in one


def test_none_is_told_in_words() -> None:
    assert all("count none" in one for one in says("answer", "I count 0"))


def test_what_would_cost_or_bring_nothing_has_no_amount_in_a_question_either() -> None:
    for one in says("ask", "the refund would be $0. Should I cancel it?"):
        assert one.lower().endswith("nothing would be paid back. should i cancel it?")
    for one in says("ask", "you would get $0 back. Do you want me to cancel it?"):
        assert "ou would get nothing back." in one


@pytest.mark.parametrize(
    "answer", ["that card is frozen already", "it won't take place anyway", "I'm afraid it's full"]
)
def test_nobody_is_sorry_for_what_is_so_already_nor_twice(answer: str) -> None:
    assert all(one.lower().startswith(answer.lower()) for one in says("refuse", answer))


def test_a_refusal_runs_on_from_its_opening_and_is_never_blunt() -> None:
    found = says("refuse", "that flight has closed")
    assert any(one.startswith("I'm afraid that flight has closed") for one in found)
    assert any(one.startswith("Sorry, but that flight has closed") for one in found)
    assert not any(one.startswith(("No.", "No:", "Can't", "Not possible")) for one in found)


def test_no_opening_runs_on_into_words_that_are_set_off() -> None:
    for one in says("answer", "in total, $23.10 was paid in"):
        assert one.lower().startswith("in total, ") or ". In total, " in one or ": in total, " in one


def test_nothing_stands_before_what_depended_on_a_condition() -> None:
    for one in says("done", "since it takes 50 minutes, I went ahead. It's booked"):
        assert one.startswith("Since it takes 50 minutes")


def test_a_refusal_that_offers_a_way_on_is_left_at_that() -> None:
    assert all(
        one.endswith("I can try another hour.") for one in says("refuse", "that hour is taken. I can try another hour")
    )


def test_what_waits_for_the_user_is_not_called_done() -> None:
    assert all(
        one.startswith("The change is awaiting payment") for one in says("done", "the change is awaiting payment")
    )


def test_there_are_several_manners() -> None:
    assert len(lexicon().assistant) == 4
