"""A tool's contract: which columns its parameters and results speak of, what it changes, what it refuses.

Contracts are read off the annotations of the tool's function and its result model, and travel with the tool in
`_meta`, so that a client that knows only MCP can build the same graph as one in the same process.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from servers.runtime.errors import DefinitionError
from servers.runtime.record import Record
from servers.runtime.vocabulary import Binding, Operator, Unit

CONTRACT_META = "io.github.envfactory/contract"
CONTRACT_VERSION = 1

Actor = Literal["agent", "user"]
Kind = Literal["reads", "writes"]
Columns = Mapping[str, frozenset[str]]
"""Column names by table or view."""


class FilterContract(BaseModel):
    """The comparison that a filter parameter makes."""

    model_config = ConfigDict(frozen=True)

    column: str
    operator: Operator


class FieldContract(BaseModel):
    """What one parameter or result path has to do with the state; absent entries mean nothing of that kind."""

    model_config = ConfigDict(frozen=True)

    type: str | None = Field(default=None, description="Key column, shared fact, or money, date, time.")
    key: str | None = Field(default=None, description="The column whose row it identifies.")
    filter: FilterContract | None = None
    sets: str | None = Field(default=None, description="The column that a write stores it in.")
    shared: str | None = Field(default=None, description="The fact of the world that it is.")
    free: str | None = Field(default=None, description="The column that keeps it as free text.")
    shows: str | None = Field(default=None, description="The column that a result shows.")
    pattern: str | None = Field(default=None, exclude=True, description="The form of a key's ids.")


class ToolContract(BaseModel):
    """The contract of one tool as it travels in `_meta`."""

    model_config = ConfigDict(frozen=True)

    version: int = CONTRACT_VERSION
    kind: Kind
    actor: Actor
    parameters: dict[str, FieldContract]
    results: dict[str, FieldContract]
    changes: dict[str, str] = Field(default_factory=dict, description="Table to what is done to it.")
    refusals: tuple[str, ...] = ()

    def to_meta(self) -> dict[str, Any]:
        """Give the JSON object that stands under `CONTRACT_META`."""
        body = self.model_dump(mode="json", exclude_none=True)
        return body if self.changes else {name: value for name, value in body.items() if name != "changes"}


def parameter_contracts(function: Callable[..., Any]) -> dict[str, FieldContract]:
    """Give the contract of each parameter of a tool's function, in order."""
    hints = typing.get_type_hints(function, include_extras=True)
    return {name: field_contract(hint) for name, hint in hints.items() if name != "return"}


def result_contracts(model: type[BaseModel], columns: Columns) -> dict[str, FieldContract]:
    """Give the contract of each result path of a result model, such as "flights[].fare_cents"."""
    return dict(_paths(model, "", columns))


def field_contract(hint: Any, shows: str | None = None) -> FieldContract:
    """Give the contract that an annotation declares; `shows` is the column that the field's name implies."""
    found: dict[str, Any] = {"shows": shows}
    for mark in _marks(hint):
        match mark:
            case Unit(name):
                found.setdefault("type", name)
            case Binding(role="filter", column=column, operator=operator):
                assert operator is not None
                found["filter"] = FilterContract(column=column, operator=operator)
            case Binding(role=role, column=column, pattern=pattern):
                found[role] = column
                if role in ("key", "shared"):
                    found["type"] = column
                if pattern:
                    found["pattern"] = pattern
    return FieldContract(**found)


def _marks(hint: Any) -> Iterator[Binding | Unit]:
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        yield from _marks(base)
        for item in metadata:
            inner = item.metadata if isinstance(item, FieldInfo) else [item]
            yield from (mark for mark in inner if isinstance(mark, Binding | Unit))
    elif get_origin(hint) in (Union, UnionType):
        for option in get_args(hint):
            yield from _marks(option)
    elif get_origin(hint) is list:
        yield from _marks(get_args(hint)[0])


def _paths(model: type[BaseModel], prefix: str, columns: Columns) -> Iterator[tuple[str, FieldContract]]:
    hints = typing.get_type_hints(model, include_extras=True)
    for name in model.model_fields:
        hint, suffix = _unlisted(hints[name])
        path = f"{prefix}{name}{suffix}"
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            yield from _paths(hint, f"{path}.", columns)
        else:
            yield path, field_contract(hints[name], _shown_column(model, name, columns))


def _unlisted(hint: Any) -> tuple[Any, str]:
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(base) in (Union, UnionType):
        options = [option for option in get_args(base) if option is not type(None)]
        return _unlisted(options[0]) if len(options) == 1 else (base, "")
    if get_origin(base) is list:
        return _unlisted(get_args(base)[0])[0], "[]"
    return base, ""


def _shown_column(model: type[BaseModel], name: str, columns: Columns) -> str | None:
    table = model.table if issubclass(model, Record) else None
    return f"{table}.{name}" if table and name in columns.get(table, frozenset()) else None


def check_columns(tool: str, contract: ToolContract, columns: Columns) -> None:
    """Raise `DefinitionError` when a contract names a table or column that the schema doesn't have."""
    for where, field in (*contract.parameters.items(), *contract.results.items()):
        named = [field.key, field.sets, field.free, field.shows, field.filter.column if field.filter else None]
        for column in named:
            if _unknown(column, columns):
                raise DefinitionError(
                    f"{tool}: '{where}' speaks of {column}, which schema.sql doesn't have; correct the column's name."
                )
    for table, text in contract.changes.items():
        unknown = set(changed_columns(text)) - columns.get(table, frozenset())
        if table not in columns or unknown:
            raise DefinitionError(f"{tool}: changes names {table} ({text}), which schema.sql doesn't have so.")


_OPERATIONS = ("insert", "update", "delete", "others")
"""What a `changes` text may say; with `others`, not only the row that the call names is changed."""


def changed_columns(text: str) -> tuple[str, ...]:
    """Give the columns of the update in a `changes` text such as "insert, update status paid_cents"."""
    words = [operation.split() for operation in text.split(",")]
    for operation in words:
        if not operation or operation[0] not in _OPERATIONS:
            known = "insert, delete, 'update column …' or others"
            raise DefinitionError(f"changes {text!r} must be {known}, comma separated.")
    return tuple(column for operation in words if operation[0] == "update" for column in operation[1:])


def _unknown(column: str | None, columns: Columns) -> bool:
    if column is None:
        return False
    table, _, name = column.partition(".")
    return name not in columns.get(table, frozenset())
