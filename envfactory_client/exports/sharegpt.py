"""ShareGPT conversations as LLaMA-Factory reads them, and the entry of its dataset_info.json.

`conversations` alternate between human or observation and function_call or gpt, which the trainer checks; `tools` is
JSON text, as is the value of a function_call: {"name": ..., "arguments": {...}}. Calls of the user's own tools are not
the agent's and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envfactory_client.errors import DatasetError
from envfactory_client.exports.dialogue import Dialogue
from envfactory_client.exports.openai import compact_json, openai_tool

CATALOGUE = "dataset_info.json"
_COLUMNS = {"messages": "conversations", "system": "system", "tools": "tools"}
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def sharegpt_record(dialogue: Dialogue) -> dict[str, Any]:
    """The conversation, system text and tools of a dialogue."""
    tools = [openai_tool(function)["function"] for function in dialogue.functions]
    return {
        "conversations": [{"from": who, "value": value} for who, value in _messages(dialogue)],
        "system": dialogue.system,
        "tools": compact_json(tools),
    }


def catalogue_with(catalogue: Path, out: Path, *, force: bool) -> str:
    """The text of dataset_info.json with an entry for an export; entries of other datasets stay as they are."""
    entries = _entries(catalogue)
    entry = {"file_name": out.name, "formatting": "sharegpt", "columns": _COLUMNS, "tags": _TAGS}
    if entries.get(out.stem, entry) != entry and not force:
        raise DatasetError(
            f"{catalogue} has another dataset '{out.stem}'; give --force to replace its entry, or another --out."
        )
    return json.dumps({**entries, out.stem: entry}, indent=2, ensure_ascii=False) + "\n"


def _entries(catalogue: Path) -> dict[str, Any]:
    if not catalogue.exists():
        return {}
    try:
        entries = json.loads(catalogue.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{catalogue} can't be read as JSON ({error}); mend it, or choose another --out.") from error
    if not isinstance(entries, dict):
        raise DatasetError(f"{catalogue} isn't a JSON object by dataset; mend it, or choose another --out.")
    return entries


def _messages(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    for exchange in dialogue.exchanges:
        yield "human", exchange.user
        for call in exchange.calls:
            yield "function_call", compact_json({"name": call.name, "arguments": call.arguments})
            yield "observation", call.text
        yield "gpt", exchange.assistant
