"""A tool as its server lists it: schemas, annotations and, for our environments, its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from envfactory_client._protocol import CONTRACT_KEY

Actor = Literal["agent", "user"]
Ground = Literal["response", "values", "echo", "form", "name"]
"""What an observed column rests on: answers that depend on it, shared values, an argument given back, the published
form that only its values fit, or a name alone."""


class Frozen(BaseModel):
    """A value at a border: immutable, and tolerant of keys that a newer writer adds."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class ColumnFilter(Frozen):
    """The column that a parameter filters by, and how."""

    column: str
    operator: str


class FieldContract(Frozen):
    """What a tool declares about one parameter or one result path; what is None isn't declared."""

    type: str | None = None
    """The key column, the shared fact, or "money", "date", "time"."""
    key: str | None = None
    """The column of the rows that the value identifies."""
    filter: ColumnFilter | None = None
    sets: str | None = None
    """The column that a write stores the value in."""
    shared: str | None = None
    """The fact that environments share, such as "person.email"."""
    free: str | None = None
    """The column that keeps this free text."""
    shows: str | None = None
    """The column that a result path shows."""
    ground: Ground | None = None
    """What the column rests on where it was observed; None where it is declared."""


class Contract(Frozen):
    """What a tool of one of our environments declares beside its schemas."""

    version: int = 1
    kind: Literal["reads", "writes"] = "reads"
    actor: Actor = "agent"
    parameters: Mapping[str, FieldContract] = Field(default_factory=dict)
    results: Mapping[str, FieldContract] = Field(default_factory=dict)
    changes: Mapping[str, str] = Field(default_factory=dict)
    """Table to the operations on it, such as "update status"."""
    refusals: tuple[str, ...] = ()
    observed: bool = False
    """Whether it was observed from outside; what it doesn't say is unknown then, not denied."""

    def operations(self, table: str) -> dict[str, tuple[str, ...]]:
        """What is done to a table: "insert", "delete" and "update", the latter with its columns.

        "others" is among them where a call that names a row changes further rows.
        """
        found: dict[str, tuple[str, ...]] = {}
        for operation, *columns in (part.split() for part in self.changes.get(table, "").split(",") if part.strip()):
            found[operation] = (*found.get(operation, ()), *columns)
        return found


class Tool(Frozen):
    """One tool of a server, under the name by which it is called there."""

    environment: str
    """The environment, or a short name of the foreign server."""
    name: str
    title: str | None = None
    description: str = ""
    input_schema: Mapping[str, Any] = Field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    annotations: Mapping[str, Any] = Field(default_factory=dict)
    contract: Contract | None = None

    @property
    def full_name(self) -> str:
        """The name that is unique over environments: "airline.cancel_booking"."""
        return f"{self.environment}.{self.name}"

    @property
    def actor(self) -> Actor:
        """Whose tool it is; the agent's unless its contract says otherwise."""
        return self.contract.actor if self.contract else "agent"

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that a call must give."""
        return tuple(self.input_schema.get("required", ()))

    @property
    def read_only(self) -> bool:
        """Whether the tool claims to change nothing; a tool that doesn't say is taken to write."""
        return bool(self.annotations.get("readOnlyHint", False))

    @classmethod
    def from_wire(cls, environment: str, listed: Mapping[str, Any]) -> Tool:
        """The tool in one entry of `tools/list`."""
        contract = (listed.get("_meta") or {}).get(CONTRACT_KEY)
        return cls(
            environment=environment,
            name=listed["name"],
            title=listed.get("title"),
            description=listed.get("description") or "",
            input_schema=listed.get("inputSchema") or {},
            output_schema=listed.get("outputSchema"),
            annotations=listed.get("annotations") or {},
            contract=None if contract is None else Contract.model_validate(contract),
        )

    def to_wire(self) -> dict[str, Any]:
        """The entry of `tools/list` as a model sees it: without the contract."""
        entry = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": dict(self.input_schema),
            "outputSchema": None if self.output_schema is None else dict(self.output_schema),
            "annotations": dict(self.annotations),
        }
        return {key: value for key, value in entry.items() if value not in (None, {})}
