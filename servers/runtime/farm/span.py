"""A span: what OpenTelemetry hears of a call on the hot path, which is what FastMCP would tell it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

from fastmcp.server.telemetry import SEAM_SPAN_MARKER
from fastmcp.telemetry import extract_trace_context, get_tracer, native_spans_enabled
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind


def is_traced() -> bool:
    """Whether somebody has set a tracer provider; the public way to ask looks at the surroundings at each call."""
    return trace._TRACER_PROVIDER is not None  # noqa: SLF001


def load_tracer_provider() -> None:
    """Load the provider that the surroundings name, if they do."""
    trace.get_tracer_provider()


def is_traced_otherwise() -> bool:
    """Whether somebody traces, but told FastMCP to make no spans of its own."""
    return is_traced() and not native_spans_enabled()


def span_of_call(server: str, tool: str, era: str, meta: Mapping[str, Any]) -> AbstractContextManager[Span]:
    """Give the span of a tool call, which a caller's trace in `meta` is the parent of."""
    attributes: dict[str, str | bool] = {
        SEAM_SPAN_MARKER: True,
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": era,
        "mcp.session.id": str(uuid4()),
        "gen_ai.tool.name": tool,
        "fastmcp.server.name": server,
        "fastmcp.component.type": "tool",
        "fastmcp.component.key": f"tool:{tool}@",
        "fastmcp.provider.type": "LocalProvider",
    }
    return get_tracer().start_as_current_span(
        f"tools/call {tool}", context=extract_trace_context(dict(meta)), kind=SpanKind.SERVER, attributes=attributes
    )
