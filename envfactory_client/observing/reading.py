"""Reading: the values that an answer holds by path, whether it is structured, JSON in a text, or plain lines.

A text keeps its place and gets sisters: for `text` there are `text:lines`, `text:words`, the values behind labels such
as `text:commit` for "Commit: 1a2b", and `text:json`. So paths lead to parts of texts as they do to fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from envfactory_client.episode import CallResult
from envfactory_client.fields import leaves

Scalar = str | int
_LABELLED = re.compile(r"^\W*([A-Za-z][A-Za-z _-]{0,30}?)\s*:\s+(\S.*)$")
_AROUND = "\"'`()[]{}<>,;"
_CARRIERS = frozenset(("text", "content", "result", "output"))
"""Names under which servers put all that a tool says."""
_SHORTEST_ECHO = 3
"""Characters of the shortest text that isn't in another by chance."""
_MOSTLY = 0.5
"""The share of a line that an argument makes where the line says little else."""
_MOST_LABELS = 12
"""Labels of one text that are looked at."""
_MOST_PARTS = 400
"""Lines or words of one text that are looked at."""
_LONGEST = 200
"""Characters of the longest text that is a value rather than prose."""


def legible(result: CallResult) -> Any:
    """The answer as a value in which parts of texts have paths of their own."""
    value = {"text": result.text} if result.structured is None else result.structured
    texts = [leaf for _, leaf in leaves(value)]
    return _opened(value, alone=len(texts) == 1 and isinstance(texts[0], str))


def cells(value: Any, given: Iterable[Any] = ()) -> dict[str, list[Scalar]]:
    """The values by path, in order; only texts and whole numbers can be what an argument stands for.

    Parts of texts that say little more than what was given are left out.
    """
    texts = [text.lower() for text in given if isinstance(text, str)]
    found: dict[str, list[Scalar]] = {}
    for path, leaf in smallest(value):
        if path and is_value(leaf) and not (":" in path and says_again(leaf, texts, share=_MOSTLY)):
            found.setdefault(path, []).append(leaf)
    return found


def says_again(leaf: Any, texts: Iterable[str], share: float = 0.0) -> bool:
    """Whether a leaf is part of one of some texts in small letters, or what one makes of it is such a share or more."""
    if not isinstance(leaf, str):
        return False
    said = leaf.lower()
    return any(said in text or (_holds(said, text) and _part(said, text) >= share) for text in texts)


def _part(said: str, text: str) -> float:
    return said.count(text) * len(text) / len(said)


def _holds(said: str, text: str) -> bool:
    """Whether a text is in another; a short one has to stand there as a word."""
    if len(text) >= _SHORTEST_ECHO:
        return text in said
    return bool(text) and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", said) is not None


def smallest(value: Any) -> list[tuple[str, Any]]:
    """The leaves with their paths, without the texts of which the parts are there as well."""
    found = list(leaves(value))
    whole = {path.partition(":")[0] for path, _ in found if ":" in path}
    return [(path, leaf) for path, leaf in found if path not in whole]


def is_value(leaf: Any) -> bool:
    """Whether a leaf can stand for something: a short text or a whole number."""
    if isinstance(leaf, str):
        return 0 < len(leaf) <= _LONGEST
    return isinstance(leaf, int) and not isinstance(leaf, bool)


def is_mixed(path: str) -> bool:
    """Whether a path leads to parts of texts that needn't be of one kind."""
    return path.endswith((":words[]", ":lines[]"))


def _opened(value: Any, *, alone: bool) -> Any:
    if isinstance(value, list | tuple):
        return [_opened(inner, alone=alone) for inner in value]
    if not isinstance(value, Mapping):
        return value
    opened: dict[str, Any] = {}
    for name, inner in value.items():
        opened[name] = _opened(inner, alone=alone)
        if isinstance(inner, str) and ("\n" in inner or (alone and (" " in inner or name in _CARRIERS))):
            opened |= {f"{name}:{part}": found for part, found in _parts(inner).items()}
    return opened


def _parts(text: str) -> dict[str, Any]:
    if (parsed := _parsed(text)) is not None:
        return {"json": parsed}
    lines = [line.strip() for line in text.splitlines() if line.strip()][:_MOST_PARTS]
    labelled: dict[str, list[str]] = {}
    for line in lines:
        found = _LABELLED.match(line)
        name = "_".join(found[1].lower().replace("-", " ").split()) if found else ""
        if found and (name in labelled or len(labelled) < _MOST_LABELS):
            labelled.setdefault(name, []).append(found[2].strip().strip(_AROUND))
    bare = [word.strip(_AROUND).rstrip(":") for word in text.split()[:_MOST_PARTS]]
    parts: dict[str, Any] = {name: found for name, found in labelled.items() if name not in ("lines", "words", "json")}
    parts["lines"] = lines
    return parts if bare == lines else parts | {"words": [word for word in bare if word]}


def _parsed(text: str) -> Any:
    try:
        found = from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None
