"""A visit: one HTTP request and what came of it, as a line of JSON in the access log."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

from servers.runtime.farm.wire import Message, Scope, Send

_HANDLE = re.compile(r"(?<=/episodes/)[^/]+")
"""Handles are keys, and keys don't belong in logs."""


@dataclass
class Visit:
    """What is told of a request."""

    method: str
    path: str
    client: str
    route: str = ""
    status: int = 0
    bytes: int = 0
    details: dict[str, str] = field(default_factory=dict)
    """The episode, the tool and how its call ended, where there was one."""
    began: float = field(default_factory=time.perf_counter)

    def line(self) -> str:
        """Give the line of the log."""
        return json.dumps(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "method": self.method,
                "path": _HANDLE.sub("…", self.path),
                "client": self.client,
                "route": self.route,
                "status": self.status,
                "bytes": self.bytes,
                "ms": round((time.perf_counter() - self.began) * 1000, 3),
                **self.details,
            },
            ensure_ascii=False,
        )


current_visit: ContextVar[Visit | None] = ContextVar("current_visit", default=None)


class AccessLog:
    """Writes a line for each request to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, scope: Scope) -> Visit:
        """Give the visit that a request is."""
        client = scope.get("client")
        return Visit(scope["method"], scope["path"], client[0] if client else "")

    def end(self, visit: Visit) -> None:
        """Write a visit down."""
        self._stream.write(visit.line() + "\n")
        self._stream.flush()


def watched(send: Send, heard: Callable[[int, int], None]) -> Send:
    """Give a sender that tells `heard` the status, and then the bytes of each part."""
    status = 0

    async def send_on(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            heard(status, 0)
        elif message["type"] == "http.response.body":
            heard(status, len(message.get("body", b"")))
        await send(message)

    return send_on
