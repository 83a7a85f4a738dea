"""Wording: whether a message asks for something, or gives a certain reason for a refusal.

It is read by fixed rules from the phrases that a task carries: a message means what the phrase says most of whose
telling words stand together in one of its sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_ENOUGH_OF_PLAIN_WORDS: Final = 0.8
_MOST_REASONS: Final = 2
_Phrases = tuple[tuple[str, tuple[str, ...]], ...]
"""Each code with the phrases that give its reason."""
_INVITES: Final = re.compile(r"\?|\b(please (tell|give|confirm|let)|let me know|tell me|confirm)\b", re.IGNORECASE)


def asks_for(message: str, phrases: Sequence[str]) -> bool:
    """Whether a question in the message is one that the phrases ask."""
    questions = [sentence for sentence in sentences(message) if _INVITES.search(sentence)]
    return _closeness(" ".join(questions), phrases) >= _ENOUGH_OF_A_QUESTION


def gives_reason(message: str, code: str, phrases: Mapping[str, Sequence[str]]) -> bool:
    """Whether the message gives a refusal's reason, at least as clearly as any other, and not all there are."""
    return code in _reasons(message, tuple((name, tuple(said)) for name, said in phrases.items()))


@lru_cache(maxsize=512)
def _reasons(message: str, phrases: _Phrases) -> frozenset[str]:
    """The codes whose reason a message gives; none when it gives too many."""
    words = telling_words(message)
    parts = list(sentences(message))
    pairs = [" ".join(parts[place : place + 2]) for place in range(max(len(parts) - 1, 1))]
    texts = [(telling_words(pair), _plain_words(pair)) for pair in pairs]
    clear = {
        name: max((form.clearness(*text) for form in forms if form.may_be_in(words) for text in texts), default=0.0)
        for name, forms in _forms(phrases).items()
    }
    best = max(clear.values(), default=0.0)
    given = frozenset(name for name, clearness in clear.items() if clearness >= max(best, _ENOUGH_OF_A_REASON))
    return given if len(given) <= _MOST_REASONS else frozenset()


@dataclass(frozen=True, slots=True)
class _Form:
    """A phrase that gives a code's reason."""

    wanted: frozenset[str]
    """Its telling words."""
    own: frozenset[str]
    """Those of them that set it apart from what gives other codes' reasons."""
    plain: frozenset[str]
    """All its words."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing sets it apart, so that nearly every word of it must stand in a text."""
        return not self.own or len(self.wanted) == 1

    def may_be_in(self, words: frozenset[str]) -> bool:
        """Whether some part of a text with these telling words can be clear about it."""
        return self.is_plain or len(self.wanted & words) / len(self.wanted) >= _ENOUGH_OF_A_QUESTION

    def clearness(self, words: frozenset[str], plain: frozenset[str]) -> float:
        """How much of what sets it apart stands in a text with these telling words and these words in all."""
        if self.is_plain:
            share = len(self.plain & plain) / max(len(self.plain), 1)
            return share if share >= _ENOUGH_OF_PLAIN_WORDS else 0.0
        if len(self.wanted & words) / len(self.wanted) < _ENOUGH_OF_A_QUESTION:
            return 0.0
        return len(self.own & words) / len(self.own)


@lru_cache(maxsize=512)
def _forms(phrases: _Phrases) -> Mapping[str, Sequence[_Form]]:
    """The phrases of each code, its name among them."""
    said = {name: (*ways, name.replace("_", " ")) for name, ways in phrases}
    common = _common(said)
    return {
        name: [_Form(wanted := telling_words(way), wanted - common, _plain_words(way)) for way in ways]
        for name, ways in said.items()
    }


def _common(forms: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The telling words that more than one code's phrases have, and that therefore tell no code."""
    times = Counter(word for said in forms.values() for word in {word for form in said for word in telling_words(form)})
    return frozenset(word for word, codes in times.items() if codes > 1)


def _plain_words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def sentences(message: str) -> Iterator[str]:
    """The sentences of a message."""
    return (found.group() for found in _SENTENCE.finditer(message))


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
