"""Wording: whether a message asks for something, or gives a certain reason for a refusal.

It is read by fixed rules from the phrases that a task carries: a message means what the phrase says most of whose
telling words stand together in one of its sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*")
_IDLE: Final = frozenset(
    word
    for words in (
        "a an the is are was were be been it its it's to for of on in at by and or so but with from as then than",
        "this that these those there here i i'm i'll me my we our us you you're your yours he she they them their his",
        "her can can't could will would won't do does did don't doesn't not no have has had may might must just any",
        "some please sorry afraid unfortunately",
    )
    for word in words.split()
)
_ENOUGH_OF_A_REASON: Final = 0.6
_ENOUGH_OF_A_QUESTION: Final = 0.5
_MOST_REASONS: Final = 2
_INVITES: Final = re.compile(r"\?|\b(please (tell|give|confirm|let)|let me know|tell me|confirm)\b", re.IGNORECASE)


def asks_for(message: str, phrases: Sequence[str]) -> bool:
    """Whether a question in the message is one that the phrases ask."""
    questions = [sentence for sentence in sentences(message) if _INVITES.search(sentence)]
    return _closeness(" ".join(questions), phrases) >= _ENOUGH_OF_A_QUESTION


def asks_anything(message: str) -> bool:
    """Whether a message asks the user for something."""
    return any(_INVITES.search(sentence) for sentence in sentences(message))


def gives_reason(message: str, code: str, phrases: Mapping[str, Sequence[str]]) -> bool:
    """Whether the message gives a refusal's reason, at least as clearly as any other, and not all there are."""
    said = {name: _closest(message, [*forms, name.replace("_", " ")]) for name, forms in phrases.items()}
    best = max(said.values(), default=0.0)
    given = [name for name, closeness in said.items() if closeness >= max(best, _ENOUGH_OF_A_REASON)]
    return code in given and len(given) <= _MOST_REASONS


def sentences(message: str) -> Iterator[str]:
    """The sentences of a message."""
    return (found.group() for found in _SENTENCE.finditer(message))


def _closest(message: str, phrases: Sequence[str]) -> float:
    """How close the message comes to the closest of the phrases: over all of it, or in two sentences in a row."""
    parts = list(sentences(message))
    pairs = [" ".join(parts[place : place + 2]) for place in range(max(len(parts) - 1, 1))]
    return max((_closeness(part, phrases) for part in pairs), default=0.0)


def _closeness(text: str, phrases: Sequence[str]) -> float:
    """The largest share of a phrase's telling words that stand in a text."""
    words = telling_words(text)
    return max((len(wanted & words) / len(wanted) for wanted in map(telling_words, phrases) if wanted), default=0.0)


@lru_cache(maxsize=4096)
def telling_words(text: str) -> frozenset[str]:
    """The stems of the words that tell something."""
    return frozenset(_stem(word) for word in _WORD.findall(text.lower().replace("\u2019", "'")) if word not in _IDLE)


def _stem(word: str) -> str:
    word = word.partition("'")[0]
    for ending in ("ies", "ied", "ing", "ed", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
