"""Claude Code plays, through its agent SDK."""

import asyncio
import json
import os
import sys
from pathlib import Path

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query

play = json.loads(Path(sys.argv[1]).read_text("utf-8"))


async def main() -> None:
    """Ask, and print the last words."""
    if "url" in play:
        reach = {"type": "http", "url": play["url"]}
    else:
        reach = {"type": "stdio", "command": play["command"], "args": play["args"]}
    options = ClaudeAgentOptions(
        mcp_servers={"desk": reach},
        allowed_tools=[f"mcp__desk__{call['tool']}" for call in play["calls"]],
        setting_sources=[],
        env={
            "ANTHROPIC_BASE_URL": play["model"].removesuffix("/v1"),
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ENABLE_TOOL_SEARCH": "false",
            "HOME": str(Path.cwd()),
            "PATH": os.environ["PATH"],
        },
    )
    said = ""
    async for message in query(prompt=play["ask"], options=options):
        if isinstance(message, ResultMessage):
            said = message.result or ""
    print(said)


asyncio.run(main())
