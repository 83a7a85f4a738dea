"""The hot path: whatever is asked, and however, it answers as FastMCP does or leaves the answer to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from servers.runtime.farm.hot import HotCall
from tests.servers.runtime.conftest import MODERN, RunningFarm

PREFIX = "io.modelcontextprotocol/"
CLIENT = {"name": "test", "version": "0"}
Route = Literal["environment", "episode", "sandbox"]
Header = tuple[str, str | bytes]
JUNE, NOVEMBER = "2025-06-18", "2025-11-25"
ERAS = (JUNE, NOVEMBER, MODERN)
LEFT_OUT: Any = object()


@dataclass(frozen=True)
class Shape:
    """A request: that of a plain client of an era, and what differs from it."""

    name: str
    era: str = MODERN
    tool: Any = "get_book"
    arguments: Any = field(default_factory=lambda: {"book_id": "BOOK"})
    hot: bool = True
    """Whether it is plain enough for the hot path."""
    route: Route = "environment"
    method: str = "POST"
    meta: Any = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    twice: tuple[Header, ...] = ()
    body: bytes | None = None

    def __str__(self) -> str:
        return f"{self.name} [{self.era}{'' if self.route == 'environment' else ' ' + self.route}]"

    @property
    def named(self) -> Any:
        """The tool's name at the route."""
        return f"library_{self.tool}" if self.route == "episode" else self.tool

    def lines(self) -> list[Header]:
        """Give the header lines, in order."""
        headers: dict[str, Any] = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": self.era,
        }
        if self.era == MODERN:
            headers |= {"mcp-method": "tools/call", "mcp-name": str(self.named)}
        headers |= self.headers
        return [*((name, value) for name, value in headers.items() if value is not LEFT_OUT), *self.twice]

    def content(self, known: Mapping[str, str]) -> bytes:
        """Give the body, in which BOOK and MEMBER stand for ids that there are."""
        if self.body is not None:
            return self.body
        meta: Any = {}
        if self.era == MODERN:
            meta = {
                f"{PREFIX}protocolVersion": MODERN,
                f"{PREFIX}clientCapabilities": {},
                f"{PREFIX}clientInfo": CLIENT,
            }
        meta = without(meta | self.meta) if isinstance(self.meta, dict) else self.meta
        params = {"name": self.named, "arguments": self.arguments} | ({"_meta": meta} if meta != {} else {})
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": without(params | dict(self.params))}
        text = json.dumps(without(message | dict(self.message)))
        for word, value in known.items():
            text = text.replace(f'"{word}"', f'"{value}"')
        return text.encode()


def without(entries: dict[str, Any]) -> dict[str, Any]:
    """Give the entries that were not left out."""
    return {name: value for name, value in entries.items() if value is not LEFT_OUT}


