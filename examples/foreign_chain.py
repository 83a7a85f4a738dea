"""Call several tools of any MCP server in turn, taking arguments from earlier results along links of its tool graph.

You name the tools and give what only a person can know; whatever a link can bring from an earlier result is found.

    python examples/foreign_chain.py request_planning get_next_task mark_task_done approve_task_completion \\
        --given 'originalRequest="Bake bread"' --given 'tasks=[{"title": "Knead", "description": "Ten minutes"}]' \\
        -- env TASK_MANAGER_FILE_PATH=/tmp/tasks.json npx -y @kazuph/mcp-taskmanager

    python examples/foreign_chain.py create_entities search_nodes add_observations open_nodes \\
        --given 'entities=[{"name": "Ada", "entityType": "person", "observations": []}]' --given 'query="Ada"' \\
        --given 'observations[].contents=["likes tea"]' \\
        -- env MEMORY_FILE_PATH=/tmp/memory.jsonl npx -y @modelcontextprotocol/server-memory
"""

# ruff: noqa: INP001

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rich import print as show
from rich.markup import escape

import envfactory_client as ef
from envfactory_client.console import shortened


async def run(tools: list[str], given: dict[str, Any], command: list[str]) -> dict[str, list[Any]]:
    """Call the tools in order; the results by tool, for `envfactory graph --observed`."""
    observed: dict[str, list[Any]] = {}
    async with ef.ForeignServer(command) as server:
        listed = await server.tools()
        for name in tools:
            graph = ef.ToolGraph.build(listed, observed=observed)
            node = graph.tool(f"{server.name}.{name}")
            arguments = arguments_of(node, graph, given, observed)
            show(f"[cyan]{name}[/]({escape(json.dumps(arguments))})")
            result = await server.call(name, **arguments)
            show(f"  → {escape(shortened(result.text))}")
            observed.setdefault(node.name, []).append(result.require())
    return observed


def arguments_of(
    node: ef.ToolNode, graph: ef.ToolGraph, given: dict[str, Any], observed: dict[str, list[Any]]
) -> dict[str, Any]:
    """The arguments for a tool: what is given, and for the rest what the newest result along a link holds."""
    arguments: dict[str, Any] = {}
    for parameter in node.parameters:
        owner = next((path for path in given if within(parameter.path, path)), None)
        if owner is not None:
            ef.put_at(arguments, owner, [given[owner]])
        elif parameter.required:
            fill(arguments, node, parameter.path, graph, observed)
    return arguments


def within(path: str, owner: str) -> bool:
    """Whether a field is the given one or lies inside it."""
    return path == owner or path.startswith((f"{owner}[]", f"{owner}."))


def fill(
    arguments: dict[str, Any], node: ef.ToolNode, path: str, graph: ef.ToolGraph, observed: dict[str, list[Any]]
) -> None:
    """Put the value that the latest producer's result holds where the parameter is."""
    links = {link.producer: link for link in graph.producers(node.name, path)}
    for producer in reversed(observed):
        if producer in links and (found := ef.values_at(observed[producer][-1], links[producer].path)):
            show(f"  [magenta]{escape(str(links[producer]))}[/]")
            ef.put_at(arguments, path, found)
            return
    sys.exit(f"Nothing gives {node.name}({path}); add --given '{path}=...'.")


def main() -> None:
    """Read the command line and run."""
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools", nargs="+", help="tools in the order of their calls")
    parser.add_argument("--given", action="append", default=[], metavar="PATH=JSON", help="what the user knows")
    parser.add_argument("--save", type=Path, help="write the results here, by tool")
    options = parser.parse_args(words[:split])
    given = {path: json.loads(value) for path, _, value in (text.partition("=") for text in options.given)}
    try:
        observed = asyncio.run(run(options.tools, given, words[split + 1 :]))
    except ef.EnvFactoryError as error:
        sys.exit(str(error))
    if options.save:
        options.save.write_text(json.dumps(observed, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
