"""The hot path: a well-formed `tools/call` of today's protocol on one environment, answered without an MCP server.

It answers what the environment's FastMCP server would (a test compares them), in a small part of the time. Whatever
is not exactly such a request, by headers and by body, is none of its business and goes on to that server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from servers.runtime.contract import Actor
from servers.runtime.environment import Environment
from servers.runtime.farm.wire import Scope
from servers.runtime.refusal import REFUSAL_META
from servers.runtime.tool import Outcome

PROTOCOL = "2026-07-28"
_PREFIX = "io.modelcontextprotocol"
_MESSAGE = frozenset({"jsonrpc", "id", "method", "params"})
_PARAMS = frozenset({"name", "arguments", "_meta"})
_META = frozenset({f"{_PREFIX}/protocolVersion", f"{_PREFIX}/clientInfo", f"{_PREFIX}/clientCapabilities"})
_CLIENT = frozenset({"name", "version"})
_HEADERS: Mapping[bytes, bytes] = {
    b"content-type": b"application/json",
    b"accept": b"application/json, text/event-stream",
    b"mcp-protocol-version": PROTOCOL.encode(),
    b"mcp-method": b"tools/call",
}


@dataclass(frozen=True)
class HotCall:
    """A tool call as the hot path takes it."""

    request: str | int
    tool: str
    arguments: Mapping[str, Any]

    @classmethod
    def of(cls, scope: Scope, body: bytes) -> HotCall | None:
        """Give the call in a request, or None when the request is any other."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        given = dict(headers)
        if len(given) != len(headers) or any(given.get(name) != value for name, value in _HEADERS.items()):
            return None
        try:
            message = from_json(body, allow_inf_nan=False)
        except ValueError:
            return None
        found = cls._in(message)
        named = given.get(b"mcp-name")
        return found if found is not None and named == found.tool.encode() and scope["method"] == "POST" else None

    @classmethod
    def _in(cls, message: Any) -> HotCall | None:
        if not isinstance(message, dict) or message.keys() != _MESSAGE or message["jsonrpc"] != "2.0":
            return None
        request, params = message["id"], message["params"]
        if type(request) not in (int, str) or message["method"] != "tools/call" or not isinstance(params, dict):
            return None
        if params.keys() != _PARAMS or not _is_plain(params["_meta"]):
            return None
        name, arguments = params["name"], params["arguments"]
        return cls(request, name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None

    def on(self, environment: Environment, actor: Actor) -> dict[str, Any] | None:
        """Make the call on the active episode and give the answer, or None when the actor has no such tool."""
        definition = environment.tools.get(self.tool)
        if definition is None or definition.contract.actor != actor:
            return None
        outcome = environment.call(definition, self.arguments)
        return {"jsonrpc": "2.0", "id": self.request, "result": _result(environment, outcome)}


def _is_plain(meta: Any) -> bool:
    """Whether a request's `_meta` says nothing but who asks, and by which protocol."""
    if not isinstance(meta, dict) or meta.keys() != _META or meta[f"{_PREFIX}/protocolVersion"] != PROTOCOL:
        return False
    client = meta[f"{_PREFIX}/clientInfo"]
    named = isinstance(client, dict) and client.keys() == _CLIENT and all(isinstance(x, str) for x in client.values())
    return named and meta[f"{_PREFIX}/clientCapabilities"] == {}


def _result(environment: Environment, outcome: Outcome) -> dict[str, Any]:
    meta: dict[str, Any] = {REFUSAL_META: {"code": outcome.refusal}} if outcome.refusal else {}
    meta[f"{_PREFIX}/serverInfo"] = {"name": environment.name, "version": environment.manifest.version}
    shown = {} if outcome.structured is None else {"structuredContent": outcome.structured}
    return {
        "content": [{"text": outcome.text, "type": "text"}],
        "isError": outcome.is_error,
        "resultType": "complete",
        **shown,
        "_meta": meta,
    }