def of_every_era() -> Iterator[Shape]:
    """Give the requests that make sense in each era."""
    for era in ERAS:
        deep: Any = "x"
        for _ in range(40):
            deep = [deep]
        for arguments, name in (
            ({"book_id": "BOOK"}, "a read"),
            ({"book_id": "B0000"}, "a refusal"),
            ({"book_id": "B1"}, "a text of the wrong form"),
            ({"book_id": 7}, "a number for a text"),
            ({"book_id": None}, "null for a text"),
            ({"book_id": True}, "a truth for a text"),
            ({"book_id": 2**80}, "a big number for a text"),
            ({"book_id": 1e308}, "a big fraction for a text"),
            ({"book_id": ["BOOK"]}, "a list for a text"),
            ({"book_id": {"BOOK": 1}}, "an object for a text"),
            ({"book_id": deep}, "a deep list for a text"),
            ({"book_id": "é\u2028☃\U0001f600"}, "letters beyond ASCII"),
            ({"book_id": "\x00"}, "a NUL"),
            ({"book_id": "x" * 5000}, "a long text"),
            ({"book_id": "BOOK", "colour": "red"}, "an unknown argument"),
            ({"book_id": "BOOK", "": 1}, "an argument without a name"),
            ({}, "no arguments where one is needed"),
        ):
            yield Shape(name, era, arguments=arguments)
        for arguments, name in (
            ({}, "a search for everything"),
            ({"title": None, "genre": None}, "nulls that are allowed"),
            ({"title": "é", "limit": 50}, "a search in French"),
            ({"genre": "poetry"}, "an enumeration"),
            ({"genre": "Poetry"}, "an enumeration in the wrong case"),
            ({"limit": 0}, "a number that is too small"),
            ({"limit": 51}, "a number that is too large"),
            ({"limit": 10.0}, "a whole fraction for a number"),
            ({"limit": 1.5}, "a fraction for a number"),
            ({"limit": "10"}, "a text for a number"),
            ({"limit": True}, "a truth for a number"),
            ({"limit": 2**63}, "a number beyond 64 bits"),
            ({"limit": -(10**30)}, "a big negative number"),
            ({"title": "%"}, "a letter that the pattern forbids"),
        ):
            yield Shape(name, era, "search_books", arguments)
        yield Shape("a truth", era, "list_loans", {"member_id": "MEMBER", "returned": True})
        yield Shape("a text for a truth", era, "list_loans", {"member_id": "MEMBER", "returned": "yes"})
        yield Shape("a write", era, "borrow_book", {"book_id": "BOOK", "member_id": "MEMBER"})
        yield Shape("a write that lacks an argument", era, "borrow_book", {"book_id": "BOOK"})
        yield Shape("an unknown tool", era, "get_bok")
        yield Shape("a tool without a name", era, "")
        yield Shape("a tool of the other actor", era, "pay_fine", {"member_id": "MEMBER", "amount_cents": 1})
        yield Shape("a tool that is a number", era, 7, hot=False, headers={"mcp-name": "7"} if era == MODERN else {})
        yield from of_messages(era)
        yield from of_headers(era)
        yield from of_bodies(era)


