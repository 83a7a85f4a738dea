"""What every route gives in every era: lists that stay the same and come in pages, resources, and three kinds of no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.runtime import Environment, Record, Refusal, discover
from servers.runtime.farm import combined, create_app
from tests.servers.runtime.conftest import MODERN, TOKEN, RunningFarm, rpc_request, serve

ERAS = ("2025-06-18", "2025-11-25", MODERN)
ROUTES = ("sandbox", "combined", "one environment")
MANIFEST = """
name = "lamp"
title = "Lamp"
domain = "home"
summary = "A lamp."
version = "1.0.0"
licence = "Apache-2.0"
instructions = "Switch it on and off."

[provenance]
made = "by hand"
[[provenance.sources]]
title = "A lamp"
url = "https://example.com/lamp"
version = "2026"
"""
SCENARIO = 'def populate(world):\n    return {"lamps": [{"lamp_id": 1, "lit": 0}]}\n'
SCHEMA = "CREATE TABLE lamps (lamp_id INTEGER PRIMARY KEY, lit INTEGER NOT NULL CHECK (lit IN (0, 1))) STRICT;"


class Lamp(Record, table="lamps"):
    """A lamp."""

    lit: int


def lamp(folder: Path) -> Environment:
    """Give an environment whose tools end in every way."""
    for name, text in {"manifest.toml": MANIFEST, "schema.sql": SCHEMA, "scenario.py": SCENARIO}.items():
        (folder / name).write_text(text, "utf-8")
    env = Environment(str(folder / "server.py"))

    @env.writes(changes={"lamps": "update lit"}, refuses={"lit": "SELECT 1 FROM lamps WHERE lit = 1"})
    def light_lamp(minutes: int) -> Lamp:
        """Light the lamp."""
        if env.db.execute("SELECT lit FROM lamps").fetchone()["lit"]:
            raise Refusal("lit", "The lamp is lit already.")
        env.db.execute("UPDATE lamps SET lit = 1")
        return Lamp(lit=1)

    @env.writes(changes={"lamps": "update lit"})
    def break_lamp() -> Lamp:
        """Have a bug."""
        env.db.execute("UPDATE lamps SET lit = 1 - lit")
        raise ZeroDivisionError

    return env


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    made = lamp(tmp_path_factory.mktemp("lamp"))
    yield from serve(create_app({"lamp": lambda: made}, token=TOKEN))


@pytest.fixture(scope="module")
def whole() -> Iterator[RunningFarm]:
    yield from serve(create_app(token=TOKEN))


def address(farm: RunningFarm, route: str, *environments: str) -> tuple[str, str]:
    """Give a route's path and what its tools' names begin with."""
    name = environments[0]
    if route == "sandbox":
        return f"/{name}/mcp", ""
    handle = farm.ask("open", environments=list(environments))["agent"]
    return (f"/episodes/{handle}/mcp", f"{name}_") if route == "combined" else (f"/episodes/{handle}/{name}/mcp", "")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_refusal_a_bad_argument_and_a_bug_are_told_apart(lamps: RunningFarm, route: str, era: str) -> None:
    path, prefix = address(lamps, route, "lamp")
    lamps.call(path, f"{prefix}light_lamp", era, minutes=1)
    refused = lamps.call(path, f"{prefix}light_lamp", era, minutes=1)
    wrong = lamps.call(path, f"{prefix}light_lamp", era, minutes="one")
    bug = lamps.call(path, f"{prefix}break_lamp", era)
    assert all(result["isError"] and "structuredContent" not in result for result in (refused, wrong, bug))
    assert refused["content"][0]["text"] == "lit: The lamp is lit already."
    assert refused["_meta"]["io.github.envfactory/refusal"] == {"code": "lit"}
    assert wrong["content"][0]["text"].startswith("Invalid arguments for light_lamp: minutes: ")
    assert bug["content"][0]["text"] == "Internal error in break_lamp (ZeroDivisionError); the call left no trace."
    assert not any("io.github.envfactory/refusal" in (result.get("_meta") or {}) for result in (wrong, bug))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("route", ROUTES)
def test_manifest_and_schema_are_resources_and_rows_are_not(whole: RunningFarm, route: str, era: str) -> None:
    path, _ = address(whole, route, "airline", "bank")
    names = ["airline", "bank"] if route == "combined" else ["airline"]
    listed = whole.rpc(path, "resources/list", {}, era).json()["result"]["resources"]
    assert [resource["uri"] for resource in listed] == [
        f"environment://{name}/{part}" for name in names for part in ("manifest", "schema")
    ]
    assert whole.rpc(path, "resources/templates/list", {}, era).json()["result"]["resourceTemplates"] == []
    for resource in listed:
        name, part = resource["uri"].removeprefix("environment://").split("/")
        answer = rpc_of(whole, path, resource["uri"], era)
        [content] = answer["contents"]
        assert content["mimeType"] == resource["mimeType"]
        environment = discover()[name]()
        told = json.loads(content["text"]) if part == "manifest" else content["text"]
        assert told == (environment.manifest.model_dump(mode="json") if part == "manifest" else environment.schema)


def rpc_of(farm: RunningFarm, path: str, uri: str, era: str) -> dict[str, Any]:
    """Read a resource; today's era names it in a header as well."""
    body, headers = rpc_request("resources/read", {"uri": uri}, era)
    if era == MODERN:
        headers["mcp-name"] = uri
    response = farm.http.post(path, json=body, headers=headers)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()["result"]
    return result


