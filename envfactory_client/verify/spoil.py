"""Spoiling: a sound argument's neighbours that a schema rejects, or that are odd though it accepts them.

Nothing here knows what a tool does: values come from the schema alone. Whether one is rejected is left to the schema.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from envfactory_client.verify.checks.definitions import options, resolved
from envfactory_client.verify.draw import made_text

LONG = 10_240
_DEPTH = 4
_FALSE_DATES = ("2026-02-30", "2026-13-01", "2025-02-29", "2026-3-2", "20260302", "02/03/2026", "yesterday", "")
_FALSE_TIMES = ("2026-02-30T09:00:00Z", "2026-03-02T25:00:00Z", "2026-03-02 09:00:00", "2026-03-02", "now", "")
_ODD_TEXTS = (
    "",
    " ",
    "' OR '1'='1",
    "'; DROP TABLE x; --",
    '"; --',
    "%",
    "_",
    "../no/such/place",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u202eABC",
    "a\u0000b",
    "\n\t",
    "null",
    "0",
    "{}",
)
HALF_A_LETTER = "a\ud800"
"""A text that UTF-8 can't carry."""


def sound(schema: Mapping[str, Any], rng: random.Random, root: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A value that fits a schema, the smallest that comes to mind; what needs no value is left out."""
    root = schema if root is None else root
    form = resolved(schema, root)
    for word in ("const", "default"):
        if word in form:
            return form[word]
    for word in ("enum", "examples"):
        if isinstance(form.get(word), list) and form[word]:
            return form[word][0]
    chosen = next(iter(options(form, root)), form)
    if chosen is not form and chosen != form and depth < 2 * _DEPTH:
        return sound(chosen, rng, root, depth + 1)
    return _sound_of_type(form, rng, root, depth)


def _sound_of_type(form: Mapping[str, Any], rng: random.Random, root: Mapping[str, Any], depth: int) -> Any:
    match _type(form):
        case "object":
            properties = form.get("properties", {})
            needed = [name for name in form.get("required", ()) if name in properties]
            return {name: sound(properties[name], rng, root, depth + 1) for name in needed} if depth < _DEPTH else {}
        case "array":
            items = form.get("items")
            count = max(1, form.get("minItems", 1)) if depth < _DEPTH and isinstance(items, Mapping) else 0
            return [sound(items, rng, root, depth + 1) for _ in range(count)] if isinstance(items, Mapping) else []
        case "integer" | "number":
            least = form.get("minimum", form.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in form))
            return max(least, min(1, form.get("maximum", 1)))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _sound_text(form, rng)


def _sound_text(form: Mapping[str, Any], rng: random.Random) -> str:
    match form.get("format"):
        case "date":
            return "2026-03-02"
        case "date-time":
            return "2026-03-02T09:00:00Z"
        case "uri" | "url":
            return "https://example.com/"
        case "email":
            return "ada@example.com"
        case _:
            return made_text(form, rng)


def spoiled(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Neighbours of a call's arguments: what was spoiled, and the arguments."""
    properties = schema.get("properties", {})
    for name, form in properties.items():
        for value in odd_values(form, schema, arguments.get(name)):
            yield name, {**arguments, name: value}
    for name in schema.get("required", ()):
        yield name, {other: value for other, value in arguments.items() if other != name}
    yield "a parameter that there isn't", {**arguments, "no_such_parameter": "x"}


def odd_values(form: Mapping[str, Any], root: Mapping[str, Any], here: Any, depth: int = 0) -> Iterator[Any]:
    """Values in the place of one that was sound: of other types, beyond the bounds, of impossible dates, odd texts."""
    yield from _other_types(form, root)
    for option in options(form, root):
        match _type(option):
            case "string":
                yield from _odd_texts(option)
            case "integer" | "number":
                yield from _odd_numbers(option)
            case "array" if depth < _DEPTH:
                yield from _odd_lists(option, root, here if isinstance(here, list) else [], depth)
            case "object" if depth < _DEPTH:
                yield from _odd_objects(option, root, here if isinstance(here, Mapping) else {}, depth)


def _other_types(form: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    kinds = {_type(option) for option in options(form, root)}
    if kinds & {None}:
        return
    others: Mapping[str, tuple[Any, ...]] = {
        "integer": (7, 10**30) if "number" not in kinds else (),
        "number": (1.5,),
        "boolean": (True,),
        "string": ("7", "abc", "true"),
        "array": ([], [1]),
        "object": ({}, {"$ne": None}),
    }
    for kind, values in others.items():
        if kind not in kinds:
            yield from values
    yield None


def _odd_texts(form: Mapping[str, Any]) -> Iterator[str]:
    match form.get("format"):
        case "date":
            yield from _FALSE_DATES
        case "date-time":
            yield from _FALSE_TIMES
    if "enum" in form:
        yield "no such value"
        yield from (str(value).swapcase() for value in form["enum"][:1])
    if isinstance(most := form.get("maxLength"), int):
        yield "x" * (most + 1)
    yield "x" * LONG
    yield from _ODD_TEXTS


def _odd_numbers(form: Mapping[str, Any]) -> Iterator[Any]:
    if (least := form.get("minimum")) is not None:
        yield least - 1
    if (most := form.get("maximum")) is not None:
        yield most + 1
    yield from (-1, 0, -(2**63), 2**63, 2**31)


def _odd_lists(form: Mapping[str, Any], root: Mapping[str, Any], here: list[Any], depth: int) -> Iterator[Any]:
    yield []
    items = form.get("items")
    if not isinstance(items, Mapping):
        return
    one = here[0] if here else sound(items, random.Random(0), root)
    yield [one] * (int(form["maxItems"]) + 1 if "maxItems" in form else 2)
    for value in odd_values(resolved(items, root), root, one, depth + 1):
        yield [value, *here[1:]]


def _odd_objects(
    form: Mapping[str, Any], root: Mapping[str, Any], here: Mapping[str, Any], depth: int
) -> Iterator[Any]:
    for name, field in form.get("properties", {}).items():
        for value in odd_values(resolved(field, root), root, here.get(name), depth + 1):
            yield {**here, name: value}
    for name in form.get("required", ()):
        yield {other: value for other, value in here.items() if other != name}


def _type(form: Mapping[str, Any]) -> str | None:
    kind = form.get("type")
    if isinstance(kind, list):
        return next((one for one in kind if one != "null"), None)
    if kind is None and isinstance(form.get("enum"), list):
        return "string" if all(isinstance(value, str) for value in form["enum"]) else None
    if kind is None and "properties" in form:
        return "object"
    return kind if isinstance(kind, str) else None
