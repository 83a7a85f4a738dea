"""The farm's parts by themselves: its store, gate, sandboxes, names, catalogue and registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from servers.runtime import Environment, Episode, InvalidRequest, UnknownEnvironment, UnknownEpisode
from servers.runtime.farm.catalogue import Catalogue
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.gate import Gate
from servers.runtime.farm.limits import Limits
from servers.runtime.farm.naming import LONGEST, qualified_names
from servers.runtime.farm.registry import Registry
from servers.runtime.farm.sandbox import Sandbox
from servers.runtime.farm.store import Store


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def scope(**headers: str) -> dict[str, Any]:
    return {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


# The store


def test_a_handle_leads_to_one_actor_of_one_episode(library: Environment) -> None:
    store, episode = Store(), Episode.open([library])
    store.add(episode)
    assert store.by_id(episode.episode_id) is episode
    assert (store.seat(episode.agent_handle).episode, store.seat(episode.agent_handle).actor) == (episode, "agent")
    assert store.seat(episode.user_handle).actor == "user"
    for foreign in (episode.agent_handle, episode.user_handle):
        with pytest.raises(UnknownEpisode):
            store.by_id(foreign)
    store.close()


def test_an_episode_that_nobody_uses_is_closed(library: Environment) -> None:
    clock = Clock()
    store = Store(Limits(idle_seconds=60), clock=clock)
    used, forgotten = Episode.open([library]), Episode.open([library])
    for episode in (used, forgotten):
        store.add(episode)
    clock.seconds = 50
    store.seat(used.agent_handle)
    clock.seconds = 100
    assert store.by_id(used.episode_id) is used
    with pytest.raises(UnknownEpisode, match="has expired"):
        store.by_id(forgotten.episode_id)
    with pytest.raises(UnknownEpisode, match="has expired"):
        store.seat(forgotten.agent_handle)
    assert len(store) == 1
    store.close()


def test_the_number_of_episodes_is_limited(library: Environment) -> None:
    store = Store(Limits(episodes=1))
    store.check_room()
    episode = Episode.open([library])
    store.add(episode)
    with pytest.raises(Fault, match="The limit of this farm, 1 open episodes, is reached; close some") as refused:
        store.check_room()
    assert (refused.value.status, refused.value.code) == (429, "too_many_episodes")
    store.remove(episode.episode_id).close()
    store.check_room()


# Sandboxes


def test_a_sandbox_begins_anew_after_a_long_silence(library: Environment) -> None:
    clock = Clock()
    sandbox = Sandbox(Limits(idle_seconds=60), clock=clock)
    first = sandbox.episode(library)
    clock.seconds = 50
    assert sandbox.episode(library) is first
    clock.seconds = 111
    assert sandbox.episode(library) is not first
    sandbox.close()


# The gate


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "::1", "LOCALHOST", "farm.example:1"]
)
def test_hosts_that_were_allowed_come_in(host: str) -> None:
    Gate(["farm.example"], "t").check_names(scope(host=host))


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:8000", "", "10.0.0.1"])
def test_other_hosts_are_turned_away(host: str) -> None:
    with pytest.raises(Fault, match="start the server with --allowed-host") as refused:
        Gate(["farm.example"], "t").check_names(scope(host=host))
    assert refused.value.status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "https://["])
def test_pages_from_elsewhere_are_turned_away(origin: str) -> None:
    gate = Gate([], "t")
    gate.check_names(scope(host="localhost", origin="http://localhost:6274"))
    with pytest.raises(Fault) as refused:
        gate.check_names(scope(host="localhost", origin=origin))
    assert refused.value.status == 403


def test_a_star_lets_every_name_in() -> None:
    Gate(["*"], "t").check_names(scope(host="anything", origin="http://anything.example"))


@pytest.mark.parametrize("authorization", ["Bearer t", "bearer t", "Bearer  t"])
def test_the_token_opens_the_control_plane(authorization: str) -> None:
    Gate([], "t").check_token(scope(authorization=authorization))


@pytest.mark.parametrize("authorization", ["Bearer T", "Bearer", "Basic t", "t", "Bearer té", ""])
def test_anything_else_does_not(authorization: str) -> None:
    with pytest.raises(Fault) as refused:
        Gate([], "t").check_token(scope(authorization=authorization))
    assert refused.value.status == 401


# Names


def test_blanks_around_a_token_do_not_count() -> None:
    Gate([], " secret\n").check_token(scope(authorization="Bearer secret"))


@pytest.mark.parametrize("token", ["", " \n"])
def test_an_empty_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequest, match="token of the control plane is empty"):
        Gate([], token)


def test_plain_names_are_environment_and_tool() -> None:
    assert qualified_names([("mail", "send"), ("bank", "pay")]) == {
        "mail_send": ("mail", "send"),
        "bank_pay": ("bank", "pay"),
    }


def test_names_stay_apart_and_short_whatever_their_order() -> None:
    pairs = [("a", "b_c"), ("a_b", "c"), ("mail", "x" * 70), ("mail", "x" * 70 + "y")]
    names = qualified_names(pairs)
    assert sorted(names.values()) == sorted(pairs)
    assert all(len(name) <= LONGEST for name in names)
    assert qualified_names(reversed(pairs)) == names


# The catalogue


def test_a_broken_environment_is_told_of_and_leaves_the_others_alone(library: Environment) -> None:
    def broken() -> Environment:
        raise SyntaxError("invalid syntax")

    catalogue = Catalogue({"library": lambda: library, "broken": broken})
    assert catalogue.names == ("broken", "library")
    assert catalogue.get("library") is library
    with pytest.raises(Fault, match="Environment 'broken' does not load: SyntaxError: invalid syntax") as refused:
        catalogue.get("broken")
    assert (refused.value.status, refused.value.code) == (500, "environment_broken")
    with pytest.raises(UnknownEnvironment, match="did you mean 'library'"):
        catalogue.get("libary")


# The registry


def entry(name: str, version: str, *, latest: bool = True) -> dict[str, Any]:
    official = {"status": "active", "updatedAt": "2026-11-22T00:00:00Z", "isLatest": latest}
    server = {"name": f"io.github.example/{name}", "version": version, "description": name}
    return {"server": server, "_meta": {"io.modelcontextprotocol.registry/official": official}}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    entries = [entry("airline", "0.1.0", latest=False), entry("airline", "0.2.0"), entry("bank", "0.1.0")]
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"servers": entries, "metadata": {"count": len(entries)}}), encoding="utf-8")
    return Registry(path)


def listed(registry: Registry, **query: str) -> list[str]:
    servers = registry.answer("/v0.1/servers", query)["servers"]
    return [f"{found['server']['name'].partition('/')[2]} {found['server']['version']}" for found in servers]


def test_the_registry_is_listed_and_searched(registry: Registry) -> None:
    assert listed(registry) == ["airline 0.1.0", "airline 0.2.0", "bank 0.1.0"]
    assert listed(registry, version="latest") == ["airline 0.2.0", "bank 0.1.0"]
    assert listed(registry, search="BANK") == ["bank 0.1.0"]
    assert listed(registry, updated_since="2026-12-01T00:00:00Z") == []


def test_the_registry_comes_in_pages(registry: Registry) -> None:
    first = registry.answer("/v0.1/servers", {"limit": "2"})
    assert first["metadata"] == {"count": 2, "nextCursor": "2"}
    second = registry.answer("/v0.1/servers", {"limit": "2", "cursor": first["metadata"]["nextCursor"]})
    assert second["metadata"] == {"count": 1}
    with pytest.raises(Fault, match="cursor must be a number"):
        registry.answer("/v0.1/servers", {"cursor": "next"})
    with pytest.raises(Fault, match="limit must be a number"):
        registry.answer("/v0.1/servers", {"limit": "9" * 5000})


def test_the_registry_gives_versions(registry: Registry) -> None:
    path = "/v0.1/servers/io.github.example/airline/versions"
    assert registry.answer(path, {})["metadata"] == {"count": 2}
    assert registry.answer(f"{path}/latest", {})["server"]["version"] == "0.2.0"
    assert registry.answer(f"{path}/0.1.0", {})["server"]["version"] == "0.1.0"
    with pytest.raises(Fault, match=r"has no version 9; it has 0\.1\.0, 0\.2\.0, and 'latest'"):
        registry.answer(f"{path}/9", {})
    with pytest.raises(Fault, match="has no server 'nobody/x'"):
        registry.answer("/v0.1/servers/nobody/x/versions", {})
