"""The words in which a tool declares its parameters and results.

Each word is a function that returns a pydantic `Field`: the field's description and constraints are published to
the model as JSON Schema, and the binding in its metadata says which column it speaks of. Bindings become the
tool's contract; they never show in the schema that a model sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

Operator = Literal["=", "<=", ">=", "<", ">", "like"]
Role = Literal["key", "filter", "sets", "shared", "free", "shows"]


@dataclass(frozen=True)
class Binding:
    """What one field has to do with one column, or with one fact of the world."""

    role: Role
    column: str
    operator: Operator | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Unit:
    """The kind of quantity that a plain value is: money, a date or a time."""

    name: str


def Key(column: str, *, pattern: str, description: str) -> Any:
    """Give a field that identifies one row by `column`, such as "bookings.booking_id"."""
    return _bound(Binding("key", column, pattern=pattern), description, {"pattern": pattern})


def Filter(column: str, operator: Operator, *, description: str, **constraints: Any) -> Any:
    """Give a parameter that keeps the rows whose `column` stands in `operator` to it."""
    return _bound(Binding("filter", column, operator=operator), description, constraints)


def Sets(column: str, *, description: str, **constraints: Any) -> Any:
    """Give a parameter whose value a write stores in `column`, or adds to it."""
    return _bound(Binding("sets", column), description, constraints)


def Shared(fact: str, *, description: str, **constraints: Any) -> Any:
    """Give a field that holds a fact of the world which other environments share, such as "person.email"."""
    return _bound(Binding("shared", fact), description, constraints)


def Free(column: str, *, description: str, max_length: int, min_length: int = 1) -> Any:
    """Give a free text that is stored in `column` and read back, with no other effect."""
    return _bound(Binding("free", column), description, {"max_length": max_length, "min_length": min_length})


def Shows(column: str, *, description: str, **constraints: Any) -> Any:
    """Give a result field that shows `column` under another name."""
    return _bound(Binding("shows", column), description, constraints)


def _bound(binding: Binding, description: str, constraints: dict[str, Any]) -> FieldInfo:
    field: FieldInfo = Field(description=description, **constraints)
    field.metadata.append(binding)
    return field


def _real_date(text: str) -> str:
    date.fromisoformat(text)
    return text


@lru_cache(maxsize=4096)
def _real_time(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    return text


IsoDate = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"}),
    AfterValidator(_real_date),
    Unit("date"),
]
"""A calendar date, such as "2026-03-02"."""

IsoDateTime = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", json_schema_extra={"format": "date-time"}
    ),
    AfterValidator(_real_time),
    Unit("time"),
]
"""A moment in UTC, such as "2026-03-02T09:00:00Z"."""

Cents = Annotated[int, Field(ge=0, le=100_000_000), Unit("money")]
"""An amount of money in minor units (cents), never negative."""

SignedCents = Annotated[int, Field(ge=-10_000_000_000, le=10_000_000_000), Unit("money")]
"""An amount of money in minor units (cents), negative when it is owed or leaves."""
