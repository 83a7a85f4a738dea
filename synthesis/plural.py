"""The plural: how all rows of a kind are spoken of, out of the words for one."""

from __future__ import annotations

import re
from typing import Literal

from synthesis.language.nouns import plural

Quantity = Literal["all", "own", "bare"]
"""How several rows are spoken of: "all my cards", "my cards", or "cards" where the sentence says whose."""
_SINGULAR_VERB = re.compile(
    r"that('s| is| isn't| was| wasn't| has| hasn't| does| doesn't| goes| comes| waits| ends| repeats| falls| leaves"
    r"| begins| starts| takes| brings| works| needs| belongs| lasts| pays| sends| lands| gets| stands| stops| holds"
    r"| only exists| still needs| ran| seats| costs)\b"
)
_VERBS = {
    "'s": " are",
    "is": "are",
    "isn't": "aren't",
    "was": "were",
    "wasn't": "weren't",
    "has": "have",
    "hasn't": "haven't",
    "does": "do",
    "doesn't": "don't",
    "goes": "go",
}
_IT = {"it's": "they're", "it": "them"}
_SAID = (
    (re.compile(r"\bit's\b"), "they're"),
    (re.compile(r"\bit was\b"), "they were"),
    (re.compile(r"\bit is\b"), "they are"),
    (re.compile(r"\bit has\b"), "they have"),
    (re.compile(r"\bit starts\b"), "they start"),
    (re.compile(r"^it (?=\w)"), "they "),
    (re.compile(r"\bit\b"), "them"),
)
_IT_WORD = re.compile(r"\b(it's|it)\b")


def many(noun: str, modifiers: str, quantity: Quantity) -> tuple[str, ...]:
    """Give ways to speak of several of one's rows that the modifiers fit."""
    rows = " ".join(word for word in (plural(noun), modifiers) if word)
    match quantity:
        case "own":
            return (f"my {rows}",)
        case "bare":
            return (rows,)
    return (f"all my {rows}", f"all of my {rows}", f"each of my {rows}")


def of_several(modifier: str) -> str:
    """Give a modifier that was made for one row as it is said of several: "that is in use" as "that are in use"."""
    found = _SINGULAR_VERB.match(modifier)
    return f"that{_for_several(found[1])}{modifier[found.end() :]}" if found else modifier


def _for_several(verb: str) -> str:
    """Give a verb after "that" as it stands after several; those in the past stay as they are."""
    word = verb.strip()
    if word == "ran":
        return verb
    return f" {_VERBS.get(word, word.removesuffix('s'))}" if word != "'s" else _VERBS[word]


def said_of_many(text: str) -> str:
    """Give words such as "it was stolen" as they are said of several; what is quoted stays as it is."""
    if text.startswith('"'):
        return text
    for one, several_ones in _SAID:
        text = one.sub(several_ones, text)
    return text


def told_to_many(template: str) -> str:
    """Give a request whose "it" stands for one row as one whose "them" stands for several."""
    return _IT_WORD.sub(lambda found: _IT[found[1]], template)
