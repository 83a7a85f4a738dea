"""Clues: values that a server by other authors lets slip, in its schemas' words and in the command that starts it.

Without a harness nobody knows which rows there are; but a description often quotes a value, and a command often names
the folder or the file that all is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_QUOTED = re.compile(r"""(?<!\w)(?:'([^'\n]{1,80})'|"([^"\n]{1,80})"|`([^`\n]{1,80})`)(?!\w)""")
_FORMS: Mapping[str, str] = {
    "HH:MM:SS": "14:30:00",
    "HH:MM": "14:30",
    "YYYY-MM-DD": "2026-03-02",
    "ISO 8601": "2026-03-02T09:00:00Z",
    "base64": "b2s=",
}
"""How descriptions speak of a form, the longer first, and a text of that form."""
_OF_PLACES = re.compile(r"path|file|dir|folder|repo|root|location", re.IGNORECASE)
_OF_FOLDERS = re.compile(r"dir|folder|repo|root", re.IGNORECASE)
_MOST_FILES = 8


def values(name: str, form: Mapping[str, Any], words: Sequence[str]) -> list[Any]:
    """Values for one parameter that its schema, or the command's words if it names a place, hint at."""
    found: list[Any] = [form["default"]] if form.get("default") is not None else []
    found += form["examples"] if isinstance(form.get("examples"), list) else []
    if form.get("type", "string") == "string":
        found += _told(str(form.get("description", "")))
        found += _places(words, folders=bool(_OF_FOLDERS.search(name))) if _OF_PLACES.search(name) else []
    return found


def _told(description: str) -> Iterator[str]:
    for quoted in _QUOTED.finditer(description):
        yield next(text for text in quoted.groups() if text)
    yield from [text for spelled, text in _FORMS.items() if spelled in description][:1]


def _places(words: Sequence[str], *, folders: bool) -> Iterator[str]:
    """The folders and files that a command names, and some that are in those folders; the folders alone if asked."""
    for word in words[1:]:
        place = Path(word.rpartition("=")[2])
        if not place.is_absolute() or not place.exists() or "node_modules" in place.parts:
            continue
        if place.is_dir() or not folders:
            yield str(place)
        if place.is_dir() and not folders:
            yield from [str(inner) for inner in sorted(place.iterdir()) if not inner.name.startswith(".")][:_MOST_FILES]
