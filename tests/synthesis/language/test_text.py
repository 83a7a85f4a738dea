"""The measure of text: skeletons come from spans, and what repeats is found out."""

from __future__ import annotations

from bench.text import drawn, figures
from envfactory_client import Span, Turn


def turn(text: str, *said: tuple[str, str]) -> Turn:
    spans = tuple(
        Span(start=text.index(words), end=text.index(words) + len(words), kind="argument", type=name)
        for words, name in said
    )
    return Turn(user=text, spans=spans, assistant="Done.", state="x")


def test_values_do_not_make_a_skeleton_different() -> None:
    found = figures(
        [turn(f"please send {amount} now", (f"{amount}", "money")) for amount in ("$5", "$10", "$70", "$8")]
    )
    assert (found.skeletons, found.commonest) == (0.25, 1.0)
    assert found.masked_self_bleu == 1.0
    assert not found.holds


def test_messages_that_share_nothing_hold_the_bars() -> None:
    texts = [" ".join(f"word{number}x{place}" for place in range(8)) for number in range(120)]
    found = figures([turn(text) for text in texts])
    assert found.holds
    assert found.self_bleu < 0.1


def test_a_seed_draws_the_same_messages() -> None:
    all_turns = [turn(f"message {number}") for number in range(50)]
    assert drawn(all_turns, 3, 10) == drawn(all_turns, 3, 10)
    assert len(drawn(all_turns, 3, 100)) == 50
