"""Senses: what a condition may say of a row, so that there is a reason for it in what is asked for.

The phrases of a tool tell which way a measure speaks for it: a flight is booked if it costs less than so much, and an
account is drawn on if it holds more than is spent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from envfactory_client import Tool
from envfactory_client.logical_form import Comparison
from synthesis.catalogue import Catalogue
from synthesis.limits import limit, round_up
from synthesis.phrases import Test
from synthesis.stage import Stage

TIMES = (2, 3, 4, 5, 10)
"""How many times an amount that is to be spent an account may have to hold."""


@dataclass(frozen=True)
class Sense:
    """What a condition may say: a comparison, with the values that it may name or the amount that is at stake."""

    op: Comparison
    values: tuple[str, ...] = ()
    amount: int | None = None

    @classmethod
    def of(cls, catalogue: Catalogue, tool: str, column: str, how: Test, *, unless: bool) -> Sense:
        """Give the sense in which a tool's act is wanted where a condition holds, or unless it does."""
        sense = catalogue.said(tool).only[column]
        if not isinstance(sense, str):
            others = tuple(value for value in how.is_ if value not in sense)
            return cls("=", others if unless else sense)
        return cls(">" if (sense == "more") != unless else "<")

    def ways(
        self, stage: Stage, how: Test, value: Any, *, holds: bool
    ) -> Iterator[tuple[Comparison, Any, tuple[str, ...]]]:
        """Give the conditions on a value that hold, or don't: the comparison, what it is compared with, the words."""
        for option in self.values:
            if (option == str(value)) == holds:
                yield "=", option, how.is_[option]
        texts = how.more if self.op == ">" else how.less if self.op == "<" else ()
        bound = self._bound(stage, how, value, above=(self.op == ">") != holds) if texts else None
        if bound is not None:
            spoken = how.spoken(bound)[:4]
            yield self.op, bound, tuple(text.replace("{}", words) for text in texts for words in spoken)

    def _bound(self, stage: Stage, how: Test, value: Any, *, above: bool) -> Any:
        """Give a round value above or below another one; of money that is spent, so much that some of it is left."""
        if self.amount is None:
            return limit(how.kind, value, stage.rng, above=above)
        bounds = [round_up(self.amount * times) for times in TIMES]
        options = [bound for bound in bounds if (bound > value if above else bound < value)]
        return stage.pick(options) if options else None


def spent(tool: Tool, values: Mapping[str, Any]) -> int | None:
    """Give the amount that a call's arguments name, in cents; None for none."""
    fields = tool.contract.parameters if tool.contract else {}
    return next((int(value) for name, value in values.items() if name in fields and fields[name].type == "money"), None)


def stands(op: Comparison, seen: Any, said: Any) -> bool:
    """Whether a value is as a condition says."""
    match op:
        case "<":
            return bool(seen < said)
        case ">":
            return bool(seen > said)
        case _:
            return str(seen) == str(said)
