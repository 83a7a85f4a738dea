"""Finding servers: the registry's routes as a client asks for them, and server cards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mcp
import pytest

from servers.registry.server_json import ServerJson
from servers.runtime import discover
from servers.runtime.farm import create_app
from servers.runtime.farm.registry import registry_path
from tests.servers.runtime.conftest import TOKEN, RunningFarm, serve

ENTRIES: list[dict[str, Any]] = json.loads(registry_path().read_text("utf-8"))["servers"]
NAMES = [entry["server"]["name"].partition("/")[2] for entry in ENTRIES]
ELSEWHERE = {"origin": "https://vscode.dev"}


@pytest.fixture(scope="module")
def whole() -> Iterator[RunningFarm]:
    yield from serve(create_app(token=TOKEN))


def get(farm: RunningFarm, path: str, **headers: str) -> httpx.Response:
    return farm.http.get(path, headers=ELSEWHERE | headers)


def test_a_client_with_the_base_address_finds_every_server_and_its_latest_version(whole: RunningFarm) -> None:
    listed: list[str] = []
    cursor: str | None = None
    while True:
        page = get(whole, "/v0.1/servers?limit=2&version=latest" + (f"&cursor={cursor}" if cursor else "")).json()
        listed += [entry["server"]["name"] for entry in page["servers"]]
        if (cursor := page["metadata"].get("nextCursor")) is None:
            break
    assert listed == [entry["server"]["name"] for entry in ENTRIES]
    for name, entry in zip(listed, ENTRIES, strict=True):
        path = f"/v0.1/servers/{name.replace('/', '%2F')}/versions"
        assert get(whole, path).json() == {"servers": [entry], "metadata": {"count": 1}}
        assert get(whole, f"{path}/latest").json() == entry
        assert get(whole, f"{path}/{entry['server']['version']}").json() == entry


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v0.1/servers", 200),
        ("/v0.1/servers?cursor=none", 400),
        ("/v0.1/servers/nobody%2Fnothing/versions/latest", 404),
        ("/.well-known/ai-catalog.json", 200),
        (f"/{NAMES[0]}/mcp/server-card", 200),
    ],
)
def test_pages_of_every_origin_may_read_it(whole: RunningFarm, path: str, status: int) -> None:
    answer = get(whole, path)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = whole.http.options(path, headers=ELSEWHERE | {"access-control-request-method": "GET"})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-methods"] == "GET"


def test_the_catalog_leads_to_a_card_of_every_environment(whole: RunningFarm) -> None:
    answer = get(whole, "/.well-known/ai-catalog.json", accept="application/ai-catalog+json")
    assert answer.headers["content-type"] == "application/ai-catalog+json"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    told = answer.json()
    assert told["specVersion"] == "1.0"
    assert [entry["identifier"] for entry in told["entries"]] == [
        f"urn:air:envfactory.github.io:{name}" for name in NAMES
    ]
    for entry, registered in zip(told["entries"], ENTRIES, strict=True):
        assert entry["displayName"] == registered["server"]["title"]
        card = httpx.get(entry["url"], headers={"accept": entry["type"]})
        assert card.headers["content-type"] == entry["type"] == "application/mcp-server-card+json"
        assert card.json()["name"] == registered["server"]["name"]


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_the_registry_says_and_where_the_server_is(whole: RunningFarm, name: str) -> None:
    card = get(whole, f"/{name}/mcp/server-card").json()
    assert card.pop("$schema") == "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
    [remote] = card.pop("remotes")
    assert remote["url"] == f"{whole.url}/{name}/mcp"
    assert set(card) == {"name", "title", "description", "version", "_meta"}
    entry = next(entry["server"] for entry in ENTRIES if entry["server"]["name"] == card["name"])
    assert card == {key: entry[key] for key in card}
    assert ServerJson.model_validate(card).version == entry["version"]
    assert "tools" not in json.dumps(card)


def test_a_card_is_true_to_the_server_that_it_leads_to(whole: RunningFarm) -> None:
    card = get(whole, f"/{NAMES[0]}/mcp/server-card").json()
    [remote] = card["remotes"]

    async def visit() -> tuple[str, str]:
        async with mcp.Client(remote["url"]) as client:
            assert client.server_info is not None
            return client.server_info.version, client.protocol_version

    version, protocol = asyncio.run(visit())
    assert version == card["version"]
    assert protocol in remote["supportedProtocolVersions"]
    for era in remote["supportedProtocolVersions"]:
        assert whole.rpc(f"/{NAMES[0]}/mcp", "tools/list", {}, era).json()["result"]["tools"]


def test_a_farm_under_a_name_of_its_own_says_so_and_a_strange_name_is_turned_away(tmp_path: Path) -> None:
    for farm in serve(create_app(token=TOKEN, allowed_hosts=["farm.example.org"])):
        card = get(farm, f"/{NAMES[0]}/mcp/server-card", host="farm.example.org").json()
        assert card["remotes"][0]["url"] == f"http://farm.example.org/{NAMES[0]}/mcp"
        assert get(farm, "/.well-known/ai-catalog.json", host="evil.example").status_code == 421


def test_where_there_is_no_sandbox_there_is_no_card() -> None:
    for farm in serve(create_app(token=TOKEN, sandbox=False)):
        assert get(farm, "/.well-known/ai-catalog.json").json()["entries"] == []
        missing = get(farm, f"/{NAMES[0]}/mcp/server-card")
        assert missing.status_code == 404
        assert "There is no card" in missing.json()["error"]["message"]
        assert farm.http.post("/.well-known/ai-catalog.json").status_code == 405


def test_every_environment_of_the_registry_is_served() -> None:
    assert sorted(discover()) == sorted(NAMES)
