"""Call a tool of a farm's episode and of a server that runs alone: `python3 containers/call.py FARM SINGLE`.

It needs nothing but Python, so that it runs on any machine with an engine; the farm's token is in ENVFACTORY_TOKEN.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any

PROTOCOL = "2026-07-28"
PREFIX = "io.modelcontextprotocol"
TOOL, ARGUMENTS = "find_airports", {"city": "on"}


def post(url: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Give the JSON that answers a POST of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json", **named})
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def call(url: str) -> dict[str, Any]:
    """Give what a tool answers at an MCP address."""
    meta = {f"{PREFIX}/protocolVersion": PROTOCOL, f"{PREFIX}/clientCapabilities": {}}
    params = {"name": TOOL, "arguments": ARGUMENTS, "_meta": meta}
    answer = post(
        url,
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
        accept="application/json, text/event-stream",
        mcp_protocol_version=PROTOCOL,
        mcp_method="tools/call",
        mcp_name=TOOL,
    )
    result: dict[str, Any] = answer["result"]
    if result["isError"] or not result["structuredContent"]["airports"]:
        raise SystemExit(f"{url} answers {result}")
    content: dict[str, Any] = result["structuredContent"]
    return content


def main() -> None:
    """Call both, and tell."""
    farm, single = sys.argv[1:]
    token = f"Bearer {os.environ['ENVFACTORY_TOKEN']}"
    opened = post(f"{farm}/farm/open", {"environments": ["airline"], "seed": 7}, authorization=token)
    owner = opened.get("url", farm)  # the worker that holds the episode, where there are several
    for url in (f"{owner}/episodes/{opened['agent']}/airline/mcp", single):
        print(f"{url.replace(opened['agent'], 'HANDLE')} knows {len(call(url)['airports'])} airports")


if __name__ == "__main__":
    main()
