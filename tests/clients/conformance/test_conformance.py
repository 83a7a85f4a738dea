"""The official conformance suite: what needs no fixture on every environment, and all of it on a fixture server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from servers.runtime import discover
from servers.runtime.farm import FarmApp, create_app
from servers.runtime.farm.hot import HotCall
from tests.clients.conformance.fixture import everything
from tests.clients.conformance.suite import REVISIONS, Found, Revision, required, requirements
from tests.servers.runtime.conftest import TOKEN, RunningFarm, serve

pytestmark = pytest.mark.node

ROOT = Path(__file__).resolve().parents[3]
BASELINE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "baseline.toml").read_text("utf-8"))
ENVIRONMENTS = sorted(discover())
FIXTURE_FREE: dict[Revision, tuple[str, ...]] = {
    "2025-11-25": (
        "dns-rebinding-protection",
        "logging-set-level",
        "ping",
        "prompts-list",
        "resources-list",
        "server-initialize",
        "server-session-lifecycle",
        "server-sse-multiple-streams",
        "tools-list",
    ),
    "2026-07-28": (
        "caching",
        "dns-rebinding-protection",
        "http-header-validation",
        "input-required-result-unsupported-methods",
        "prompts-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "server-stateless",
        "tools-list",
    ),
}
NEEDS_A_FIXTURE = {"sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400"}
"""Checks of server-stateless that call a tool of the suite's, which no environment has."""
HOT = [pytest.param(True, id="hot"), pytest.param(False, id="cold")]


@pytest.fixture(scope="module")
def farm() -> Iterator[RunningFarm]:
    yield from serve(create_app(token=TOKEN))


@pytest.fixture(scope="module")
def fixture_farm() -> Iterator[RunningFarm]:
    yield from serve(create_app({"library": everything}, token=TOKEN))


@pytest.fixture(scope="module")
def results(farm: RunningFarm, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Found]]:
    """Give what the suite finds on the sandbox of each environment, by environment and revision."""
    return {
        (name, revision): requirements(f"{farm.url}/{name}/mcp", revision, tmp_path_factory.mktemp(name))
        for name in ENVIRONMENTS
        for revision in REVISIONS
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize(("revision", "scenario"), [(r, s) for r, scenarios in FIXTURE_FREE.items() for s in scenarios])
def test_an_environment_passes_what_needs_no_fixture(
    results: dict[tuple[str, str], dict[str, Found]], name: str, revision: Revision, scenario: str
) -> None:
    found = results[name, revision][scenario]
    failed = {check: why for check, why in found.failed.items() if check not in NEEDS_A_FIXTURE}
    assert not failed
    if found.tried == 0:
        pytest.skip(f"no check applies: {' '.join(found.notes)}")


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_episodes_combined_server_passes_them_too(farm: RunningFarm, revision: Revision, tmp_path: Path) -> None:
    opened = farm.ask("open", environments=ENVIRONMENTS)
    found = requirements(f"{farm.url}/episodes/{opened['agent']}/mcp", revision, tmp_path)
    for scenario in FIXTURE_FREE[revision]:
        assert set(found[scenario].failed) <= NEEDS_A_FIXTURE, scenario


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_environment_that_is_served_alone_passes_them_too(revision: Revision, tmp_path: Path) -> None:
    with alone() as url:
        found = requirements(url, revision, tmp_path)
    for scenario in FIXTURE_FREE[revision]:
        assert set(found[scenario].failed) <= NEEDS_A_FIXTURE, scenario


@contextmanager
def alone() -> Iterator[str]:
    """Run the first environment by itself, and give its address."""
    command = [sys.executable, "-m", f"servers.{ENVIRONMENTS[0]}", "--http", "127.0.0.1:0"]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=surroundings, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = re.search(r"http://\S+", process.stderr.readline())
            assert told is not None
            yield told[0]
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.mark.parametrize("hot", HOT)
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_fixture_server_passes_all_that_is_required_but_the_known_gaps(
    fixture_farm: RunningFarm, revision: Revision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hot: bool
) -> None:
    if not hot:
        monkeypatch.setattr(HotCall, "of", classmethod(lambda *_: None))
    assert gaps(f"{fixture_farm.url}/library/mcp", revision, tmp_path) == set(BASELINE[revision])


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_fixture_server_itself_can_do_more_than_one_document_can_carry(revision: Revision, tmp_path: Path) -> None:
    """Served with sessions and streams it does what we leave out, so that the gaps are those of how we serve."""
    app = everything().build_server().http_app(path="/mcp", host_origin_protection=True)
    for plain in serve(cast(FarmApp, app)):  # any ASGI app will do
        found = gaps(f"{plain.url}/mcp", revision, tmp_path)
        assert found == {scenario for scenario in BASELINE[revision] if scenario.startswith("resources-")}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("revision", REVISIONS)
def test_every_scenario_ends_the_same_without_the_hot_path(
    farm: RunningFarm,
    results: dict[tuple[str, str], dict[str, Found]],
    revision: Revision,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HotCall, "of", classmethod(lambda *_: None))
    name = ENVIRONMENTS[0]
    cold = requirements(f"{farm.url}/{name}/mcp", revision, tmp_path)
    hot = results[name, revision]
    assert {key: (one.passed, set(one.failed)) for key, one in cold.items()} == {
        key: (one.passed, set(one.failed)) for key, one in hot.items()
    }


def gaps(url: str, revision: Revision, folder: Path) -> set[str]:
    """Give the required scenarios that don't pass; each must have been tried."""
    found = requirements(url, revision, folder)
    needed = required(revision)
    assert needed <= set(found)
    return {scenario for scenario in needed if found[scenario].failed}


def test_every_known_gap_has_its_reason() -> None:
    assert set(BASELINE) == set(REVISIONS)
    assert all(reason.endswith(".") for gaps in BASELINE.values() for reason in gaps.values())
