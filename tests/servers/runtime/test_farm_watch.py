"""What a farm tells those who run it: meters, a log of requests, spans, a description of itself; and what it bounds."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import fastmcp
import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from servers.runtime import Environment
from servers.runtime.farm import Limits, Options, create_app
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.wire import check_depth
from tests.servers.runtime.conftest import MODERN, TOKEN, RunningFarm, rpc_request, serve

BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def watched(library: Environment, log: io.StringIO) -> Iterator[RunningFarm]:
    """A farm of its own, which logs."""
    yield from serve(create_app({"library": lambda: library}, token=TOKEN, options=Options(access_log=log)))


def figures(farm: RunningFarm) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    """Give all samples at /metrics by name and labels."""
    text = farm.http.get("/metrics").text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def figure(farm: RunningFarm, name: str, **labels: str) -> float:
    return figures(farm)[name, frozenset(labels.items())]


# Meters


def test_calls_are_counted_whichever_way_they_take(watched: RunningFarm) -> None:
    path = f"/episodes/{watched.open()['agent']}/library/mcp"
    for era in (MODERN, "2025-11-25", "2025-03-26"):
        watched.call(path, "get_book", era, book_id="B0000")
        watched.call(path, "get_book", era, book_id=7)
        watched.call(path, "search_books", era)
    calls = "envfactory_calls_total"
    assert figure(watched, calls, environment="library", tool="get_book", outcome="not_found") == 3
    assert figure(watched, calls, environment="library", tool="get_book", outcome="error") == 3
    assert figure(watched, calls, environment="library", tool="search_books", outcome="result") == 3
    assert figure(watched, "envfactory_call_seconds_count", environment="library") == 9
    assert figure(watched, "envfactory_call_seconds_bucket", environment="library", le="+Inf") == 9
    assert figure(watched, "envfactory_call_seconds_sum", environment="library") > 0
    assert figure(watched, "envfactory_requests_total", route="mcp", status="200") == 9


def test_the_control_plane_is_timed(watched: RunningFarm) -> None:
    watched.open()
    assert watched.control("state", {"episode": "none"}).status_code == 404
    assert figure(watched, "envfactory_control_seconds_count", function="open", outcome="result") == 1
    assert figure(watched, "envfactory_control_seconds_count", function="state", outcome="unknown_episode") == 1
    assert figure(watched, "envfactory_requests_total", route="control", status="404") == 1


def test_episodes_are_counted_by_where_they_are(watched: RunningFarm) -> None:
    opened = watched.open()
    assert figure(watched, "envfactory_episodes", place="warm") == 1
    assert figure(watched, "envfactory_episode_bytes") > 100_000
    watched.ask("close", episode=opened["episode"])
    assert figure(watched, "envfactory_episodes", place="warm") == 0
    assert figure(watched, "envfactory_episode_bytes") == 0
    assert figure(watched, "envfactory_episodes_opened_total") == 1
    assert figure(watched, "process_resident_memory_bytes") > 1_000_000


def test_meters_are_shown_to_allowed_hosts(watched: RunningFarm) -> None:
    assert watched.http.get("/metrics", headers={"host": "evil.example"}).status_code == 421
    assert watched.http.post("/metrics").status_code == 405


# The log


def test_each_request_is_a_line_without_its_handle(watched: RunningFarm, log: io.StringIO) -> None:
    opened = watched.open()
    watched.call(f"/episodes/{opened['agent']}/library/mcp", "get_book", book_id="B0000")
    watched.rpc(f"/episodes/{opened['agent']}/mcp", "tools/list", {})
    watched.http.get("/healthz")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    shown = [(line["method"], line["path"], line["route"], line["status"]) for line in lines]
    assert shown == [
        ("POST", "/farm/open", "control", 200),
        ("POST", "/episodes/…/library/mcp", "mcp", 200),
        ("POST", "/episodes/…/mcp", "mcp", 200),
        ("GET", "/healthz", "healthz", 200),
    ]
    called = lines[1]
    assert (called["environment"], called["tool"], called["outcome"]) == ("library", "get_book", "not_found")
    assert called["episode"] == opened["episode"]
    assert called["client"] == "127.0.0.1"
    assert called["bytes"] > 100
    assert called["ms"] > 0
    assert opened["agent"] not in log.getvalue()


# Spans


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


def told(span: ReadableSpan) -> dict[str, Any]:
    """Give what a span says, without what is drawn anew for each."""
    attributes = {name: value for name, value in (span.attributes or {}).items() if name != "mcp.session.id"}
    assert span.parent is not None
    assert span.context is not None
    return {
        "name": span.name,
        "kind": span.kind,
        "attributes": attributes,
        "has session": "mcp.session.id" in (span.attributes or {}),
        "status": (span.status.status_code, span.status.description),
        "events": [event.name for event in span.events],
        "trace": span.context.trace_id,
        "parent": span.parent.span_id,
        "by": span.instrumentation_scope and span.instrumentation_scope.name,
    }


@pytest.mark.parametrize("era", ["2025-06-18", "2025-11-25", MODERN])
@pytest.mark.parametrize("route", ["environment", "episode", "sandbox"])
@pytest.mark.parametrize("book", ["B0000", "7"])
def test_a_call_on_the_hot_path_is_traced_as_by_fastmcp(
    library: Environment, spans: InMemorySpanExporter, era: str, route: str, book: str
) -> None:
    found = [_traced(library, spans, hot=hot, era=era, route=route, book=book) for hot in (True, False)]
    assert found[0] == found[1]
    assert found[0]["parent"] == 0xB7AD6B7169203331


@pytest.mark.parametrize("mode", ["off", "propagation_only"])
def test_who_wants_no_spans_gets_none(
    library: Environment, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(fastmcp.settings, "telemetry_mode", mode)
    asyncio.run(_call(library, hot=True, era=MODERN, route="environment", book="B0000"))
    assert spans.get_finished_spans() == ()


def _traced(library: Environment, spans: InMemorySpanExporter, **how: Any) -> dict[str, Any]:
    asyncio.run(_call(library, **how))
    [span] = [span for span in spans.get_finished_spans() if span.name.startswith("tools/call")]
    spans.clear()
    return told(span)


async def _call(library: Environment, *, hot: bool, era: str, route: str, book: str) -> None:
    app = create_app({"library": lambda: library}, token=TOKEN, options=Options(hot=hot))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        opened = (await http.post("/farm/open", json={"environments": ["library"]}, headers=BEARER)).json()
        paths = {
            "environment": f"/episodes/{opened['agent']}/library/mcp",
            "episode": f"/episodes/{opened['agent']}/mcp",
        }
        name = "library_get_book" if route == "episode" else "get_book"
        body, headers = rpc_request("tools/call", {"name": name, "arguments": {"book_id": book}}, era)
        parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        body["params"]["_meta"] = {**body["params"].get("_meta", {}), **parent}
        answer = await http.post(paths.get(route, "/library/mcp"), json=body, headers=headers)
        assert answer.json()["result"]["isError"]
    await app.close()


# The description


def test_the_control_plane_describes_itself(farm: RunningFarm) -> None:
    answer = farm.http.get("/farm/openapi.json")
    document = answer.json()
    assert answer.status_code == 200
    assert document["openapi"] == "3.1.0"
    functions = {path.removeprefix("/farm/") for path in document["paths"]}
    body, headers = rpc_request("tools/list", {})
    listed = farm.http.post("/farm/mcp", json=body, headers=headers | BEARER).json()["result"]["tools"]
    assert functions == {tool["name"] for tool in listed}
    for tool in listed:
        operation = document["paths"][f"/farm/{tool['name']}"]["post"]
        assert operation["requestBody"]["content"]["application/json"]["schema"] == tool["inputSchema"]
        assert operation["summary"] == tool["description"]


def test_what_is_answered_is_as_described(farm: RunningFarm) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = farm.http.get("/farm/openapi.json").json()
    opened = farm.open()
    snapshot = farm.ask("snapshot", episode=opened["episode"])
    path = f"/episodes/{opened['agent']}/library/mcp"
    farm.call(path, "search_books", limit=1)
    farm.call(path, "get_book", book_id="B0000")
    here: dict[str, dict[str, Any]] = {
        "query": {"environment": "library", "sql": "SELECT 1 AS one"},
        "rows": {"environment": "library"},
        "restore": snapshot,
        "forget": snapshot,
        "advance": {"seconds": 1},
    }
    first: dict[str, dict[str, Any]] = {
        "source": {"environment": "library"},
        "open": {"environments": ["library"]},
    }
    functions = [path.removeprefix("/farm/") for path in document["paths"]]
    for function in [*(name for name in functions if name not in ("forget", "close")), "forget", "close"]:
        arguments: dict[str, Any] = {"episode": opened["episode"], **here.get(function, {})}
        if function in ("environments", "source", "open"):
            arguments = first.get(function, {})
        schema = document["paths"][f"/farm/{function}"]["post"]["responses"]["200"]["content"]["application/json"]
        answer = farm.ask(function, **arguments)
        jsonschema.validate(answer, schema["schema"])
        if function == "hold":
            here["undo"] = answer


def test_an_agents_url_leads_to_no_description(farm: RunningFarm) -> None:
    handle = farm.open()["agent"]
    for path in (f"/episodes/{handle}/farm/mcp", f"/episodes/{handle}/farm/state", f"/episodes/{handle}/openapi.json"):
        assert farm.http.post(path, json={}, headers=BEARER).status_code == 404


# Bounds


def test_a_body_may_be_as_deep_as_the_limit(farm: RunningFarm) -> None:
    path = f"/episodes/{farm.open()['agent']}/library/mcp"
    deep = b"[" * 65 + b"]" * 65
    for where in (path, "/farm/open", "/farm/mcp"):
        answer = farm.http.post(where, content=b'{"id": 1, "x": %b}' % deep, headers=BEARER)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "Lists and objects of the body lie more than 64 deep in each other."


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        (b"[[[]]]", 3),
        (b'["[[[[", "]]]]"]', 1),
        (b'["\\"[[[[", {"}": ["\\\\"]}]', 3),
        (b"[],[],[],[]", 1),
    ],
)
def test_brackets_in_texts_do_not_count(body: bytes, depth: int) -> None:
    check_depth(body, depth)
    with pytest.raises(Fault, match="deep in each other"):
        check_depth(body, depth - 1)


def test_no_more_requests_are_taken_than_the_limit(library: Environment) -> None:
    limits = Limits(requests=1)
    app = create_app({"library": lambda: library}, token=TOKEN, options=Options(limits=limits))
    held = asyncio.Event()

    async def visit() -> tuple[int, int, int]:
        async def slow_body() -> Any:
            held.set()
            await release.wait()
            yield b"{}"

        release = asyncio.Event()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
            first = asyncio.create_task(http.post("/farm/environments", content=slow_body(), headers=BEARER))
            await held.wait()
            second = await http.post("/farm/environments", headers=BEARER)
            probe = await http.get("/healthz")
            release.set()
            assert second.headers["retry-after"] == "1"
            return (await first).status_code, second.status_code, probe.status_code

    assert asyncio.run(visit()) == (200, 503, 200)


def test_a_farm_is_ready_while_it_has_room(library: Environment) -> None:
    app = create_app({"library": lambda: library}, token=TOKEN, options=Options(limits=Limits(episodes=1)))

    async def visit() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
            found = [(await http.get("/readyz")).status_code]
            await http.post("/farm/open", json={"environments": ["library"]}, headers=BEARER)
            found.append((await http.get("/readyz")).status_code)
            await app.close()
            found.append((await http.get("/readyz")).status_code)
            return found

    assert asyncio.run(visit()) == [200, 429, 503]
