"""A model of few words: a server on this machine that plays the agent's part of a story.

It knows where the story is by the results that a request carries, and notes what it was shown, so that a test can see
that the client really gave each result back. It speaks as OpenAI's chat completions and responses do, and for the
clients of one maker as Anthropic's messages and Gemini's contents; whole or as a stream.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clients.story import Story

MODEL = "scripted"
_FINISH = "final_answer"
"""A tool by which some agents want to be told that they are done."""


@dataclass
class Stub:
    """The model: its address, its story, and the results that it was shown, in order."""

    story: Story
    url: str = ""
    shown: list[str] = field(default_factory=list)

    def turn(self, results: Sequence[str], tools: Sequence[str]) -> tuple[str, dict[str, Any] | None]:
        """Give the next words, or the name of a tool and its arguments; who offers no tool asks beside the story."""
        if not any(_is(self.story.steps[0].tool, name) for name in tools):
            return "Yes.", None
        self.shown = list(results)
        if len(results) < len(self.story.steps):
            step = self.story.steps[len(results)]
            return _named(step.tool, tools), step.arguments
        if _FINISH in tools:
            return _FINISH, {"answer": self.story.answer}
        return self.story.answer, None

    def check(self) -> None:
        """See that every result reached the model, in order."""
        assert len(self.shown) == len(self.story.steps), self.shown
        for step, result in zip(self.story.steps, self.shown, strict=True):
            assert step.shows in result, (step, result)


@contextmanager
def playing(story: Story) -> Iterator[Stub]:
    """Run the model as a server of this machine."""
    stub = Stub(story)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _named(tool: str, offered: Sequence[str]) -> str:
    """Give a tool by the name under which a client offers it; some put their server's name before it."""
    [found] = [name for name in offered if _is(tool, name)]
    return found


def _is(tool: str, name: str) -> bool:
    return name == tool or name.endswith((f"_{tool}", f".{tool}"))


def _text(content: Any) -> str:
    """Give the text of a message's content, in whatever parts it comes."""
    if isinstance(content, list):
        return "".join(_text(part) for part in content)
    if isinstance(content, dict):
        return str(content.get("text", content))
    return str(content)


def _chat(stub: Stub, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the chunks of a chat completion; the last one is the whole of it."""
    results = [_text(message["content"]) for message in asked["messages"] if _is_result(message)]
    said, arguments = stub.turn(results, [tool["function"]["name"] for tool in asked.get("tools") or ()])
    if arguments is None:
        delta: dict[str, Any] = {"role": "assistant", "content": said}
    else:
        function = {"name": said, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": f"call_{len(results)}", "type": "function", "function": function}
        delta = {"role": "assistant", "content": None, "tool_calls": [call]}
    end = "stop" if arguments is None else "tool_calls"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    base = {"id": "chat", "created": 0, "model": MODEL, "usage": usage}
    chunk = {"object": "chat.completion.chunk", **base, "usage": None}
    return [
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": end}]},
        {"object": "chat.completion", **base, "choices": [{"index": 0, "message": delta, "finish_reason": end}]},
    ]


def _is_result(message: dict[str, Any]) -> bool:
    """Say whether a message gives a tool's result; one client sends them under other roles."""
    return message["role"] in ("tool", "tool-response") or (
        message["role"] == "user" and _text(message["content"]).startswith("Observation:")
    )


def _responses(stub: Stub, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the events of a response."""
    results = [_text(item["output"]) for item in asked["input"] if item.get("type") == "function_call_output"]
    offered = [(tool["name"], None) for tool in asked.get("tools") or () if "name" in tool]
    offered += [
        (inner["name"], tool["name"])
        for tool in asked.get("tools") or ()
        if tool["type"] == "namespace"
        for inner in tool["tools"]
    ]
    said, arguments = stub.turn(results, [name for name, _ in offered])
    if arguments is None:
        content = [{"type": "output_text", "text": said, "annotations": []}]
        item: dict[str, Any] = {"type": "message", "id": "m", "role": "assistant", "content": content}
    else:
        item = {"type": "function_call", "id": "f", "call_id": f"call_{len(results)}", "name": said}
        item["arguments"] = json.dumps(arguments)
        if (space := dict(offered)[said]) is not None:
            item["namespace"] = space
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    whole = {"id": "r", "object": "response", "status": "completed", "model": MODEL, "output": [item], "usage": usage}
    return [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "status": "completed"}},
        {"type": "response.completed", "response": whole},
    ]


def _messages(stub: Stub, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the events of a message of Anthropic's; the last one is the whole of it."""
    parts = [part for message in asked["messages"] for part in message["content"] if isinstance(part, dict)]
    results = [_text(part.get("content")) for part in parts if part["type"] == "tool_result"]
    said, arguments = stub.turn(results, [tool["name"] for tool in asked.get("tools") or ()])
    if arguments is None:
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": said}
    else:
        block = {"type": "tool_use", "id": f"toolu_{len(results)}", "name": said, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    usage = {"input_tokens": 1, "output_tokens": 1}
    end = {"stop_reason": "end_turn" if arguments is None else "tool_use", "stop_sequence": None}
    whole = {"id": "msg", "type": "message", "role": "assistant", "model": MODEL, "usage": usage}
    filled = {**block, "text": said} if arguments is None else {**block, "input": arguments}
    return [
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None, "stop_sequence": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": usage},
        {"type": "message_stop"},
        {**whole, "content": [filled], **end},
    ]


def _contents(stub: Stub, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the one chunk of Gemini's contents."""
    parts = [part for content in asked["contents"] for part in content["parts"]]
    results = [json.dumps(part["functionResponse"]) for part in parts if "functionResponse" in part]
    declared = [one["name"] for tool in asked.get("tools") or () for one in tool.get("functionDeclarations", ())]
    said, arguments = stub.turn(results, declared)
    part: dict[str, Any] = {"text": said}
    if arguments is not None:
        part = {"functionCall": {"name": said, "args": arguments}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return [{"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL}]


def _route(path: str) -> tuple[Callable[[Stub, dict[str, Any]], list[dict[str, Any]]], str]:
    """Give what answers a path, and how its stream is told: with event names, without, or with a last word."""
    if path.endswith("/chat/completions"):
        return _chat, "done"
    if path.endswith("/responses"):
        return _responses, "named"
    if path.endswith("/messages"):
        return _messages, "named"
    return _contents, "plain"


def _told(events: list[dict[str, Any]], manner: str) -> str:
    """Give events as a stream."""
    shown = events[:-1] if events[-1].get("type") == "message" or manner == "done" else events
    lines = (f"event: {event['type']}\n" if manner == "named" else "" for event in shown)
    text = "".join(f"{line}data: {json.dumps(event)}\n\n" for line, event in zip(lines, shown, strict=True))
    return text + ("data: [DONE]\n\n" if manner == "done" else "")


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}), "application/json")

        def do_HEAD(self) -> None:
            self._send("", "application/json")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            path = self.path.partition("?")[0]
            if path.endswith(("/count_tokens", ":countTokens")):
                self._send(json.dumps({"input_tokens": 1, "totalTokens": 1}), "application/json")
                return
            answer, manner = _route(path)
            events = answer(stub, asked)
            if asked.get("stream") or path.endswith(":streamGenerateContent"):
                self._send(_told(events, manner), "text/event-stream")
            else:
                self._send(json.dumps(events[-1].get("response", events[-1])), "application/json")

        def _send(self, text: str, media: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", media)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    return Requests
