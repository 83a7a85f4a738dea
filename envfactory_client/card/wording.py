"""Wording: how much a set of texts repeats itself.

Words are the runs of letters, digits and inner apostrophes of the lower-cased text. Self-BLEU-4 takes each text as a
candidate against all others as references: the geometric mean, with equal weights, of the clipped precisions of
1- to 4-grams, times the brevity penalty against the reference that is nearest in length (the shorter of two).
A precision without a match counts 0.1 matches instead of none (epsilon smoothing, method 1 of Chen and Cherry).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

TOKENIZER: Final = r"lower-cased words, by the regular expression <\w+>|\w+(?:['\u2019]\w+)*"
SMOOTHING: Final = "epsilon 0.1 for a precision without a match (Chen and Cherry, method 1)"
_EPSILON: Final = 0.1
_ORDER: Final = 4
_WORD: Final = re.compile(r"<\w+>|\w+(?:['\u2019]\w+)*")
Words = tuple[str, ...]


def words(text: str) -> Words:
    """The words of a text; a mask such as "<date>" is one word."""
    return tuple(_WORD.findall(text.lower()))


def grams(text: Words, order: int) -> Iterator[Words]:
    """The n-grams of a text, in order."""
    return zip(*(text[start:] for start in range(order)), strict=False)


def distinct(texts: Sequence[Words], order: int) -> float:
    """Distinct-n: the share of different n-grams among all n-grams of some texts."""
    found = Counter(gram for text in texts for gram in grams(text, order))
    return len(found) / found.total() if found else 0.0


def self_bleu(texts: Sequence[Words]) -> float:
    """The mean self-BLEU-4 of some texts; zero for fewer than two."""
    if len(texts) < 2:
        return 0.0
    counted = [[Counter(grams(text, order)) for text in texts] for order in range(1, _ORDER + 1)]
    most = [_Most(counts) for counts in counted]
    lengths = sorted(map(len, texts))
    scores = []
    for place, text in enumerate(texts):
        logs = [math.log(_precision(counts[place], best, place)) for counts, best in zip(counted, most, strict=True)]
        scores.append(_brevity(len(text), lengths) * math.exp(sum(logs) / _ORDER))
    return sum(scores) / len(scores)


class _Most:
    """For every n-gram the highest count in one text, whose it is, and the highest count in any other text."""

    def __init__(self, counts: Sequence[Counter[Words]]) -> None:
        self._best: dict[Words, tuple[int, int, int]] = {}
        for place, found in enumerate(counts):
            for gram, count in found.items():
                first, owner, second = self._best.get(gram, (0, -1, 0))
                if count > first:
                    self._best[gram] = count, place, first
                elif count > second:
                    self._best[gram] = first, owner, count

    def elsewhere(self, gram: Words, place: int) -> int:
        """The highest count of an n-gram in the texts other than one."""
        first, owner, second = self._best[gram]
        return second if owner == place else first


def _precision(counts: Counter[Words], most: _Most, place: int) -> float:
    matched = sum(min(count, most.elsewhere(gram, place)) for gram, count in counts.items())
    return (matched or _EPSILON) / max(1, counts.total())


def _brevity(length: int, lengths: Sequence[int]) -> float:
    """The brevity penalty of a text against the others; `lengths` are those of all texts, its own among them."""
    place = bisect_left(lengths, length)
    around = [lengths[other] for other in (place - 1, place + 1) if 0 <= other < len(lengths)]
    nearest = min(around, key=lambda other: (abs(other - length), other))
    if length >= nearest or not length:
        return 1.0 if length else 0.0
    return math.exp(1 - nearest / length)
