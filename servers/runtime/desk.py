"""A desk: an episode of one environment for its tests, which checks the house rules at each call."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from servers.runtime.environment import Environment
from servers.runtime.episode import Episode
from servers.runtime.tool import Outcome
from servers.runtime.world import World


class Desk:
    """An episode to call tools on; whatever is called, the invariants hold after it and a refusal leaves no trace.

    An environment's own tests derive theirs from it and add how their rows are found. Queries know the persona's
    `:email`, and what else a derived desk puts into `known`.
    """

    def __init__(self, env: Environment, seed: int = 0) -> None:
        self.env = env
        self.episode = Episode.open([env], seed=seed)
        self.world = World(seed)
        self.email = self.world.persona.email
        self.known: dict[str, Any] = {"email": self.email}

    def __enter__(self) -> Self:
        """Give the desk itself; its episode is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the episode."""
        self.episode.close()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Give the result of a call that must succeed."""
        outcome = self.outcome(tool, arguments)
        assert outcome.structured is not None, outcome.text
        return outcome.structured

    def refused(self, tool: str, **arguments: Any) -> str | None:
        """Give the refusal code of a call that must fail and change nothing; none when its arguments were invalid."""
        before = self.episode.state().digest
        outcome = self.outcome(tool, arguments)
        assert outcome.is_error, outcome.text
        assert self.episode.state().digest == before
        return outcome.refusal

    def outcome(self, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Give what a call gives, good or bad, after which every invariant must hold."""
        with self.episode.active():
            outcome = self.env.call(self.env.tools[tool], arguments)
        assert self.episode.violations() == {}
        return outcome

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Give the rows of a query, by column."""
        columns, rows = self.episode.query(self.env.name, sql, {**self.known, **parameters})
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def row(self, sql: str, **parameters: Any) -> dict[str, Any]:
        """Give the first row of a query that must have one."""
        rows = self.rows(sql, **parameters)
        assert rows, f"no row for {sql}"
        return rows[0]

    def one(self, sql: str, **parameters: Any) -> Any:
        """Give the first value of the first row."""
        return next(iter(self.row(sql, **parameters).values()))

    def wait_until(self, moment: str, *, seconds_before: int = 0) -> None:
        """Move the clock to a moment, or to some seconds before it."""
        wait = datetime.fromisoformat(moment) - datetime.fromisoformat(self.episode.now)
        self.episode.advance(int(wait.total_seconds()) - seconds_before)
