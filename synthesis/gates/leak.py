"""The gate of silence, G1: the user's words never give away what the agent has to find."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from synthesis.catalogue import Catalogue
from synthesis.draft import Draft, DraftStep
from synthesis.errors import Drop
from synthesis.spoken import MONTHS, day, hour, money

SHORTEST_ID = 3
"""Keys shorter than this are no ids that one could recognise."""
LEAST_DIGITS = 1000
"""Amounts below this could be any small number when they stand in cents."""


def check_no_leak(draft: Draft, catalogues: Mapping[str, Catalogue]) -> None:
    """Raise `Drop` when a user's message says a hidden value: an id, a day, an hour or an amount, in any form."""
    for turn in draft.turns:
        for step in (draft.steps[place] for place in turn.steps):
            for name, value in _hidden(step):
                kind = catalogues[step.environment].parameter(step.tool, name).type
                for form in surface_forms(kind, value):
                    if _stands_in(form, turn.user):
                        raise Drop("gate_G1", f"{step.tool}.{name} is said as {form!r}")


def _hidden(step: DraftStep) -> Iterator[tuple[str, Any]]:
    """Give the arguments that come from an earlier result, a list's one by one."""
    for part, origin in step.origins.items():
        name, _, index = part.partition("[")
        if origin.source != "explicit" and name in step.arguments:
            value = step.arguments[name]
            yield name, value[int(index.rstrip("]"))] if index else value


def _stands_in(form: str, text: str) -> bool:
    return re.search(rf"(?<![\w.,]){re.escape(form)}(?!\w|[.,]\d)", text, re.IGNORECASE) is not None


def surface_forms(kind: str | None, value: object) -> Iterator[str]:
    """Give the ways in which a value of a kind can stand in a text."""
    text = str(value)
    if kind == "money" and isinstance(value, int):
        yield from (money(value), f"{value // 100}.{value % 100:02d}", *([text] if value >= LEAST_DIGITS else []))
        return
    if kind in ("date", "time"):
        yield text
        yield from _day_forms(text)
        if kind == "time" and "T" in text:
            yield hour(text)
        return
    if isinstance(value, str) and len(text) >= SHORTEST_ID:
        yield text


def _day_forms(text: str) -> Iterator[str]:
    spoken = day(text)
    _, number, month = spoken.split(" ")
    short = month[:3]
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th") if number not in ("11", "12", "13") else "th"
    for name in (month, short):
        yield from (f"{number} {name}", f"{name} {number}", f"{name} {number}{ending}", f"{number}{ending} of {name}")
    yield f"{MONTHS.index(month) + 1}/{number}"
