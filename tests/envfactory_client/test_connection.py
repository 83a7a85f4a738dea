"""The thin HTTP connections, against real sockets that answer byte by byte as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

import envfactory_client as ef
from envfactory_client._answer import Answer
from envfactory_client._transport import HttpTransport

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class Server:
    """A server that answers each request with the next of its answers; None closes without one."""

    def __init__(self, *answers: bytes | list[bytes] | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(size))
                self.asked.set()
                answer = self.answers.pop(0)
                if answer is None:
                    break
                for part in answer if isinstance(answer, list) else [answer]:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                if b"close" in b"".join(answer if isinstance(answer, list) else [answer]):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def reached(server: Server, patience: float = 5.0) -> AsyncIterator[HttpTransport]:
    """A transport to a running server."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    transport = HttpTransport(f"http://127.0.0.1:{port}/base/", timeout=patience)
    await transport.start()
    try:
        yield transport
    finally:
        await transport.close()
        listening.close()


async def test_a_connection_is_used_again() -> None:
    server = Server(OK, OK, OK)
    async with reached(server) as transport:
        for _ in range(3):
            assert (await transport.post("/x", {"a": "b"}, b"body")).body == b"hello"
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /base/x HTTP/1.1\r\nhost: 127.0.0.1:")
    assert server.requests[0].endswith(b"\r\na: b\r\n\r\nbody")


@pytest.mark.parametrize(
    "answer",
    [
        [OK[index : index + 1] for index in range(len(OK))],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nh", b"e\r\n3\r\nllo\r\n0", b"\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello",
    ],
)
async def test_answers_in_every_framing(answer: bytes | list[bytes]) -> None:
    async with reached(Server(answer, OK)) as transport:
        for _ in range(2 if b"close" not in answer else 1):
            assert await transport.post("/x", {}, b"") == Answer(200, b"hello")


async def test_a_connection_that_the_server_closed_is_replaced() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", OK)
    async with reached(server) as transport:
        await transport.post("/x", {}, b"")
        await transport.post("/x", {}, b"")
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "closed before the answer ended"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nclose", "closed before the answer ended"),
        (b"SSH-2.0 hello close\r\n\r\n", "isn't HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: many close\r\n\r\n", "isn't HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nclose", "a body of -5 bytes"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-6\r\nclose", "a body of -6 bytes"),
    ],
)
async def test_a_call_whose_answer_is_lost_is_told_and_not_sent_again(answer: bytes | None, said: str) -> None:
    server = Server(answer, OK)
    async with reached(server) as transport:
        with pytest.raises(ef.Unreachable, match=said):
            await transport.post("/x", {}, b"")
    assert len(server.requests) == 1


async def test_a_server_that_says_nothing_runs_out_of_time() -> None:
    async with reached(Server(b"", OK), patience=0.05) as transport:
        with pytest.raises(ef.Unreachable, match=r"gave no answer within 0\.05 s"):
            await transport.post("/x", {}, b"")


async def test_a_cancelled_calls_answer_is_never_taken_for_anothers() -> None:
    server = Server(b"", OK)
    async with reached(server) as transport:
        call = asyncio.create_task(transport.post("/x", {}, b""))
        await asyncio.wait_for(server.asked.wait(), 5)
        call.cancel()
        await asyncio.wait([call])
        assert (await transport.post("/y", {}, b"")).body == b"hello"
    assert server.connections == 2


async def test_parallel_calls_have_connections_of_their_own() -> None:
    server = Server(*[OK] * 8)
    async with reached(server) as transport:
        answers = await asyncio.gather(*(transport.post("/x", {}, b"") for _ in range(8)))
    assert {answer.body for answer in answers} == {b"hello"}
    assert server.connections == 8


@pytest.mark.parametrize("broken", [lambda: ("/x\r\nevil: 1", {}), lambda: ("/x", {"a": "b\r\nevil: 1"})])
async def test_a_line_break_cant_smuggle_a_header(broken: Callable[[], tuple[str, dict[str, str]]]) -> None:
    server = Server(OK)
    async with reached(server) as transport:
        path, headers = broken()
        with pytest.raises(ef.ProtocolError, match="line break"):
            await transport.post(path, headers, b"")
    assert server.requests == []


async def test_a_strange_handle_is_an_unknown_episode(farm: ef.Farm) -> None:
    with pytest.raises(ef.EnvFactoryError):
        await farm.join("no such/handle\r\nx: y", "library").call("library", "search_books")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://[::1", "isn't an address"),
        ("http://a\nb", "isn't an address"),
        ("http://\ud800", "isn't an address"),
        ("http://", "names no host"),
        ("http://127.0.0.1:99999", "has a port above 65535"),
        ("https://127.0.0.1:99999", "has a port above 65535"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url: str, said: str) -> None:
    with pytest.raises(ef.Unreachable, match=f"{said}.*http://localhost:8000"):
        ef.Farm(url)


async def test_a_host_that_no_name_service_can_be_asked_for_is_unreachable() -> None:
    async with ef.Farm(f"http://{'a' * 64}.example") as farm:
        with pytest.raises(ef.Unreachable, match="Nothing listens at http://aaa"):
            await farm.environments()


async def test_localhost_by_name_is_said_to_have_nobody() -> None:
    async with ef.Farm("http://localhost:9") as farm:
        with pytest.raises(ef.Unreachable, match="Nothing listens at http://localhost:9"):
            await farm.environments()
