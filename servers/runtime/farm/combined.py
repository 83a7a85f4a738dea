"""The combined surface: all tools of an episode on one URL, whatever environments it has.

One server stands for every episode: what it lists and runs is read off the shelf of the current request, so no
environment is mounted on another and nothing grows with the number of episodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from fastmcp import FastMCP
from fastmcp.prompts import Prompt
from fastmcp.resources import Resource
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.server.providers import Provider
from fastmcp.tools import Tool
from fastmcp.utilities.components import FastMCPComponent
from fastmcp.utilities.versions import VersionSpec
from mcp_types import DiscoverRequest, DiscoverResult, InitializeRequest, InitializeResult

from servers.runtime.contract import Actor
from servers.runtime.environment import LIST_PAGE, LIST_SECONDS, Environment
from servers.runtime.farm.naming import qualified_names
from servers.runtime.farm.offer import COMBINED
from servers.runtime.resources import resources_of
from servers.runtime.tool import ContractTool


@dataclass(frozen=True)
class Shelf:
    """What one actor finds in episodes over the same environments."""

    tools: dict[str, Tool]
    prompts: dict[str, Prompt]
    resources: dict[str, Resource]
    instructions: str

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this the shelf that the combined server reads, as far as the block goes."""
        token = _shelf.set(self)
        try:
            yield
        finally:
            _shelf.reset(token)


_shelf: ContextVar[Shelf] = ContextVar("shelf")


async def build_shelf(environments: Sequence[Environment], actor: Actor) -> Shelf:
    """Give the shelf of an actor over these environments, with tools named `{environment}_{tool}`."""
    tools: dict[tuple[str, str], Tool] = {}
    prompts: dict[str, Prompt] = {}
    for environment in environments:
        for name, definition in environment.tools.items():
            if definition.contract.actor == actor:
                tools[environment.name, name] = ContractTool.of(definition, environment.call)
        for prompt in await environment.build_server(frozenset({actor})).list_prompts():
            name = f"{environment.name}_{prompt.name}"
            prompts[name] = prompt.model_copy(update={"name": name})
    named = {name: tools[pair].model_copy(update={"name": name}) for name, pair in qualified_names(tools).items()}
    return Shelf(named, prompts, _resources(environments), _instructions(environments))


def _resources(environments: Sequence[Environment]) -> dict[str, Resource]:
    return {
        str(resource.uri): resource.model_copy(update={"name": f"{environment.name}_{resource.name}"})
        for environment in environments
        for resource in resources_of(environment)
    }


def _instructions(environments: Sequence[Environment]) -> str:
    parts = [f"{environment.name}: {environment.manifest.instructions}" for environment in environments]
    return "\n".join(["Tools are named {environment}_{tool}.", *parts])


def build_combined_server() -> FastMCP:
    """Give the server whose tools are those of the active shelf."""
    return FastMCP(
        COMBINED,
        providers=[_Shelves()],
        middleware=[_Instructions()],
        on_duplicate="error",
        cache_ttl=LIST_SECONDS,
        cache_scope="private",  # what is listed depends on the episode
        list_page_size=LIST_PAGE,
    )


def active_schema(name: str) -> dict[str, Any] | None:
    """Give the input schema of a tool of the active shelf."""
    tool = _shelf.get().tools.get(name)
    return tool.parameters if tool is not None else None


class _Shelves(Provider):
    """Gives FastMCP the tools, prompts and resources of the active shelf."""

    async def get_tasks(self) -> Sequence[FastMCPComponent]:
        """Give no background tasks; asked at start, when no shelf is active."""
        return []

    async def _list_tools(self) -> Sequence[Tool]:
        return list(_shelf.get().tools.values())

    async def _get_tool(self, name: str, version: VersionSpec | None = None) -> Tool | None:  # noqa: ARG002
        return _shelf.get().tools.get(name)

    async def _list_prompts(self) -> Sequence[Prompt]:
        return list(_shelf.get().prompts.values())

    async def _get_prompt(self, name: str, version: VersionSpec | None = None) -> Prompt | None:  # noqa: ARG002
        return _shelf.get().prompts.get(name)

    async def _list_resources(self) -> Sequence[Resource]:
        return list(_shelf.get().resources.values())

    async def _get_resource(self, uri: str, version: VersionSpec | None = None) -> Resource | None:  # noqa: ARG002
        return _shelf.get().resources.get(uri)


class _Instructions(Middleware):
    """Tells a client that connects what the environments of its episode are."""

    async def on_initialize(
        self,
        context: MiddlewareContext[InitializeRequest],
        call_next: CallNext[InitializeRequest, InitializeResult | None],
    ) -> InitializeResult | None:
        """Put the shelf's instructions into the handshake."""
        result = await call_next(context)
        return result and result.model_copy(update={"instructions": _shelf.get().instructions})

    async def on_discover(
        self,
        context: MiddlewareContext[DiscoverRequest],
        call_next: CallNext[DiscoverRequest, DiscoverResult | dict[str, Any]],
    ) -> DiscoverResult | dict[str, Any]:
        """Put the shelf's instructions into the answer to a discovery."""
        result = await call_next(context)
        if isinstance(result, dict):
            return {**result, "instructions": _shelf.get().instructions}
        return result.model_copy(update={"instructions": _shelf.get().instructions})
