"""The wire: reading a request's body within a limit, giving it on, and sending JSON, over plain ASGI."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from pydantic_core import to_json

from servers.runtime.farm.fault import Fault

_STRINGS = re.compile(rb'"(?:[^"\\\\]|\\\\.)*+"', re.DOTALL)
_HEADERS = "envfactory.headers"
_BRACKETS = re.compile(rb"[\[\]{}]")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Give the headers by name in lower case, of each the first one."""
    found: dict[bytes, bytes] | None = scope.get(_HEADERS)
    if found is None:
        found = scope[_HEADERS] = dict(reversed(scope["headers"]))
    return found


def header(scope: Scope, name: bytes) -> str | None:
    """Give the first value of a header (its name in lower case), or None."""
    value = headers_of(scope).get(name)
    return None if value is None else value.decode("latin-1").strip()


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Give the whole body, or raise a 413 fault as soon as it is known to exceed `limit` bytes."""
    declared = headers_of(scope).get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def check_depth(body: bytes, limit: int) -> None:
    """Raise a 400 fault when lists and objects lie in each other deeper than `limit`."""
    if body.count(b"[") + body.count(b"{") > limit and _depth(body) > limit:
        raise Fault(400, "too_deep", f"Lists and objects of the body lie more than {limit} deep in each other.")


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for found in _BRACKETS.finditer(_STRINGS.sub(b"", body)):
        depth += 1 if found[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _too_large(limit: int) -> Fault:
    return Fault(413, "too_large", f"The body is larger than {limit} bytes, the limit here; send less.")


def replay(body: bytes, receive: Receive) -> Receive:
    """Give a receiver that hands on a body already read, and then whatever still comes."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def send_json(send: Send, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """Send one JSON answer."""
    await send_bytes(send, status, to_json(body), headers)


async def send_bytes(
    send: Send,
    status: int,
    content: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    kind: str = "application/json",
) -> None:
    """Send one answer that is already spelled."""
    extra = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    base = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*base, *extra]})
    await send({"type": "http.response.body", "body": content})
