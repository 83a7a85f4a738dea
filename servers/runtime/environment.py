"""An environment: one folder whose tools share a state, served as one MCP server."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar, overload
from weakref import WeakValueDictionary

from fastmcp import FastMCP
from fastmcp.prompts import Prompt
from pydantic import BaseModel

from servers.runtime.contract import (
    Actor,
    Columns,
    FieldContract,
    Kind,
    ToolContract,
    check_columns,
    parameter_contracts,
    result_contracts,
)
from servers.runtime.current import current_episode
from servers.runtime.database import Database, connect
from servers.runtime.episode import Episode
from servers.runtime.errors import DefinitionError, EpisodeError, ServerError
from servers.runtime.filling import Filled
from servers.runtime.manifest import Manifest, read_manifest
from servers.runtime.permutation import IdSpace, id_key
from servers.runtime.resources import resources_of
from servers.runtime.standing import parts_read
from servers.runtime.state import RESERVED_SCHEMA, Row, Rows, Table, columns_by_table, reflect
from servers.runtime.template import Template, build_like, build_template
from servers.runtime.tool import ContractTool, Definition, Outcome, result_model
from servers.runtime.world import Size, World, shared_world

_Body = TypeVar("_Body", bound=Callable[..., BaseModel])

ACTORS: frozenset[Actor] = frozenset({"agent", "user"})
NOT_FOUND = "not_found"
LIST_PAGE = 100
"""How many tools, prompts or resources a page of a list has; some clients read the first page alone."""
LIST_SECONDS = 3600
"""How long a client may keep a list: it never changes while a version is served."""


@dataclass(frozen=True)
class Declaration:
    """What a decorator says of a tool."""

    kind: Kind
    actor: Actor
    refuses: Mapping[str, str]
    changes: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False


class Environment:
    """The tools, schema, scenario and invariants of one folder; made at the top of its server.py."""

    def __init__(self, server_file: str) -> None:
        self.folder = Path(server_file).resolve().parent
        self.tools: dict[str, Definition] = {}
        self.invariants: dict[str, str] = {}
        self._id_patterns: dict[str, str] = {}
        self._templates = lru_cache(maxsize=64)(self._seeded_template)
        self._in_use: WeakValueDictionary[tuple[int, Size], Template] = WeakValueDictionary()
        self._given: dict[tuple[int, Size], Template] = {}
        self._like: Filled | None = None
        """What the last scenario was filled with; the next is often much like it."""
        self.local: Episode | None = None

    # What the folder says

    @cached_property
    def manifest(self) -> Manifest:
        """The environment's manifest."""
        return read_manifest(self.folder / "manifest.toml")

    @cached_property
    def name(self) -> str:
        """The environment's name, which is its folder's."""
        return self.manifest.name

    @cached_property
    def schema(self) -> str:
        """The text of schema.sql."""
        return (self.folder / "schema.sql").read_text(encoding="utf-8")

    def text(self, file: str) -> str | None:
        """The text of an optional file of the folder, such as policy.md or phrases.toml."""
        path = self.folder / file
        return path.read_text(encoding="utf-8") if path.exists() else None

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables of the schema, by name."""
        return reflect(self._empty)

    @cached_property
    def columns(self) -> Columns:
        """The columns of every table and view."""
        return columns_by_table(self._empty)

    @cached_property
    def invariant_parts(self) -> Mapping[str, frozenset[str]]:
        """The tables that each invariant looks at, and their columns, such as "loans.due_on"."""
        with closing(sqlite3.connect(":memory:")) as db:
            db.executescript(RESERVED_SCHEMA + self.schema)
            return {name: parts_read(db, sql, self.tables) for name, sql in self.invariants.items()}

    @cached_property
    def _empty(self) -> Database:
        database = connect()
        database.executescript(RESERVED_SCHEMA + self.schema)
        return database

    # What the tools declare

    @overload
    def reads(self, function: _Body, /) -> _Body: ...
    @overload
    def reads(
        self, *, refuses: Mapping[str, str] | None = None, actor: Actor = "agent"
    ) -> Callable[[_Body], _Body]: ...
    def reads(self, *body: Any, refuses: Mapping[str, str] | None = None, actor: Actor = "agent") -> Any:
        """Register a tool that changes nothing."""

        def register(function: Callable[..., BaseModel]) -> Callable[..., BaseModel]:
            self._define(function, Declaration("reads", actor, refuses or {}))
            return function

        return register(*body) if body else register

    def writes(
        self,
        *,
        changes: Mapping[str, str],
        refuses: Mapping[str, str] | None = None,
        actor: Actor = "agent",
        idempotent: bool = False,
    ) -> Callable[[_Body], _Body]:
        """Register a tool that changes the tables named in `changes`, and nothing else.

        A call that names a row of a table changes no other row of it, unless `changes` says `others` too.
        `refuses` maps each refusal code to SQL that gives a row exactly when that refusal is due; the tool's
        parameters, :now and :today are bound in it.
        """

        def register(body: _Body) -> _Body:
            self._define(body, Declaration("writes", actor, refuses or {}, changes, idempotent))
            return body

        return register

    def invariant(self, name: str, sql: str) -> None:
        """Declare what always holds: `sql` gives the rows that break it; :now and :today are bound."""
        self.invariants[name] = sql
        self.__dict__.pop("invariant_parts", None)

    def _define(self, function: Callable[..., BaseModel], declared: Declaration) -> None:
        name = function.__name__
        parameters = parameter_contracts(function)
        refuses = dict(declared.refuses)
        if missing := _not_found_sql(parameters):
            refuses[NOT_FOUND] = " UNION ALL ".join(sql for sql in (refuses.get(NOT_FOUND), missing) if sql)
        contract = ToolContract(
            kind=declared.kind,
            actor=declared.actor,
            parameters=parameters,
            results=result_contracts(result_model(function), self.columns),
            changes=dict(declared.changes),
            refusals=tuple(sorted(refuses)),
        )
        check_columns(name, contract, self.columns)
        self._learn_id_patterns(contract)
        self.tools[name] = Definition(name, function, contract, refuses, declared.idempotent)

    def _learn_id_patterns(self, contract: ToolContract) -> None:
        for entry in (*contract.parameters.values(), *contract.results.values()):
            if entry.key and entry.pattern:
                known = self._id_patterns.setdefault(entry.key, entry.pattern)
                if known != entry.pattern:
                    raise DefinitionError(f"{entry.key} has two patterns, {known} and {entry.pattern}; keep one.")

    # What a tool's body uses

    @property
    def episode(self) -> Episode:
        """The episode that the running code belongs to: the request's, or the local one of a server that runs alone."""
        episode = current_episode.get(None)
        if episode is not None:
            return episode
        if self.local is None:
            self.local = Episode.open([self])
        return self.local

    @property
    def db(self) -> Database:
        """The database of the current episode."""
        return self.episode.databases[self.name]

    @property
    def now(self) -> str:
        """The episode's clock, such as "2026-03-02T09:00:00Z"."""
        now: str = self.db.execute("SELECT now FROM ef_clock").fetchone()[0]
        return now

    @property
    def today(self) -> str:
        """The date of the episode's clock in UTC."""
        return self.now[:10]

    def new_id(self, column: str) -> str:
        """Give an id that no row of `column` has, from the keyed permutation that the scenario's ids come from."""
        pattern = self._id_patterns.get(column)
        if pattern is None:
            raise DefinitionError(f"No parameter or result declares Key({column!r}), so new ids have no pattern.")
        table, _, name = column.partition(".")
        space = IdSpace.of(pattern)
        episode = self.episode
        database = episode.databases[self.name]
        key = id_key(episode.seed, f"{self.name}/{column}")
        while True:
            candidate = space.nth(key, database.next_count(table))
            taken = database.execute(f"SELECT 1 FROM {table} WHERE {name} = ?", (candidate,)).fetchone()  # noqa: S608
            if taken is None:
                return candidate

    # Starting states

    def populate(self, world: World) -> Rows:
        """Give the rows of the environment's scenario in a world; raises `DefinitionError` when it fails."""
        populate: Callable[[World], Rows] = self._scenario.populate
        try:
            rows = populate(world)
        except ServerError:
            raise
        except Exception as error:  # the environment's own code runs here: whatever it raises is its fault, not ours
            frames = traceback.extract_tb(error.__traceback__)
            place = ([frame for frame in frames if Path(frame.filename).parent == self.folder] or frames)[-1]
            where = f"{place.filename}, line {place.lineno}"
            raise DefinitionError(f"populate(world) fails: {type(error).__name__}: {error} ({where})") from error
        if not isinstance(rows, dict):
            raise DefinitionError(f"populate(world) of {self.name} must give rows by table, not {rows!r:.80}.")
        return rows

    @cached_property
    def _scenario(self) -> Any:
        path = self.folder / "scenario.py"
        spec = importlib.util.spec_from_file_location(f"servers.{self.name}.scenario", path)
        if spec is None or spec.loader is None or not path.exists():
            raise DefinitionError(f"{path} is missing; it must define populate(world).")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # the environment's own code runs here: whatever it raises is its fault, not ours
            raise DefinitionError(f"{path} doesn't load: {type(error).__name__}: {error}") from error
        if not hasattr(module, "populate"):
            raise DefinitionError(f"{path} doesn't define populate(world).")
        return module

    def template(self, *, seed: int, size: Size) -> Template:
        """Give the starting state for a seed and size; built once."""
        return self._templates(seed, size)

    def _seeded_template(self, seed: int, size: Size) -> Template:
        template = self._given.pop((seed, size), None) or self._built(shared_world(seed, size))
        self._in_use[seed, size] = template
        return template

    def _built(self, world: World) -> Template:
        return build_template(self, world, self.populate(world))

    def templates(self) -> dict[tuple[int, Size], Template]:
        """Give the starting states by seed and size that are at hand; another process can be given them, pickled."""
        return dict(self._in_use)

    def give(self, templates: Mapping[tuple[int, Size], Template]) -> None:
        """Take starting states that another process of the same environment has built, for those not built here."""
        self._given.update(templates)

    def scenario_template(self, rows: Mapping[str, Sequence[Row]], *, seed: int, size: Size) -> Template:
        """Give a starting state made of the given rows; raises `ScenarioError` when they don't fit."""
        near = self._in_use.get((seed, size))
        template, self._like = build_like(self, shared_world(seed, size), rows, near=near, like=self._like)
        return template

    # Serving

    def call(self, definition: Definition, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool on the current episode, under that episode's lock."""
        try:
            return self.episode.call(self, definition, arguments)
        except EpisodeError as error:  # it was closed while this call was on its way, or may make no more
            return Outcome(str(error))

    def build_server(self, actors: frozenset[Actor] = ACTORS, *, note: str = "") -> FastMCP:
        """Give the MCP server with the tools of these actors; `note` is added to its instructions."""
        server: FastMCP = FastMCP(
            self.name,
            instructions=" ".join(part for part in (self.manifest.instructions, note) if part),
            version=self.manifest.version,
            on_duplicate="error",
            cache_ttl=LIST_SECONDS,
            cache_scope="public",
            list_page_size=LIST_PAGE,
        )
        for definition in self.tools.values():
            if definition.contract.actor in actors:
                server.add_tool(ContractTool.of(definition, self.call))
        policy = self.text("policy.md")
        if policy:
            server.add_prompt(self._policy_prompt(policy))
        for resource in resources_of(self):
            server.add_resource(resource)
        return server

    def _policy_prompt(self, policy: str) -> Prompt:
        def rules() -> str:
            return policy

        return Prompt.from_function(rules, name="policy", description=f"The rules of {self.manifest.title}.")

    @cached_property
    def mcp(self) -> FastMCP:
        """The MCP server with all tools, for running the environment alone."""
        return self.build_server()


def _not_found_sql(parameters: Mapping[str, FieldContract]) -> str:
    """Give the SQL of the refusal that every key brings with it: that no row has it."""
    missing = []
    for parameter, entry in parameters.items():
        if entry.key:
            table, _, name = entry.key.partition(".")
            there = f"SELECT 1 FROM {table} WHERE {name} = :{parameter}"  # noqa: S608
            missing.append(f"SELECT 1 WHERE :{parameter} IS NOT NULL AND NOT EXISTS ({there})")
    return " UNION ALL ".join(missing)
