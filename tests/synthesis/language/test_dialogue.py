"""Dialogues of a run: every message's content is accounted for, and nobody says the same thing all the time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envfactory_client import Span, Trajectory, Turn
from tests.synthesis.conftest import Run


def turns(run: Run) -> Iterator[tuple[Trajectory, Turn]]:
    for trajectory in run.trajectories:
        for turn in trajectory.turns:
            yield trajectory, turn


def said(turn: Turn, span: Span) -> str:
    return turn.user[span.start : span.end]


def test_spans_stand_in_order_inside_their_message(library_run: Run) -> None:
    for _, turn in turns(library_run):
        at = 0
        for span in turn.spans:
            assert at <= span.start < span.end <= len(turn.user)
            at = span.end


def test_nothing_that_looks_like_a_value_stands_outside_the_spans(library_run: Run) -> None:
    for _, turn in turns(library_run):
        left = turn.user
        for span in reversed(turn.spans):
            left = left[: span.start] + left[span.end :]
        assert not re.search(r'[\d@$"]', left), turn.user


def test_arguments_and_facts_are_the_ledgers_and_the_cards(library_run: Run) -> None:
    met = set()
    for trajectory, turn in turns(library_run):
        known = {str(entry.origin["text"]) for entry in trajectory.ledger if "text" in entry.origin}
        card = {str(value) for value in trajectory.persona.values()}
        for span in turn.spans:
            met.add(span.kind)
            if span.kind in ("argument", "fact"):
                assert said(turn, span) in (known if span.kind == "argument" else card)
        assert sum(span.kind == "side" for span in turn.spans) <= 1
    assert {"fact", "reference"} <= met


def test_references_stand_in_their_message_as_they_are_recorded(library_run: Run) -> None:
    found = 0
    for trajectory in library_run.trajectories:
        for reference in trajectory.references:
            found += reference.text.lower() in trajectory.turns[reference.turn].user.lower()
    assert found >= 0.5 * sum(len(trajectory.references) for trajectory in library_run.trajectories)


def test_messages_and_answers_begin_and_differ(library_run: Run) -> None:
    users = [turn.user for _, turn in turns(library_run)]
    assert len(set(users)) == len(users)
    for _, turn in turns(library_run):
        assert turn.user.strip() == turn.user
        assert turn.assistant[0].isupper() or not turn.assistant[0].isalpha()
        assert turn.assistant[-1] in ".!?"
        assert "{" not in turn.user + turn.assistant
