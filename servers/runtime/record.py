"""A record: the typed result of a tool, whose fields show the columns of a table or view."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A result model; with `table=`, a field named like a column of that table or view shows that column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: ClassVar[str | None] = None

    @classmethod
    def __pydantic_init_subclass__(cls, table: str | None = None, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.table = table

    def __init_subclass__(cls, table: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def columns(cls) -> str:
        """Give the columns that it shows of its table, for a SELECT that works out no others."""
        return ", ".join(cls.__pydantic_fields__)

    @classmethod
    def of(cls, row: sqlite3.Row | Mapping[str, Any], **extra: Any) -> Self:
        """Give the record of a row: its declared fields are picked from the row, `extra` stands beside them."""
        names = row.keys()
        picked = {name: row[name] for name in cls.__pydantic_fields__ if name in names and name not in extra}
        return cls(**picked, **extra)
