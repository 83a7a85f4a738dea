"""The control plane as an OpenAPI document, made from its table of functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.runtime.farm.control import Function

_FAULT = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}
_FAULTS = {
    "307": "The episode is another worker's, whose address is in Location.",
    "400": "The arguments are wrong; the message says how.",
    "401": "The token is missing or wrong.",
    "404": "There is no such episode, snapshot or environment.",
    "409": "The episode can't do that now.",
    "429": "A limit of the farm or of the episode is reached.",
}


def openapi(table: Mapping[str, Function]) -> dict[str, Any]:
    """Give the document of these functions."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EnvFactory farm",
            "version": "1",
            "description": "Episodes over stateful environments: open one, give its agent handle's URL"
            " (/episodes/{agent}/mcp) to an agent, and look at, fork or restore its state from here.",
        },
        "paths": {f"/farm/{function.name}": {"post": _operation(function)} for function in table.values()},
        "components": {
            "schemas": {"Fault": _FAULT},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(function: Function) -> dict[str, Any]:
    said = {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}
    return {
        "operationId": function.name,
        "summary": function.description,
        "requestBody": {"content": {"application/json": {"schema": function.schema}}},
        "responses": {
            "200": {"description": "It was done.", "content": {"application/json": {"schema": function.result}}},
            **{status: {"description": text, "content": said} for status, text in _FAULTS.items()},
        },
    }
