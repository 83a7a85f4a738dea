"""Novelty: what was said lately is remembered, and a message that repeats it is known to."""

from __future__ import annotations

import pytest

from synthesis.language.novelty import LATELY, REMEMBERED, Heard, Memory, Recent, Said, said_in
from synthesis.language.script import Spoken
from tests.synthesis.conftest import Run


def spoken(text: str) -> Spoken:
    return Spoken(text, (), (), text.lower())


def remembered(*parts: Said) -> Recent:
    heard = Heard()
    for said in parts:
        heard.hear(said)
    return heard.recent


def test_overlap_is_the_share_of_runs_of_four_words() -> None:
    memory = Memory(remembered((("please cancel my booking to Denver", "please cancel <bookings>"),)))
    assert memory.overlap("Please cancel my booking to Denver") == 1.0
    assert memory.overlap("Could you cancel my booking to Boston") == pytest.approx(1 / 4)
    assert memory.overlap("Yes, please") == 0.0


def test_what_the_task_itself_said_counts_as_well() -> None:
    memory = Memory(Recent())
    assert memory.worn(spoken("please send it off today")) == 0.0
    memory.add(spoken("please send it off today"))
    assert memory.worn(spoken("please send it off today")) > 1.0


def test_a_known_skeleton_wears_a_message_out() -> None:
    memory = Memory(remembered((("a b c d", "cancel <bookings>"),)))
    assert memory.worn(Spoken("w x y z", (), (), "cancel <bookings>")) == 1.0


def test_only_what_was_said_lately_counts_against_a_message() -> None:
    old = ("please cancel my booking to Denver", "please cancel <bookings>")
    memory = Memory(remembered((old, *(("so be it", "so be it"),) * LATELY)))
    assert memory.overlap(old[0]) == 0.0
    assert memory.worn(Spoken(old[0], (), (), old[1])) == 1.0  # its runs of four words are still known


def test_what_was_said_long_ago_is_forgotten() -> None:
    old = ("please cancel my booking to Denver", "please cancel <bookings>")
    kept = remembered((old,), (("so be it now", "so be it"),) * (REMEMBERED - 1))
    gone = remembered((old,), (("so be it now", "so be it"),) * REMEMBERED)
    assert Memory(kept).worn(spoken(old[0])) > 0.0
    assert Memory(gone).worn(spoken(old[0])) == 0.0
    assert gone == remembered((("so be it now", "so be it"),) * REMEMBERED)


def test_it_is_one_whether_messages_are_heard_at_once_or_by_and_by(library_run: Run) -> None:
    said = said_in(library_run.trajectories)
    assert [text for text, _ in said] == [turn.user for one in library_run.trajectories for turn in one.turns]
    assert remembered(said) == remembered(*((one,) for one in said))
