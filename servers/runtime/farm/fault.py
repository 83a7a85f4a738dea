"""A fault: what the farm answers when it can't do what was asked, as a code, a sentence and an HTTP status."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from servers.runtime.errors import ServerError

_STATUS = {
    "invalid_request": 400,
    "bad_scenario": 400,
    "unknown_episode": 404,
    "unknown_snapshot": 404,
    "unknown_environment": 404,
    "episode_error": 409,
    "episode_busy": 409,
    "quota_exceeded": 429,
}
_INVALID_REQUEST = -32600


class Fault(Exception):
    """An answer other than success; `message` says what happened and what to do next."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    @classmethod
    def of(cls, error: ServerError) -> Fault:
        """Give the fault that tells of a server error."""
        return cls(_STATUS.get(error.code, 500), error.code, str(error))

    def to_json(self) -> dict[str, Any]:
        """Give the body of the control plane's answer."""
        return {"error": {"code": self.code, "message": self.message}}

    def to_rpc(self, body: bytes) -> dict[str, Any]:
        """Give the JSON-RPC error that answers the request in `body`, so that MCP clients show the sentence."""
        error = {"code": _INVALID_REQUEST, "message": self.message, "data": {"code": self.code}}
        return {"jsonrpc": "2.0", "id": _request_id(body), "error": error}


def _request_id(body: bytes) -> str | int | None:
    try:
        message = from_json(body)
    except ValueError:
        return None
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
