"""Merging: a client's file with one server more in it, proved to hold what it held before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from envfactory_client.errors import ConfigError
from envfactory_client.install import jsonc, toml_text
from envfactory_client.install.clients import Client, Entry

_MARK = "\ufeff"
_FORMS: dict[str, ModuleType] = {"json": jsonc, "toml": toml_text}


@dataclass(frozen=True)
class Merge:
    """The new text of a file, and what was in the way: the entry of the same name that is replaced, if any."""

    text: str
    replaced: Any = None
    changed: bool = True


def rendered(client: Client, name: str, entry: Entry) -> str:
    """Give a configuration with this server alone."""
    return merged("", client, name, entry).text


def merged(text: str, client: Client, name: str, entry: Entry) -> Merge:
    """Give a file's text with the server in it; raises `ConfigError` when the file can't be understood."""
    if text.startswith(_MARK):  # some editors begin a file with a byte order mark
        found = merged(text.removeprefix(_MARK), client, name, entry)
        return replace(found, text=_MARK + found.text)
    before = _values(text, client)
    servers = before.get(client.section, {})
    if not isinstance(servers, dict):
        raise ConfigError(f"'{client.section}' isn't an object that holds servers by name")
    if servers.get(name) == entry:
        return Merge(text, changed=False)
    changed: str = _FORMS[client.form].put(text, client.section, name, entry)
    wanted = {**before, client.section: {**servers, name: entry}}
    if _values(changed, client) != wanted:
        raise ConfigError("the server can't be put in without changing something else; put it in by hand (--print)")
    return Merge(changed, replaced=servers.get(name))


def _values(text: str, client: Client) -> dict[str, Any]:
    if not text.strip():
        return {}
    values: dict[str, Any] = jsonc.parse(text).value if client.form == "json" else toml_text.parse(text)
    return values
