"""Smolagents plays, over version 1 of the SDK."""

import json
import sys
from pathlib import Path

from mcp import StdioServerParameters
from smolagents import OpenAIServerModel, ToolCallingAgent, ToolCollection

play = json.loads(Path(sys.argv[1]).read_text("utf-8"))
if "url" in play:
    reach = {"url": play["url"], "transport": "streamable-http"}
else:
    reach = StdioServerParameters(command=play["command"], args=play["args"])
model = OpenAIServerModel("scripted", api_base=play["model"], api_key="none")
with ToolCollection.from_mcp(reach, trust_remote_code=True, structured_output=False) as collection:
    agent = ToolCallingAgent(tools=[*collection.tools], model=model, verbosity_level=0)
    print(agent.run(play["ask"]))
