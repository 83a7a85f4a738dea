"""The hot path: a plain `tools/call` answered without an MCP server, in a small part of the time.

It answers exactly as FastMCP's server would, in each era that it knows: a table of request shapes is compared on both
ways in the tests. Whatever is not plainly such a request, by headers and by body, is none of its business and goes on
to that server, before anything was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mcp_types import methods
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from servers.runtime.farm.offer import Offer, Offered
from servers.runtime.farm.span import is_traced, is_traced_otherwise, span_of_call
from servers.runtime.farm.wire import Scope, headers_of
from servers.runtime.refusal import REFUSAL_META
from servers.runtime.tool import Outcome

MODERN = "2026-07-28"
_ERAS: Mapping[bytes | None, str] = {era.encode(): era for era in ("2025-06-18", "2025-11-25", MODERN)}
_JSON: frozenset[bytes | None] = frozenset({b"application/json", b"application/json; charset=utf-8"})
_PREFIX = "io.modelcontextprotocol/"
_VERSION = f"{_PREFIX}protocolVersion"
_CLIENT = (_VERSION, f"{_PREFIX}clientInfo", f"{_PREFIX}clientCapabilities")
_MESSAGE = frozenset({"jsonrpc", "id", "method", "params"})
_PARAMS = frozenset({"name", "arguments", "_meta"})
_TRACE = frozenset({"traceparent", "tracestate"})
_ALWAYS = frozenset({*_TRACE, "progressToken"})
_META: Mapping[str, frozenset[str]] = {
    "2025-06-18": _ALWAYS,
    "2025-11-25": _ALWAYS,
    MODERN: frozenset({*_CLIENT, *_ALWAYS}),
}


@dataclass(slots=True)
class HotCall:
    """A tool call as the hot path takes it."""

    request: str | int
    tool: str
    arguments: dict[str, Any]
    era: str
    meta: Mapping[str, Any]
    """What the caller said beside the arguments: in the era of today who it is, and perhaps where it is traced."""

    @classmethod
    def of(cls, scope: Scope, body: bytes) -> HotCall | None:
        """Give the call in a request, or None when the request is any other."""
        given = headers_of(scope)
        era = _ERAS.get(given.get(b"mcp-protocol-version"))
        if era is None or len(given) != len(scope["headers"]) or scope["method"] != "POST":
            return None
        if given.get(b"content-type") not in _JSON or not _takes_json(given.get(b"accept", b"")):
            return None
        try:
            found = cls._in(from_json(body, allow_inf_nan=False), era)
        except ValueError:
            return None
        if era != MODERN or found is None:
            return found
        named = given.get(b"mcp-method") == b"tools/call" and given.get(b"mcp-name") == found.tool.encode()
        return found if named else None

    @classmethod
    def _in(cls, message: Any, era: str) -> HotCall | None:
        if not isinstance(message, dict) or message.keys() != _MESSAGE or message["jsonrpc"] != "2.0":
            return None
        request, params = message["id"], message["params"]
        if type(request) not in (int, str) or message["method"] != "tools/call" or not isinstance(params, dict):
            return None
        name, arguments, meta = params.get("name"), params.get("arguments", {}), params.get("_meta", {})
        if not isinstance(name, str) or not isinstance(arguments, dict) or not params.keys() <= _PARAMS:
            return None
        return cls(request, name, arguments, era, meta) if _is_plain(meta, era) else None

    def answer(self, offer: Offer, found: Offered) -> bytes | None:
        """Make the call on the active episode, and give the body that says how it ended.

        None, and no call, where calls are traced in another way than FastMCP's own.
        """
        if not is_traced():
            return self._body(offer, found.environment.call(found.definition, self.arguments))
        if is_traced_otherwise():
            return None
        with span_of_call(offer.server, self.tool, self.era, self.meta):
            return self._body(offer, found.environment.call(found.definition, self.arguments))

    def _body(self, offer: Offer, outcome: Outcome) -> bytes:
        shown = b"" if outcome.is_error else b',"structuredContent":' + outcome.text.encode()
        failed = b"true" if outcome.is_error else b"false"
        meta = [b'"%b":%b' % (REFUSAL_META.encode(), to_json({"code": outcome.refusal}))] if outcome.refusal else []
        if self.era == MODERN:
            shown += b',"resultType":"complete"'
            meta.append(offer.stamp)
        said = b',"_meta":{%b}' % b",".join(meta) if meta else b""
        return b'{"jsonrpc":"2.0","id":%b,"result":{"content":[{"type":"text","text":%b}],"isError":%b%b%b}}' % (
            to_json(self.request),
            to_json(outcome.text),
            failed,
            shown,
            said,
        )


@lru_cache(maxsize=256)
def _takes_json(accept: bytes) -> bool:
    """Whether an Accept header plainly names JSON."""
    kinds = [kind.strip() for kind in accept.lower().split(b",")]
    return b"application/json" in kinds or b"*/*" in kinds


def _is_plain(meta: Any, era: str) -> bool:
    """Whether `_meta` says nothing but who asks, by which protocol, and how the call is followed."""
    if not isinstance(meta, dict) or not meta.keys() <= _META[era]:
        return False
    if meta.keys() & _ALWAYS and not _is_followed(meta):
        return False
    if era != MODERN:
        return True
    return meta.get(_VERSION) == MODERN and _is_client(to_json({key: meta[key] for key in _CLIENT if key in meta}))


def _is_followed(meta: Mapping[str, Any]) -> bool:
    """Whether what follows a call has the types that the protocol gives it; its values change nothing in the answer."""
    traced = all(isinstance(meta[key], str) for key in _TRACE & meta.keys())
    return traced and type(meta.get("progressToken", 0)) in (int, str)


@lru_cache(maxsize=1024)
def _is_client(meta: bytes) -> bool:
    """Whether this is how a client names itself, as the SDK's own models see it."""
    try:
        methods.validate_client_request("tools/list", MODERN, {"_meta": from_json(meta)})
    except ValidationError:
        return False
    return True
