"""An episode: one isolated run over one or more environments, seen from outside the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError, model_validator

from envfactory_client._protocol import REFUSAL_KEY
from envfactory_client.errors import CallFailed, Closed, ProtocolError, Refused, UnknownEnvironment, did_you_mean
from envfactory_client.tool import Actor, Frozen, Tool

if TYPE_CHECKING:
    from envfactory_client.farm import Farm

_Model = TypeVar("_Model", bound=BaseModel)
Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a tool answered; a refusal or a bad argument is an answer too, not an exception."""

    text: str
    structured: Any = None
    is_error: bool = False
    refusal: str | None = None
    """The code of a domain refusal; None for successes, bad arguments and bugs."""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, result: Mapping[str, Any]) -> CallResult:
        """The result in an answer to `tools/call`."""
        blocks = result.get("content") or []
        meta = result.get("_meta") or {}
        try:
            return cls(
                text="\n".join(block["text"] for block in blocks if block.get("type") == "text"),
                structured=result.get("structuredContent"),
                is_error=bool(result.get("isError", False)),
                refusal=(meta.get(REFUSAL_KEY) or {}).get("code"),
                meta=meta,
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise _misunderstood("The answer to tools/call", error) from error

    def require(self) -> Any:
        """The structured result of a call that had to succeed; otherwise CallFailed or Refused."""
        if self.refusal is not None:
            raise Refused(f"The call was refused: {self.text}", self)
        if self.is_error:
            raise CallFailed(f"The call failed: {self.text}", self)
        return self.structured

    def __getitem__(self, name: str) -> Any:
        """One field of the structured result of a call that succeeded."""
        return self.require()[name]


class State(Frozen):
    """The state of an episode at one moment, as digests."""

    digest: str
    digests: Mapping[str, str] = Field(default_factory=dict)
    """Environment to the digest of its rows."""
    now: str
    """The episode's clock, such as "2026-03-02T09:00:00Z"."""


class RowUpdate(Frozen):
    """A row that is in both states and differs; `before` and `after` hold what the farm compares."""

    key: Row
    before: Row
    after: Row


class TableDiff(Frozen):
    """What changed in one table."""

    inserted: tuple[Row, ...] = ()
    updated: tuple[RowUpdate, ...] = ()
    deleted: tuple[Row, ...] = ()


class Diff(Frozen):
    """What changed between two states: environment to table to rows."""

    changes: Mapping[str, Mapping[str, TableDiff]] = Field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(
            table.inserted or table.updated or table.deleted
            for tables in self.changes.values()
            for table in tables.values()
        )

    def to_json(self) -> dict[str, Any]:
        """The changes as plain values."""
        changes: dict[str, Any] = self.model_dump(mode="json")["changes"]
        return changes


class EnvironmentVersion(Frozen):
    """An environment as it was when an episode opened: the digest covers its code, schema and world."""

    name: str
    version: str
    digest: str


class Opening(BaseModel):
    """What the farm answers to `open` and `fork`."""

    episode: str
    agent: str
    user: str
    now: str
    size: str
    seed: int
    environments: tuple[EnvironmentVersion, ...]
    persona: Mapping[str, Any] = Field(default_factory=dict)


class _Snapshot(BaseModel):
    """What the farm answers to `snapshot`."""

    snapshot: str


class _Held(BaseModel):
    """What the farm answers to `hold`."""

    held: str


class _Found(BaseModel):
    """What the farm answers to `query`: each row as a list of cells, or by column."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any] | list[Any]]

    @model_validator(mode="after")
    def _rows_have_the_columns(self) -> _Found:
        if any(isinstance(row, dict) and not row.keys() >= set(self.columns) for row in self.rows):
            raise ValueError("a row lacks a column")
        return self


class _AllRows(BaseModel):
    """What the farm answers to `rows`."""

    rows: dict[str, list[dict[str, Any]]]


class _Violations(BaseModel):
    """What the farm answers to `violations`."""

    violations: dict[str, dict[str, list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows of a read-only query, in the order in which the database gave them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Side:
    """An episode as one actor sees it: only that actor's tools, and no control over the episode."""

    def __init__(self, farm: Farm, handle: str, actor: Actor, environments: Sequence[str]) -> None:
        self._farm = farm
        self.handle = handle
        self.actor = actor
        self._environments = tuple(environments)
        self.closed = False
        """Set when the episode is closed."""

    def url(self, environment: str | None = None) -> str:
        """The address for any MCP client: of one environment, or of all of them together."""
        return self._farm.address + self._path(environment)

    def _path(self, environment: str | None) -> str:
        handle = quote(self.handle, safe="", errors="replace")
        if environment is None:
            return f"/episodes/{handle}/mcp"
        if environment not in self._environments:
            raise UnknownEnvironment(
                f"This episode has no environment '{environment}'{did_you_mean(environment, self._environments)}",
                code="unknown_environment",
            )
        return f"/episodes/{handle}/{environment}/mcp"

    async def call(self, environment: str, tool: str, /, **arguments: Any) -> CallResult:
        """What the tool answers to these arguments."""
        params = {"name": tool, "arguments": arguments}
        return CallResult.from_wire(await self.request(environment, "tools/call", params))

    async def probe(self, environment: str, tool: str, /, **arguments: Any) -> CallResult:
        """What the tool answers, as `call` gives it; a farm in this process is asked without MCP, which is faster.

        It is for those who try out much and keep nothing of it; what is recorded is called.
        """
        if not self.closed and (ended := self._farm.ended(self.handle, environment, tool, arguments)) is not None:
            return CallResult(ended.text, ended.structured, ended.structured is None, ended.refusal)
        return await self.call(environment, tool, **arguments)

    async def request(self, environment: str | None, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of any MCP request; without an environment, from the server of all of them."""
        if self.closed:
            raise Closed("This episode is closed; open another one.")
        return await self._farm.rpc(self._path(environment), method, params)

    async def tools(self, *environments: str) -> tuple[Tool, ...]:
        """The tools that this actor may use, of the named environments or of all."""
        found: list[Tool] = []
        for environment in environments or self._environments:
            found += [_tool(environment, entry) for entry in await self.listing(environment, "tools")]
        return tuple(found)

    async def listing(self, environment: str | None, kind: str) -> list[dict[str, Any]]:
        """All entries of a paged list such as "tools", "prompts" or "resources"."""
        entries: list[dict[str, Any]] = []
        params: dict[str, Any] = {}
        method = "resources/templates/list" if kind == "resourceTemplates" else f"{kind}/list"
        while True:
            page = await self.request(environment, method, params)
            listed = page.get(kind, [])
            if not isinstance(listed, list):
                raise _misunderstood(f"The answer to {method}", f"its {kind} are {listed!r:.60}")
            entries += listed
            if not page.get("nextCursor"):
                return entries
            params = {"cursor": page["nextCursor"]}


class Episode:
    """One isolated run: calls as the agent, `user` for the user's side, and control over the whole.

    Use it as `async with await farm.open("airline", seed=7) as episode`; leaving the block closes it.
    """

    def __init__(
        self, farm: Farm, opening: Opening, *, scenario: Mapping[str, Rows] | None = None, forked: bool = False
    ) -> None:
        names = [environment.name for environment in opening.environments]
        self._farm = farm
        self.id = opening.episode
        self.seed = opening.seed
        self.size = opening.size
        self.opened_at = opening.now
        """The clock when the episode, or the fork, began."""
        self.environments = opening.environments
        self.persona = opening.persona
        self.forked = forked
        """Whether it began in the middle of another episode."""
        self.scenario = scenario
        """The starting rows that it was opened from; None when a seed or a fork gave them."""
        self.agent = Side(farm, opening.agent, "agent", names)
        self.user = Side(farm, opening.user, "user", names)

    async def __aenter__(self) -> Episode:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        names = ", ".join(environment.name for environment in self.environments)
        return f"<Episode {names} seed={self.seed} size={self.size}>"

    async def call(self, environment: str, tool: str, /, **arguments: Any) -> CallResult:
        """What the tool answers to the agent."""
        return await self.agent.call(environment, tool, **arguments)

    async def tools(self, *environments: str) -> tuple[Tool, ...]:
        """The agent's tools, of the named environments or of all."""
        return await self.agent.tools(*environments)

    async def state(self) -> State:
        """Digests of the rows, and the clock."""
        return understood(State, await self._control("state"))

    async def snapshot(self) -> str:
        """The name of a snapshot of all environments at this moment."""
        return understood(_Snapshot, await self._control("snapshot")).snapshot

    async def restore(self, snapshot: str) -> State:
        """Go back to a snapshot."""
        return understood(State, await self._control("restore", snapshot=snapshot))

    async def forget(self, snapshot: str) -> None:
        """Drop a snapshot that nobody goes back to."""
        await self._control("forget", snapshot=snapshot)

    async def hold(self) -> str:
        """The name of this moment, to which `undo` goes back; moments that are held lie within one another."""
        return understood(_Held, await self._control("hold")).held

    async def undo(self, held: str) -> None:
        """Go back to a moment that is held; it, and all those held since, are over."""
        await self._control("undo", held=held)

    @asynccontextmanager
    async def trial(self) -> AsyncIterator[Episode]:
        """This episode, for a block whose doings are all undone in the end; cheaper than a fork, and can be nested."""
        held = await self.hold()
        try:
            yield self
        finally:
            await self.undo(held)

    async def fork(self) -> Episode:
        """A new episode that starts from this moment."""
        opening = understood(Opening, await self._control("fork"))
        return Episode(self._farm, opening, forked=True)

    async def diff(self, since: str | None = None) -> Diff:
        """What changed since a snapshot, or since the start."""
        return understood(Diff, await self._control("diff", since=since))

    async def reset(self) -> State:
        """Go back to the start."""
        return understood(State, await self._control("reset"))

    async def advance(self, seconds: int) -> State:
        """Move the clock forward."""
        return understood(State, await self._control("advance", seconds=seconds))

    async def query(self, environment: str, sql: str, parameters: Mapping[str, Any] | None = None) -> QueryResult:
        """Rows of a read-only SQL query, which no agent can ask."""
        answer = await self._control("query", environment=environment, sql=sql, parameters=dict(parameters or {}))
        found = understood(_Found, answer)
        return QueryResult(found.columns, tuple(_cells(row, found.columns) for row in found.rows))

    async def rows(self, environment: str) -> Rows:
        """Every row of one environment, by table."""
        return understood(_AllRows, await self._control("rows", environment=environment)).rows

    async def violations(self) -> Mapping[str, Mapping[str, Sequence[Row]]]:
        """The rows that break an invariant: environment to invariant to rows; empty when all hold."""
        return understood(_Violations, await self._control("violations")).violations

    async def close(self) -> None:
        """End the episode; closing twice is fine."""
        if not self.agent.closed:
            try:
                await self._control("close")
            finally:
                self.agent.closed = self.user.closed = True

    async def _control(self, function: str, **arguments: Any) -> dict[str, Any]:
        if self.agent.closed:
            raise Closed("This episode is closed; open another one.")
        return await self._farm.control(function, episode=self.id, **arguments)


def _cells(row: dict[str, Any] | list[Any], columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns) if isinstance(row, dict) else tuple(row)


def _tool(environment: str, listed: Any) -> Tool:
    """The tool in one entry of a list; ProtocolError if it is none."""
    try:
        return Tool.from_wire(environment, listed)
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        raise _misunderstood(f"A tool that '{environment}' lists", error) from error


def _misunderstood(answer: str, why: object) -> ProtocolError:
    said = f"{type(why).__name__}: {why}".splitlines()[0] if isinstance(why, Exception) else str(why)
    return ProtocolError(f"{answer} isn't understood ({said}); is it an MCP server?")


def understood(model: type[_Model], content: Mapping[str, Any]) -> _Model:
    """A farm's answer as the model that it should be."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "all of it"
        raise ProtocolError(
            f"The farm's answer isn't understood ({where}: {problem['msg']}); are client and farm of one version?"
        ) from error
