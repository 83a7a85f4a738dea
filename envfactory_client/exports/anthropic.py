"""Anthropic's Messages API: `system`, `messages` of blocks, and `tools` with their input schemas.

A call is a `tool_use` block of the assistant, its result a `tool_result` block in the user's next message, marked
`is_error` for refusals and errors, so that roles alternate. Calls of the user's own tools are not the agent's and are
left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envfactory_client.exports.dialogue import Dialogue, Function, FunctionCall


def anthropic_record(dialogue: Dialogue) -> dict[str, Any]:
    """The system text, messages and tools of a dialogue."""
    return {
        "system": dialogue.system,
        "messages": list(_messages(dialogue)),
        "tools": [_tool(function) for function in dialogue.functions],
    }


def _tool(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "description": function.description,
        "input_schema": dict(function.parameters),
    }


def _messages(dialogue: Dialogue) -> Iterator[dict[str, Any]]:
    for exchange in dialogue.exchanges:
        yield _message("user", {"type": "text", "text": exchange.user})
        for call in exchange.calls:
            yield _message("assistant", _use(call))
            yield _message("user", _result(call))
        yield _message("assistant", {"type": "text", "text": exchange.assistant})


def _message(role: str, block: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": [block]}


def _use(call: FunctionCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)}


def _result(call: FunctionCall) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": call.id, "content": call.text}
    return {**block, "is_error": True} if call.is_error else block
