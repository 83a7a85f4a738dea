"""Several workers: each serves its own episodes at an address that `open` names, and dies alone."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import envfactory_client as ef
from servers.runtime.farm.crew import Crew
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.plan import Plan
from servers.runtime.standalone import listen
from tests.servers.runtime.conftest import TOKEN, RunningFarm, rpc_request

ROOT = Path(__file__).resolve().parents[3]
LENDABLE = "SELECT book_id, member_id FROM shelf, members WHERE available > 0 AND fines_cents = 0 ORDER BY 1, 2 LIMIT 1"
NGINX = shutil.which("nginx") or os.environ.get("ENVFACTORY_NGINX")
CLIENTS: dict[str, httpx.Client] = {}


@contextmanager
def crew_farm(**options: Any) -> Iterator[RunningFarm]:
    """Run a farm of two workers, a1 and a2."""
    plan = Plan(environments="tests.servers.runtime.durable_life:LOADERS", **options)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.runtime.crew_farm", plan.model_dump_json()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            told = "".join(iter(process.stdout.readline, "done\n"))
            address = re.search(r"http://\S+", told)
            assert address is not None, told
            with httpx.Client(base_url=address[0], timeout=60) as http:
                yield RunningFarm(address[0], http)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def crew() -> Iterator[RunningFarm]:
    with crew_farm() as farm:
        yield farm


def health(farm: RunningFarm) -> dict[str, Any]:
    workers: dict[str, Any] = farm.http.get("/healthz").json()["workers"]
    return workers


def at(opened: dict[str, Any]) -> RunningFarm:
    """Give the worker that an episode is on."""
    if (url := opened["url"]) not in CLIENTS:
        CLIENTS[url] = httpx.Client(base_url=url, timeout=60)
    return RunningFarm(url, CLIENTS[url])


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    close_clients()


def close_clients() -> None:
    for client in CLIENTS.values():
        client.close()
    CLIENTS.clear()


def lend(opened: dict[str, Any]) -> dict[str, Any]:
    farm = at(opened)
    [book_id, member_id] = farm.ask("query", episode=opened["episode"], environment="library", sql=LENDABLE)["rows"][0]
    return farm.call(f"/episodes/{opened['agent']}/library/mcp", "borrow_book", book_id=book_id, member_id=member_id)


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise TimeoutError


def test_episodes_are_spread_evenly_and_called_at_their_worker(crew: RunningFarm) -> None:
    opened = [crew.open(seed=1) for _ in range(6)]
    assert sorted(episode["episode"][:3] for episode in opened) == ["a1-"] * 3 + ["a2-"] * 3
    ports = {name: worker["port"] for name, worker in health(crew).items()}
    for episode in opened:
        assert episode["url"] == f"http://127.0.0.1:{ports[episode['episode'][:2]]}"
        assert lend(episode)["isError"] is False
        crew.ask("close", episode=episode["episode"])


def test_the_front_passes_on_what_concerns_episodes(crew: RunningFarm) -> None:
    opened = crew.open(seed=1)
    snapshot = crew.ask("snapshot", episode=opened["episode"])["snapshot"]
    lend(opened)
    fork = crew.ask("fork", episode=opened["episode"])
    assert fork["episode"][:3] == opened["episode"][:3]
    assert fork["url"] == opened["url"]
    assert crew.ask("diff", episode=opened["episode"], since=snapshot)["changes"]
    answer = crew.control("restore", {"episode": opened["episode"], "snapshot": "s9"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_snapshot")
    assert crew.control("open", {"environments": ["libary"]}).json()["error"]["message"].endswith("'library'?")
    assert crew.control("state", {"episode": "nobody's"}).status_code == 404


def test_the_front_passes_on_what_is_asked_over_mcp(crew: RunningFarm) -> None:
    body, headers = rpc_request("tools/call", {"name": "open", "arguments": {"environments": ["library"]}})
    headers["authorization"] = f"Bearer {TOKEN}"
    opened = crew.http.post("/farm/mcp", json=body, headers=headers).json()["result"]["structuredContent"]
    assert lend(opened)["isError"] is False


def test_who_asks_at_the_wrong_door_is_shown_the_right_one(crew: RunningFarm) -> None:
    opened, other = crew.open(), crew.open()
    path = f"/episodes/{opened['agent']}/library/mcp"
    for door in (crew, at(other)):
        answer = door.rpc(path, "tools/list", {})
        assert (answer.status_code, answer.headers["location"]) == (307, opened["url"] + path)
        assert answer.json()["error"]["message"] == f"This episode is at {opened['url']}; ask there."
    answer = at(other).control("state", {"episode": opened["episode"]})
    assert (answer.status_code, answer.headers["location"]) == (307, opened["url"] + "/farm/state")


def test_our_client_goes_straight_to_the_worker(crew: RunningFarm) -> None:
    async def visit() -> set[str]:
        async with ef.Farm(crew.url, token=TOKEN) as farm:
            episodes = [await farm.open("library", seed=1) for _ in range(4)]
            for episode in episodes:
                assert (await episode.call("library", "search_books", limit=1))["total"] == 64
                assert len(await episode.calls()) == 1
                async with await episode.fork() as fork:
                    assert fork.agent.url().startswith(episode.agent.url().partition("/episodes/")[0])
            urls = {episode.agent.url().partition("/episodes/")[0] for episode in episodes}
            for episode in episodes:
                await episode.close()
            return urls

    assert asyncio.run(visit()) == {f"http://127.0.0.1:{worker['port']}" for worker in health(crew).values()}


def test_the_sandbox_is_one_for_all(crew: RunningFarm) -> None:
    assert crew.rpc("/library/mcp", "tools/list", {}).status_code == 200
    assert at(crew.open()).rpc("/library/mcp", "tools/list", {}).json()["error"]["data"] == {"code": "no_sandbox"}


def test_a_dead_worker_is_started_again_and_says_what_is_lost(crew: RunningFarm) -> None:
    first, second = crew.open(), crew.open()
    before = health(crew)
    name = first["episode"][:2]
    os.kill(before[name]["process"], signal.SIGKILL)
    assert lend(second)["isError"] is False
    wait_until(lambda: health(crew)[name]["process"] not in (None, before[name]["process"]))
    answer = at(first).rpc(f"/episodes/{first['agent']}/library/mcp", "tools/list", {})
    assert answer.status_code == 404
    assert "or was lost with its worker, as those are that a farm without --durable had" in answer.text
    assert lend(second)["isError"] is False
    assert {crew.open()["episode"][:2] for _ in range(2)} == {"a1", "a2"}


def test_the_durable_episodes_of_a_dead_worker_come_back(tmp_path: Path) -> None:
    with crew_farm(durable=tmp_path) as farm:
        opened = [farm.open(seed=2) for _ in range(4)]
        loans = {episode["episode"]: lend(episode)["structuredContent"] for episode in opened}
        for worker in health(farm).values():
            os.kill(worker["process"], signal.SIGKILL)
        close_clients()  # whose connections died with the workers
        for episode in opened:
            changes = at(episode).ask("diff", episode=episode["episode"])["changes"]
            assert changes["library"]["loans"]["inserted"] == [loans[episode["episode"]]]
            assert lend(episode)["isError"] is False
    with crew_farm(durable=tmp_path) as farm:
        counts = [len(farm.ask("calls", episode=episode["episode"])["calls"]) for episode in opened]
        assert counts == [2, 2, 2, 2]


# Addresses


def test_an_address_is_that_of_the_host_that_was_asked() -> None:
    crew = Crew("a1", {"a1": 8001, "a2": 8002})
    assert crew.url("a2", "farm.local:8000") == "http://farm.local:8002"
    assert crew.url("a2", "[::1]:8000") == "http://[::1]:8002"
    assert crew.url("b1", "farm.local") is None
    assert Crew("a1", {}, "https://farm.example/{worker}/").url("b1", "x") == "https://farm.example/b1"


def test_an_episode_of_ones_own_is_not_elsewhere() -> None:
    crew = Crew("a1", {"a1": 8001, "a2": 8002})
    for name in ("a1-abc", "b1-abc", "abc", "-", "A2-abc"):
        crew.check(name, "/farm/state", "localhost")
    with pytest.raises(Fault, match="This episode is at http://localhost:8002; ask there"):
        crew.check("a2-abc", "/farm/state", "localhost")
    with pytest.raises(Fault, match=r"https://farm\.example/b7; ask there"):
        Crew("a1", {"a1": 8001}, "https://farm.example/{worker}").check("b7-abc", "/farm/state", "localhost")


def test_a_worker_knows_its_name_before_a_path() -> None:
    crew = Crew("a1", {"a1": 8001})
    assert crew.own_path("/a1/episodes/x/mcp") == "/episodes/x/mcp"
    assert crew.own_path("/a2/episodes/x/mcp") == "/a2/episodes/x/mcp"
    assert Crew().own_path("//mcp") == "//mcp"


# Behind nginx


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed, and ENVFACTORY_NGINX doesn't say where it is")
def test_nginx_leads_to_the_workers_of_several_hosts(tmp_path: Path) -> None:
    assert NGINX is not None
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    public = f"http://127.0.0.1:{port}/{{worker}}"
    with crew_farm(public_url=public) as farm:
        text = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
        ports = {name: worker["port"] for name, worker in health(farm).items()}
        for there, here in {
            "listen 80;": f"listen 127.0.0.1:{port};",
            "farm.example": "127.0.0.1",
            "10.0.0.1:8000": farm.url.removeprefix("http://"),
            "10.0.0.1:8001": f"127.0.0.1:{ports['a1']}",
            "10.0.0.1:8002": f"127.0.0.1:{ports['a2']}",
        }.items():
            assert there in text
            text = text.replace(there, here)
        text = re.sub(r"\s+server 10\.0\.0\.2:8000;.*", "", text)
        places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        inner = "".join(f"{place}_temp_path {tmp_path}/{place}; " for place in places)
        text = text.replace("http {", f"http {{ {inner}")
        config = tmp_path / "nginx.conf"
        config.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\ndaemon off;\n{text}", encoding="utf-8")
        command = [NGINX, "-p", str(tmp_path), "-c", str(config)]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        with (
            subprocess.Popen(command) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
        ):
            try:
                _use_through_nginx(RunningFarm(f"http://127.0.0.1:{port}", http))
            finally:
                process.terminate()


def _use_through_nginx(farm: RunningFarm) -> None:
    def is_up() -> bool:
        try:
            return farm.http.get("/healthz").status_code == 200
        except httpx.ConnectError:
            return False

    wait_until(is_up)
    opened = [farm.open(seed=1) for _ in range(4)]
    assert {episode["url"].rpartition("/")[2] for episode in opened} == {"a1", "a2"}
    for episode in opened:
        assert episode["url"].startswith(farm.url + "/")
        assert lend(episode)["isError"] is False
        assert at(episode).ask("diff", episode=episode["episode"])["changes"]
        assert farm.ask("state", episode=episode["episode"])["digest"]
        answer = farm.rpc(f"/episodes/{episode['agent']}/mcp", "tools/list", {})
        assert (answer.status_code, answer.headers["location"][: len(episode["url"])]) == (307, episode["url"])
