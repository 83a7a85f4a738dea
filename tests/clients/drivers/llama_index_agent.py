"""LlamaIndex plays."""

import asyncio
import json
import sys
from pathlib import Path

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

play = json.loads(Path(sys.argv[1]).read_text("utf-8"))


async def main() -> None:
    """Ask, and print the last words."""
    reach = BasicMCPClient(play["url"]) if "url" in play else BasicMCPClient(play["command"], args=play["args"])
    tools = await McpToolSpec(client=reach).to_tool_list_async()
    model = OpenAILike(
        model="scripted", api_base=play["model"], api_key="none", is_chat_model=True, is_function_calling_model=True
    )
    print(await FunctionAgent(tools=tools, llm=model).run(play["ask"]))


asyncio.run(main())
