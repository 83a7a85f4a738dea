"""Names of fields as servers by other authors write them: which two of them speak of the same key.

A server without contracts still has habits: `list_users` gives `results[].id`, and `get_user` takes `user_id`
or `userId`; `entities[].name` is what `entityNames` lists. A name here is a tuple of singular lower-case words.
"""

from __future__ import annotations

import re
from typing import Final

Name = tuple[str, ...]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_VERBS: Final = _set(
    "add append archive book browse build buy cancel change check close compute convert copy count create delete "
    "describe directory drop edit explain fetch find get insert inspect list load lookup make modify move open "
    "query read remove rename reserve reset resolve run save search send set show start stop store submit update "
    "upsert view watch write"
)
_MAKING: Final = _set("add create insert make register upsert")
_KEYS: Final = _set("id uuid guid key code slug sha hash uri url path reference ref email username handle")
_WEAK_KEYS: Final = frozenset(("name", "timezone", "branch", "table"))
_BARE: Final = _set("id uuid guid key code ref reference hash")
"""Keys that mean nothing without the noun that they identify."""
_GENERIC: Final = _set(
    "result item entry record row value element data list content response output object match hit page"
)
_ROLES: Final = _set(
    "source target destination dest origin from to new old base parent child other current first second"
)
"""Words before a key that say which of several it is, as in source_timezone."""
_UNCOUNTED: Final = frozenset(("status", "address", "alias", "class", "news", "series", "species", "access", "https"))


def words(name: str) -> Name:
    """The singular lower-case words of an identifier in any case style."""
    return tuple(singular(word.lower()) for word in _WORD.findall(name))


def singular(word: str) -> str:
    """The singular of an English plural, by the common rules; other words stay as they are."""
    if word in _UNCOUNTED or len(word) < 3 or word.endswith("ss"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("us", "is")) else word


def noun(tool: str) -> Name:
    """What a tool's name speaks of: "list_users" of ("user",)."""
    found = [word for word in words(tool) if word not in _VERBS]
    kept = []
    for word in found:
        if word in ("by", "for", "from", "in", "of", "with", "to", "and"):
            break
        kept.append(word)
    return tuple(kept)


def is_bare(name: str) -> bool:
    """Whether a name means nothing without the noun that it is of, as `id` and `name` do."""
    return len(words(name)) == 1 and words(name)[0] in _BARE | _WEAK_KEYS


def akin(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two fields, each a tool and a path, may be namesakes: as keys, or where one name is part of the other."""
    if key_names(*one) & key_names(*other):
        return True
    left, right = ({*words(path.rpartition(".")[2])} for _, path in (one, other))
    telling = (left & right) - _BARE - _WEAK_KEYS
    return bool(telling and (left <= right or right <= left))


def makes(tool: str, path: str) -> bool:
    """Whether a parameter names what its tool makes, as `name` of `create_user` does, so that nothing has it yet."""
    verb = words(tool)[:1]
    return bool(
        verb and verb[0] in _MAKING and key_names(tool, path) & {(*noun(tool), key) for key in _KEYS | _WEAK_KEYS}
    )


def key_names(tool: str, path: str) -> frozenset[Name]:
    """The names under which a tool's field may be known as a key; none when it doesn't look like a key."""
    *around, last = [part.removesuffix("[]") for part in path.split(".")]
    leaf = words(last)
    if not leaf or leaf[-1] not in _KEYS | _WEAK_KEYS:
        return frozenset()
    containers = [name for part in around if (name := words(part)) and name[-1] not in _GENERIC]
    holder = containers[-1] if containers else noun(tool)
    names = {leaf}
    if len(leaf) > 1 and leaf[0] in _ROLES:
        names.add(leaf[1:])
    if len(leaf) == 1 and holder:
        names.add((*holder, *leaf))
        names.add((holder[-1], *leaf))
    return frozenset(name for name in names if not (len(name) == 1 and name[0] in _BARE))
