"""A template: the starting state of one environment for one seed and size, built once and cloned for each episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from servers.runtime.database import Database, connect
from servers.runtime.errors import InvalidRequest, ScenarioError
from servers.runtime.filling import Filled, filled, filled_like
from servers.runtime.standing import Moment, differing_parts
from servers.runtime.state import KnownRows, Row, Table, all_rows, canonical, digest
from servers.runtime.world import Size, World

if TYPE_CHECKING:
    from servers.runtime.environment import Environment

_OF_THE_RUNTIME = frozenset({"ef_meta", "ef_counters", "ef_touched"})
"""Tables of which nobody notes whether they have changed."""


@dataclass(frozen=True)
class Template:
    """A database that holds a starting state, and the digest of it."""

    database: Database
    digest: str
    now: str
    sound: bool = False
    """Whether all invariants are known to hold in it."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Table to the digest of its rows; empty where nobody has made them."""
    known: KnownRows = field(default_factory=dict, init=False, repr=False, compare=False)
    """Rows of it that were compared with others."""

    @cached_property
    def bytes(self) -> int:
        """How much room a clone's rows take."""
        return self.database.bytes

    def __reduce__(self) -> tuple[Any, ...]:
        """Give what another process makes it from."""
        return _unpacked, (self.database.serialize(), self.digest, self.now, self.sound, self.tables)

    def differing(self, other: Database, tables: Sequence[Table], here: Moment) -> frozenset[str] | None:
        """Give the tables and columns in which another database differs, the clock's table among them.

        `here` has the digests of its tables. None where that can't be said.
        """
        if not self.sound or not self.tables:
            return None
        found = Moment(self.tables, self.now).differing(here)
        changed = [table for table in tables if table.name in found]
        before, after = all_rows(self.database, changed), all_rows(other, changed)
        parts = (differing_parts(table, before[table.name], after[table.name]) for table in changed)
        return (found - {table.name for table in changed}).union(*parts)


def _unpacked(content: bytes, *rest: Any) -> Template:
    packed = connect(tools=False)
    packed.deserialize(content)
    return Template(packed, *rest)


def starts(
    environments: Sequence[Environment],
    *,
    seed: int = 0,
    size: Size = "small",
    scenarios: Mapping[str, Mapping[str, Sequence[Row]]] | None = None,
) -> dict[str, Template]:
    """Give the states that an episode over these environments begins in."""
    names = [environment.name for environment in environments]
    if not names or len(set(names)) != len(names):
        raise InvalidRequest("An episode needs at least one environment, and each only once.")
    strange = sorted(set(scenarios or {}) - set(names))
    if strange:
        raise InvalidRequest(f"A scenario is given for '{strange[0]}', which isn't in the episode; add or drop it.")
    return {
        environment.name: environment.scenario_template(scenarios[environment.name], seed=seed, size=size)
        if scenarios and environment.name in scenarios
        else environment.template(seed=seed, size=size)
        for environment in environments
    }


def build_template(environment: Environment, world: World, rows: Mapping[str, Sequence[Row]]) -> Template:
    """Give the template of an environment filled with `rows`; raises `ScenarioError` when they don't fit."""
    return _template(environment, world, filled(environment, rows), None)


def build_like(
    environment: Environment,
    world: World,
    rows: Mapping[str, Sequence[Row]],
    *,
    near: Template | None,
    like: Filled | None,
) -> tuple[Template, Filled]:
    """Give what `build_template` gives, and how it was filled; faster the more the rows are like those of others.

    Invariants that look only at tables and columns that are as in `near`, where they hold, aren't looked at; tables
    that are as in `like` aren't filled anew.
    """
    now_filled = filled_like(environment, rows, like)
    return _template(environment, world, now_filled, near), now_filled


def _template(environment: Environment, world: World, full: Filled, near: Template | None) -> Template:
    database = full.database
    now = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    start = digest(digest(*full.texts.values()).encode(), environment.schema.encode())
    _set_reserved(database, environment, world, now, start)
    tables = {name: digest(text) for name, text in full.texts.items()}
    changed = None if near is None else near.differing(database, environment.tables, Moment(tables, now))
    _check_invariants(database, environment, now, changed)
    return Template(database, digest(start.encode(), now.encode()), now, sound=True, tables=tables)


def _set_reserved(database: Database, environment: Environment, world: World, now: str, start: str) -> None:
    meta = {
        "environment": environment.name,
        "version": environment.manifest.version,
        "seed": str(world.seed),
        "size": world.size,
        "start": start,
        "schema": digest(environment.schema.encode()),
    }
    database.executemany("INSERT INTO ef_meta VALUES (?, ?)", meta.items())
    database.execute("INSERT INTO ef_clock VALUES (1, ?)", (now,))
    for table in environment.tables:
        count = database.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]  # noqa: S608
        database.execute("INSERT INTO ef_counters VALUES (?, ?)", (table.name, count))


def _check_invariants(database: Database, environment: Environment, now: str, changed: frozenset[str] | None) -> None:
    for name, broken in violations(database, environment, now, changed).items():
        raise ScenarioError(
            f"The rows break {environment.name}'s invariant '{name}', first in {canonical(broken[0]).decode()}."
        )


def violations(
    database: Database, environment: Environment, now: str, changed: frozenset[str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Give the rows that break each invariant; invariants that hold are left out.

    With `changed`, only the invariants that look at one of these tables or columns are looked at.
    """
    moment = {"now": now, "today": now[:10]}
    asked = {
        name: sql
        for name, sql in environment.invariants.items()
        if changed is None or (changed | _OF_THE_RUNTIME) & environment.invariant_parts[name]
    }
    found = {name: [dict(row) for row in database.execute(sql, moment)] for name, sql in asked.items()}
    return {name: rows for name, rows in found.items() if rows}


def violations_since(
    database: Database, environment: Environment, template: Template, here: Moment
) -> dict[str, list[dict[str, Any]]]:
    """Give the rows that break each invariant in a clone of a template that is at this moment.

    What held when all was last looked at, or in the template, and can't have been broken since, isn't looked at.
    """
    known = database.sound or (Moment({}, template.now) if template.sound else None)
    found = violations(database, environment, here.now, None if known is None else known.differing(here))
    if not found:
        database.sound = here
    return found
