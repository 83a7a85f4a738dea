"""OpenAI's Agents SDK plays."""

import asyncio
import json
import sys
from pathlib import Path

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from openai import AsyncOpenAI

play = json.loads(Path(sys.argv[1]).read_text("utf-8"))


async def main() -> None:
    """Ask, and print the last words."""
    set_tracing_disabled(True)
    if "url" in play:
        reach = MCPServerStreamableHttp(params={"url": play["url"]})
    else:
        reach = MCPServerStdio(
            params={"command": play["command"], "args": play["args"]}, client_session_timeout_seconds=60
        )
    model = OpenAIChatCompletionsModel("scripted", AsyncOpenAI(base_url=play["model"], api_key="none"))
    async with reach as server:
        agent = Agent(name="clerk", instructions="Use the tools.", mcp_servers=[server], model=model)
        print((await Runner.run(agent, play["ask"])).final_output)


asyncio.run(main())
