"""OpenAI's chat messages and tools, as its fine-tuning and most open trainers read them.

One JSON object a line: {"messages": [...], "tools": [...]}. An assistant's message holds one tool call, with its
arguments as JSON text; a message of the role "tool" with the same id holds the result, or the sentence of a refusal.
Look-ups that could have been made at once stay one after another. Calls of the user's own tools are not the agent's
and are left out; the user's next message tells of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from envfactory_client.exports.dialogue import Dialogue, Function, FunctionCall


def openai_record(dialogue: Dialogue) -> dict[str, Any]:
    """The messages and tools of a dialogue."""
    return {"messages": list(_messages(dialogue)), "tools": [openai_tool(function) for function in dialogue.functions]}


def openai_tool(function: Function) -> dict[str, Any]:
    """A tool as the chat completions API takes it."""
    fields = {"name": function.name, "description": function.description, "parameters": dict(function.parameters)}
    return {"type": "function", "function": fields}


def compact_json(value: Any) -> str:
    """JSON without blanks, keys in their order and letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _messages(dialogue: Dialogue) -> Iterator[dict[str, Any]]:
    yield {"role": "system", "content": dialogue.system}
    for exchange in dialogue.exchanges:
        yield {"role": "user", "content": exchange.user}
        for call in exchange.calls:
            yield {"role": "assistant", "content": None, "tool_calls": [_tool_call(call)]}
            yield {"role": "tool", "tool_call_id": call.id, "content": call.text}
        yield {"role": "assistant", "content": exchange.assistant}


def _tool_call(call: FunctionCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": compact_json(call.arguments)},
    }
