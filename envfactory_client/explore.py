"""Exploring: everything that a server offers, as one value.

It works on our environments over a farm and on any other MCP server, started by a command or reached by a URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from envfactory_client._protocol import SERVER_KEY, VERSION
from envfactory_client.episode import Side
from envfactory_client.errors import ProtocolError
from envfactory_client.farm import Farm
from envfactory_client.foreign import ForeignServer
from envfactory_client.tool import Frozen, Tool

_METHOD_NOT_FOUND = -32601


class Exploration(Frozen):
    """What one server offers."""

    name: str
    """The environment's name, or a short name of a foreign server."""
    title: str | None = None
    version: str | None = None
    """The server's own version, if it says one."""
    protocol: str
    """The MCP version that was spoken."""
    instructions: str | None = None
    tools: tuple[Tool, ...] = ()
    """The agent's tools, then the user's."""
    resources: tuple[Mapping[str, Any], ...] = ()
    resource_templates: tuple[Mapping[str, Any], ...] = Field(default=())
    prompts: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The exploration as plain values; `Exploration.model_validate` reads them back."""
        return self.model_dump(mode="json", exclude_none=True)


async def explore(target: Farm | str | Sequence[str], environment: str = "") -> Exploration:
    """What a server offers: `explore(farm, "airline")`, `explore("https://.../mcp")`, `explore(["npx", "..."])`."""
    if isinstance(target, Farm):
        return await _explore_environment(target, environment)
    async with ForeignServer(target, name=environment or None) as server:
        return Exploration(
            name=server.name,
            title=server.title,
            version=server.version,
            protocol=server.protocol,
            instructions=server.instructions,
            tools=await server.tools(),
            resources=tuple(await server.listing("resources")),
            resource_templates=tuple(await server.listing("resourceTemplates")),
            prompts=tuple(await server.listing("prompts")),
        )


async def _explore_environment(farm: Farm, environment: str) -> Exploration:
    """Explore in an episode of its own, which shows both sides' tools and disturbs nobody."""
    async with await farm.open(environment) as episode:
        agent = episode.agent
        discovered = await agent.request(environment, "server/discover", {})
        server = (discovered.get("_meta") or {}).get(SERVER_KEY) or {}
        return Exploration(
            name=environment,
            title=server.get("title"),
            version=server.get("version"),
            protocol=VERSION,
            instructions=discovered.get("instructions"),
            tools=(*await agent.tools(environment), *await episode.user.tools(environment)),
            resources=tuple(await _optional(agent, environment, "resources")),
            resource_templates=tuple(await _optional(agent, environment, "resourceTemplates")),
            prompts=tuple(await _optional(agent, environment, "prompts")),
        )


async def _optional(side: Side, environment: str, kind: str) -> list[dict[str, Any]]:
    """A list that a server need not have."""
    try:
        return await side.listing(environment, kind)
    except ProtocolError as error:
        if error.code == _METHOD_NOT_FOUND:
            return []
        raise
