"""Load: requests over plain HTTP/1.1 connections, by a client so thin that the server is what is measured."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

MODERN = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def post(path: str, body: Any, **headers: str) -> bytes:
    """Give the bytes of a POST of JSON."""
    content = json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(content)), **named}
    head = "\r\n".join([f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())])
    return head.encode() + b"\r\n\r\n" + content


def message(tool: str, **arguments: Any) -> dict[str, Any]:
    """Give the JSON of a tool call of today's protocol."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def call(path: str, tool: str, **arguments: Any) -> bytes:
    """Give the bytes of a POST of a tool call."""
    return post(
        path,
        message(tool, **arguments),
        accept="application/json, text/event-stream",
        mcp_protocol_version=MODERN,
        mcp_method="tools/call",
        mcp_name=tool,
    )


@dataclass
class Load:
    """What came of a load: how many answers, which of them bad, and how long each took, in milliseconds."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    late: int = 0
    """In an open loop, the requests that had to wait for a free connection."""

    def percentile(self, share: float) -> float:
        """Give the time within which this share of the answers came."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Line(asyncio.Protocol):
    """One connection, which sends a request when told and says when its answer is there."""

    def __init__(self, done: Any) -> None:
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, began: float | None = None) -> None:
        assert self._transport is not None
        self.began = time.perf_counter() if began is None else began
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        start = self._buffer.find(b"content-length: ") + 16
        size = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) >= end + 4 + size:
            answer, self._buffer = self._buffer, b""
            self._done(self, answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._buffer or self.began:
            self._done(self, b"")

    def close(self) -> None:
        self.began = 0.0
        assert self._transport is not None
        self._transport.close()


def is_good(answer: bytes) -> bool:
    """Whether an answer is a success of HTTP and of the tool."""
    return answer.startswith(b"HTTP/1.1 200") and is_success(answer)


def is_success(answer: bytes) -> bool:
    """Whether the JSON of an answer is no error of the protocol and a success of the tool."""
    return b'"isError":true' not in answer and b'"error":{' not in answer


async def closed_loop(port: int, requests: Sequence[bytes], connections: int, total: int) -> Load:
    """Send `total` requests, in turns from `requests`, each connection one after another."""
    load, finished = Load(), asyncio.get_running_loop().create_future()
    coming = _turns(requests, total)
    open_lines = connections

    def done(line: _Line, answer: bytes) -> None:
        nonlocal open_lines
        load.times.append((time.perf_counter() - line.began) * 1000)
        if not is_good(answer):
            load.bad.append(answer)
        following = next(coming, None)
        if following is not None and answer:
            line.send(following)
            return
        line.began = 0.0
        open_lines -= 1
        if open_lines == 0:
            finished.set_result(None)

    lines = await _lines(port, done, connections)
    began = time.perf_counter()
    for line in lines:
        following = next(coming, None)
        if following is None:
            open_lines -= 1
        else:
            line.send(following)
    await finished
    load.seconds = time.perf_counter() - began
    for line in lines:
        line.close()
    return load


async def open_loop(port: int, requests: Sequence[bytes], rate: float, total: int) -> Load:
    """Send `total` requests at a steady rate whether or not answers have come; waiting counts from when it was due."""
    load, finished = Load(), asyncio.get_running_loop().create_future()
    idle: list[_Line] = []
    waiting: list[tuple[bytes, float]] = []

    def done(line: _Line, answer: bytes) -> None:
        load.times.append((time.perf_counter() - line.began) * 1000)
        if not is_good(answer):
            load.bad.append(answer)
        if waiting:
            line.send(*waiting.pop(0))
        else:
            line.began = 0.0
            idle.append(line)
        if len(load.times) == total:
            finished.set_result(None)

    lines = await _lines(port, done, 256)
    idle.extend(lines)
    began = time.perf_counter()
    for number, request in enumerate(_turns(requests, total)):
        due = began + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        if idle:
            idle.pop().send(request, due)
        else:
            load.late += 1
            waiting.append((request, due))
    await finished
    load.seconds = time.perf_counter() - began
    for line in lines:
        line.close()
    return load


async def _lines(port: int, done: Any, count: int) -> list[_Line]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(count):
        _, line = await loop.create_connection(lambda: _Line(done), "127.0.0.1", port)
        made.append(line)
    return made


def _turns(requests: Sequence[bytes], total: int) -> Iterator[bytes]:
    for number in range(total):
        yield requests[number % len(requests)]
