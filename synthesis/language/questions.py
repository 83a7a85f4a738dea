"""Questions: a question turned into a clause that can stand inside another sentence, where that is sure to be right."""

from __future__ import annotations

import re

from synthesis.language.script import MARKS
from synthesis.language.verbs import inflected

_ASKS = rf"(?P<asks>(?:(?:for|until|by|from|on|at|to) )?(?:how|when|what|which|where)\b[^?{MARKS}]*?)"
_SUBJECT = rf"(?P<subject>I|there|it|they|you|the shop|[{MARKS}])"
_HELPER = re.compile(
    rf"{_ASKS} (?P<helper>can|could|would|may|must|will|should|have|has|had|am|are|is|was|were) "
    rf"(?P<still>still )?{_SUBJECT}(?P<rest>(?:\W.*)?)"
)
_VERB = r"(?P<verb>(?!(?:on|of|for|in|at|to)\b)[a-z]+)"
_DOES = re.compile(rf"{_ASKS} (?P<helper>do|does|did) {_SUBJECT} (?P<still>still )?{_VERB}(?P<rest>.*)")
_FORMS = {"do": "VB", "does": "VBZ", "did": "VBD"}


def inside(question: str, values: frozenset[str] = frozenset()) -> str | None:
    """Give a question such as "when does it end" as "when it ends", or None when it isn't of a kind that turns.

    Of sealed pieces that are values none can be the subject: "how many of my trips are past" stays as it is.
    """
    found = _DOES.fullmatch(question)
    if found is not None:
        verb = "have" if found["verb"] == "have" and found["helper"] == "do" else found["verb"]
        turned = verb if found["helper"] == "do" else inflected(verb, _FORMS[found["helper"]])
        parts = (found["asks"], found["subject"], (found["still"] or "").strip(), turned)
        return " ".join(part for part in parts if part) + found["rest"]
    found = _HELPER.fullmatch(question)
    if found is None:
        return None
    if found["subject"] in values:
        return question
    parts = (found["asks"], found["subject"], found["helper"], (found["still"] or "").strip())
    return " ".join(part for part in parts if part) + found["rest"]
