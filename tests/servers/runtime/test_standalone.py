"""One environment alone: over stdio and HTTP, with its state in memory or in a file."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import fastmcp
import mcp
import pytest
from fastmcp.client.transports import StdioTransport
from mcp.client.stdio import StdioServerParameters, stdio_client

from servers.runtime import discover
from servers.runtime.standalone import build_alone, open_local, run
from servers.runtime.template import Template
from servers.runtime.world import Size
from tests.fixtures.library.server import env
from tests.servers.runtime.conftest import rpc_request

ROOT = Path(__file__).resolve().parents[3]
MODULE = "tests.fixtures.library"
SURROUNDINGS = {**os.environ, "PYTHONPATH": str(ROOT)}
USER_TOOLS = {"pay_fine"}
AGENT_TOOLS = {"search_books", "get_book", "find_member", "list_loans", "borrow_book", "return_book"}

Mode = Literal["auto", "legacy"]


def client(*arguments: str, mode: Mode = "auto", module: str = MODULE) -> fastmcp.Client[StdioTransport]:
    transport = StdioTransport(
        sys.executable, ["-m", module, *arguments], env=SURROUNDINGS, cwd=str(ROOT), keep_alive=False
    )
    return fastmcp.Client(transport, mode=mode)


def command(*arguments: str, module: str = MODULE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=SURROUNDINGS,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def stopped(*arguments: str) -> str:
    """Give the sentence with which the library refuses to start."""
    with pytest.raises(SystemExit) as ended:
        run(env, arguments)
    assert isinstance(ended.value.code, str)
    assert "\n" not in ended.value.code
    return ended.value.code


def talk(*arguments: str, tool: str, mode: Mode = "auto", **values: Any) -> Any:
    """Start a server, call one tool, and give its structured result."""

    async def visit() -> Any:
        async with client(*arguments, mode=mode) as server:
            return (await server.call_tool(tool, values)).structured_content

    return asyncio.run(visit())


@contextmanager
def serving(*arguments: str, module: str) -> Iterator[str]:
    """Give the first line that a server writes to standard error or output, and end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=SURROUNDINGS,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            process.stdout.read()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_it_serves_over_stdio(mode: Mode) -> None:
    async def visit() -> tuple[set[str], Any]:
        async with client(mode=mode) as server:
            names = {tool.name for tool in await server.list_tools()}
            refused = await server.call_tool("get_book", {"book_id": "B0000"}, raise_on_error=False)
            return names, refused

    names, refused = asyncio.run(visit())
    assert names == AGENT_TOOLS | USER_TOOLS
    assert refused.is_error
    assert refused.meta["io.github.envfactory/refusal"] == {"code": "not_found"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_it_serves_the_official_client_over_stdio(mode: Mode) -> None:
    async def visit() -> Any:
        parameters = StdioServerParameters(command=sys.executable, args=["-m", MODULE], env=SURROUNDINGS, cwd=str(ROOT))
        async with mcp.Client(stdio_client(parameters), mode=mode) as server:
            return (await server.call_tool("search_books", {"limit": 1})).structured_content

    assert asyncio.run(visit())["total"] == 64


def test_standard_output_carries_nothing_but_the_protocol() -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_book", "arguments": {"x": 1}}},
    ]
    with subprocess.Popen(
        [sys.executable, "-m", MODULE],
        env=SURROUNDINGS,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
        process.stdin.flush()
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        rest, errors = process.communicate(timeout=30)
    assert [line["id"] for line in lines] == [1, 2]
    assert rest == ""
    assert errors == ""
    assert lines[0]["result"]["protocolVersion"] == "2025-06-18"
    assert lines[1]["result"]["isError"] is True


@pytest.mark.parametrize(("actor", "tools"), [("agent", AGENT_TOOLS), ("user", USER_TOOLS)])
def test_it_offers_the_tools_of_one_actor(actor: str, tools: set[str]) -> None:
    async def visit() -> set[str]:
        async with client("--actor", actor) as server:
            return {tool.name for tool in await server.list_tools()}

    assert asyncio.run(visit()) == tools


def test_blanks_around_a_headers_value_mean_nothing() -> None:
    """Some HTTP parsers leave those at the end; the name of a tool in a header must equal that in the body."""
    body, headers = rpc_request("tools/call", {"name": "search_books", "arguments": {"limit": 1}})
    content = json.dumps(body).encode()
    lines = {**headers, "mcp-name": "  search_books  ", "content-type": "application/json", "host": "127.0.0.1"}
    with serving("--http", "127.0.0.1:0", module=MODULE) as line:
        port = re.search(r":(\d+)/mcp", line)
        assert port is not None
        asked = posted(int(port[1]), lines, content)
    assert asked.startswith(b"HTTP/1.1 200")
    assert b'"total":64' in asked.replace(b" ", b"")


def posted(port: int, headers: dict[str, str], content: bytes) -> bytes:
    """Give the answer to a POST whose headers nobody puts in order on their way."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(f"POST /mcp HTTP/1.1\r\n{head}content-length: {len(content)}\r\n".encode())
        wire.sendall(b"connection: close\r\n\r\n" + content)
        return b"".join(iter(lambda: wire.recv(65536), b""))


def test_it_serves_over_http() -> None:
    async def visit(url: str, mode: Mode) -> Any:
        async with fastmcp.Client(url, mode=mode) as server:
            return (await server.call_tool("search_books", {"limit": 1})).structured_content

    with serving("--http", "127.0.0.1:0", module=MODULE) as told:
        url = re.search(r"http://127\.0\.0\.1:[0-9]+/mcp", told)
        assert url is not None, told
        for mode in ("auto", "legacy"):
            assert asyncio.run(visit(url[0], mode))["total"] == 64


def test_the_same_seed_gives_the_same_world() -> None:
    searches = [talk("--seed", seed, tool="search_books", limit=50) for seed in ("7", "7", "8")]
    assert searches[0] == searches[1] != searches[2]


def test_a_file_keeps_the_state(tmp_path: Path) -> None:
    file = str(tmp_path / "library.db")
    query = (
        "SELECT book_id, member_id FROM shelf, members WHERE available > 1 AND fines_cents = 0 ORDER BY 1, 2 LIMIT 1"
    )
    talk("--db", file, "--seed", "7", tool="search_books")
    with sqlite3.connect(file) as database:
        book_id, member_id = database.execute(query).fetchone()
    database.close()
    lent = talk("--db", file, tool="borrow_book", book_id=book_id, member_id=member_id)
    again = talk("--db", file, "--seed", "7", tool="borrow_book", book_id=book_id, member_id=member_id)
    assert lent["loan_id"] != again["loan_id"]
    loans = talk("--db", file, tool="list_loans", member_id=member_id)["loans"]
    assert {lent["loan_id"], again["loan_id"]} <= {loan["loan_id"] for loan in loans}


def test_rows_of_ones_own_are_the_start(tmp_path: Path) -> None:
    scenario = tmp_path / "one_book.json"
    book = {"book_id": "B0001", "title": "The One", "genre": "novel", "copies": 2}
    scenario.write_text(json.dumps({"books": [book]}), encoding="utf-8")
    found = talk("--scenario", str(scenario), tool="search_books")
    assert found == {
        "books": [{"book_id": "B0001", "title": "The One", "genre": "novel", "available": 2}],
        "total": 1,
    }


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("{", "must be JSON of the form {table: [row, ...]}: the file: Invalid JSON"),
        ('{"books": {}}', "must be JSON of the form {table: [row, ...]}: books: Input should be a valid array"),
        ('{"shelves": []}', "library has no table 'shelves'; its tables are books, loans, members."),
        ('{"books": [{"book_id": "B0001", "pages": 1}]}', "books row 1 has the unknown column 'pages'"),
        ('{"books": [{"book_id": []}]}', "books row 1: book_id must be text, a number or null, not []."),
        (
            '{"books": [{"book_id": "B0001", "title": "A", "genre": "novel", "copies": "many"}]}',
            "books row 1 does not fit the schema: cannot store TEXT value in INTEGER column books.copies.",
        ),
        (
            '{"loans": [{"loan_id": "L000001", "book_id": "B1", "member_id": "M1", "due_on": "2026-01-01"}]}',
            "A row of loans refers to a row of ",
        ),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path: Path, rows: str, problem: str) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text(rows, encoding="utf-8")
    assert problem in stopped("--scenario", str(scenario))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which a library keeps its state."""
    file = tmp_path_factory.mktemp("kept") / "library.db"
    talk("--db", str(file), tool="search_books")
    return file


def change(file: Path, name: str, value: str) -> None:
    database = sqlite3.connect(file)
    database.execute("UPDATE ef_meta SET value = ? WHERE name = ?", (value, name))
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("spoilt", "options", "problem"),
    [
        (("environment", "bank"), (), "holds the state of 'bank', not of 'library'; choose another file."),
        (("schema", "0"), (), "was made by version 0.1.0, whose tables differ from those of version 0.1.0;"),
        (None, ("--seed", "9"), "was made with --seed 0; leave --seed out, or start a new file."),
        (None, ("--size", "large"), "was made with --size small; leave --size out, or start a new file."),
        (None, ("--scenario", "rows.json"), "has a state already, so --scenario can't begin one there;"),
    ],
)
def test_a_file_that_can_not_be_gone_on_from_is_left_alone(
    tmp_path: Path, kept: Path, spoilt: tuple[str, str] | None, options: tuple[str, ...], problem: str
) -> None:
    file = Path(shutil.copy(kept, tmp_path))
    if spoilt is not None:
        change(file, *spoilt)
    before = file.read_bytes()
    assert stopped("--db", str(file), *options).startswith(f"{file} {problem}")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "problem"), [(b"not a database at all" * 200, "file is not a database"), (None, "")]
)
def test_a_foreign_file_is_left_alone(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "foreign.db"
    if content is None:
        database = sqlite3.connect(file)
        database.execute("CREATE TABLE mine (a)")
        database.commit()
        database.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    said = stopped("--db", str(file))
    assert "is not the state of an environment" in said
    assert problem in said
    assert file.read_bytes() == before


def test_a_file_of_another_program_with_a_table_named_alike_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "foreign.db"
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE ef_meta (name, value)")
    database.commit()
    database.close()
    assert "is not the state of an environment (it says no environment" in stopped("--db", str(file))


def test_a_folder_is_not_taken_for_a_file(tmp_path: Path) -> None:
    assert stopped("--db", str(tmp_path)).startswith(f"{tmp_path} can't be used: unable to open database file;")


@pytest.mark.parametrize("new", [True, False])
def test_a_file_that_another_process_holds_is_not_waited_for_without_end(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, *, new: bool
) -> None:
    monkeypatch.setattr("servers.runtime.database.BUSY_SECONDS", 0.1)
    file = tmp_path / "library.db" if new else Path(shutil.copy(kept, tmp_path))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert stopped("--db", str(file)) == (
        f"{file} can't be used: database is locked; choose a file that can be written and that no other process holds."
    )
    other.close()


def begin_when_about_to_write(monkeypatch: pytest.MonkeyPatch, file: Path, seed: str) -> None:
    """Let another server begin the file once this one has found that nobody did."""
    template = env.template

    def overtaken(*, seed: int, size: Size) -> Template:
        monkeypatch.setattr(env, "template", template)
        open_local(env, options).close()
        return template(seed=seed, size=size)

    options = Namespace(db=file, seed=int(seed), size=None, scenario=None)
    monkeypatch.setattr(env, "template", overtaken)


@pytest.mark.parametrize("empty", [True, False])
def test_the_first_of_two_that_begin_one_file_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, empty: bool
) -> None:
    file = tmp_path / "library.db"
    if empty:
        file.touch()
    begin_when_about_to_write(monkeypatch, file, "1")
    assert stopped("--db", str(file), "--seed", "2") == (
        f"{file} was made with --seed 1; leave --seed out, or start a new file."
    )
    assert list(tmp_path.iterdir()) == [file]


