"""Possession: which of the rows that a user sees they wouldn't call their own, such as a meeting in a colleague's
calendar.
"""

from __future__ import annotations

from collections.abc import Iterator

from synthesis.draft import Mention, RowName
from synthesis.stage import Stage
from synthesis.stance import rows_of


async def rows_of_others(stage: Stage) -> set[RowName]:
    """Give those rows that a draft names and that are somebody else's."""
    named = {row for mention in _named(stage) for row in rows_of(mention)}
    found: set[RowName] = set()
    for environment, table in sorted({(environment, table) for environment, table, _ in named}):
        there = stage.at(environment)
        entity = there.catalogue.phrases.entity.get(table)
        if entity is not None and entity.theirs:
            theirs = set(await there.keys(table, entity.theirs))
            found |= {row for row in named if row[:2] == (environment, table) and row[2] in theirs}
    return found


def _named(stage: Stage) -> Iterator[Mention]:
    for turn in stage.draft.turns:
        for clause in (*turn.clauses, *([turn.withheld] if turn.withheld else [])):
            for part in clause.parts.values():
                for mention in part.mentions:
                    yield from (mention, *mention.within)
