"""Patterns: sentences with choices, such as "(could|can) you (please|) {act}", and one sentence drawn from them.

Since parentheses stand for choices, those that are to be read are written as brackets: "[{email}]".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import TypeVar

from synthesis.errors import LanguageError

Piece = TypeVar("Piece")
Node = str | tuple["Sequence_", ...]
"""A word or slot as it stands, or the branches of a choice."""
Sequence_ = tuple["Node", ...]

_TOKEN = re.compile(r"[()|]|[^()|]+")
_SLOT = re.compile(r"\{([a-z_.]+)\}")
_BRACKETS = str.maketrans("[]", "()")
_APART = re.compile(r" [,.!?;:']")
"""What may have a blank too many; most texts have none."""
_SHORTENED = re.compile(r" '(?=(?:d|m|ve|ll|re)\b)")
_BEFORE_MARK = re.compile(r"\s+([,.!?;:])(?=\s|$)")


def expand(pattern: str, rng: Random, words: Mapping[str, str] | None = None) -> str:
    """Give one of a pattern's sentences by chance, its slots filled with words."""
    text = _drawn(_parsed(pattern), rng).translate(_BRACKETS)
    return tidy(_SLOT.sub(lambda found: (words or {})[found.group(1)], text))


def tidy(text: str) -> str:
    """Give a text with single blanks, and none before a mark or a shortened word."""
    text = " ".join(text.split())
    return _SHORTENED.sub("'", _BEFORE_MARK.sub(r"\1", text)) if _APART.search(text) else text


def pattern_flaws(pattern: str, free: frozenset[str] = frozenset()) -> list[str]:
    """Give what is wrong with a pattern; each of its sentences must have the same slots, but for the free ones."""
    try:
        found = _slots_by_branch(_parsed(pattern), free)
    except LanguageError as error:
        return [str(error)]
    if found is None:
        return [f"The choices of '{pattern}' don't all name the same places; name them outside the choice."]
    return []


def _slots_by_branch(sequence: Sequence_, free: frozenset[str]) -> frozenset[str] | None:
    """Give the slots that every sentence of a part has, or None when its sentences differ in them."""
    found: frozenset[str] = frozenset()
    for part in sequence:
        if isinstance(part, str):
            found |= slots(part) - free
            continue
        first, *others = [_slots_by_branch(branch, free) for branch in part]
        if first is None or any(other != first for other in others):
            return None
        found |= first
    return found


def slots(pattern: str) -> frozenset[str]:
    """Give the names of a pattern's slots."""
    return frozenset(_SLOT.findall(pattern))


def ways(pattern: str) -> int:
    """Give how many sentences a pattern has."""
    return _count(_parsed(pattern))


def pick(rng: Random, options: Sequence[Piece]) -> Piece:
    """Give one of some options by chance."""
    return options[rng.randrange(len(options))]


def _drawn(sequence: Sequence_, rng: Random) -> str:
    return "".join(part if isinstance(part, str) else _drawn(pick(rng, part), rng) for part in sequence)


def _count(sequence: Sequence_) -> int:
    total = 1
    for part in sequence:
        if not isinstance(part, str):
            total *= sum(_count(branch) for branch in part)
    return total


@lru_cache(maxsize=4096)
def _parsed(pattern: str) -> Sequence_:
    branches, rest = _branches(pattern, _TOKEN.findall(pattern))
    if rest or len(branches) != 1:
        raise LanguageError(f"The pattern '{pattern}' has a '|' or ')' outside parentheses; put the choice in '(…)'.")
    return branches[0]


def _branches(pattern: str, tokens: list[str]) -> tuple[tuple[Sequence_, ...], list[str]]:
    """Give the branches up to the next closing parenthesis, and the tokens from it on."""
    branches: list[list[Node]] = [[]]
    while tokens and tokens[0] != ")":
        mark, tokens = tokens[0], tokens[1:]
        if mark == "(":
            inner, tokens = _branches(pattern, tokens)
            if not tokens:
                raise LanguageError(f"The pattern '{pattern}' has a '(' that is never closed; add the ')'.")
            tokens = tokens[1:]
            branches[-1].append(inner)
        elif mark == "|":
            branches.append([])
        else:
            branches[-1].append(mark)
    return tuple(tuple(branch) for branch in branches), tokens