def listing(farm: RunningFarm, path: str, era: str) -> tuple[list[dict[str, Any]], int, dict[str, Any]]:
    """Give all tools of a route, how many pages they came in, and the last page."""
    tools: list[dict[str, Any]] = []
    pages, params = 0, dict[str, str]()
    while True:
        page = farm.rpc(path, "tools/list", params, era).json()["result"]
        tools, pages = [*tools, *page["tools"]], pages + 1
        if "nextCursor" not in page:
            return tools, pages, page
        params = {"cursor": page["nextCursor"]}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("route", ROUTES)
def test_the_list_of_tools_is_the_same_each_time_and_in_each_episode(whole: RunningFarm, route: str, era: str) -> None:
    first, pages, _ = listing(whole, address(whole, route, "airline", "bank")[0], era)
    again, _, _ = listing(whole, address(whole, route, "airline", "bank")[0], era)
    modern, _, told = listing(whole, address(whole, route, "airline", "bank")[0], MODERN)
    assert pages == 1
    assert first == again == modern
    assert told["ttlMs"] == 3_600_000
    assert told["cacheScope"] == ("private" if route == "combined" else "public")


@pytest.mark.parametrize("era", ERAS)
def test_a_long_list_comes_in_pages(monkeypatch: pytest.MonkeyPatch, era: str) -> None:
    monkeypatch.setattr(combined, "LIST_PAGE", 7)
    for farm in serve(create_app(token=TOKEN)):
        path, _ = address(farm, "combined", "airline", "bank")
        tools, pages, _ = listing(farm, path, era)
        names = [tool["name"] for tool in tools]
        wanted = {
            f"{name}_{tool}"
            for name in ("airline", "bank")
            for tool, definition in discover()[name]().tools.items()
            if definition.contract.actor == "agent"
        }
        assert len(names) == len(set(names))
        assert set(names) == wanted
        assert pages == -(-len(names) // 7)
        lost = farm.rpc(path, "tools/list", {"cursor": "nonsense"}, era).json()
        assert lost["error"]["code"] == -32602


def test_the_control_planes_list_may_be_kept_by_who_holds_the_token(whole: RunningFarm) -> None:
    body, headers = rpc_request("tools/list", {})
    told = whole.http.post("/farm/mcp", json=body, headers=headers | {"authorization": f"Bearer {TOKEN}"}).json()
    assert (told["result"]["ttlMs"], told["result"]["cacheScope"]) == (3_600_000, "private")