def test_the_second_of_two_that_begin_one_file_goes_on_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "library.db"
    begin_when_about_to_write(monkeypatch, file, "1")
    episode = open_local(env, Namespace(db=file, seed=None, size=None, scenario=None))
    assert episode.seed == 1
    episode.close()


def test_servers_that_begin_one_file_at_once_have_one_seed(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    seeds = range(1, 5)
    with ThreadPoolExecutor(len(seeds)) as starters:
        ended = list(starters.map(lambda seed: command("--db", str(file), "--seed", str(seed)), seeds))
    with closing(sqlite3.connect(file)) as database:
        (kept_seed,) = database.execute("SELECT value FROM ef_meta WHERE name = 'seed'").fetchone()
    said = f"{file} was made with --seed {kept_seed}; leave --seed out, or start a new file.\n"
    assert [(end.returncode, end.stderr) for seed, end in zip(seeds, ended, strict=True) if str(seed) != kept_seed] == [
        (1, said)
    ] * (len(seeds) - 1)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("link", [True, False])
def test_an_empty_file_is_begun_in_its_place_with_its_rights(tmp_path: Path, *, link: bool) -> None:
    file, named = tmp_path / "library.db", tmp_path / "link.db"
    file.touch(mode=0o600)
    if link:
        named.symlink_to(file)
    open_local(env, Namespace(db=named if link else file, seed=3, size=None, scenario=None)).close()
    assert open_local(env, Namespace(db=file, seed=None, size=None, scenario=None)).seed == 3
    assert file.stat().st_mode & 0o777 == 0o600
    assert named.is_symlink() is link


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert stopped("--db", str(pipe)) == f"{pipe} isn't a file; choose one that can be written, or a new name."
    assert pipe.is_fifo()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "library.db"
    assert stopped("--db", str(file)).startswith(f"{file} can't be used: No such file or directory; choose a file")


@pytest.mark.parametrize("holds", ["BEGIN; SELECT * FROM ef_meta", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_call_on_a_file_that_another_process_holds_says_so_and_leaves_no_trace(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, holds: str
) -> None:
    monkeypatch.setattr("servers.runtime.database.BUSY_SECONDS", 0.1)
    monkeypatch.setattr(env, "local", None)
    monkeypatch.setattr(env, "tools", env.tools)
    file = Path(shutil.copy(kept, tmp_path))
    server = build_alone(env, Namespace(db=file, seed=None, size=None, scenario=None, actor="both"))
    assert env.local is not None
    book, member = (
        "SELECT book_id FROM shelf WHERE available > 1",
        "SELECT member_id FROM members WHERE fines_cents = 0",
    )
    given = {
        "book_id": env.local.query("library", book, {})[1][0][0],
        "member_id": env.local.query("library", member, {})[1][0][0],
    }

    async def visit(other: sqlite3.Connection) -> list[Any]:
        async with fastmcp.Client(server) as client:
            for statement in holds.split(";"):
                other.execute(statement).fetchone()
            held = await client.call_tool("borrow_book", given, raise_on_error=False)
            wrong = await client.call_tool("borrow_book", {}, raise_on_error=False)
            other.rollback()
            loans = await client.call_tool("list_loans", {"member_id": given["member_id"]})
            return [held, wrong, loans, await client.call_tool("borrow_book", given)]

    with closing(env.local), closing(sqlite3.connect(file, isolation_level=None)) as other:
        start = env.local.rows("library")["loans"]
        held, wrong, loans, lent = asyncio.run(visit(other))
        assert len(env.local.rows("library")["loans"]) == len(start) + 1
    assert held.is_error
    assert held.content[0].text == (
        "borrow_book left no trace. Another process holds the file of this state; try again in a moment."
    )
    assert "io.github.envfactory/refusal" not in (held.meta or {})
    assert wrong.content[0].text.startswith("Invalid arguments for borrow_book")
    assert lent.structured_content["loan_id"] not in str(loans.structured_content)


def test_a_host_that_is_not_known_is_said() -> None:
    assert stopped("--http", "nowhere.invalid:0").startswith("Can't listen on nowhere.invalid:0: ")
    assert "Unknown error" not in stopped("--http", "nowhere.invalid:0")


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = command("--http", address)
    assert ended.returncode == 1
    assert ended.stderr == f"Can't listen on {address}: Address already in use; choose another address or port.\n"


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(env, ["--help"])
    told = capsys.readouterr().out
    assert "Members of a town library find, borrow and return books." in told
    assert '{"mcpServers": {"library": {"command": "python", "args": ["-m", "servers.library"]}}}' in told
    for option in ("--http", "--db", "--seed", "--size", "--scenario", "--actor"):
        assert option in told


def test_fastmcp_run_serves_the_file_itself() -> None:
    async def visit() -> set[str]:
        run = ["-m", "fastmcp.cli", "run", "tests/fixtures/library/server.py", "--no-banner"]
        transport = StdioTransport(sys.executable, run, env=SURROUNDINGS, cwd=str(ROOT), keep_alive=False)
        async with fastmcp.Client(transport) as server:
            found = (await server.call_tool("search_books", {"limit": 1})).structured_content
            assert found is not None
            assert found["total"] == 64
            return {tool.name for tool in await server.list_tools()}

    assert asyncio.run(visit()) == AGENT_TOOLS | USER_TOOLS


@pytest.mark.parametrize("name", sorted(discover()))
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_each_environment_starts_alone(name: str, mode: Mode) -> None:
    async def visit() -> set[str]:
        async with client(module=f"servers.{name}", mode=mode) as server:
            return {tool.name for tool in await server.list_tools()}

    assert asyncio.run(visit()) == set(discover()[name]().tools)
