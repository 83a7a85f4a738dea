"""The probe of container health checks, against servers as containers run them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from servers.probe import probe
from servers.runtime.farm import create_app
from tests.servers.runtime.conftest import TOKEN, RunningFarm, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def farm() -> Iterator[RunningFarm]:
    yield from serve(create_app(token=TOKEN))


def run(*words: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    """Run the probe as a container does."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "ENVFACTORY_TOKEN": "", **surroundings}
    command = [sys.executable, "-m", "servers.probe", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_a_farm_is_alive_with_its_token_and_without(farm: RunningFarm) -> None:
    assert run(f"{farm.url}/farm/mcp", ENVFACTORY_TOKEN=TOKEN).returncode == 0
    assert run(f"{farm.url}/farm/mcp").returncode == 0
    assert run(f"{farm.url}/airline/mcp").returncode == 0


def test_a_wrong_token_a_wrong_path_and_silence_are_said(farm: RunningFarm) -> None:
    wrong = run(f"{farm.url}/farm/mcp", ENVFACTORY_TOKEN="another")
    assert wrong.returncode == 1
    assert "answers 401, but not with what it can do" in wrong.stderr
    assert "answers 404" in (probe(f"{farm.url}/nothing/mcp") or "")
    silent = f"http://127.0.0.1:{free_port()}/mcp"
    assert (probe(silent) or "").startswith(f"{silent} doesn't answer MCP: ")


def test_something_else_that_answers_is_not_alive() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert "the answer is no JSON object" in (probe(f"http://127.0.0.1:{server.server_port}/mcp") or "")
        thread.join()


@contextmanager
def single(port: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run one environment as its container does, on every address of the machine."""
    words = ["-m", "servers.airline", "--http", f"0.0.0.0:{port}", "--db", str(folder / "airline.db")]
    command = [sys.executable, *words]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stderr=subprocess.PIPE
    ) as it:
        try:
            yield it
        finally:
            it.terminate()
            it.wait(timeout=30)


def test_one_environment_alone_is_alive_once_it_listens_and_both_can_be_called(
    farm: RunningFarm, tmp_path: Path
) -> None:
    port = free_port()
    with single(port, tmp_path) as process:
        assert process.stderr is not None
        assert f"http://0.0.0.0:{port}/mcp" in process.stderr.readline()
        deadline = time.monotonic() + 30
        while (problem := probe(f"http://127.0.0.1:{port}/mcp")) is not None and time.monotonic() < deadline:
            time.sleep(0.2)
        assert problem is None
        called = [sys.executable, str(ROOT / "containers" / "call.py"), farm.url, f"http://127.0.0.1:{port}/mcp"]
        variables = {**os.environ, "ENVFACTORY_TOKEN": TOKEN}
        told = subprocess.run(called, env=variables, capture_output=True, text=True, check=True, timeout=60).stdout
        assert told.count("airports") == 2


def test_the_probe_loads_nothing_of_others() -> None:
    script = (
        "import sys, servers.probe\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('fastmcp', 'mcp', 'pydantic', 'typer')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
