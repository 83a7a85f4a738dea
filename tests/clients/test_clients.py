"""Any agent: clients that people use drive an environment to the same end, over HTTP and over stdio, with no network.

A model, where a client needs one, is played by a small server of this machine. The end is compared row by row with
that of the same calls made without any client.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Literal

import fastmcp
import mcp
import pytest
from fastmcp.client.transports import StdioTransport
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.clients import toolchain
from tests.clients.stage import Stage
from tests.clients.story import Story
from tests.clients.stub import playing

DRIVERS = Path(__file__).parent / "drivers"
FRAMEWORKS: dict[str, tuple[str, ...]] = {
    "openai_agents": ("openai-agents==0.24.0",),
    "pydantic_ai_agent": ("pydantic-ai-slim[openai,mcp]==2.68.0",),
    "langchain_agent": ("langchain-mcp-adapters==0.3.2", "langchain>=1.5,<2", "langchain-openai>=1.7,<2"),
    "llama_index_agent": ("llama-index-tools-mcp==0.6.0", "llama-index-llms-openai-like>=0.8,<0.9"),
    "smolagents_agent": ("smolagents[mcp,openai]==1.26.0", "mcpadapt==0.1.19", "mcp<2"),
}


def drive(command: list[str], stage: Stage, folder: Path, **play: Any) -> str:
    """Run a driver and give the last line that it prints."""
    path = folder / "play.json"
    path.write_text(json.dumps({**stage.reach, **play}), encoding="utf-8")
    surroundings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "OPENAI_API_KEY")}
    surroundings |= {"NO_COLOR": "1", "OPENAI_API_KEY": "none", **toolchain_path(command)}
    done = subprocess.run(
        [*command, str(path)], capture_output=True, text=True, check=False, timeout=150, env=surroundings, cwd=folder
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout.strip().splitlines()[-1]


def toolchain_path(command: list[str]) -> dict[str, str]:
    return {"PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"}


def calls(story: Story) -> list[dict[str, Any]]:
    return [{"tool": step.tool, "arguments": step.arguments, "shows": step.shows} for step in story.steps]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_fastmcp_plays(stage: Stage, story: Story, mode: Literal["auto", "legacy"]) -> None:
    transport = stage.reach["url"] if stage.way == "http" else StdioTransport(**stage.reach, keep_alive=False)

    async def visit() -> None:
        async with fastmcp.Client(transport, mode=mode) as client:
            for step in story.steps:
                result = await client.call_tool(step.tool, step.arguments)
                assert step.shows in json.dumps(result.structured_content)

    asyncio.run(visit())
    stage.ended()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_python_sdk_plays(stage: Stage, story: Story, mode: Literal["auto", "legacy"]) -> None:
    async def visit() -> None:
        reach = stage.reach["url"] if stage.way == "http" else stdio_client(StdioServerParameters(**stage.reach))
        async with mcp.Client(reach, mode=mode) as client:
            for step in story.steps:
                result = await client.call_tool(step.tool, step.arguments)
                assert step.shows in json.dumps(result.structured_content)

    asyncio.run(visit())
    stage.ended()


def node_driver(name: str, *packages: str) -> list[str]:
    """Give the start of a script that finds these packages beside it."""
    folder = toolchain.npm(name, *packages).parent
    script = folder / f"{name}.mjs"
    script.write_bytes((DRIVERS / f"{name}.mjs").read_bytes())
    return [str(toolchain.node()), str(script)]


@pytest.mark.node
@pytest.mark.timeout(600)
def test_the_official_typescript_sdk_plays(stage: Stage, story: Story, tmp_path: Path) -> None:
    command = node_driver("sdk_v1", "@modelcontextprotocol/sdk@1.32.2")
    assert drive(command, stage, tmp_path, calls=calls(story)) == "done"
    stage.ended()


@pytest.mark.node
@pytest.mark.timeout(600)
@pytest.mark.parametrize("era", ["legacy", "auto"])
def test_version_two_of_the_official_typescript_sdk_plays(stage: Stage, story: Story, tmp_path: Path, era: str) -> None:
    command = node_driver("sdk_v2", "@modelcontextprotocol/client@2.4.0")
    assert drive(command, stage, tmp_path, calls=calls(story), era=era) == "done"
    stage.ended()


@pytest.mark.node
@pytest.mark.timeout(600)
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_plays_and_finds_nothing_amiss_in_the_tools(
    stage: Stage, story: Story, tmp_path: Path, era: str
) -> None:
    folder = toolchain.npm("inspector", "@modelcontextprotocol/inspector@2.12.0")

    def inspect(*words: str) -> str:
        command = [str(folder / ".bin" / "mcp-inspector"), "--cli"]
        if stage.way == "http":
            command += [stage.reach["url"], "--transport", "http"]
        else:
            command += [stage.reach["command"], *stage.reach["args"]]
        done = subprocess.run(
            [*command, "--protocol-era", era, *words],
            capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path, env=toolchain.with_node(),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    assert story.steps[0].tool in inspect("--method", "tools/list", "--strict")
    for step in story.steps:
        said = inspect(
            "--method", "tools/call", "--tool-name", step.tool, "--tool-args-json", json.dumps(step.arguments)
        )
        assert step.shows in said
    stage.ended()


@pytest.mark.venv
@pytest.mark.timeout(700)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_agent_framework_plays(stage: Stage, story: Story, tmp_path: Path, framework: str) -> None:
    python = toolchain.python(framework.replace("_", "-"), *FRAMEWORKS[framework])
    with playing(story) as model:
        said = drive([str(python), str(DRIVERS / f"{framework}.py")], stage, tmp_path, model=model.url, ask=story.ask)
        model.check()
    assert story.answer in said
    stage.ended()
