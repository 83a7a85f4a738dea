"""The gate of content, G9: whatever a message says of the world is accounted for.

What means something stands in a span. An argument's words are those that the ledger gives for an argument, a fact is
one of the user's card, and of side facts there is one at most. Outside the spans nothing stands that looks like a
value: no digit, no address, no quotation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envfactory_client import Span
from synthesis.draft import Draft, DraftTurn
from synthesis.errors import Drop

_VALUE = re.compile(r"\d|[$€£@\"“”]")


def check_content(draft: Draft, card: Mapping[str, Any]) -> None:
    """Raise `Drop` when a message says something that nothing accounts for."""
    known = {str(origin.text) for step in draft.steps for origin in step.origins.values() if origin.text}
    told = {str(value) for value in card.values()}
    for turn in draft.turns:
        left = _outside(turn)
        if _VALUE.search(left):
            raise Drop("gate_G9", f"{left!r} says a value that no span has")
        for span in turn.spans:
            text = turn.user[span.start : span.end]
            if not _accounted(turn, span, text, known if span.kind == "argument" else told):
                raise Drop("gate_G9", f"{text!r} is no {span.kind} that is known of")


def _outside(turn: DraftTurn) -> str:
    """Give what a message says outside its spans."""
    parts, at = [], 0
    for span in turn.spans:
        parts.append(turn.user[at : span.start])
        at = span.end
    return " ".join((*parts, turn.user[at:]))


def _accounted(turn: DraftTurn, span: Span, text: str, known: set[str]) -> bool:
    match span.kind:
        case "argument":
            forms = (text, text[:1].lower() + text[1:])  # a sentence may begin with it
            return any(form in known or _is_carried(turn, form) for form in forms)
        case "fact":
            return text in known
        case "side":
            return turn.side is not None and text in turn.side[1] and _sides(turn) == 1
        case _:
            return True


def _sides(turn: DraftTurn) -> int:
    return sum(span.kind == "side" for span in turn.spans)


def _is_carried(turn: DraftTurn, text: str) -> bool:
    """Whether words stand for a value that an earlier result gives, as "what I got back" does."""
    return any(text in part.ways for clause in turn.clauses for part in clause.parts.values())
