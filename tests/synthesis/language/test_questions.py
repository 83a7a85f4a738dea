"""Questions inside other sentences: turned where that is sure to be right, left alone otherwise."""

from __future__ import annotations

import pytest

from synthesis.language.questions import inside
from synthesis.language.script import FIRST

ROW = chr(FIRST)


@pytest.mark.parametrize(
    ("question", "turned"),
    [
        (f"when does {ROW} end", f"when {ROW} ends"),
        ("how many points do I have", "how many points I have"),
        (f"by when do I have to decide on {ROW}", f"by when I have to decide on {ROW}"),
        (f"what did {ROW} cost me all in all", f"what {ROW} cost me all in all"),
        (f"how much have I paid for {ROW}", f"how much I have paid for {ROW}"),
        (f"until when can I still book {ROW}", f"until when I can still book {ROW}"),
        (f"until when is {ROW} held", f"until when {ROW} is held"),
        (f"on which day did {ROW} go through", f"on which day {ROW} went through"),
        (f"how much would I get back if I cancelled {ROW}", f"how much I would get back if I cancelled {ROW}"),
    ],
)
def test_a_question_turns_into_a_clause(question: str, turned: str) -> None:
    assert inside(question) == turned


@pytest.mark.parametrize("question", [f"how many of my trips are {ROW}", f"how many are {ROW} among my trips"])
def test_a_value_is_nothing_that_a_question_is_about(question: str) -> None:
    assert inside(question, frozenset({ROW})) == question
    assert inside(question) != question


@pytest.mark.parametrize(
    "question",
    [
        f"when does the hold on {ROW} end",
        f"what was the balance of {ROW}",
        f"if I drop {ROW}, how much comes back to me",
        f"what's the refund on {ROW}",
        f"how many people are invited to {ROW}",
        "can you count my bookings",
        f"how many {ROW} do I have",
    ],
)
def test_what_is_not_sure_stays_a_question(question: str) -> None:
    assert inside(question) is None
