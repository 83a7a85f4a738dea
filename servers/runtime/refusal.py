"""A refusal: a domain "no", with a code for machines and a sentence for whoever asked."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Any

REFUSAL_META = "io.github.envfactory/refusal"


class Refusal(Exception):
    """Raised in a tool's body to say no; the call leaves no trace in the state."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


def find(db: sqlite3.Connection, table: str, **key: Any) -> sqlite3.Row:
    """Give the one row of `table` whose columns equal `key`, or refuse with `not_found`."""
    row: sqlite3.Row | None = db.execute(_select(table, *key), key).fetchone()
    if row is None:
        column, value = next(iter(key.items()))
        noun = column.removesuffix("_id").removesuffix("_code").replace("_", " ")
        raise Refusal("not_found", f"There is no {noun} {value}; look it up first.")
    return row


@lru_cache(maxsize=4096)
def _select(table: str, *columns: str) -> str:
    condition = " AND ".join(f"{column} = :{column}" for column in columns)
    return f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608
