"""The JSON-RPC envelope of MCP 2026-07-28: one POST for each request, no session.

Every request repeats the protocol version and the method in headers, so that gateways can route without
reading bodies, and carries version and capabilities in `params._meta`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json

from envfactory_client.errors import ProtocolError

VERSION: Final = "2026-07-28"
CONTRACT_KEY: Final = "io.github.envfactory/contract"
REFUSAL_KEY: Final = "io.github.envfactory/refusal"
SERVER_KEY: Final = "io.modelcontextprotocol/serverInfo"

_META: Final[Mapping[str, Any]] = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "envfactory", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_NAMED: Final[Mapping[str, str]] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN: Final = re.compile(r"[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?")


def request(method: str, params: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one request."""
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": VERSION,
        "mcp-method": method,
    }
    if (named := _NAMED.get(method)) is not None:
        headers["mcp-name"] = _header_value(str(params[named]))
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": _META}}
    return headers, encoded(message, of=method if named is None else f"{method} of {params[named]!r}")


def encoded(value: Any, *, of: str) -> bytes:
    """A value as JSON; letters that UTF-8 can't carry, such as half an emoji, are escaped for the server to judge."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(
            f"What is to be sent with {of} isn't JSON ({error}); "
            "give only texts, finite numbers, booleans, None, lists, and dicts by text."
        ) from error


def result(body: bytes, *, status: int, where: str) -> dict[str, Any]:
    """The result in an answer; an error in it is raised with the server's own words."""
    try:
        message = from_json(body)
    except ValueError:
        message = None
    if isinstance(message, dict):
        if isinstance(message.get("result"), dict):
            return dict(message["result"])
        if isinstance(error := message.get("error"), dict):
            details = error.get("data")
            fault = details.get("code") if isinstance(details, dict) else None
            raise ProtocolError(
                str(error.get("message", "no message")),
                code=error.get("code"),
                fault=fault if isinstance(fault, str) else None,
            )
    shown = body[:120].decode(errors="replace")
    raise ProtocolError(f"{where} answered HTTP {status} without a JSON-RPC message ({shown!r}); is it an MCP server?")


def _header_value(value: str) -> str:
    """A value as a header may carry it: verbatim if printable, otherwise in the protocol's base64 wrapping."""
    if _PLAIN.fullmatch(value) and not value.startswith("=?base64?"):
        return value
    try:
        return f"=?base64?{base64.b64encode(value.encode()).decode()}?="
    except UnicodeEncodeError as error:
        raise ProtocolError(
            f"{value!r} can't be asked for by name, as UTF-8 has no half letters; use a name that the server lists."
        ) from error
