"""An example: what to do to an environment so that one check fails, as a value that a command line can carry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from envfactory_client.errors import UsageError
from envfactory_client.tool import Frozen

Size = Literal["small", "medium", "large"]
_LONG_TEXT = 64
_REPEAT = "$repeat"


class Edit(Frozen):
    """One cell of the starting rows that is set to another value before the first step."""

    table: str
    key: Mapping[str, Any]
    column: str
    value: Any = None


class Step(Frozen):
    """One call, or a wait."""

    tool: str | None = None
    """The tool that is called; None for a wait."""
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    advance: int = 0
    """Seconds that the clock moves, for a wait."""

    @model_validator(mode="after")
    def _either_calls_or_waits(self) -> Step:
        if (self.tool is None) == (self.advance == 0):
            raise ValueError("a step names a tool, or how many seconds to advance")
        return self


class Example(Frozen):
    """Where to start, what to do, and what a check does beside: enough to see the same again."""

    seed: int = 0
    size: Size = "small"
    edits: tuple[Edit, ...] = ()
    steps: tuple[Step, ...] = ()
    twist: Mapping[str, Any] = Field(default_factory=dict)
    """What only the check itself understands, such as the statement at which a fault is injected."""

    def then(self, *steps: Step, **twist: Any) -> Example:
        """The example with further steps and twists."""
        return self.model_copy(update={"steps": (*self.steps, *steps), "twist": {**self.twist, **twist}})

    @property
    def last(self) -> Step:
        """The step that it is all about."""
        return self.steps[-1]

    def to_text(self) -> str:
        """The example as one line of JSON, in which what is default is left out and long repetitive texts are short."""
        body = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(_shortened(body), ensure_ascii=False, separators=(",", ":"))
        return text if _printable(text) else json.dumps(_shortened(body), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Example:
        """The example that `to_text` wrote; UsageError if it is none."""
        try:
            return cls.model_validate(_lengthened(json.loads(text)))
        except (ValueError, ValidationError) as error:
            raise UsageError(f"That isn't an example ({_first_line(error)}); copy it whole from a report.") from error


def call(tool: str, arguments: Mapping[str, Any]) -> Step:
    """The step that calls a tool."""
    return Step(tool=tool, arguments=dict(arguments))


def wait(seconds: int) -> Step:
    """The step that moves the clock."""
    return Step(advance=seconds)


def _shortened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _shortened(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(inner) for inner in value]
    if isinstance(value, str) and len(value) > _LONG_TEXT and value == value[0] * len(value):
        return {_REPEAT: [value[0], len(value)]}
    return value


def _printable(text: str) -> bool:
    """Whether a text has no half letters, and no letters that a terminal would act on."""
    return text.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _lengthened(value: Any) -> Any:
    if isinstance(value, Mapping):
        match value.get(_REPEAT):
            case [str(letter), int(times)] if len(value) == 1:
                return letter * times
        return {name: _lengthened(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_lengthened(inner) for inner in value]
    return value


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in problem['loc']) or 'all of it'}: {problem['msg']}"
    return str(error).splitlines()[0]
