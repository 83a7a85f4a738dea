"""Pydantic AI plays."""

import asyncio
import json
import sys
from pathlib import Path

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

play = json.loads(Path(sys.argv[1]).read_text("utf-8"))


async def main() -> None:
    """Ask, and print the last words."""
    reach = play["url"] if "url" in play else StdioTransport(play["command"], play["args"])
    model = OpenAIChatModel("scripted", provider=OpenAIProvider(base_url=play["model"], api_key="none"))
    agent = Agent(model, toolsets=[MCPToolset(reach, init_timeout=60)])
    async with agent:
        print((await agent.run(play["ask"])).output)


asyncio.run(main())
