"""A stance: what the user has wanted of a row so far; and what they know of it.

Whoever has just asked for something about a row doesn't want it gone a moment later, nor the other way round, unless
something that they have heard since gives them a reason to think otherwise; then they say so. And nobody asks for what
they were told, makes a condition of it, or runs a second time into what stands in the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client import Contract, FieldContract
from synthesis.catalogue import Catalogue
from synthesis.draft import Doubt, DraftStep, DraftTurn, Mention, RowName, Salient
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.spoken import say
from synthesis.stage import Stage

SECOND_THOUGHTS_SHARE, NEW_SECOND_THOUGHTS_SHARE = 0.2, 0.95
"""How often a user who has a reason to think otherwise does so, and where that is new to the data."""
CHANGED_MIND: Mapping[Doubt, tuple[str, ...]] = {
    "refused": ("it's of no use to me like that", "it makes no sense for me like that", "I can't use it like that"),
    "answered": ("that changes things for me", "that isn't what I had in mind", "I had pictured that differently"),
    "dear": ("that's more than I want to spend", "it comes to more than I thought", "I can't spend that much on it"),
    "open": ("I've thought better of it", "I've changed my mind about it", "I've had second thoughts"),
}
"""What is said then, by what was heard."""
THOUGHT_OVER = "I've thought it over, and {}"
"""What is said where the act has reasons of its own."""
_TOLD = ("money", "date", "time")


def ended_by(catalogue: Catalogue, tool: str, arguments: Mapping[str, Any]) -> set[str]:
    """Give the parameters of a call whose rows the user has no more use for."""
    wanted = catalogue.said(tool).ends
    return {name for name, others in wanted.items() if others.items() <= arguments.items()}


async def contrary_to(stage: Stage, rows: Iterable[RowName], *, ending: bool) -> list[RowName]:
    """Give the rows of which the contrary was wanted before of what a request wants of some rows now.

    `ending` is whether the user has no more use for them. What belongs to a row that is to go, goes with it; and
    whoever has had a whole set acted on doesn't want the contrary of others like them.
    """
    draft, found = stage.draft, list[RowName]()
    for row in rows if draft.stances else ():
        environment, table, _ = row
        about = {row} if ending else {row, *await belonging(stage, row)}
        found += sorted((one for one in about if draft.stances.get(one, ending) is not ending), key=str)
        if draft.swept.get((environment, table), ending) is not ending and draft.stances.get(row) is not ending:
            found.append((environment, table, None))
    return found


async def goes_against(stage: Stage, rows: Iterable[RowName], *, ending: bool) -> bool:
    """Whether a request about some rows is contrary to what was wanted of them, or of what they belong to, before."""
    return bool(await contrary_to(stage, rows, ending=ending))


async def belonging(stage: Stage, row: RowName) -> set[RowName]:
    """Give the rows that a row belongs to, of tables whose rows a request can end: a ticket's booking.

    What merely names another row, as a purchase does its card, is a thing of its own.
    """
    environment, table, value = row
    there = stage.at(environment)
    entities, ended = there.catalogue.phrases.entity, _ended_tables(there.catalogue)
    wholes = {key: name for key, name in ended.items() if name != table and table not in entities[name].through}
    if not wholes or table not in entities:
        return set()
    columns = await there.row(table, value)
    return {(environment, name, columns[key]) for key, name in wholes.items() if columns.get(key) is not None}


async def at_one(stage: Stage, rows: Iterable[RowName]) -> set[RowName]:
    """Give some rows, with those that they belong to and that nobody tells from them: an invitation and its event."""
    found = set(rows)
    for row in list(found):
        entities = stage.at(row[0]).catalogue.phrases.entity
        found |= {whole for whole in await belonging(stage, row) if row[1] in entities[whole[1]].one_with}
    return found


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
    if await _contradicted(stage, tool, mentions, arguments):
        raise Drop("contradicts", tool)


async def _contradicted(
    stage: Stage, tool: str, mentions: Mapping[str, Mention], arguments: Mapping[str, Any]
) -> list[RowName]:
    ending = ended_by(stage.catalogue, tool, arguments)
    found: list[RowName] = []
    for name, mention in mentions.items():
        found += await contrary_to(stage, rows_of(mention), ending=name.partition("[")[0] in ending)
    return found


def welcome(stage: Stage, kind: GoalKind, parameter: str, table: str, values: Sequence[Any]) -> list[Any]:
    """Give those of some rows of which a goal doesn't plainly want the contrary of what was wanted before.

    It spares planning what `Wish.check` would refuse, which also sees what rows belong to.
    """
    ends, stances = stage.catalogue.said(kind.tool).ends, stage.draft.stances
    if not stances or ends.get(parameter):  # whether it ends them depends on other arguments
        return list(values)
    ending = parameter in ends

    def is_welcome(row: RowName) -> bool:
        wanted = stances.get(row)
        if wanted is None or not ending or kind.outcome == "answer":
            return not wanted
        if kind.outcome == "refuse":
            return False
        return wanted or row in stage.draft.doubts

    return [value for value in values if is_welcome((stage.environment, table, value))]


async def take_stance(stage: Stage, rows: Iterable[RowName], *, ending: bool) -> None:
    """Note that the user wants something of some rows, and so of what they belong to, or has no more use for them."""
    for row in rows:
        about = {row} if ending else {row, *await belonging(stage, row)}
        stage.draft.stances |= dict.fromkeys(about, ending)
        for one in about:
            stage.draft.doubts.pop(one, None)


async def sweep(stage: Stage, mention: Mention, *, ending: bool) -> None:
    """Note that the user wants something of a whole set of rows, or has no more use for any of them."""
    await take_stance(stage, rows_of(mention), ending=ending)
    stage.draft.swept[mention.environment, mention.table] = ending


def give_doubt(stage: Stage, rows: Iterable[RowName], doubt: Doubt) -> None:
    """Note that something was heard about some rows that may change the user's mind about what they wanted of them."""
    wanted = (row for row in rows if stage.draft.stances.get(row) is False)
    stage.draft.doubts |= dict.fromkeys(wanted, doubt)


