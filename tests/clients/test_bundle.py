"""Bundles: valid by the schema and the tool of their authors, and started by uv as a desktop client starts them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import zipfile
from pathlib import Path

import fastmcp
import jsonschema
import pytest
from fastmcp.client.transports import StdioTransport

from servers.runtime import discover
from servers.shipping.bundle import bundle, manifest
from tests.clients import toolchain

MCPB = "@anthropic-ai/mcpb@2.1.2"
ENVIRONMENTS = sorted(discover())


@pytest.fixture(scope="module")
def mcpb() -> Path:
    return toolchain.npm("mcpb", MCPB) / "@anthropic-ai" / "mcpb" / "dist"


@pytest.mark.node
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_manifest_is_valid_by_the_schema_that_the_tool_ships(mcpb: Path, name: str) -> None:
    schema = json.loads((mcpb / "mcpb-manifest-v0.4.schema.json").read_text("utf-8"))
    jsonschema.validate(manifest(discover()[name]()), schema)


@pytest.mark.node
def test_the_tool_takes_the_bundle_and_unpacks_what_we_packed(mcpb: Path, tmp_path: Path) -> None:
    packed, unpacked = tmp_path / "airline.mcpb", tmp_path / "unpacked"
    packed.write_bytes(bundle(discover()["airline"]()))

    def tool(*words: str) -> str:
        command = [str(toolchain.node()), str(mcpb / "cli" / "cli.js"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    tool("unpack", str(packed), str(unpacked))
    assert "validation passes" in tool("validate", str(unpacked / "manifest.json"))
    with zipfile.ZipFile(packed) as archive:
        names = {info.filename for info in archive.infolist()}
        assert {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()} == names
        assert all((unpacked / name).read_bytes() == archive.read(name) for name in names)


@pytest.mark.venv
@pytest.mark.timeout(600)
def test_an_unpacked_bundle_starts_as_its_manifest_says(tmp_path: Path) -> None:
    uv = toolchain.python("uv", "uv>=0.8").parent / "uv"
    packed = tmp_path / "airline.mcpb"
    packed.write_bytes(bundle(discover()["airline"]()))
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "airline")
    said = json.loads((tmp_path / "airline" / "manifest.json").read_text("utf-8"))
    launch = said["server"]["mcp_config"]
    given = {"${__dirname}": str(tmp_path / "airline")}
    given |= {f"${{user_config.{name}}}": str(asked["default"]) for name, asked in said["user_config"].items()}
    args = [given.get(word, word) for word in launch["args"]]
    assert launch["command"] == "uv"
    assert not any("${" in word for word in args)

    async def visit() -> list[str]:
        surroundings = {**os.environ, "UV_CACHE_DIR": str(toolchain.CACHE / "uv-cache"), "UV_NO_PROGRESS": "1"}
        surroundings.pop("PYTHONPATH", None)
        async with fastmcp.Client(StdioTransport(str(uv), args, env=surroundings), init_timeout=300) as client:
            return [tool.name for tool in await client.list_tools()]

    assert asyncio.run(visit()) == [tool["name"] for tool in said["tools"]]
