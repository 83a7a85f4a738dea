"""A probe: whether a server answers MCP, for the health checks of containers.

    python -m servers.probe [URL]          http://127.0.0.1:8000/farm/mcp unless given

It asks what a client of today's protocol asks first, and exits with 0 when it is answered. A farm's control plane
wants its token, which is taken from ENVFACTORY_TOKEN; where there is none, the farm's refusal in the protocol's form
shows that it is alive. Nothing but the standard library is imported, because this runs every few seconds.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

DEFAULT_URL = "http://127.0.0.1:8000/farm/mcp"
PROTOCOL = "2026-07-28"
SECONDS = 4.0
_PREFIX = "io.modelcontextprotocol"


def probe(url: str, token: str = "") -> str | None:
    """Give None when a server at this address answers MCP, or else a sentence that says why not."""
    try:
        status, answer = _discover(url, token)
    except (OSError, ValueError) as error:
        return f"{url} doesn't answer MCP: {error}"
    if PROTOCOL in answer.get("result", {}).get("supportedVersions", ()):
        return None
    if not token and status == 401 and "error" in answer:
        return None
    return f"{url} answers {status}, but not with what it can do: {json.dumps(answer)[:300]}"


def _discover(url: str, token: str) -> tuple[int, dict[str, Any]]:
    meta = {f"{_PREFIX}/protocolVersion": PROTOCOL, f"{_PREFIX}/clientCapabilities": {}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}}
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": PROTOCOL,
        "mcp-method": "server/discover",
        **({"authorization": f"Bearer {token}"} if token else {}),
    }
    request = urllib.request.Request(url, json.dumps(asked).encode(), headers)  # noqa: S310 - the caller's own server
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            status, body = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")
    return status, answer


def main() -> int:
    """Probe the address on the command line; give the exit status."""
    url = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL
    problem = probe(url, os.environ.get("ENVFACTORY_TOKEN", "").strip())
    if problem is not None:
        print(problem, file=sys.stderr)  # noqa: T201
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
