"""An environment: one folder whose tools share a state, served as one MCP server."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar, overload

from fastmcp import FastMCP
from fastmcp.prompts import Prompt
from pydantic import BaseModel

from servers.runtime.contract import (
    Actor,
    Columns,
    Kind,
    ToolContract,
    check_columns,
    parameter_contracts,
    result_contracts,
)
from servers.runtime.current import current_episode
from servers.runtime.database import Database, connect
from servers.runtime.episode import Episode
from servers.runtime.errors import DefinitionError
from servers.runtime.manifest import Manifest, read_manifest
from servers.runtime.permutation import IdSpace, id_key
from servers.runtime.state import RESERVED_SCHEMA, Row, Rows, Table, columns_by_table, reflect
from servers.runtime.template import Template, build_template
from servers.runtime.tool import ContractTool, Definition, Outcome
from servers.runtime.world import Size, World

_Body = TypeVar("_Body", bound=Callable[..., BaseModel])

ACTORS: frozenset[Actor] = frozenset({"agent", "user"})
NOT_FOUND = "not_found"


class Environment:
    """The tools, schema, scenario and invariants of one folder; made at the top of its server.py."""

    def __init__(self, server_file: str) -> None:
        self.folder = Path(server_file).resolve().parent
        self.tools: dict[str, Definition] = {}
        self.invariants: dict[str, str] = {}
        self._id_patterns: dict[str, str] = {}
        self._templates = lru_cache(maxsize=64)(self._seeded_template)
        self.local: Episode | None = None

    # What the folder says

    @cached_property
    def manifest(self) -> Manifest:
        """The environment's manifest."""
        return read_manifest(self.folder / "manifest.toml")

    @property
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
            self._define(function, kind="reads", actor=actor, refuses=refuses or {})
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

        `refuses` maps each refusal code to SQL that gives a row exactly when that refusal is due; the tool's
        parameters, :now and :today are bound in it.
        """

        def register(body: _Body) -> _Body:
            self._define(body, kind="writes", actor=actor, refuses=refuses or {}, changes=changes, again=idempotent)
            return body

        return register

    def invariant(self, name: str, sql: str) -> None:
        """Declare what always holds: `sql` gives the rows that break it; :now and :today are bound."""
        self.invariants[name] = sql

    def _define(
        self,
        function: Callable[..., BaseModel],
        *,
        kind: Kind,
        actor: Actor,
        refuses: Mapping[str, str],
        changes: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> None:
        name = function.__name__
        parameters = parameter_contracts(function)
        keys = {parameter: field.key for parameter, field in parameters.items() if field.key}
        all_refuses = {**refuses, NOT_FOUND: _not_found_sql(keys)} if keys else dict(refuses)
        definition = Definition(name, function, _bare_contract(kind, actor), all_refuses, again)
        contract = ToolContract(
            kind=kind,
            actor=actor,
            parameters=parameters,
            results=result_contracts(definition.result, self.columns),
            changes=dict(changes or {}),
            refusals=tuple(sorted(all_refuses)),
        )
        check_columns(name, contract, self.columns)
        self._learn_id_patterns(contract)
        self.tools[name] = Definition(name, function, contract, all_refuses, again)

    def _learn_id_patterns(self, contract: ToolContract) -> None:
        for field in (*contract.parameters.values(), *contract.results.values()):
            if field.key and field.pattern:
                known = self._id_patterns.setdefault(field.key, field.pattern)
                if known != field.pattern:
                    raise DefinitionError(f"{field.key} has two patterns, {known} and {field.pattern}; keep one.")

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
        seed = int(self.db.execute("SELECT value FROM ef_meta WHERE name = 'seed'").fetchone()[0])
        key = id_key(seed, f"{self.name}/{column}")
        while True:
            candidate = space.nth(key, self.db.next_count(table))
            taken = self.db.execute(f"SELECT 1 FROM {table} WHERE {name} = ?", (candidate,)).fetchone()  # noqa: S608
            if taken is None:
                return candidate

    # Starting states

    def populate(self, world: World) -> Rows:
        """Give the rows of the environment's scenario in a world."""
        populate: Callable[[World], Rows] = self._scenario.populate
        return populate(world)

    @cached_property
    def _scenario(self) -> Any:
        path = self.folder / "scenario.py"
        spec = importlib.util.spec_from_file_location(f"servers.{self.name}.scenario", path)
        if spec is None or spec.loader is None or not path.exists():
            raise DefinitionError(f"{path} is missing; it must define populate(world).")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def template(self, *, seed: int, size: Size) -> Template:
        """Give the starting state for a seed and size; built once."""
        return self._templates(seed, size)

    def _seeded_template(self, seed: int, size: Size) -> Template:
        world = World(seed, size)
        return build_template(self, world, self.populate(world))

    def scenario_template(self, rows: Mapping[str, Sequence[Row]], *, seed: int, size: Size) -> Template:
        """Give a starting state made of the given rows; raises `ScenarioError` when they don't fit."""
        return build_template(self, World(seed, size), rows)

    # Serving

    def call(self, definition: Definition, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool on the current episode, under that episode's lock."""
        episode = self.episode
        with episode.lock:
            return definition.call(episode.databases[self.name], arguments)

    def build_server(self, actors: frozenset[Actor] = ACTORS, *, note: str = "") -> FastMCP:
        """Give the MCP server with the tools of these actors; `note` is added to its instructions."""
        server: FastMCP = FastMCP(
            self.name,
            instructions=" ".join(part for part in (self.manifest.instructions, note) if part),
            version=self.manifest.version,
            on_duplicate="error",
            cache_ttl=3600,
            cache_scope="public",
        )
        for definition in self.tools.values():
            if definition.contract.actor in actors:
                server.add_tool(ContractTool.of(definition, self.call))
        policy = self.text("policy.md")
        if policy:
            server.add_prompt(self._policy_prompt(policy))
        return server

    def _policy_prompt(self, policy: str) -> Prompt:
        def rules() -> str:
            return policy

        return Prompt.from_function(rules, name="policy", description=f"The rules of {self.manifest.title}.")

    @cached_property
    def mcp(self) -> FastMCP:
        """The MCP server with all tools, for running the environment alone."""
        return self.build_server()


def _bare_contract(kind: Kind, actor: Actor) -> ToolContract:
    return ToolContract(kind=kind, actor=actor, parameters={}, results={})


def _not_found_sql(keys: Mapping[str, str]) -> str:
    missing = []
    for parameter, column in keys.items():
        table, _, name = column.partition(".")
        missing.append(
            f"SELECT 1 WHERE :{parameter} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} WHERE {name} = :{parameter})"  # noqa: S608
        )
    return " UNION ALL ".join(missing)
