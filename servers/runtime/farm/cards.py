"""Server cards: what a client may read of a server before it connects, as SEP-2127 says it.

A card is a registry's entry without its packages, with the address of the sandbox here; it lists no tools. The
catalog at the well-known place leads to the cards of all environments that are served.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic_core import to_json

from servers.runtime.farm.fault import Fault
from servers.runtime.farm.registry import Entry, Registry
from servers.runtime.farm.wire import Scope, Send, header

CATALOG = "/.well-known/ai-catalog.json"
CATALOG_TYPE, CARD_TYPE = "application/ai-catalog+json", "application/mcp-server-card+json"
SCHEMA_URL = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
PROTOCOLS = ("2025-06-18", "2025-11-25", "2026-07-28")

_CARD = re.compile(r"/(?P<environment>[a-z][a-z0-9_]*)/mcp/server-card")
_HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "*",
    "cache-control": "public, max-age=3600",
    "vary": "Host",
}
_LEFT_OUT = frozenset({"$schema", "packages", "remotes"})


def is_card(path: str) -> bool:
    """Say whether a path is that of the catalog or of a card."""
    return path == CATALOG or _CARD.fullmatch(path) is not None


def without_origin(scope: Scope) -> Scope:
    """Give what says by which name a request came, but not from whose page: pages of every origin may read cards."""
    return {"headers": [(name, value) for name, value in scope["headers"] if name != b"origin"]}


async def answer_card(scope: Scope, send: Send, registry: Registry, served: Iterable[str]) -> None:
    """Answer a request for the catalog or a card of the environments that have a sandbox here."""
    if scope["method"] not in ("GET", "OPTIONS"):
        raise Fault(405, "method_not_allowed", f"{scope['path']} answers GET, not {scope['method']}.", {"allow": "GET"})
    base = f"{scope.get('scheme', 'http')}://{header(scope, b'host')}"
    entries = {name: entry for name, entry in registry.latest().items() if name in set(served)}
    if scope["method"] == "OPTIONS":
        await _send(send, {}, "application/json")
    elif scope["path"] == CATALOG:
        await _send(send, catalog(entries, base), CATALOG_TYPE)
    else:
        found = _CARD.fullmatch(scope["path"])
        assert found is not None
        name = found["environment"]
        if name not in entries:
            raise Fault(404, "not_found", f"There is no card of '{name}'; {CATALOG} leads to those that there are.")
        await _send(send, card(name, entries[name], base), CARD_TYPE)


def catalog(entries: dict[str, Entry], base: str) -> dict[str, Any]:
    """Give the catalog of the cards at a base address."""
    listed = [
        {
            "identifier": _identifier(entry["name"]),
            "displayName": entry.get("title", name),
            "type": CARD_TYPE,
            "url": f"{base}/{name}/mcp/server-card",
        }
        for name, entry in entries.items()
    ]
    return {"specVersion": "1.0", "entries": listed}


def card(name: str, entry: Entry, base: str) -> dict[str, Any]:
    """Give the card of an environment from its registry entry."""
    remote = {"type": "streamable-http", "url": f"{base}/{name}/mcp", "supportedProtocolVersions": list(PROTOCOLS)}
    told = {key: value for key, value in entry.items() if key not in _LEFT_OUT}
    return {"$schema": SCHEMA_URL, **told, "remotes": [remote]}


def _identifier(name: str) -> str:
    """The name as a URN under its publisher's domain: io.github.someone/x is urn:air:someone.github.io:x."""
    namespace, _, tail = name.partition("/")
    return f"urn:air:{'.'.join(reversed(namespace.split('.')))}:{tail}"


async def _send(send: Send, body: dict[str, Any], media: str) -> None:
    content = to_json(body)
    headers = {"content-type": media, "content-length": str(len(content)), **_HEADERS}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    await send({"type": "http.response.body", "body": content})
