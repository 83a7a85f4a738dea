"""A stance: what the user has wanted of a row so far; and what they know of it.

Whoever has just asked for something about a row doesn't want it gone a moment later, nor the other way round, unless
they say that they have thought better of it. And nobody asks for what they were told, or makes a condition of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synthesis.catalogue import Catalogue
from synthesis.draft import DraftTurn, Mention, RowName, Salient
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.stage import Stage

SECOND_THOUGHTS_SHARE, NEW_SECOND_THOUGHTS_SHARE = 0.05, 0.5
"""How often a user wants the contrary now and says that they have changed their mind, and where that is new to the
data."""
CHANGED_MIND = ("I've thought better of it", "I've changed my mind about it", "I've had second thoughts")
"""What is said then."""


def ended_by(catalogue: Catalogue, tool: str, arguments: Mapping[str, Any]) -> set[str]:
    """Give the parameters of a call whose rows the user has no more use for."""
    wanted = catalogue.said(tool).ends
    return {name for name, others in wanted.items() if others.items() <= arguments.items()}


async def goes_against(stage: Stage, rows: Iterable[RowName], *, ending: bool) -> bool:
    """Whether a request about some rows is contrary to what was wanted of them, or of what they belong to, before.

    `ending` is whether the user has no more use for them.
    """
    if not stage.draft.stances:
        return False
    for row in rows:
        about = {row} if ending else await _with_what_it_belongs_to(stage, row)
        if any(stage.draft.stances.get(one, ending) is not ending for one in about):
            return True
    return False


async def _with_what_it_belongs_to(stage: Stage, row: RowName) -> set[RowName]:
    """Give a row with those that it refers to, of tables whose rows a request can end."""
    environment, table, value = row
    there = stage.at(environment)
    ended = _ended_tables(there.catalogue)
    if not ended:
        return {row}
    columns = await there.row(table, value)
    return {row} | {(environment, name, columns[key]) for key, name in ended.items() if columns.get(key) is not None}


def _ended_tables(catalogue: Catalogue) -> dict[str, str]:
    """Give the tables whose rows a request can put an end to, by their key columns."""
    question = ("ended", "")
    if question not in catalogue.worked_out:
        slots = [(said.slots, name) for said in catalogue.phrases.tool.values() for name in said.ends]
        tables = {slot.of for slots_of_tool, name in slots if (slot := slots_of_tool.get(name)) and slot.of}
        catalogue.worked_out[question] = {catalogue.key(table): table for table in sorted(tables)}
    found: dict[str, str] = catalogue.worked_out[question]
    return found


async def check_stance(stage: Stage, tool: str, mentions: Mapping[str, Mention], arguments: Mapping[str, Any]) -> None:
    """Raise `Drop` when an act would be contrary to what the user has wanted before of the rows that it is about."""
    ending = ended_by(stage.catalogue, tool, arguments)
    for name, mention in mentions.items():
        if await goes_against(stage, rows_of(mention), ending=name.partition("[")[0] in ending):
            raise Drop("contradicts", tool)


def take_stance(stage: Stage, rows: Iterable[RowName], *, ending: bool) -> None:
    """Note that the user wants something of some rows, or has no more use for them."""
    stage.draft.stances |= dict.fromkeys(rows, ending)


def rows_of(mention: Mention) -> list[RowName]:
    """Give the row of a mention, or the rows of a set; none for the user's own only one."""
    if mention.kind == "self":
        return []
    values = mention.value if isinstance(mention.value, list) else [mention.value]
    return [(mention.environment, mention.table, value) for value in values]


def knows(stage: Stage, row: tuple[str, Any], column: str) -> bool:
    """Whether the user was told a column of a row, by its table and key, or has said it."""
    table, value = row
    if isinstance(value, list):
        return False
    return column in stage.draft.known.get((stage.environment, table, value), ())


def tell(stage: Stage, mention: Mention, *columns: str) -> None:
    """Note that the user knows some columns of a row, or of each row of a set."""
    known = stage.draft.known
    known |= {row: known.get(row, frozenset()).union(columns) for row in rows_of(mention)}


@dataclass(frozen=True)
class Wish:
    """What a goal wants of the rows that it names."""

    stage: Stage
    kind: GoalKind
    arguments: Mapping[str, Any]
    mentions: Mapping[str, Mention]
    asked: frozenset[str] = frozenset()
    """What a question asks for, by the names that it has."""

    @property
    def ending(self) -> set[str]:
        """The parameters whose rows the user has no more use for."""
        return ended_by(self.stage.catalogue, self.kind.tool, self.arguments)

    async def check(self, turn: DraftTurn) -> None:
        """Raise `Drop` for what is contrary to a request before, unless the user says that they think otherwise now.

        A question is only contrary where there is no more use for the very row, and idle where it was answered.
        """
        if self.kind.outcome == "answer":
            self._check_question()
        else:
            await self._check_act(turn)

    async def _check_act(self, turn: DraftTurn) -> None:
        try:
            await check_stance(self.stage, self.kind.tool, self.mentions, self.arguments)
        except Drop:
            may_change = bool(self.ending) and not turn.goals and self.kind.outcome == "done"
            if not may_change or not self.stage.chance(self._second_thoughts()):
                raise
            turn.changed_mind, turn.reason = True, str(self.stage.pick(CHANGED_MIND))
        if self.kind.outcome == "refuse" and any(self.stage.draft.stances.get(row) for row in self._ended()):
            raise Drop("contradicts", str(self.kind))

    def _ended(self) -> list[RowName]:
        """Give the rows that the goal would put an end to."""
        names = self.ending
        return [row for name, one in self.mentions.items() if name in names for row in rows_of(one)]

    def _check_question(self) -> None:
        for mention in self.mentions.values():
            if any(self.stage.draft.stances.get(row) for row in rows_of(mention)):
                raise Drop("contradicts", str(self.kind))
            row = (mention.table, mention.value)
            if mention.kind != "self" and any(knows(self.stage, row, column) for column in self.asked):
                raise Drop("told_before", str(self.kind))

    def _second_thoughts(self) -> float:
        """Give how often the user thinks otherwise now: more often where the data has little of what that gives."""
        takers = {name: (self.kind.full_name, name) for name in self.mentions}
        new = any(self.stage.is_new(mention.origin, takers[name]) for name, mention in self.mentions.items())
        return NEW_SECOND_THOUGHTS_SHARE if new else SECOND_THOUGHTS_SHARE

    def note(self, made: Iterable[Salient]) -> None:
        """Note what the user wants of the rows that were named or made, and what they know of them now."""
        ending = self.ending
        for name, mention in self.mentions.items():
            said = {str(part["column"]) for part in mention.properties if "value" in part}
            tell(self.stage, mention, *said, *self.asked)
            over = name.partition("[")[0] in ending or (name == "other" and bool(ending))
            if self.kind.outcome == "answer" or (over and self.kind.outcome == "left"):
                continue  # what stays on the user's own terms is as welcome as before
            inner = [] if over else [row for other in mention.within for row in rows_of(other)]
            take_stance(self.stage, [*rows_of(mention), *inner], ending=over)
        for row in made if self.kind.outcome == "done" else ():
            if row.origin.place in ending or not ending:
                take_stance(self.stage, [(row.environment, row.table, row.value)], ending=bool(ending))