def rows_of(mention: Mention) -> list[RowName]:
    """Give the row of a mention, or the rows of a set; none for the user's own only one."""
    if mention.kind == "self":
        return []
    values = mention.value if isinstance(mention.value, list) else [mention.value]
    return [(mention.environment, mention.table, value) for value in values]


async def knows(stage: Stage, row: tuple[str, Any], column: str) -> bool:
    """Whether the user was told a column of a row, by its table and key, or has said it."""
    table, value = row
    if isinstance(value, list):
        return False
    known = stage.draft.known
    return any(column in known.get(one, ()) for one in await at_one(stage, [(stage.environment, table, value)]))


def tell(stage: Stage, rows: Iterable[RowName], columns: Iterable[str]) -> None:
    """Note that the user knows some columns of some rows."""
    known = stage.draft.known
    known |= {row: known.get(row, frozenset()).union(columns) for row in rows}


def heard(stage: Stage, step: DraftStep, told: str) -> set[str]:
    """Give the columns that an answer tells of a call's result, and those that the request has set, by their names."""
    contract = stage.catalogues[step.environment].tools[step.tool].contract
    if contract is None:
        return set()
    set_to = {name: field.sets for name, field in contract.parameters.items() if field.sets}
    found = {column.partition(".")[2] for name, column in set_to.items() if name in step.arguments}
    for path, field in contract.results.items():
        value = step.result.get(path) if step.result and not set(path) & set(".[") else None
        if value is not None and _says(told, say(field.type if field.type in _TOLD else None, value)):
            found |= {path, (field.shows or "").partition(".")[2]} - {""}
    return found


