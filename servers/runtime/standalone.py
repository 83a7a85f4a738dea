"""One environment served alone: over stdio for a client that starts it, or over HTTP; its state in memory or a file."""

from __future__ import annotations

import argparse
import gc
import json
import socket
import sqlite3
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from shutil import copymode
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from fastmcp import FastMCP
from pydantic import TypeAdapter, ValidationError
from starlette.middleware import Middleware

from servers.runtime.contract import Actor
from servers.runtime.database import Database, connect
from servers.runtime.environment import ACTORS, Environment
from servers.runtime.episode import Episode
from servers.runtime.errors import InvalidRequest, ScenarioError, ServerError
from servers.runtime.farm.surface import Trimming, schemas_of, set_schema_lookup
from servers.runtime.state import Rows, digest
from servers.runtime.template import Template
from servers.runtime.world import Size

_ACTORS: Mapping[str, frozenset[Actor]] = {
    "agent": frozenset({"agent"}),
    "user": frozenset({"user"}),
    "both": ACTORS,
}
_ROWS: TypeAdapter[Rows] = TypeAdapter(dict[str, list[dict[str, Any]]])

_EPILOG = """\
examples:
  {prog}                              serve over stdio, as an MCP client starts it
  {prog} --http 127.0.0.1:8000        serve at http://127.0.0.1:8000/mcp
  {prog} --db my.db                   keep the state in my.db; go on from it next time
  {prog} --seed 7 --size medium       another world, and more of it

in the configuration of an MCP client:
  {config}
"""


def run(environment: Environment, argv: Sequence[str] | None = None) -> None:
    """Serve an environment as the command line says, until the client goes or Ctrl+C."""
    gc.freeze()  # what is loaded stays for as long as the server does
    options = _parser(environment).parse_args(argv)
    try:
        server = build_alone(environment, options)
        serving = _over_stdio(server) if options.http is None else _over_http(environment, server, options.http)
    except ServerError as error:
        sys.exit(str(error))
    try:
        anyio.run(serving)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        environment.episode.close()


