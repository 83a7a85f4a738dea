"""The control plane's functions as MCP tools, for agents that run episodes rather than live in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastmcp import FastMCP
from fastmcp.tools import Tool, ToolResult
from mcp_types import TextContent, ToolAnnotations

from servers.runtime.environment import LIST_PAGE, LIST_SECONDS
from servers.runtime.farm.control import Function
from servers.runtime.farm.fault import Fault

INSTRUCTIONS = (
    "The control plane of a farm of stateful environments: open an episode, give its agent handle's URL"
    " (/episodes/{handle}/mcp) to an agent, and look at, fork or restore the state from here."
)
_READS = frozenset({"environments", "source", "state", "rows", "query", "diff", "calls", "violations"})
_OVERWRITES = frozenset({"restore", "reset", "close"})


def build_control_server(table: Mapping[str, Function]) -> FastMCP:
    """Give the MCP server over the function table."""
    server: FastMCP = FastMCP(
        "farm",
        instructions=INSTRUCTIONS,
        on_duplicate="error",
        cache_ttl=LIST_SECONDS,
        cache_scope="private",  # only who holds the token sees it
        list_page_size=LIST_PAGE,
    )
    for function in table.values():
        server.add_tool(_FunctionTool.of(function))
    return server


class _FunctionTool(Tool):
    """One function of the table as FastMCP serves it."""

    function: Any

    @classmethod
    def of(cls, function: Function) -> _FunctionTool:
        """Give the tool of a function."""
        reads = function.name in _READS
        return cls(
            name=function.name,
            description=function.description,
            parameters=function.schema,
            output_schema=function.result,
            annotations=ToolAnnotations(
                read_only_hint=reads, destructive_hint=function.name in _OVERWRITES, open_world_hint=False
            ),
            function=function,
        )

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Call the function; a fault becomes an error result with its code and sentence."""
        try:
            return ToolResult(structured_content=await self.function.call(arguments))
        except Fault as fault:
            text = TextContent(type="text", text=f"{fault.code}: {fault.message}")
            return ToolResult(content=[text], structured_content=fault.to_json(), is_error=True)
