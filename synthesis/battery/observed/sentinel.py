"""A sentinel: a value that fits the published schema of a parameter and is unlikely to be anywhere else."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_LETTERS = string.ascii_letters + string.digits
_ALL = range(32, 127)
_TRIES = 8
_LONGEST_ID = 40


def plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is given: the first option that isn't null."""
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return options[0] if options else schema


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value that the state holds can be given for a parameter."""
    if "enum" in schema:
        return value in schema["enum"]
    match schema.get("type"):
        case "integer" | "number":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
        case "boolean":
            return value in (0, 1)
        case "string":
            return isinstance(value, str) and _text_fits(value, schema)
    return False


def _text_fits(value: str, schema: Mapping[str, Any]) -> bool:
    if schema.get("format") == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    long_enough = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    return long_enough and re.search(schema.get("pattern", ""), value) is not None


def is_fixed(schema: Mapping[str, Any]) -> bool:
    """Whether a schema describes texts of one form, such as ids."""
    if schema.get("type") != "string" or "pattern" not in schema:
        return False
    _, most = parser.parse(schema["pattern"]).getwidth()
    return int(most) <= _LONGEST_ID


def sentinel(schema: Mapping[str, Any], rng: random.Random, today: str) -> Any:
    """A value that fits a schema, different almost each time."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema.get("type"):
        case "integer":
            low, high = schema.get("minimum", 0), schema.get("maximum", 10**6)
            return rng.choice([low, high, rng.randint(low, high), rng.randint(low, min(high, low + 3))])
        case "number":
            return rng.uniform(schema.get("minimum", 0), schema.get("maximum", 1000))
        case "boolean":
            return rng.random() < 0.5
        case "array":
            return [sentinel(plain(schema.get("items", {})), rng, today) for _ in range(rng.randint(1, 2))]
        case "object":
            parts = schema.get("properties", {})
            return {name: sentinel(plain(part), rng, today) for name, part in parts.items()}
    return _text(schema, rng, today)


def _text(schema: Mapping[str, Any], rng: random.Random, today: str) -> str:
    if schema.get("format") == "date":
        return (date.fromisoformat(today) + timedelta(days=rng.randint(1, 60))).isoformat()
    if schema.get("format") == "date-time":
        return f"{_text({'format': 'date'}, rng, today)}T{rng.randint(0, 23):02d}:{rng.choice(('00', '30'))}:00Z"
    low, high = schema.get("minLength", 1), schema.get("maxLength", 60)
    if "pattern" not in schema:
        return "".join(rng.choice(_LETTERS) for _ in range(min(high, max(low, 8))))
    made = ""
    for _ in range(_TRIES):
        made = _spelled(parser.parse(schema["pattern"]), rng)
        if low <= len(made) <= high:
            break
    return made


def _spelled(pattern: Iterable[Any], rng: random.Random) -> str:
    return "".join(_part(code, given, rng) for code, given in pattern)


def _part(code: Any, given: Any, rng: random.Random) -> str:
    if code is codes.LITERAL:
        return chr(given)
    if code in (codes.NOT_LITERAL, codes.ANY):
        return rng.choice(_LETTERS)
    if code is codes.IN:
        return chr(rng.choice(_members(given)))
    if code is codes.BRANCH:
        return _spelled(rng.choice(given[1]), rng)
    if code is codes.SUBPATTERN:
        return _spelled(given[3], rng)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        low, high, inner = given
        return "".join(_spelled(inner, rng) for _ in range(rng.randint(low, min(high, low + 4))))
    return ""


def _members(parts: Iterable[Any]) -> list[int]:
    """The characters of a class, letters and digits if it has any."""
    excluded, found = False, set[int]()
    for code, given in parts:
        if code is codes.NEGATE:
            excluded = True
        elif code is codes.LITERAL:
            found.add(given)
        elif code is codes.RANGE:
            found.update(range(given[0], given[1] + 1))
        elif code is codes.CATEGORY:
            found.update(ord(letter) for letter in (string.digits if "DIGIT" in str(given) else _LETTERS))
    members = [letter for letter in _ALL if letter not in found] if excluded else sorted(found)
    return [letter for letter in members if chr(letter).isalnum()] or members
