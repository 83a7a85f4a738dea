"""The in-process transport: lifespans, and what headers carry."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import envfactory_client as ef
from envfactory_client import _protocol
from envfactory_client._transport import AsgiTransport, Message

pytestmark = pytest.mark.anyio


class App:
    """An ASGI app that remembers which tasks ran it."""

    def __init__(self, *, fail: bool = False, lifespan: bool = True) -> None:
        self.fail, self.lifespan = fail, lifespan
        self.tasks: list[tuple[str, asyncio.Task[Any] | None]] = []
        self.seen: list[Message] = []

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        self.seen.append(scope)
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body[:2], "more_body": True})
        await send({"type": "http.response.body", "body": body[2:]})
        assert (await receive())["type"] == "http.disconnect"

    async def _live(self, scope: Message, receive: Any, send: Any) -> None:
        if not self.lifespan:
            raise NotImplementedError
        await receive()
        self.tasks.append(("startup", asyncio.current_task()))
        if self.fail:
            await send({"type": "lifespan.startup.failed", "message": "the disk is full"})
            return
        scope["state"]["opened"] = True
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.tasks.append(("shutdown", asyncio.current_task()))
        await send({"type": "lifespan.shutdown.complete"})


async def test_one_task_of_its_own_runs_the_whole_lifespan() -> None:
    app = App()
    transport = AsgiTransport(app)
    await transport.start()
    answer = await transport.post("/x", {"a": "b"}, b"hello")
    await transport.close()
    (first, starter), (second, ender) = app.tasks
    assert (first, second) == ("startup", "shutdown")
    assert starter is ender
    assert starter is not asyncio.current_task()
    assert answer.body == b"hello"
    assert app.seen[0]["state"] == {"opened": True}
    assert (b"content-length", b"5") in app.seen[0]["headers"]


async def test_a_failed_startup_tells_its_reason() -> None:
    with pytest.raises(ef.Unreachable, match="the disk is full"):
        await AsgiTransport(App(fail=True)).start()


async def test_an_app_without_a_lifespan_is_fine() -> None:
    transport = AsgiTransport(App(lifespan=False))
    await transport.start()
    assert (await transport.post("/x", {}, b"hello")).status == 200
    await transport.close()


async def test_what_an_app_raises_is_told_as_its_failure() -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        raise LookupError(scope["type"])

    transport = AsgiTransport(app)
    await transport.start()
    with pytest.raises(ef.ProtocolError, match="/x failed in the embedded farm: LookupError: http"):
        await transport.post("/x", {}, b"")
    await transport.close()


async def test_a_closed_transport_says_so() -> None:
    with pytest.raises(ef.Closed):
        await AsgiTransport(App()).post("/x", {}, b"")


@pytest.mark.parametrize("name", ["get_book", "naïve", " x ", "=?base64?eA==?=", ""])
def test_names_in_headers_are_what_the_protocol_decodes(name: str) -> None:
    from mcp.shared.inbound import decode_header_value

    headers, _ = _protocol.request("tools/call", {"name": name, "arguments": {}})
    assert headers["mcp-name"].isascii()
    assert decode_header_value(headers["mcp-name"]) == name


def test_the_envelope_is_what_the_sdk_accepts() -> None:
    import json

    from mcp.shared.inbound import InboundModernRoute, classify_inbound_request

    headers, body = _protocol.request("tools/call", {"name": "get_book", "arguments": {}})
    assert isinstance(classify_inbound_request(json.loads(body), headers=headers), InboundModernRoute)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"result": 1}'])
def test_an_answer_that_is_no_json_rpc_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ef.ProtocolError, match="http://x answered HTTP 502"):
        _protocol.result(body, status=502, where="http://x")
