"""A tool: a typed function with a contract, and the one path by which it is called.

Arguments are validated strictly against the model whose JSON Schema is published, the body runs in one transaction,
and the result is validated before that commits. A refusal, a bad argument and a bug stay apart on the wire.
"""

from __future__ import annotations

import inspect
import logging
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fastmcp.tools import ToolResult
from fastmcp.tools.base import Tool as FastMCPTool
from fastmcp.utilities.json_schema import dereference_refs
from mcp_types import TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, PydanticInvalidForJsonSchema, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, from_json

from servers.runtime.contract import CONTRACT_META, ToolContract
from servers.runtime.database import Database
from servers.runtime.errors import DefinitionError, EpisodeError
from servers.runtime.refusal import REFUSAL_META, Refusal

logger = logging.getLogger(__name__)


class PublishedSchema(GenerateJsonSchema):
    """JSON Schema without a title for every field: a model that calls tools pays for each word."""

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:  # noqa: ARG002 - pydantic asks it so
        """Say no: a field's name is its title."""
        return False


@dataclass
class Outcome:
    """How a call ended: a result, a refusal with its code, or an error of the caller or of the tool."""

    text: str
    """What is said; of a result, its JSON."""
    is_error: bool = True
    refusal: str | None = None

    @cached_property
    def structured(self) -> dict[str, Any] | None:
        """The result, or None for an error."""
        return None if self.is_error else from_json(self.text)


def result_model(function: Callable[..., BaseModel]) -> type[BaseModel]:
    """Give the model that a tool's function declares as its return type."""
    model = typing.get_type_hints(function).get("return")
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise DefinitionError(f"{function.__name__} must declare a result model as its return type.")
    return model


@dataclass(frozen=True)
class Definition:
    """A tool as its author declared it."""

    name: str
    function: Callable[..., BaseModel]
    contract: ToolContract
    refuses: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False

    @cached_property
    def description(self) -> str:
        """What the tool does, for the model that may call it."""
        text = inspect.getdoc(self.function)
        if not text:
            raise DefinitionError(f"{self.name} has no docstring; write the sentence that a model will choose it by.")
        return text

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """The model that validates a call's arguments."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        fields: dict[str, Any] = {
            name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
            for name, parameter in inspect.signature(self.function).parameters.items()
        }
        return create_model(f"{self.name}_arguments", __config__=ConfigDict(extra="forbid", strict=True), **fields)

    @cached_property
    def _validate(self) -> Callable[[Any], BaseModel]:
        return self.arguments.__pydantic_validator__.validate_python

    @cached_property
    def result(self) -> type[BaseModel]:
        """The model of the tool's result."""
        return result_model(self.function)

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        schema = self._schema(self.arguments, "validation")
        schema.pop("title")
        return schema

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """The JSON Schema of the result, titled with the model's name."""
        return self._schema(self.result, "serialization")

    def _schema(self, model: type[BaseModel], mode: typing.Literal["validation", "serialization"]) -> dict[str, Any]:
        # Without references, which not every client follows; FastMCP would resolve them anew in each listing.
        try:
            return dereference_refs(model.model_json_schema(schema_generator=PublishedSchema, mode=mode))
        except PydanticInvalidForJsonSchema as error:
            raise DefinitionError(f"{self.name}: {model.__name__} can't be said in JSON Schema: {error}") from error

    @property
    def annotations(self) -> ToolAnnotations:
        """The hints of the protocol, derived from the contract so that they are true."""
        reads = self.contract.kind == "reads"
        overwrites = any(word in text for text in self.contract.changes.values() for word in ("update", "delete"))
        return ToolAnnotations(
            read_only_hint=reads,
            destructive_hint=not reads and overwrites,
            idempotent_hint=reads or self.idempotent,
            open_world_hint=False,
        )

    def call(
        self, database: Database, arguments: Mapping[str, Any], *, committing: Callable[[Outcome], None] | None = None
    ) -> Outcome:
        """Run the tool once on a database, in a transaction of its own; `committing` hears of a result just before."""
        try:
            checked = self._validate(arguments)
        except ValidationError as error:
            return Outcome(f"Invalid arguments for {self.name}: {_spelled(error)}.")
        try:
            with database.transaction():
                outcome = self._run(database, checked.__dict__)
                if committing is not None:
                    committing(outcome)
                return outcome
        except Refusal as refusal:
            if refusal.code not in self.contract.refusals:
                logger.error("%s raised the undeclared refusal %r", self.name, refusal.code)
            return Outcome(f"{refusal.code}: {refusal.sentence}", refusal=refusal.code)
        except EpisodeError as error:  # another process, or a quota
            return Outcome(f"{self.name} left no trace. {error}")
        except Exception as error:  # the boundary between a tool's code and the protocol
            logger.exception("%s failed", self.name)
            return Outcome(f"Internal error in {self.name} ({type(error).__name__}); the call left no trace.")

    def _run(self, database: Database, values: dict[str, Any]) -> Outcome:
        before = database.total_changes
        result = self.function(**values)
        if not isinstance(result, self.result):
            raise TypeError(f"{self.name} returned {type(result).__name__} instead of {self.result.__name__}")
        if self.contract.kind == "reads" and database.total_changes != before:
            raise RuntimeError(f"{self.name} is declared as a read and wrote")
        return Outcome(result.model_dump_json(), is_error=False)


def _spelled(error: ValidationError) -> str:
    problems = (
        (".".join(str(part) for part in problem["loc"]) or "arguments", problem["msg"])
        for problem in error.errors(include_url=False, include_context=False)
    )
    return "; ".join(f"{where}: {what}" for where, what in problems)


class ContractTool(FastMCPTool):
    """A definition as FastMCP serves it: called on the episode that the request belongs to."""

    definition: Any
    caller: Any

    @classmethod
    def of(
        cls, definition: Definition, caller: Callable[[Definition, Mapping[str, Any]], Outcome], name: str = ""
    ) -> ContractTool:
        """Give the served form of a definition; `caller` runs it on the current episode."""
        return cls(
            name=name or definition.name,
            description=definition.description,
            parameters=definition.input_schema,
            output_schema=definition.output_schema,
            annotations=definition.annotations,
            meta={CONTRACT_META: definition.contract.to_meta()},
            definition=definition,
            caller=caller,
        )

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Call the tool and give its outcome in the protocol's form."""
        outcome: Outcome = self.caller(self.definition, arguments)
        return ToolResult(
            content=[TextContent(type="text", text=outcome.text)],
            structured_content=outcome.structured,
            meta={REFUSAL_META: {"code": outcome.refusal}} if outcome.refusal else None,
            is_error=outcome.is_error,
        )
