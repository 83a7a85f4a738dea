"""Result paths: the values that stand at "bookings[].booking_id" in a result, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PART = re.compile(r"([^.\[\]]+)(\[\]|\[(\d+)\])?")


def places_at(result: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give place and value of everything that a path with [] stands for; "" is the result itself."""
    yield from _walk(result, path.split(".") if path else [], "")


def _walk(value: Any, parts: list[str], place: str) -> Iterator[tuple[str, Any]]:
    if not parts:
        yield place, value
        return
    name = parts[0].removesuffix("[]")
    if not isinstance(value, Mapping) or value.get(name) is None:
        return
    here = f"{place}.{name}" if place else name
    if parts[0].endswith("[]"):
        for index, item in enumerate(value[name]):
            yield from _walk(item, parts[1:], f"{here}[{index}]")
    else:
        yield from _walk(value[name], parts[1:], here)


def value_of(result: Any, place: str) -> Any:
    """Give the value at a place such as "bookings[3].booking_id"; raises `LookupError` when nothing is there."""
    for name, _, index in _PART.findall(place):
        result = result[name]
        if index:
            result = result[int(index)]
    return result
