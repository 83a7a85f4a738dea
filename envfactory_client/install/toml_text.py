"""TOML: putting a table in while comments, order and spelling of the rest stay as they are."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from envfactory_client.errors import ConfigError


def parse(text: str) -> dict[str, Any]:
    """Give the values of a text; raises `ConfigError` where it isn't TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(error)) from error


def put(text: str, section: str, name: str, value: dict[str, Any]) -> str:
    """Give the text with `value` as the table `section.name`, which is made or replaced."""
    parse(text)
    try:
        document = tomlkit.parse(text)
        if section not in document:
            document.add(section, tomlkit.table(is_super_table=True))
        held: Any = document[section]
        held[name] = _inline(value) if isinstance(held, InlineTable) else _table(value)
        changed = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ConfigError(f"this spelling can't be changed in place ({error})") from error
    return changed.removesuffix("\n") if changed.endswith("\n\n") else changed


def _table(value: dict[str, Any]) -> Any:
    table = tomlkit.table()
    for key, inner in value.items():
        table[key] = _inline(inner) if isinstance(inner, dict) else inner
    table.add(tomlkit.nl())  # a blank line before whatever follows
    return table


def _inline(value: dict[str, Any]) -> Any:
    inline = tomlkit.inline_table()
    inline.update({key: _inline(inner) if isinstance(inner, dict) else inner for key, inner in value.items()})
    return inline
