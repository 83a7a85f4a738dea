"""The text of Hermes and Qwen models: ChatML with <tools>, <tool_call> and <tool_response>.

`text` is what the chat template of Qwen 2.5 renders from the same dialogue, letter for letter; `messages` are its
parts, so that any ChatML template gives the same text again. Calls of the user's own tools are not the agent's and are
left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from envfactory_client.errors import DatasetError
from envfactory_client.exports.dialogue import Dialogue, FunctionCall
from envfactory_client.exports.openai import openai_tool

START, END = "<|im_start|>", "<|im_end|>"
_TOOLS = """

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def hermes_record(dialogue: Dialogue) -> dict[str, Any]:
    """The text of a dialogue and the messages that it is made of."""
    messages = [{"role": role, "content": content} for role, content in _messages(dialogue)]
    for message in messages:
        if START in message["content"] or END in message["content"]:
            raise DatasetError(
                f"Trajectory {dialogue.trajectory.id} holds {START} or {END} in what was said or answered, and ChatML "
                "can't tell these from its own marks; leave that trajectory out."
            )
    text = "".join(f"{START}{message['role']}\n{message['content']}{END}\n" for message in messages)
    return {"text": text, "messages": messages}


def _messages(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    tools = "\n".join(_json(openai_tool(function)) for function in dialogue.functions)
    yield "system", dialogue.system + (_TOOLS.format(tools=tools) if tools else "")
    for exchange in dialogue.exchanges:
        yield "user", exchange.user
        for call in exchange.calls:
            yield "assistant", _call(call)
            yield "user", f"<tool_response>\n{call.text}\n</tool_response>"
        yield "assistant", exchange.assistant


def _call(call: FunctionCall) -> str:
    return f"<tool_call>\n{_json({'name': call.name, 'arguments': call.arguments})}\n</tool_call>"


def _json(value: Any) -> str:
    """JSON as chat templates write it: with blanks, and letters as they are."""
    return json.dumps(value, ensure_ascii=False)
