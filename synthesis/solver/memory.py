"""A memory: what was told, spoken of and given in a conversation, as far as the last request can be about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from envfactory_client import Tool
from envfactory_client.logical_form import Intent
from synthesis.solver.outcome import Stuck, Unsettled
from synthesis.solver.sight import Found


@dataclass
class Topic:
    """The rows that a request was about."""

    heads: list[Found] = field(default_factory=list)
    """Rows that it named itself, or that came of it."""
    nested: list[Found] = field(default_factory=list)
    """Rows that it only named inside another description."""


@dataclass
class Memory:
    """The state of a conversation."""

    facts: dict[str, Any] = field(default_factory=dict)
    """What the user has told of themself."""
    topic: Topic = field(default_factory=Topic)
    """What the last request was about."""
    fresh: Topic = field(default_factory=Topic)
    """What the present request is about, as far as it was understood."""
    gave: tuple[Tool, Any] | None = None
    """The last goal's tool and result."""
    pending: Intent | None = None
    """What the assistant has asked about."""

    def pass_on(self, *, joined: bool) -> None:
        """Make the present request the last one; one that joined it in the same exchange adds to the topic."""
        before = self.topic if joined else Topic()
        self.topic = Topic(before.heads + self.fresh.heads, before.nested + self.fresh.nested)
        self.fresh = Topic()

    def same(self, environment: str, entity: str) -> Found:
        """Give the row of an entity that was spoken of."""
        for rows in (self.topic.heads, self.topic.nested):
            alike = [row for row in rows if (row.environment, row.entity) == (environment, entity)]
            if len({row.value for row in alike}) > 1:
                raise Unsettled(f"more than one of {entity} was spoken of")
            if alike:
                return alike[-1]
        raise Stuck(f"none of {entity} was spoken of")

    def given(self, kind: str, column: str | None) -> Any:
        """Give the value of a type that the last goal gave, or the one that shows a column."""
        if self.gave is None or self.gave[0].contract is None:
            raise Stuck("nothing was given before")
        tool, result = self.gave
        assert tool.contract is not None
        found = {
            path: result[path]
            for path, shown in tool.contract.results.items()
            if shown.type == kind and (column is None or shown.shows == column) and result.get(path) is not None
        }
        if len(found) != 1:
            raise Unsettled(f"{tool.full_name} gave {len(found)} values of type {kind}")
        return next(iter(found.values()))
