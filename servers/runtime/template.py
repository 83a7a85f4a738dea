"""A template: the starting state of one environment for one seed and size, built once and cloned for each episode."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from servers.runtime.database import Database, connect
from servers.runtime.errors import InvalidRequest, ScenarioError
from servers.runtime.standing import Moment
from servers.runtime.state import RESERVED_SCHEMA, Row, Table, all_rows, canonical, digest, rows_texts
from servers.runtime.world import Size, World

if TYPE_CHECKING:
    from servers.runtime.environment import Environment

_OF_THE_RUNTIME = frozenset({"ef_meta", "ef_counters", "ef_touched"})
"""Tables of which nobody notes whether they have changed."""
_PLAIN = (str, int, float, type(None))


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

    @cached_property
    def bytes(self) -> int:
        """How much room a clone's rows take."""
        return self.database.bytes

    def __reduce__(self) -> tuple[Any, ...]:
        """Give what another process makes it from."""
        return _unpacked, (self.database.serialize(), self.digest, self.now, self.sound, self.tables)

    def differing(self, tables: Mapping[str, str], now: str) -> frozenset[str] | None:
        """Give the tables that others differ from these in, the clock's among them; None where that can't be said."""
        if not self.sound or not self.tables:
            return None
        return Moment(self.tables, self.now).differing(Moment(tables, now))


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


def build_template(
    environment: Environment, world: World, rows: Mapping[str, Sequence[Row]], *, near: Template | None = None
) -> Template:
    """Give the template of an environment filled with `rows`; raises `ScenarioError` when they don't fit.

    Invariants that look only at tables that are as in `near`, where they hold, aren't looked at.
    """
    database = connect(tools=False)
    database.executescript(RESERVED_SCHEMA + environment.schema)
    _insert(database, environment, rows)
    for table in environment.tables:
        for trigger in table.triggers():
            database.execute(trigger)
    now = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    texts = rows_texts(all_rows(database, environment.tables))
    start = digest(digest(*texts.values()).encode(), environment.schema.encode())
    _set_reserved(database, environment, world, now, start)
    tables = {name: digest(text) for name, text in texts.items()}
    _check_invariants(database, environment, now, None if near is None else near.differing(tables, now))
    return Template(database, digest(start.encode(), now.encode()), now, sound=True, tables=tables)


def _insert(database: Database, environment: Environment, rows: Mapping[str, Sequence[Row]]) -> None:
    tables = {table.name: table for table in environment.tables}
    for name in rows:
        if name not in tables:
            raise ScenarioError(f"{environment.name} has no table '{name}'; its tables are {', '.join(tables)}.")
    database.execute("BEGIN IMMEDIATE")
    database.execute("PRAGMA defer_foreign_keys = ON")
    for name, entries in rows.items():
        _insert_rows(database, tables[name], entries)
    broken = database.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        database.rollback()
        raise ScenarioError(f"A row of {broken[0]} refers to a row of {broken[2]} that isn't there; add it.")
    database.commit()


def _insert_rows(database: Database, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows in their order, those with the same columns by one statement."""
    place = 0

    def sound(alike: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
        nonlocal place
        for row in alike:
            place += 1
            _check_values(table, place, row)
            yield tuple(row.values())

    for columns, alike in groupby(rows, key=tuple):
        unknown = sorted(set(columns) - set(table.columns))
        if unknown:
            raise ScenarioError(f"{table.name} row {place + 1} has the unknown column '{unknown[0]}'; leave it out.")
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        first = place + 1
        try:
            database.executemany(sql, sound(alike))
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            database.rollback()
            raise ScenarioError(f"{table.name} row {max(first, place)} does not fit the schema: {error}.") from error


def _check_values(table: Table, place: int, row: Row) -> None:
    for column, value in row.items():
        if not isinstance(value, _PLAIN) or (isinstance(value, float) and not math.isfinite(value)):
            raise ScenarioError(f"{table.name} row {place}: {column} must be text, a number or null, not {value!r}.")


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
