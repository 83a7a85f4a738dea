"""Side facts: what a mention has said isn't said once more beside it."""

from __future__ import annotations

import pytest

from synthesis.language.side import echoes


@pytest.mark.parametrize(
    ("way", "text", "again"),
    [
        ("for the Household account", "my household card", True),
        ("that the household runs on", "my card", False),
        ("on the way out", "my flight on 3 May", False),
        ("in economy", "my trip to Rome in economy class", True),
    ],
)
def test_words_of_weight_are_an_echo(way: str, text: str, again: bool) -> None:
    assert echoes(way, text) is again
