"""Dues: which refusals are due at a spot, each asked of the mirror once for all spots that look alike to it.

The SQL of a refusal sees the arguments that it names, the clock if it reads it, and the cells of the columns that it
reads. Searches that vary one thing at a time come by thousands of spots, of which most look alike to most refusals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.draw import fits, narrowed
from envfactory_client.verify.mirror import Mirror
from envfactory_client.verify.spot import Spot, text_of
from envfactory_client.verify.stakes import Stakes
from envfactory_client.verify.walk import bound

_Sight = tuple[str, str, str, int, str]
"""A tool, a code, and all that its SQL can see of a spot: arguments, moment and edited cells."""


@dataclass(frozen=True)
class _Refusal:
    """What the SQL of a refusal looks at."""

    code: str
    sql: str
    arguments: tuple[str, ...]
    clock: bool


class Dues:
    """What is due where, and which edits are allowed, in one mirror."""

    def __init__(self, mirror: Mirror, stakes: Stakes) -> None:
        self._mirror = mirror
        self._stakes = stakes
        self._due: dict[_Sight, bool] = {}
        self._possible: dict[tuple[int, str], bool] = {}
        """Moment and edits to whether the schema takes them."""
        self._sound: dict[str, bool] = {}

    def at(self, tool: Tool, spot: Spot) -> frozenset[str] | None:
        """The codes that are due at a spot; None where no state can be so, or no such call."""
        if not self._can_be(tool, spot):
            return None
        return frozenset(code for code, due in self._asked(tool, spot, self._refusals[tool.name]) if due)

    def has(self, tool: Tool, spot: Spot, code: str) -> bool | None:
        """Whether a code is due at a spot, with others or alone; None where `at` gives None."""
        if not self._can_be(tool, spot):
            return None
        return any(due for _, due in self._asked(tool, spot, self._from(tool, code)[:1]))

    def only(self, tool: Tool, spot: Spot, code: str, *, due: bool) -> bool:
        """Whether of all codes this one alone is due at a spot, or none is; False where `at` gives None."""
        if not self._can_be(tool, spot):
            return False
        return all(found == (due and asked == code) for asked, found in self._asked(tool, spot, self._from(tool, code)))

    def sound(self, spot: Spot) -> bool:
        """Whether the invariants allow the spot's edits."""
        edits = text_of(spot.edits)
        if edits not in self._sound:
            self._sound[edits] = not spot.edits or self._breaks_nothing(spot)
        return self._sound[edits]

    def _breaks_nothing(self, spot: Spot) -> bool:
        edited = {f"{edit.table}.{edit.column}" for edit in spot.edits}
        with self._mirror.at(0, spot.edits):
            return not any(self._mirror.holds(sql, {}) for sql in self._stakes.of_invariants(edited))

    def _can_be(self, tool: Tool, spot: Spot) -> bool:
        """Whether the call may be made, and the schema takes the edits."""
        if spot.wait < 0 or not _fitting(tool, spot.arguments):
            return False
        if not spot.edits:
            return True
        moment = (spot.wait, text_of(spot.edits))
        if moment not in self._possible:
            with self._mirror.at(spot.wait, spot.edits) as possible:
                self._possible[moment] = possible
        return self._possible[moment]

    def _asked(self, tool: Tool, spot: Spot, refusals: Iterable[_Refusal]) -> Iterator[tuple[str, bool]]:
        """Whether each is due, looked up in the mirror at the first that isn't known."""
        values = bound(tool, spot.arguments)
        with ExitStack() as stack:
            there = False
            for refusal in refusals:
                sight = self._sight(tool, refusal, spot, values)
                if sight not in self._due:
                    if not there:
                        stack.enter_context(self._mirror.at(spot.wait, spot.edits))
                        there = True
                    self._due[sight] = self._mirror.holds(refusal.sql, values)
                yield refusal.code, self._due[sight]

    def _sight(self, tool: Tool, refusal: _Refusal, spot: Spot, values: Mapping[str, Any]) -> _Sight:
        arguments = repr([values.get(name) for name in refusal.arguments])
        edits = tuple(e for e in spot.edits if self._stakes.may_see(tool.name, refusal.code, f"{e.table}.{e.column}"))
        return tool.name, refusal.code, arguments, spot.wait if refusal.clock else 0, text_of(edits)

    def _from(self, tool: Tool, code: str) -> list[_Refusal]:
        """All refusals of a tool, this one first."""
        return sorted(self._refusals[tool.name], key=lambda refusal: refusal.code != code)

    @cached_property
    def _refusals(self) -> Mapping[str, tuple[_Refusal, ...]]:
        facts, stakes = self._mirror.facts, self._stakes
        return {
            tool: tuple(
                _Refusal(code, sql, stakes.arguments(tool, code), stakes.of_clock(tool, code))
                for code, sql in facts.refuses(tool).items()
            )
            for tool in facts.source.contracts
        }


def _fitting(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments that are numbers or dates are within their bounds."""
    for name, value in arguments.items():
        if isinstance(value, int) and not isinstance(value, bool):
            form = narrowed(tool.input_schema.get("properties", {}).get(name, {}))
            if not fits(value, form):
                return False
    return True
