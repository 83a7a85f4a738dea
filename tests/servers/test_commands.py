"""The farm as a command: `python -m servers`, which is also `envfactory serve`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import typer
from typer.testing import CliRunner

from servers.commands import run, serve

ROOT = Path(__file__).resolve().parents[2]
SURROUNDINGS = {name: value for name, value in os.environ.items() if name != "ENVFACTORY_TOKEN"}


@contextmanager
def farm(*arguments: str, **surroundings: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Run a farm; give its address and what it says of itself, line by line."""
    with subprocess.Popen(
        [sys.executable, "-m", "servers", "--port", "0", *arguments],
        env={**SURROUNDINGS, "PYTHONPATH": str(ROOT), **surroundings},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            told: dict[str, str] = {}
            while "token" not in told:
                name, _, value = re.sub("  +", "\t", process.stdout.readline().rstrip("\n")).partition("\t")
                told[name] = value
            address = re.search(r"http://\S+", "".join(told))
            assert address is not None
            yield address[0], told
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def test_it_tells_where_things_are_and_serves_them() -> None:
    with farm() as (url, told):
        assert told["control plane"] == f"POST {url}/farm/{{function}}, MCP at {url}/farm/mcp"
        assert told["sandboxes"] == f"{url}/{{env}}/mcp"
        assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
        servers = httpx.get(f"{url}/v0.1/servers", headers={"origin": "https://vscode.dev"})
        assert servers.headers["access-control-allow-origin"] == "*"
        assert set(servers.json()) == {"servers", "metadata"}
        listed = httpx.post(f"{url}/farm/environments", headers={"authorization": f"Bearer {told['token']}"})
        names = [environment["name"] for environment in listed.json()["environments"]]
        assert ", ".join(names) == told["environments"]
        assert httpx.post(f"{url}/farm/environments", headers={"host": "evil.example"}).status_code == 421


def test_the_token_may_come_from_the_surroundings() -> None:
    with farm("--no-sandbox", ENVFACTORY_TOKEN="a token of mine") as (url, told):
        assert told["token"] == "as given"
        assert "sandboxes" not in told
        opened = httpx.post(f"{url}/farm/environments", headers={"authorization": "Bearer a token of mine"})
        assert opened.status_code == 200
        name = opened.json()["environments"][0]["name"]
        shut = httpx.post(f"{url}/{name}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert shut.status_code == 404
        assert "There are no sandboxes here" in shut.json()["error"]["message"]


def test_a_further_name_is_let_in() -> None:
    with farm("--allowed-host", "gateway.example") as (url, told):
        headers = {"host": "gateway.example:8000", "authorization": f"Bearer {told['token']}"}
        assert httpx.post(f"{url}/farm/environments", headers=headers).status_code == 200


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    app = typer.Typer()
    app.command()(serve)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = CliRunner().invoke(app, ["--port", port])
    assert ended.exit_code == 1
    assert (
        ended.output == f"Can't listen on 127.0.0.1:{port}: Address already in use; choose another address or port.\n"
    )


def test_an_environment_alone_starts_from_rows_of_ones_own(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(run)
    missing = tmp_path / "rows.json"
    ended = CliRunner().invoke(app, ["airline", "--scenario", str(missing), "--actor", "user"])
    assert str(ended.exception) == f"{missing} can't be read: No such file or directory."
