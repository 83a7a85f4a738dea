"""Feasible values: those candidates for an argument that the tool's declared refusals leave, or demand.

A refusal's query is true exactly when that refusal is due. As soon as all that it names is chosen but one argument,
it sorts that argument's candidates in one query: for a goal to be done none may be due, for a goal to be refused its
own must be and no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client import Tool
from synthesis.goals import GoalKind
from synthesis.stage import Stage

NAMES = re.compile(r":([a-z_]+)")
GIVEN = frozenset({"now", "today"})
"""What every query may name."""
CANDIDATES = "ef_candidates"
"""The candidates as a list, so that one query, once prepared, serves however many there are."""


@dataclass(frozen=True)
class Bench:
    """The refusals of one tool, for one kind of goal, and the parameters that will not be chosen."""

    stage: Stage
    tool: Tool
    kind: GoalKind
    settled: Mapping[str, Any]
    """Parameters that stay at their default, with it."""

    async def sorted_out(self, name: str, candidates: Sequence[Any], values: Mapping[str, Any]) -> list[Any]:
        """Give the candidates for an argument under which the goal can still end as it wants.

        Where each candidate for a refusal would meet another one, too, the call itself says which of them comes first.
        """
        decided = self.decided_by(name, values)
        if not decided or not candidates:
            return list(candidates)
        due: dict[int, set[str]] = {}
        sql = _union(name, decided)
        bound = {**self.settled, **values, CANDIDATES: list(candidates)}
        for place, code in await self.stage.query(sql, bound):
            due.setdefault(place, set()).add(code)
        wanted = {self.kind.what} & set(decided) if self.kind.outcome == "refuse" else set()
        left = [value for place, value in enumerate(candidates) if due.get(place, set()) == wanted]
        if left or not wanted:
            return left
        return [value for place, value in enumerate(candidates) if wanted <= due.get(place, set())]

    def decided_by(self, name: str, values: Mapping[str, Any]) -> dict[str, str]:
        """Give the refusals that the argument decides, the others' values being known, with their queries."""
        return dict(self._decided_by(name, values))

    def _decided_by(self, name: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        card = {f"persona_{fact}" for fact in self.stage.card}
        known = {name} | GIVEN | card | set(values) | set(self.settled)
        for code, sql in self.stage.catalogue.refuses.get(self.tool.name, {}).items():
            names = set(NAMES.findall(sql))
            if name in names and names <= known:
                yield code, sql


def _union(name: str, decided: Mapping[str, str]) -> str:
    """Give the query that says which refusals each candidate meets, by its place in the list."""
    argument = re.compile(rf":{name}\b")
    met = " UNION ALL ".join(
        f"SELECT ef_c.place, '{code}' FROM ef_c WHERE EXISTS ({argument.sub('ef_c.value', sql)})"  # noqa: S608
        for code, sql in decided.items()
    )
    return f"WITH ef_c (place, value) AS (SELECT key, value FROM json_each(:{CANDIDATES})) {met}"  # noqa: S608
