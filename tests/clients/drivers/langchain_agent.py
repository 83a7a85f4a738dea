"""LangChain plays; its adapters open a session for each call, and over stdio a process."""

import asyncio
import json
import sys
from pathlib import Path

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI

play = json.loads(Path(sys.argv[1]).read_text("utf-8"))


async def main() -> None:
    """Ask, and print the last words."""
    if "url" in play:
        reach = {"transport": "streamable_http", "url": play["url"]}
    else:
        reach = {"transport": "stdio", "command": play["command"], "args": play["args"]}
    tools = await MultiServerMCPClient({"desk": reach}).get_tools()
    model = ChatOpenAI(model="scripted", base_url=play["model"], api_key="none", use_responses_api=False)
    done = await create_agent(model, tools).ainvoke({"messages": [("user", play["ask"])]})
    print(done["messages"][-1].content)


asyncio.run(main())