def of_messages(era: str) -> Iterator[Shape]:
    """Give requests whose messages are odd."""
    for number, name in (
        (0, "zero"),
        (-1, "negative"),
        (2**53 + 1, "beyond a double"),
        (2**70, "beyond 64 bits"),
        ("", "empty"),
        ("é\U0001f600", "beyond ASCII"),
    ):
        yield Shape(f"an id that is {name}", era, message={"id": number})
    odd: tuple[tuple[Any, str], ...] = ((1.5, "a fraction"), (None, "null"), (True, "a truth"), ([1], "a list"))
    for id_, name in odd:
        yield Shape(f"an id that is {name}", era, hot=False, message={"id": id_})
    yield Shape("a notification", era, hot=False, message={"id": LEFT_OUT})
    yield Shape("no version of JSON-RPC", era, hot=False, message={"jsonrpc": LEFT_OUT})
    yield Shape("another version of JSON-RPC", era, hot=False, message={"jsonrpc": "1.0"})
    yield Shape("a member too many", era, hot=False, message={"extra": 1})
    yield Shape("no method", era, hot=False, message={"method": LEFT_OUT})
    yield Shape("another method", era, hot=False, message={"method": "tools/list"})
    yield Shape("an unknown method", era, hot=False, message={"method": "tools/calls"})
    yield Shape("no params", era, hot=False, message={"params": LEFT_OUT})
    yield Shape("params in a list", era, hot=False, message={"params": ["get_book"]})
    yield Shape("no name", era, hot=False, params={"name": LEFT_OUT})
    yield Shape("no arguments", era, params={"arguments": LEFT_OUT})
    yield Shape("no arguments for a search", era, "search_books", params={"arguments": LEFT_OUT})
    yield Shape("null for arguments", era, hot=False, params={"arguments": None})
    yield Shape("a list for arguments", era, hot=False, params={"arguments": []})
    yield Shape("a text for arguments", era, hot=False, params={"arguments": "{}"})
    yield Shape("a param too many", era, hot=False, params={"task": {"ttl": 1000}})
    yield Shape("a progress token", era, meta={"progressToken": 7})
    yield Shape("a progress token that is a text", era, meta={"progressToken": "seven"})
    yield Shape("a progress token that is a list", era, hot=False, meta={"progressToken": [7]})
    yield Shape("a trace", era, meta={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=y"})
    yield Shape("a trace that is none", era, meta={"traceparent": "nonsense"})
    yield Shape("a trace that is a number", era, hot=False, meta={"traceparent": 7})
    yield Shape("another entry beside", era, hot=False, meta={"example.com/x": {"y": [1]}})
    yield Shape("a version of the tool", era, hot=False, meta={"fastmcp": {"version": "9"}})
    yield Shape("a list beside", era, hot=False, meta=[1])


def of_headers(era: str) -> Iterator[Shape]:
    """Give requests with odd headers."""
    for accept, hot in (
        ("application/json", True),
        ("text/event-stream, application/json", True),
        ("APPLICATION/JSON", True),
        ("*/*", True),
        ("application/json;q=0.9, */*", True),
        ("application/json; q=1", False),
        ("application/*", False),
        ("text/event-stream", False),
        ("text/html", False),
        ("", False),
        (LEFT_OUT, False),
    ):
        shown = "no accept" if accept is LEFT_OUT else f"accept {accept!r}"
        yield Shape(shown, era, hot=hot, headers={"accept": accept})
    for kind, hot in (
        ("application/json; charset=utf-8", True),
        ("Application/JSON", False),
        ("application/json-rpc", False),
        ("text/plain", False),
        (LEFT_OUT, False),
    ):
        shown = "no content type" if kind is LEFT_OUT else f"content type {kind}"
        yield Shape(shown, era, hot=hot, headers={"content-type": kind})
    yield Shape("a session", era, headers={"mcp-session-id": "abc"})
    yield Shape("a header for a parameter", era, headers={"mcp-param-book": "B0001"})
    yield Shape("a header beyond ASCII", era, headers={"x-note": "é".encode()})
    yield Shape("a header of another method", era, hot=era != MODERN, headers={"mcp-method": "tools/list"})
    yield Shape("a header of another tool", era, hot=era != MODERN, headers={"mcp-name": "search_books"})
    yield Shape("a header twice", era, hot=False, twice=(("x-note", "1"), ("x-note", "2")))
    yield Shape("accept twice", era, hot=False, twice=(("accept", "text/html"),))
    yield Shape("content type twice", era, hot=False, twice=(("content-type", "text/plain"),))
    yield Shape("the version twice", era, hot=False, twice=(("mcp-protocol-version", era),))
    yield Shape("two versions", era, hot=False, twice=(("mcp-protocol-version", "2025-03-26"),))
    yield Shape("the session twice", era, hot=False, twice=(("mcp-session-id", "a"), ("mcp-session-id", "b")))
    yield Shape("a GET", era, hot=False, method="GET", body=b"")
    yield Shape("a DELETE", era, hot=False, method="DELETE", body=b"")
    yield Shape("a PUT", era, hot=False, method="PUT")


def of_bodies(era: str) -> Iterator[Shape]:
    """Give requests whose bodies are odd from the outside."""
    plain = Shape("", era, "search_books", {}).content({})
    for body, name in (
        (b"", "no body"),
        (b"{", "half a body"),
        (b"null", "null"),
        (b"7", "a number"),
        (b"[]", "an empty batch"),
        (b"[" + plain + b"]", "a batch"),
        (b"[" + plain + b"," + plain + b"]", "a batch of two"),
        (plain + b"x", "something after the body"),
        (b"\xef\xbb\xbf" + plain, "a byte order mark"),
        (plain.decode().encode("utf-16"), "UTF-16"),
        (plain.replace(b"{}", b'{"title": "\\ud800"}', 1), "half a letter"),
        (plain.replace(b"{}", b'{"title": "\xff"}', 1), "no UTF-8"),
        (plain.replace(b"{}", b'{"limit": NaN}', 1), "no number"),
        (plain.replace(b"{}", b'{"limit": Infinity}', 1), "an infinite number"),
        (plain.replace(b"{}", b'{"limit": 1' + b"0" * 5000 + b"}", 1), "a number of 5,001 digits"),
        (plain.replace(b"{}", b'{"limit": ' + b"[" * 300 + b"]" * 300 + b"}", 1), "300 lists in each other"),
        (plain.replace(b"{}", b'{"limit": 01}', 1), "a number that begins with zero"),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', "an answer"),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}', "an error"),
    ):
        named = {"mcp-name": "search_books"} if era == MODERN else {}
        yield Shape(f"{name} for a body", era, hot=False, body=body, headers=named)
    named = {"mcp-name": "search_books"} if era == MODERN else {}
    for body, name in (
        (b" \r\n\t" + plain + b"\n", "blanks around"),
        (plain.replace(b"{}", b'{"limit": 3, "limit": 2}', 1), "an argument twice"),
        (plain.replace(b'"id"', b'"id": 9, "id"', 1), "an id twice"),
        (plain.replace(b"{}", b'{"limit": -0}', 1), "minus zero"),
        (plain.replace(b"{}", b'{"limit": 1E1}', 1), "ten as a power"),
        (plain.replace(b"{}", b'{"limit": 0.1e-400}', 1), "next to nothing"),
        (plain.replace(b"{}", b'{"title": "\\u00e9\\ud83d\\ude00"}', 1), "escaped letters"),
    ):
        yield Shape(name, era, hot=True, body=body, headers=named)


def of_today() -> Iterator[Shape]:
    """Give what only the era of today has: that each request says who asks, and repeats itself in headers."""
    version, capabilities, info = (
        f"{PREFIX}{name}" for name in ("protocolVersion", "clientCapabilities", "clientInfo")
    )
    for name, meta, hot in (
        ("no client", {info: LEFT_OUT}, True),
        ("a client with a title", {info: CLIENT | {"title": "T", "websiteUrl": "https://example.com"}}, True),
        ("a client without a version", {info: {"name": "x"}}, False),
        ("a client that is null", {info: None}, True),
        ("a client that is a text", {info: "me"}, False),
        ("no version", {version: LEFT_OUT}, False),
        ("another version beside", {version: NOVEMBER}, False),
        ("a version that is a number", {version: 7}, False),
        ("no capabilities", {capabilities: LEFT_OUT}, False),
        ("capabilities that are null", {capabilities: None}, False),
        ("capabilities", {capabilities: {"sampling": {}, "elicitation": {"form": {}}, "roots": {}}}, True),
        ("experimental capabilities", {capabilities: {"experimental": {"x": {"y": 1}}}}, True),
        (
            "extensions",
            {capabilities: {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html"]}}}},
            True,
        ),
        ("capabilities in a list", {capabilities: []}, False),
        ("a level for the log", {f"{PREFIX}logLevel": "debug"}, False),
    ):
        yield Shape(name, hot=hot, meta=meta)
    yield Shape("nothing beside", hot=False, params={"_meta": LEFT_OUT})
    yield Shape("null beside", hot=False, params={"_meta": None})
    for name, headers in (
        ("no header of the method", {"mcp-method": LEFT_OUT}),
        ("no header of the tool", {"mcp-name": LEFT_OUT}),
        ("the tool in base64", {"mcp-name": "=?base64?Z2V0X2Jvb2s=?="}),
        ("the tool in broken base64", {"mcp-name": "=?base64?Z2V?="}),
        ("no header of the version", {"mcp-protocol-version": LEFT_OUT}),
        ("a header of an unknown version", {"mcp-protocol-version": "2099-01-01"}),
        ("a header of an older version", {"mcp-protocol-version": NOVEMBER}),
        ("a header of no version", {"mcp-protocol-version": ""}),
    ):
        yield Shape(name, hot=False, headers=headers)
    yield Shape("the method twice", hot=False, twice=(("mcp-method", "tools/call"),))
    yield Shape("the tool twice", hot=False, twice=(("mcp-name", "search_books"),))


def of_before() -> Iterator[Shape]:
    """Give what only earlier eras have."""
    for era in (JUNE, NOVEMBER):
        yield Shape("null beside", era, hot=False, params={"_meta": None})
        yield Shape("the version of today beside", era, hot=False, meta={f"{PREFIX}protocolVersion": MODERN})
        yield Shape("a header of today's version", era, hot=False, headers={"mcp-protocol-version": MODERN})
    for older in ("2024-11-05", "2025-03-26"):
        yield Shape("a read", older, hot=False)
        yield Shape("a refusal", older, arguments={"book_id": "B0000"}, hot=False)
    yield Shape("no header of a version", NOVEMBER, hot=False, headers={"mcp-protocol-version": LEFT_OUT})


def of_other_routes() -> Iterator[Shape]:
    """Give requests to whole episodes and to sandboxes."""
    for era in ERAS:
        yield Shape("a read", era, route="episode")
        yield Shape("a refusal", era, arguments={"book_id": "B0000"}, route="episode")
        yield Shape("a bad argument", era, arguments={"book_id": 7}, route="episode")
        yield Shape("a write", era, "borrow_book", {"book_id": "BOOK", "member_id": "MEMBER"}, route="episode")
        yield Shape("an unknown tool", era, "get_bok", route="episode")
        yield Shape("a tool of the other actor", era, "pay_fine", {}, route="episode")
        yield Shape("a refusal", era, arguments={"book_id": "B0000"}, route="sandbox")
        yield Shape("a bad argument", era, arguments={"book_id": 7}, route="sandbox")
        yield Shape("a tool of the user", era, "pay_fine", {"member_id": "M0000", "amount_cents": 1}, route="sandbox")


SHAPES = (*of_every_era(), *of_today(), *of_before(), *of_other_routes())


def answer(farm: RunningFarm, shape: Shape) -> tuple[int, dict[str, str], Any]:
    """Give status, headers and body of the answer on a fresh episode."""
    opened = farm.open(seed=3)
    sql = "SELECT (SELECT max(book_id) FROM shelf WHERE available = 1), (SELECT min(member_id) FROM members)"
    [book, member] = farm.ask("query", episode=opened["episode"], environment="library", sql=sql)["rows"][0]
    path = {"environment": f"/episodes/{opened['agent']}/library/mcp", "episode": f"/episodes/{opened['agent']}/mcp"}
    connection = http.client.HTTPConnection(farm.url.removeprefix("http://"), timeout=30)
    connection.putrequest(shape.method, path.get(shape.route, "/library/mcp"), skip_accept_encoding=True)
    content = shape.content({"BOOK": book, "MEMBER": member})
    for name, value in (*shape.lines(), ("content-length", str(len(content)))):
        connection.putheader(name, value)
    connection.endheaders(content)
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders() if name.lower() != "date"}
    body = response.read()
    connection.close()
    farm.ask("close", episode=opened["episode"])
    headers.pop("content-length", None)  # it tells the order of keys and blanks, not what is said
    return response.status, headers, json.loads(body) if "json" in headers.get("content-type", "") and body else body


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_answers_as_fastmcp_does(farm: RunningFarm, slow_farm: RunningFarm, shape: Shape) -> None:
    assert answer(farm, shape) == answer(slow_farm, shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_takes_what_is_plain_and_leaves_the_rest(shape: Shape) -> None:
    headers = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in shape.lines()]
    call = HotCall.of({"method": shape.method, "headers": headers}, shape.content({}))
    assert (call is not None) is shape.hot


def test_no_shape_is_there_twice() -> None:
    assert len({str(shape) for shape in SHAPES}) == len(SHAPES) >= 100


def test_what_it_takes_covers_every_kind_of_answer(farm: RunningFarm) -> None:
    taken = [answer(farm, shape)[2]["result"] for shape in SHAPES if shape.hot and shape.era == MODERN]
    texts = [result["content"][0]["text"] for result in taken]
    assert {result["isError"] for result in taken} == {True, False}
    for beginning in ("not_found: ", "Invalid arguments for ", "Unknown tool: "):
        assert any(text.startswith(beginning) for text in texts), beginning
