"""Masks: a user's messages with every fact in them replaced by its type, so that only the wording is left.

A fact is what the ledger says that an argument comes from, what a reference says of its row, what the user tells of
themself, and any address, amount, day, hour, number or quotation besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from envfactory_client.card.days import DAY_PATTERN, TIME_PATTERN
from envfactory_client.trajectory import Trajectory

_TOLD: Final = ("email", "phone", "name", "given_name", "family_name", "home", "born_on")
_GENERAL: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), mask)
    for pattern, mask in (
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<email>"),
        (r"\+\d[\d ()-]{5,}\d", "<phone>"),
        (r"[\"“][^\"”]+[\"”]", "<name>"),
        (r"-?[$€£]\s?\d[\d,]*(?:\.\d+)?k?\b|\b\d[\d,]*(?:\.\d+)? (?:dollars|bucks|cents|euros)\b", "<money>"),
        (DAY_PATTERN, "<date>"),
        (TIME_PATTERN, "<time>"),
        (r"\b(?=\w*\d)(?=\w*[a-z])\w+\b", "<code>"),
        (r"(?<![\w<])\d[\d,]*(?:\.\d+)?(?!\w)", "<number>"),
    )
)
_SHORTEST: Final = 2


def masked(trajectory: Trajectory, number: int) -> str:
    """The user's message of one turn with every fact replaced by its type."""
    facts = {str(trajectory.persona[name]): name for name in _TOLD if trajectory.persona.get(name)}
    facts |= {words: name for turn, words, name in _facts(trajectory) if turn == number and len(words) >= _SHORTEST}
    return _masked(trajectory.turns[number].user, facts)


def _facts(trajectory: Trajectory) -> Iterator[tuple[int, str, str]]:
    """Turn, words and type of each fact that the record names."""
    for entry in trajectory.ledger:
        if entry.source in {"explicit", "asked"} and isinstance(entry.origin, dict):
            yield entry.origin["turn"], entry.origin["text"], entry.argument.partition("[")[0]
    for reference in trajectory.references:
        for part in reference.properties:
            value = part.get("value") if isinstance(part, dict) else None
            if isinstance(value, str) and any(map(str.isalpha, value)):
                yield reference.turn, value.replace("_", " "), str(part["column"]).rpartition(".")[2]


def _masked(text: str, facts: dict[str, str]) -> str:
    """A text with the longest facts replaced first, then what looks like a fact by itself."""
    for words in sorted(facts, key=lambda words: (-len(words), words)):
        text = _bounded(words).sub(f"<{facts[words]}>", text)
    for pattern, mask in _GENERAL:
        text = pattern.sub(mask, text)
    return text


@lru_cache(maxsize=1 << 14)
def _bounded(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w<]){re.escape(words)}(?![\w>])", re.IGNORECASE)