def _says(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


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

        A question is only contrary where there is no more use for the very row, and idle where it was answered; so is
        a request that runs into what the user was told of before.
        """
        if self.kind.outcome == "answer":
            await self._check_question()
        else:
            await self._check_act(turn)

    async def _check_act(self, turn: DraftTurn) -> None:
        against = await _contradicted(self.stage, self.kind.tool, self.mentions, self.arguments)
        if against:
            doubts = {self.stage.draft.doubts.get(row) for row in against}
            may_change = bool(self.ending) and not turn.goals and self.kind.manner == "done"
            (doubt, *others) = sorted(doubts, key=str)
            if not may_change or doubt is None or others or not self.stage.chance(self._second_thoughts()):
                raise Drop("contradicts", str(self.kind))
            turn.changed_mind, turn.reason = True, self._reason(doubt)
        if self.kind.outcome == "refuse":
            await self._check_refusal()

    def _reason(self, doubt: Doubt) -> str:
        """Give why the user thinks otherwise now."""
        declared = self.stage.catalogue.said(self.kind.tool).reasons if doubt in ("answered", "open") else ()
        own = [reason for reason in declared if isinstance(reason, str)]  # others may not fit what was heard
        return THOUGHT_OVER.format(self.stage.pick(own)) if own else str(self.stage.pick(CHANGED_MIND[doubt]))

    async def _check_refusal(self) -> None:
        if any(self.stage.draft.stances.get(row) for row in self._ended()):
            raise Drop("contradicts", str(self.kind))
        if any(self.kind.what in self.stage.draft.obstacles.get(row, ()) for row in await self._about()):
            raise Drop("told_before", str(self.kind))

    async def _about(self) -> set[RowName]:
        """Give the rows that the goal names, with those that they belong to."""
        rows = {row for mention in self.mentions.values() for row in rows_of(mention)}
        return rows.union(*[await belonging(self.stage, row) for row in sorted(rows, key=str)])

    def _ended(self) -> list[RowName]:
        """Give the rows that the goal would put an end to."""
        names = self.ending
        return [row for name, one in self.mentions.items() if name in names for row in rows_of(one)]

    async def _check_question(self) -> None:
        for mention in self.mentions.values():
            if any(self.stage.draft.stances.get(row) for row in rows_of(mention)):
                raise Drop("contradicts", str(self.kind))
            row = (mention.table, mention.value)
            if mention.kind != "self" and any([await knows(self.stage, row, column) for column in self.asked]):
                raise Drop("told_before", str(self.kind))

    def _second_thoughts(self) -> float:
        """Give how often the user thinks otherwise now: more often where the data has little of what that gives."""
        takers = {name: (self.kind.full_name, name) for name in self.mentions}
        new = any(self.stage.is_new(mention.origin, takers[name]) for name, mention in self.mentions.items())
        return NEW_SECOND_THOUGHTS_SHARE if new else SECOND_THOUGHTS_SHARE

    async def note(self, made: Iterable[Salient], told: Iterable[str] = (), answer: Any = None) -> None:
        """Note what the user wants of the rows that were named or made, and what they know of them now.

        `told` are the columns that the assistant has told of, `answer` is what it has answered.
        """
        for mention in self.mentions.values():
            said = {str(part["column"]) for part in mention.properties if "value" in part}
            tell(self.stage, await at_one(self.stage, rows_of(mention)), {*said, *self.asked, *told})
        await self._note_stances()
        shown = list(made)
        tell(self.stage, ((row.environment, row.table, row.value) for row in shown), told)
        for row in shown if self.kind.outcome == "done" else ():
            if row.origin.place in self.ending or not self.ending:
                name = (row.environment, row.table, row.value)
                await take_stance(self.stage, [name], ending=bool(self.ending))
        await self._note_doubts(answer)

    async def _note_stances(self) -> None:
        ending = self.ending
        for name, mention in self.mentions.items():
            over = name.partition("[")[0] in ending or (name == "other" and bool(ending))
            if self.kind.outcome == "answer" or (over and self.kind.outcome == "left"):
                continue  # what stays on the user's own terms is as welcome as before
            inner = [] if over else [row for other in mention.within for row in rows_of(other)]
            rows = [*rows_of(mention), *inner]
            if over and self.kind.outcome == "refuse":  # a series goes on where one date of it is skipped
                rows = sorted(await at_one(self.stage, rows), key=str)
            await take_stance(self.stage, rows, ending=over)

    async def _note_doubts(self, answer: Any) -> None:
        if self.kind.outcome not in ("answer", "refuse"):
            return
        about = await self._about()
        if self.kind.outcome == "answer":
            give_doubt(self.stage, about if self._may_matter(answer) else [], "answered")
            return
        known = self.stage.draft.obstacles
        known |= {row: known.get(row, frozenset()) | {self.kind.what} for row in about}
        give_doubt(self.stage, await at_one(self.stage, await self._as_they_were()), "refused")

    def _may_matter(self, answer: Any) -> bool:
        """Whether an answer can be other than was hoped for: an amount, a number, a day or an hour, but no address."""
        contract = self.stage.catalogue.tools[self.kind.tool].contract
        shown = contract.results.get(self.kind.what) if contract else None
        return isinstance(answer, int) or (shown is not None and shown.type in _TOLD)

    async def _as_they_were(self) -> list[RowName]:
        """Give the rows that the goal would have made other than they are, rather than add something to them."""
        contract, found = self.stage.catalogue.tools[self.kind.tool].contract, list[RowName]()
        set_to = {name: field.sets.partition(".")[2] for name, field in _fields(contract).items() if field.sets}
        changed = {table for table, how in (contract.changes if contract else {}).items() if "update" in how}
        for mention in self.mentions.values():
            for row in rows_of(mention) if mention.table in changed else ():
                columns = await self.stage.at(mention.environment).row(mention.table, row[2])
                named = {name: column for name, column in set_to.items() if name in self.arguments}
                if any(self.arguments[name] != columns.get(column) for name, column in named.items()):
                    found.append(row)
        return found


def _fields(contract: Contract | None) -> Mapping[str, FieldContract]:
    return contract.parameters if contract else {}
