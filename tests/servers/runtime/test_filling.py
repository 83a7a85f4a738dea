"""Filling: a database filled like another one is what it would be if it had been filled from nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from servers.runtime.environment import Environment
from servers.runtime.errors import ScenarioError
from servers.runtime.filling import Filled, filled, filled_like
from servers.runtime.state import Row, Rows, all_rows
from tests.fixtures.library.server import env as library


def _start(environment: Environment) -> Rows:
    return all_rows(environment.template(seed=3, size="small").database, environment.tables)


def _stored(full: Filled, environment: Environment) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a database, with the places of its rows."""
    names = [table.name for table in environment.tables] + ["ef_meta", "ef_clock", "ef_counters"]
    found = {name: full.database.execute(f"SELECT rowid, * FROM {name} ORDER BY rowid").fetchall() for name in names}
    found["ef_touched"] = full.database.execute("SELECT * FROM ef_touched").fetchall()
    return {name: [tuple(row) for row in rows] for name, rows in found.items()}


def _varied(rows: Rows, rng: random.Random) -> Rows:
    """Some tables with a row less, in another order, or as they are."""
    ways: list[Callable[[list[Row]], list[Row]]] = [list, lambda own: own[:-1], lambda own: rng.sample(own, len(own))]
    return {name: rng.choice(ways)(own) for name, own in rows.items()}


def test_one_filled_like_another_is_as_if_filled_from_nothing() -> None:
    rng, start, like = random.Random(7), _start(library), None
    same = 0
    for _ in range(40):
        rows = _varied(start, rng)
        try:
            anew = filled(library, rows)
        except ScenarioError:
            with pytest.raises(ScenarioError, match="refers to a row"):
                filled_like(library, rows, like)
            continue
        like = filled_like(library, rows, like)
        same += 1
        assert _stored(like, library) == _stored(anew, library)
        assert (like.texts, list(like.texts)) == (anew.texts, list(anew.texts))
        assert like.database.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert same > 10


def test_the_one_it_is_like_stays_as_it_is() -> None:
    start = _start(library)
    like = filled_like(library, start, None)
    before = _stored(like, library)
    table = next(name for name in start if start[name])
    with pytest.raises(ScenarioError, match=f"{table} row 1"):
        filled_like(library, start | {table: [dict.fromkeys(start[table][0], b"x")]}, like)
    assert _stored(like, library) == before


def test_a_table_that_is_not_there_is_refused_by_either_way() -> None:
    like = filled_like(library, _start(library), None)
    for near in (None, like):
        with pytest.raises(ScenarioError, match="no table 'nowhere'"):
            filled_like(library, {"nowhere": []}, near)
