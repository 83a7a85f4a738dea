"""The registry as clients of MCP registries read it: `/v0.1/servers` and its details, from registry.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.runtime.farm.fault import Fault

SERVERS = Path(__file__).resolve().parents[2]
OFFICIAL = "io.modelcontextprotocol.registry/official"
CORS = {"access-control-allow-origin": "*", "access-control-allow-headers": "*", "access-control-allow-methods": "GET"}
_DETAIL = re.compile(r"/v0\.1/servers/(?P<name>.+)/versions(?:/(?P<version>[^/]+))?")
_DEFAULT_LIMIT = 30
_LARGEST_LIMIT = 100
_LONGEST_NUMBER = 18

Entry = dict[str, Any]


def registry_path() -> Path:
    """Give the place of registry.json: beside `servers` in a checkout, inside it when installed."""
    inside = SERVERS / "registry.json"
    return inside if inside.exists() else SERVERS.parent / "registry.json"


class Registry:
    """The entries of a registry.json, listed, searched and looked up by name and version."""

    def __init__(self, path: Path) -> None:
        self._entries: list[Entry] = json.loads(path.read_text(encoding="utf-8"))["servers"] if path.exists() else []

    def latest(self) -> dict[str, Entry]:
        """Give the latest version of every server, by the last part of its name."""
        found = (entry["server"] for entry in self._entries if _is_latest(entry))
        return {server["name"].partition("/")[2]: server for server in found}

    def answer(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Give the body for a GET under `/v0.1/servers`."""
        if path == "/v0.1/servers":
            return self._page(query)
        detail = _DETAIL.fullmatch(path)
        if detail is None:
            raise Fault(404, "not_found", "The registry has /v0.1/servers and /v0.1/servers/{name}/versions/{version}.")
        versions = [entry for entry in self._entries if entry["server"]["name"] == detail["name"]]
        if not versions:
            raise Fault(404, "not_found", f"The registry has no server '{detail['name']}'; list them at /v0.1/servers.")
        if detail["version"] is None:
            return {"servers": versions, "metadata": {"count": len(versions)}}
        return _version(versions, detail["version"])

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        limit, start = _number(query, "limit", _DEFAULT_LIMIT), _number(query, "cursor", 0)
        found = [entry for entry in self._entries if _wanted(entry, query)]
        end = start + max(1, min(limit, _LARGEST_LIMIT))
        page = found[start:end]
        following = {"nextCursor": str(end)} if end < len(found) else {}
        return {"servers": page, "metadata": {"count": len(page), **following}}


def _version(versions: list[Entry], wanted: str) -> Entry:
    for entry in versions:
        if _is_latest(entry) if wanted == "latest" else entry["server"]["version"] == wanted:
            return entry
    known = ", ".join(entry["server"]["version"] for entry in versions)
    raise Fault(404, "not_found", f"That server has no version {wanted}; it has {known}, and 'latest'.")


def _wanted(entry: Entry, query: Mapping[str, str]) -> bool:
    server, official = entry["server"], entry.get("_meta", {}).get(OFFICIAL, {})
    version = query.get("version")
    return (
        query.get("search", "").lower() in server["name"].lower()
        and (version is None or (_is_latest(entry) if version == "latest" else server["version"] == version))
        and official.get("updatedAt", "9999") >= query.get("updated_since", "")
        and (official.get("status") != "deleted" or query.get("include_deleted") == "true")
    )


def _is_latest(entry: Entry) -> bool:
    latest: bool = entry.get("_meta", {}).get(OFFICIAL, {}).get("isLatest", True)
    return latest


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise Fault(400, "invalid_request", f"{name} must be a number that an earlier page or you chose, not {text!r}.")
    return int(text)
