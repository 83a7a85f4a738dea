"""Thin pooled HTTP/1.1 connections for plain http://: one POST at a time on each, kept alive between calls.

A general HTTP client costs some ten times the CPU of the call itself; this one knows only what a farm needs.
A request is never sent twice, because a call may have changed something even if its answer was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from envfactory_client._answer import Answer

_IDLE_SECONDS = 4.0
"""Servers close connections that idle longer (uvicorn after 5 s), so those aren't used again."""
_MOST_IDLE = 256


class BrokenConnection(OSError):
    """The other end closed the connection, or doesn't speak HTTP/1.1."""


class NothingListens(OSError):
    """No connection could be made."""


class Connection(asyncio.Protocol):
    """One connection; it reads one answer at a time, by its content length or in chunks."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[Answer] | None = None
        self._lost = False
        self.idle_since = 0.0
        self.reusable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer."""
        self._buffer += data
        self._answer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self._lost = True
        self._answer(ended=exc is None)
        self._fail(BrokenConnection(f"the connection was closed before the answer ended ({exc or 'by the server'})"))

    @property
    def alive(self) -> bool:
        """Whether another request may be sent."""
        return self.reusable and not self._lost and not self._buffer

    async def post(self, head: bytes, body: bytes) -> Answer:
        """Send one request and wait for its answer."""
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        if self._lost:
            raise BrokenConnection("the connection was closed")
        try:
            self._transport.write(head + body)
            return await self._waiter
        except asyncio.CancelledError:
            self.reusable = False  # its answer may still come, and must not be taken for another request's
            raise
        finally:
            self._waiter = None

    def close(self) -> None:
        """Close the connection."""
        self.reusable = False
        if self._transport is not None:
            self._transport.close()

    def _answer(self, *, ended: bool = False) -> None:
        try:
            answer = self._parse(ended=ended)
        except ValueError as error:
            self._fail(BrokenConnection(f"the answer isn't HTTP/1.1 ({error})"))
            return
        if answer is not None and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)

    def _fail(self, error: BrokenConnection) -> None:
        self.reusable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _parse(self, *, ended: bool = False) -> Answer | None:
        """The answer, once all of it is in the buffer; without a length it lasts until the connection ends."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        status_line, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        version, status = status_line.split(b" ", 2)[:2]
        if not version.startswith(b"HTTP/1."):
            raise ValueError(status_line[:40].decode(errors="replace"))
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        found = _body(self._buffer, end + 4, fields, ended=ended)
        if found is None:
            return None
        body, used = found
        del self._buffer[:used]
        if version == b"HTTP/1.0" or fields.get(b"connection", b"").lower() == b"close":
            self.reusable = False
        return Answer(int(status), body)


class Pool:
    """Connections to one host, each used by one request at a time."""

    def __init__(self, host: str, port: int, *, authority: str) -> None:
        self._host, self._port, self._authority = host, port, authority
        self._idle: list[Connection] = []

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one POST; OSError if there is none."""
        connection = self._take() or await self._open()
        try:
            answer = await connection.post(self._head(path, headers, len(body)), body)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return answer

    def close(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - _IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.alive and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(Connection, self._host, self._port)
        except (OSError, ValueError) as error:  # ValueError is a host that no name service can be asked for
            raise NothingListens(str(error)) from error
        return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.alive and len(self._idle) < _MOST_IDLE:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()

    def _head(self, path: str, headers: Mapping[str, str], size: int) -> bytes:
        lines = [f"POST {path} HTTP/1.1", f"host: {self._authority}", f"content-length: {size}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines)
        if head.count("\r\n") != len(lines) - 1:
            raise ValueError("A header or a path can't hold a line break.")
        return (head + "\r\n\r\n").encode("latin-1")


def _body(buffer: bytearray, start: int, fields: Mapping[bytes, bytes], *, ended: bool) -> tuple[bytes, int] | None:
    """The body that begins at `start`, and where it ends; None until it is all there."""
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        return _chunks(buffer, start)
    if b"content-length" not in fields:
        return (bytes(buffer[start:]), len(buffer)) if ended else None
    end = start + _size(fields[b"content-length"])
    return (bytes(buffer[start:end]), end) if len(buffer) >= end else None


def _chunks(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    """The body that chunks make up, and where it ends; None until it is all there."""
    body = bytearray()
    while True:
        line = buffer.find(b"\r\n", start)
        if line < 0:
            return None
        size = _size(bytes(buffer[start:line]).partition(b";")[0], base=16)
        start = line + 2
        if size == 0:
            end = buffer.find(b"\r\n", start)
            return None if end < 0 else (bytes(body), end + 2)
        if len(buffer) < start + size + 2:
            return None
        body += buffer[start : start + size]
        start += size + 2


def _size(text: bytes, *, base: int = 10) -> int:
    """A number of bytes; ValueError if it is none."""
    size = int(text, base)
    if size < 0:
        raise ValueError(f"a body of {size} bytes")
    return size
