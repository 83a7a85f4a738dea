"""The agents that people have on their machines, each several hundred megabytes: `make agents`.

They are configured by the very text that `envfactory install --print` gives for them, where they read a file.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from envfactory_client.install.clients import Machine, client
from envfactory_client.install.launch import Address, Launch, Process
from envfactory_client.install.merge import merged, rendered
from envfactory_client.install.place import write
from tests.clients import toolchain
from tests.clients.stage import Stage
from tests.clients.story import Story
from tests.clients.stub import MODEL, Stub, playing
from tests.clients.test_clients import DRIVERS, calls, drive

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


def launch(stage: Stage) -> Launch:
    """Give a stage as `envfactory install` takes it."""
    if stage.way == "http":
        return Address(stage.reach["url"])
    return Process(stage.reach["command"], tuple(stage.reach["args"]))


def configured(key: str, stage: Stage) -> str:
    return rendered(client(key), "desk", client(key).entry(launch(stage)))


def run(command: list[str], folder: Path, model: Stub, story: Story, **surroundings: str) -> None:
    """Run a client to its end in a home of its own, and see that it told the story's answer."""
    variables = {**toolchain.with_node(), "HOME": str(folder), "NO_COLOR": "1", **surroundings}
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=300,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    model.check()
    assert story.answer in done.stdout


def test_claude_code_plays(stage: Stage, story: Story, tmp_path: Path) -> None:
    python = toolchain.python("claude-code", "claude-agent-sdk==0.2.189")
    with playing(story) as model:
        command = [str(python), str(DRIVERS / "claude_code.py")]
        said = drive(command, stage, tmp_path, model=model.url, ask=story.ask, calls=calls(story))
        model.check()
    assert story.answer in said
    stage.ended()


def test_claude_code_connects_to_what_is_installed_for_it(stage: Stage, tmp_path: Path) -> None:
    """As `claude mcp list` sees it, in the file in which Claude Code keeps much else."""
    python = toolchain.python("claude-code", "claude-agent-sdk==0.2.189")
    [program] = python.parent.parent.glob("lib/python*/site-packages/claude_agent_sdk/_bundled/claude")
    one = client("claude-code")
    place = one.place("user", Machine("linux", tmp_path, {}), tmp_path)
    found = merged('{"numStartups": 3, "mcpServers": {}}', one, "desk", one.entry(launch(stage)))
    write(place, "", found.text)
    variables = {**os.environ, "HOME": str(tmp_path), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    done = subprocess.run(
        [str(program), "mcp", "list"],
        cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("desk: ")]
    assert "Connected" in line


def test_codex_plays(stage: Stage, story: Story, tmp_path: Path) -> None:
    program = toolchain.npm("codex", "@openai/codex@0.171.0") / ".bin" / "codex"
    with playing(story) as model:
        home = tmp_path / "codex"
        home.mkdir()
        provider = (
            f'model = "{MODEL}"\nmodel_provider = "stub"\napproval_policy = "never"\n\n[model_providers.stub]\n'
            f'name = "stub"\nbase_url = "{model.url}"\nwire_api = "responses"\n\n'
        )
        waiting = "required = true\n"  # or a run that is not interactive begins before the server has started
        (home / "config.toml").write_text(provider + configured("codex", stage) + waiting, "utf-8")
        command = [str(program), "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
        run([*command, story.ask], tmp_path, model, story, CODEX_HOME=str(home))
    stage.ended()


def test_gemini_cli_plays(stage: Stage, story: Story, tmp_path: Path) -> None:
    program = toolchain.npm("gemini", "@google/gemini-cli@0.61.0") / ".bin" / "gemini"
    settings = tmp_path / ".gemini" / "settings.json"
    settings.parent.mkdir()
    written = json.loads(configured("gemini", stage))
    written["security"] = {"auth": {"selectedType": "gemini-api-key"}}
    settings.write_text(json.dumps(written), "utf-8")
    with playing(story) as model:
        surroundings = {
            "GEMINI_API_KEY": "none",
            "GOOGLE_GEMINI_BASE_URL": model.url.removesuffix("/v1"),
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "GEMINI_TELEMETRY_ENABLED": "false",
        }
        command = [str(program), "--yolo", "--model", "gemini-2.5-flash", "--prompt", story.ask]
        run(command, tmp_path, model, story, **surroundings)
    stage.ended()


def test_opencode_plays(stage: Stage, story: Story, tmp_path: Path) -> None:
    program = toolchain.npm("opencode", "opencode-ai@1.18.33") / ".bin" / "opencode"
    written = json.loads(configured("opencode", stage))
    with playing(story) as model:
        written["provider"] = {
            "stub": {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": model.url, "apiKey": "none"},
                "models": {MODEL: {"name": MODEL}},
            }
        }
        (tmp_path / "opencode.json").write_text(json.dumps(written), "utf-8")
        command = [str(program), "run", "--model", f"stub/{MODEL}", story.ask]
        run(command, tmp_path, model, story, XDG_CONFIG_HOME=str(tmp_path / "config"), PWD=str(tmp_path))
    stage.ended()
