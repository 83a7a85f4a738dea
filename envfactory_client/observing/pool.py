"""The pool: every value that was seen, by the path where it was, with the calls that showed it.

A value that merely repeats an argument says nothing about where values come from; the pool keeps it apart as an echo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from envfactory_client.observing.reading import Scalar, is_value

_RECENT = 6
"""Calls that are kept for each value."""


End = tuple[str, str]
"""A tool and a path, of a parameter or of a result."""
GIVEN = "given"
"""In place of a tool, for what a person gave."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One call that gave a result."""

    tool: str
    arguments: Mapping[str, Sequence[Scalar]]
    """Values by parameter path."""
    cells: Mapping[str, Sequence[Scalar]]
    """Values by result path."""


@dataclass(slots=True)
class Column:
    """What was seen at one result path of one tool."""

    tool: str
    path: str
    values: dict[Scalar, None] = field(default_factory=dict)
    """The distinct values that were no echoes, in the order in which they came."""
    listed: int = 0
    """Values that stood beside others in one answer."""
    repeated: bool = False
    """Whether one answer, or two different ones about a single record, had a value twice."""
    echoes: Counter[str] = field(default_factory=Counter)
    """By parameter path, the answers in which this path held nothing but that argument."""
    answers: int = 0
    """Answers in which there was a value."""

    @property
    def end(self) -> End:
        """The tool and the path."""
        return self.tool, self.path

    @property
    def echo_of(self) -> str | None:
        """The parameter that this path always gives back."""
        return next((name for name, count in self.echoes.items() if count == self.answers), None)


class Pool:
    """All columns, and all calls that gave a result."""

    def __init__(self, given: Mapping[str, Sequence[Any]]) -> None:
        self.calls: list[Answered] = []
        self.columns: dict[End, Column] = {}
        for name, values in given.items():
            known = dict.fromkeys(value for value in values if is_value(value))
            self.columns[GIVEN, name] = Column(GIVEN, name, known)
        self._shown: dict[Scalar, list[int]] = {}
        self._singles: dict[tuple[str, str, Scalar], Mapping[str, Sequence[Scalar]]] = {}

    def __len__(self) -> int:
        return sum(len(column.values) for column in self.columns.values())

    def learn(self, call: Answered) -> None:
        """Take note of the values in an answer."""
        number = len(self.calls)
        self.calls.append(call)
        given = {value for values in call.arguments.values() for value in values}
        for path, values in call.cells.items():
            column = self.columns.setdefault((call.tool, path), Column(call.tool, path))
            column.answers += 1
            self._count(column, call, values, given)
            for value in values:
                self._note(value, number)
        for value in given:
            self._note(value, number)

    def together(self, value: Scalar) -> Iterator[Answered]:
        """The calls that showed or took a value, the newest first."""
        return (self.calls[number] for number in reversed(self._shown.get(value, [])))

    def of(self, tool: str) -> list[Answered]:
        """The calls of a tool that gave a result."""
        return [call for call in self.calls if call.tool == tool]

    def _note(self, value: Scalar, number: int) -> None:
        shown = self._shown.setdefault(value, [])
        if not shown or shown[-1] != number:
            shown.append(number)
            del shown[:-_RECENT]

    def _count(self, column: Column, call: Answered, values: Sequence[Scalar], given: set[Scalar]) -> None:
        fresh = [value for value in values if value not in given]
        column.values.update(dict.fromkeys(fresh))
        column.repeated |= len(set(values)) < len(values)
        if len(values) > 1:
            column.listed += len(fresh)
        elif "[]" not in column.path and fresh:
            before = self._singles.setdefault((*column.end, fresh[0]), call.cells)
            column.repeated |= before != call.cells
        if not fresh:
            for name, arguments in call.arguments.items():
                column.echoes[name] += set(values) <= set(arguments)