def _parser(environment: Environment) -> argparse.ArgumentParser:
    module = _started_as(environment)
    prog = f"python -m {module}"
    entry = {"command": "python", "args": ["-m", module]}
    parser = argparse.ArgumentParser(
        prog=prog,
        description=textwrap.fill(
            f"{environment.manifest.title}: {environment.manifest.summary.rstrip('.')}. It is an MCP server with"
            f" {len(environment.tools)} tools over a state of its own, the same for the same seed."
        ),
        epilog=_EPILOG.format(prog=prog, config=json.dumps({"mcpServers": {environment.name: entry}})),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--http", metavar="HOST:PORT", type=_address, help="serve over HTTP instead of stdio")
    parser.add_argument("--db", metavar="FILE", type=Path, help="keep the state in FILE (SQLite); made if absent")
    parser.add_argument("--seed", metavar="N", type=_seed, help="seed of the world (0 unless given)")
    parser.add_argument("--size", choices=("small", "medium", "large"), help="rows in the world (small unless given)")
    parser.add_argument("--scenario", metavar="FILE.json", type=Path, help="start from these rows: {table: [row, ...]}")
    parser.add_argument(
        "--actor", choices=tuple(_ACTORS), default="both", help="whose tools to offer (both unless given)"
    )
    return parser


def _started_as(environment: Environment) -> str:
    """The package that was started, `tool_shed` or `servers.tool_shed`; the latter where it wasn't by `python -m`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    package = str(spec.parent) if spec is not None else ""
    return package if package.rpartition(".")[2] == environment.name else f"servers.{environment.name}"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8000")
    return host.strip("[]") or "127.0.0.1", int(port)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def build_alone(environment: Environment, options: argparse.Namespace) -> FastMCP:
    """Give the server of an environment that runs alone, with its state opened as the options say."""
    environment.local = open_local(environment, options)
    return environment.build_server(_ACTORS[options.actor])


def open_local(environment: Environment, options: argparse.Namespace) -> Episode:
    """Give the episode of a server that runs alone: in memory, or in the file that the options name."""
    path: Path | None = options.db
    if path is not None and _is_begun(path):
        return _continued(environment, path, options)
    seed: int = options.seed or 0
    size: Size = options.size or "small"
    template = _template(environment, options.scenario, seed, size)
    if path is not None and not _begin(template, path):
        return _continued(environment, path, options)
    database = template.database.clone() if path is None else _opened(path)[0]
    return Episode([environment], {environment.name: template}, {environment.name: database}, seed=seed, size=size)


def _template(environment: Environment, scenario: Path | None, seed: int, size: Size) -> Template:
    if scenario is None:
        return environment.template(seed=seed, size=size)
    return environment.scenario_template(_rows(scenario), seed=seed, size=size)


def _rows(scenario: Path) -> Rows:
    try:
        return _ROWS.validate_json(scenario.read_bytes(), strict=True)
    except OSError as error:
        raise ScenarioError(f"{scenario} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        message = f"{scenario} must be JSON of the form {{table: [row, ...]}}: {where}: {problem['msg']}."
        raise ScenarioError(message) from error


def _is_begun(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _begin(template: Template, path: Path) -> bool:
    """Put a starting state into a new or empty file, whole and at once; False if another process was first."""
    if path.exists() and not path.is_file():
        raise InvalidRequest(f"{path} isn't a file; choose one that can be written, or a new name.")
    place = path.resolve()
    try:
        with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder:
            whole = Path(folder) / place.name
            with closing(connect(whole)) as database:
                template.database.backup(database)
            return _placed(whole, place)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error


def _placed(whole: Path, place: Path) -> bool:
    with closing(connect(place)) as empty:
        empty.execute("BEGIN EXCLUSIVE")  # of those who found the file empty, one at a time may take its place
        if _is_begun(place):
            return False
        copymode(place, whole)
        whole.replace(place)
    return True


def _continued(environment: Environment, path: Path, options: argparse.Namespace) -> Episode:
    database, meta = _opened(path)
    if meta["environment"] != environment.name:
        raise InvalidRequest(
            f"{path} holds the state of '{meta['environment']}', not of '{environment.name}'; choose another file."
        )
    if meta["schema"] != digest(environment.schema.encode()):
        raise InvalidRequest(
            f"{path} was made by version {meta['version']}, whose tables differ from those of version"
            f" {environment.manifest.version}; start a new file."
        )
    if options.scenario is not None:
        raise InvalidRequest(f"{path} has a state already, so --scenario can't begin one there; choose a new file.")
    for name, given in {"seed": options.seed, "size": options.size}.items():
        if given is not None and str(given) != meta[name]:
            raise InvalidRequest(
                f"{path} was made with --{name} {meta[name]}; leave --{name} out, or start a new file."
            )
    size: Size = meta["size"]
    return Episode([environment], {}, {environment.name: database}, seed=int(meta["seed"]), size=size)


def _opened(path: Path) -> tuple[Database, dict[str, Any]]:
    """Give the database in a file, and what it says of the state that it holds."""
    try:
        database = connect(path)
        meta = dict(database.execute("SELECT name, value FROM ef_meta").fetchall())
        database.execute("BEGIN IMMEDIATE")  # whoever can't write here should know it before the first call
        database.rollback()
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    for fact in ("environment", "version", "schema", "seed", "size"):
        if fact not in meta:
            raise InvalidRequest(f"{path} is not the state of an environment (it says no {fact}); choose another file.")
    return database, meta


def _unusable(path: Path, error: sqlite3.Error | OSError) -> InvalidRequest:
    foreign = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
    if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in foreign:
        return InvalidRequest(f"{path} is not the state of an environment ({error}); choose another file.")
    why = error.strerror if isinstance(error, OSError) else error
    return InvalidRequest(
        f"{path} can't be used: {why}; choose a file that can be written and that no other process holds."
    )


def _over_stdio(server: FastMCP) -> partial[Any]:
    return partial(server.run_stdio_async, show_banner=False, log_level="WARNING")


def _over_http(environment: Environment, server: FastMCP, address: tuple[str, int]) -> partial[Any]:
    listening = listen(*address)
    host, port = address[0], listening.getsockname()[1]
    set_schema_lookup(server, schemas_of(environment))
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"{environment.manifest.title} is at http://{shown}:{port}/mcp (Ctrl+C ends it)\n")
    return partial(
        server.run_http_async,
        show_banner=False,
        host=host,
        port=port,
        path="/mcp",
        log_level="WARNING",
        json_response=True,
        stateless_http=True,
        host_origin_protection="auto",
        middleware=[Middleware(Trimming)],
        sockets=[listening],
    )


def listen(host: str, port: int) -> socket.socket:
    """Give a listening socket, or raise `InvalidRequest` with a sentence that says why there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(4096)
    except OSError as error:
        listening.close()
        raise InvalidRequest(
            f"Can't listen on {host}:{port}: {error.strerror or error}; choose another address or port."
        ) from error
    return listening
