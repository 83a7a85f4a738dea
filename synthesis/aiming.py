"""Aiming: the goals and rows by which a plan comes to use a link that the data lacks.

Each plan has one such link in view, its quest, drawn by chance so that none is forgotten. A goal whose own look-ups
give the argument uses it at once. Where none do, a goal that makes or shows the value comes first, and the next one
takes it up: the row that was spoken of, or one that goes by its name on a list. What else is within reach is taken up
as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from envfactory_client.card.links import LinkName, any_index
from synthesis.catalogue import Catalogue, Producer
from synthesis.draft import Origin, Salient
from synthesis.goals import IF, NO_TOOL, SUMS, GoalKind
from synthesis.kin import has_spoken_kin, links_of, tables_of_kin
from synthesis.paths import value_of
from synthesis.phrases import ToolPhrases
from synthesis.stage import Stage
from synthesis.wanted import Source, Taker

PLAIN: Final = frozenset({"done", "answer", "refuse", "left", IF})
"""Manners of goal that name their rows one by one, so that a row within reach can be one of them."""
FREE: Final = frozenset({"done", "refuse", IF})
"""Manners of goal that give way to another one for the sake of a quest; of the others there are fewer."""
MOST_NEAR: Final = 5
"""How many kinds of goal are tried that would fulfil the quest, before any other."""
SAID_NO: Final = ("refuse", "left")
"""How a goal ends after which nothing has changed."""


def drawn_quest(stage: Stage) -> LinkName | None:
    """Give one of the links that the data lacks between the stage's environments, by chance."""
    here = stage.catalogues.keys()
    links = [link for link in stage.wanted.links if {_environment(link[0]), _environment(link[2])} <= here]
    return stage.pick(sorted(links)) if links else None


def is_fulfilled(stage: Stage) -> bool:
    """Whether an argument of the draft has come along the quest."""
    steps = stage.draft.steps
    return any(
        (f"{steps[origin.step].environment}.{steps[origin.step].tool}", any_index(origin.place or ""), *taker)
        == stage.quest
        for step in steps
        for name, origin in step.origins.items()
        if origin.step is not None
        for taker in [(f"{step.environment}.{step.tool}", name.partition("[")[0])]
    )


def see_anew(stage: Stage) -> None:
    """Let a row that was spoken of last be taken from where the quest wants it taken from, if it was shown there."""
    if stage.quest is None:
        return
    _, _, consumer, parameter = stage.quest
    here = stage.at(_environment(consumer))
    table, shown = here.catalogue.slot(consumer.partition(".")[2], parameter).of, here.in_hand((consumer, parameter))
    stage.draft.topic = [
        replace(row, origin=shown[row.value])
        if (row.environment, row.table) == (here.environment, table) and not row.rival_only and row.value in shown
        else row
        for row in stage.draft.topic
    ]


def is_near(stage: Stage) -> bool:
    """Whether the next goal can fulfil the quest by what has been spoken of or shown."""
    if stage.quest is None:
        return False
    _, _, consumer, parameter = stage.quest
    return _is_within_reach(stage.at(_environment(consumer)), (consumer, parameter))


def _is_within_reach(stage: Stage, taker: Taker) -> bool:
    return bool(within_reach(stage, taker)) or has_spoken_kin(stage, taker) or bool(spoken_anchors(stage, taker))


def spoken_anchors(stage: Stage, taker: Taker) -> list[Salient]:
    """Give the rows spoken of last through which a key such as a seat, which they show, can be said in a new way."""
    tool, parameter = taker[0].partition(".")[2], taker[1]
    key = stage.catalogue.parameter(tool, parameter).key
    if key is None or not stage.catalogue.slot(tool, parameter).carry:
        return []
    spoken = [row for row in stage.draft.topic if not row.rival_only]
    return [row for row in spoken if any(stage.is_new(origin, taker) for origin in _shown_beside(stage, row, key))]


def beside_the_anchor(stage: Stage, taker: Taker, table: str, candidates: Sequence[Any]) -> list[Any]:
    """Give those rows that a request may be about whose quest is said through a row spoken of: any but that row."""
    if stage.quest is None or stage.quest[2] != taker[0] or stage.quest[3] == taker[1]:
        return list(candidates)
    through = {(row.table, row.value) for row in spoken_anchors(stage, (taker[0], stage.quest[3]))}
    return [value for value in candidates if (table, value) not in through]


def _shown_beside(stage: Stage, row: Salient, key: str) -> Iterator[Origin]:
    """Give where a key, by which a row can be said to have it, is shown in the record that has shown the row."""
    step, place, catalogue = row.origin.step, row.origin.place, stage.catalogues[row.environment]
    if step is None or place is None:
        return
    shown = stage.draft.steps[step]
    for column in _columns_showing(catalogue, row.table, key):
        beside = catalogue.field_beside(shown.tool, place, row.table, column)
        if beside is not None and value_of(shown.result, beside) is not None:
            yield Origin("earlier", step=step, place=beside)


def _columns_showing(catalogue: Catalogue, table: str, key: str) -> list[str]:
    """Give the columns of a table that show a key and can be said through its rows."""
    view = catalogue.view(table)
    return [column for column in catalogue.entity(table).anchors if catalogue.type_of(f"{view}.{column}") == key]


def by_aim(stage: Stage, kinds: Sequence[GoalKind]) -> list[GoalKind]:
    """Give kinds of goal with those first that use a link which the data lacks, otherwise in the order they have."""
    tools = {kind.full_name for kind in kinds if kind.what != NO_TOOL}
    takers = {tool for tool in tools if _takes_up(stage.at(_environment(tool)), tool)}
    drawn = kinds[0].manner if kinds else ""
    quest, leads, of_the_user = stage.quest, _leading(stage), _is_of_the_user(stage)

    def rank(kind: GoalKind) -> int:
        if kind.manner in PLAIN and kind.full_name in takers:
            return 0 if quest is not None and kind.full_name == quest[2] else 1
        if drawn not in FREE and kind.manner != drawn:
            return 5
        if not leads(kind):
            return 4
        return 3 if of_the_user and kind.outcome == "refuse" else 2

    ranks = [rank(kind) for kind in kinds]
    ordered = [kinds[place] for place in sorted(range(len(kinds)), key=ranks.__getitem__)]
    near = ordered[: ranks.count(0)]
    return near[:MOST_NEAR] + ordered[len(near) :] + near[MOST_NEAR:]


def within_reach(stage: Stage, taker: Taker) -> list[Any]:
    """Give the rows that an argument can be in a new way: those spoken of last, and those shown by their name."""
    tool, parameter = taker[0].partition(".")[2], taker[1]
    slot = stage.catalogue.slot(tool, parameter)
    spoken = [row for row in stage.draft.topic if not row.rival_only and stage.is_new(row.origin, taker)]
    found = [row.value for row in spoken if row.table == slot.of] if "anaphora" in slot.by else []
    entity = stage.catalogue.phrases.entity.get(slot.of or "")
    return found + (list(stage.in_hand(taker)) if entity is not None and entity.named else [])


def insists(stage: Stage, taker: Taker) -> bool:
    """Whether an argument is the one that the quest is about, and the row for it within reach."""
    return stage.quest is not None and taker == stage.quest[2:] and is_near(stage)


async def toward_the_quest(stage: Stage, table: str, candidates: Sequence[Any]) -> list[Any]:
    """Give those rows that lead to the quest.

    To them something refers that waits for the user, where the quest is that they act on it; or they have the seat, or
    other key, that the quest is to say through them.
    """
    if stage.quest is None or _environment(stage.quest[2]) != stage.environment:
        return []
    _, _, consumer, parameter = stage.quest
    tool, catalogue = consumer.partition(".")[2], stage.catalogue
    slot, key = catalogue.slot(tool, parameter), catalogue.parameter(tool, parameter).key
    if slot.carry and key is not None:
        having = [f"{column} IS NOT NULL" for column in _columns_showing(catalogue, table, key)]
        found = await stage.keys(table, " OR ".join(having)) if having else []
        return [value for value in candidates if value in found]
    column = catalogue.schema.link_to(slot.of or "", f"{table}.{catalogue.key(table)}")
    if catalogue.tools[tool].actor != "user" or slot.of is None or column is None:
        return []
    waiting = set(await stage.keys(slot.of, slot.where))
    sql = f"SELECT {catalogue.key(slot.of)}, {column} FROM {slot.of} ORDER BY 1"  # noqa: S608
    referred = {cells[1] for cells in await stage.query(sql) if cells[0] in waiting}
    return [value for value in candidates if value in referred]


def values_toward_the_quest(stage: Stage, taker: Taker, options: Sequence[Any]) -> Sequence[Any]:
    """Give those values by which the user has no more use for a row, where the quest is that they say so; or all.

    Who declines an invitation may then want its event out of the calendar, which who accepts it doesn't.
    """
    if stage.quest is None or stage.quest[2] == taker[0]:
        return options
    environment, _, tool = stage.quest[2].partition(".")
    if stage.quest[3] not in stage.catalogues[environment].said(tool).ends:
        return options
    ends = stage.catalogue.said(taker[0].partition(".")[2]).ends
    wanted = [others[taker[1]] for others in ends.values() if taker[1] in others]
    return [option for option in options if option in wanted] or options


def _takes_up(stage: Stage, tool: str) -> bool:
    slots = stage.catalogue.said(tool.partition(".")[2]).slots
    return any(_is_within_reach(stage, (tool, parameter)) for parameter in slots)


def _leading(stage: Stage) -> Callable[[GoalKind], bool]:
    """Give what says whether a goal comes nearer to the quest.

    It does by its own look-ups, by what it gives, or by what it has looked up.
    """
    if stage.quest is None:
        return lambda _kind: False
    producer, path, consumer, parameter = stage.quest
    catalogue, takes = stage.catalogues[_environment(producer)], stage.catalogues[_environment(consumer)]
    there, table = stage.at(_environment(consumer)), _table_of(takes, consumer, parameter)
    found = (producer, path) in _found_by(takes, consumer, parameter)
    is_kin = (producer, path) in links_of(there, table)
    tables = tables_of_kin(there, table, (producer, path)) if is_kin else set[str]()
    about_kin = _about(there, tables, consumer)
    makers = _makers(takes, tables) - {consumer} if about_kin == {consumer} else frozenset()
    fed, of_the_user = _fed_by(catalogue, producer), _is_of_the_user(stage)

    def leads(kind: GoalKind) -> bool:
        if kind.what == NO_TOOL:
            return False
        if found:
            return kind.full_name == consumer and kind.manner in PLAIN
        if is_kin:
            if makers:
                return kind.full_name in makers and kind.outcome == "done"
            return kind.full_name in about_kin and kind.manner in PLAIN
        if kind.full_name == producer:
            return kind.manner in ("answer", SUMS) or kind.outcome == "done"
        if kind.full_name == consumer or kind.full_name not in fed:
            return False
        return kind.outcome in SAID_NO if of_the_user else kind.manner in PLAIN

    return leads


def _about(stage: Stage, tables: set[str], consumer: str) -> frozenset[str]:
    """The tools whose goals can be about a row of some tables, through which the next one says what the quest is about.

    Where there are none, the goal that the quest leads to must name such a row itself.
    """
    tools = [tool for tool in stage.catalogue.tools.values() if tool.actor == "agent"]
    named = {tool.full_name for tool in tools if _is_about(stage.catalogue.said(tool.name), tables)}
    return frozenset(named - {consumer} or {consumer})


def _makers(catalogue: Catalogue, tables: set[str]) -> frozenset[str]:
    """Give the tools by which the agent makes a row of some tables and shows its key."""
    keys = {table: f"{table}.{catalogue.key(table)}" for table in sorted(tables)}
    contracts = [(tool.full_name, tool.contract) for tool in catalogue.tools.values() if tool.actor == "agent"]
    return frozenset(
        name
        for name, contract in contracts
        for table, key in keys.items()
        if contract is not None
        and contract.changes.get(table, "").startswith("insert")
        and any(field.key == key for field in contract.results.values())
    )


def _is_about(said: ToolPhrases, tables: set[str]) -> bool:
    """Whether the agent can be asked for something about a row of some tables."""
    return bool(said.asks or said.answers) and any(slot.of in tables for slot in said.slots.values())


def _is_of_the_user(stage: Stage) -> bool:
    """Whether the quest is that the user acts themself; few refusals are about a row that waits for that."""
    if stage.quest is None:
        return False
    environment, _, tool = stage.quest[2].partition(".")
    return stage.catalogues[environment].tools[tool].actor == "user"


def _found_by(catalogue: Catalogue, consumer: str, parameter: str) -> frozenset[Source]:
    """Give the look-ups by which an argument can be found as any row of its table is."""
    question = ("found by", f"{consumer} {parameter}")
    if question not in catalogue.worked_out:
        tool = consumer.partition(".")[2]
        key = catalogue.parameter(tool, parameter).key if catalogue.tools[tool].actor == "agent" else None
        catalogue.worked_out[question] = frozenset(
            (found.tool.full_name, found.path)
            for found in (catalogue.producers(key) if key else ())
            if catalogue.tells(found, str(key).partition(".")[0])
            and _can_be_made_for(catalogue, found, str(key).partition(".")[0])
        )
    found: frozenset[Source] = catalogue.worked_out[question]
    return found


def _can_be_made_for(catalogue: Catalogue, producer: Producer, table: str) -> bool:
    """Whether all that a look-up needs can be said of a row of a table, or is the user's own."""
    columns = {*catalogue.schema.columns.get(table, ())}
    if table in catalogue.phrases.entity:
        columns |= {*catalogue.schema.columns.get(catalogue.view(table), ())}
    for name in producer.tool.required:
        field = catalogue.parameter(producer.tool.name, name)
        said = field.filter is not None and field.filter.column.partition(".")[2] in columns
        linked = field.key is not None and catalogue.schema.link_to(table, field.key) is not None
        own = catalogue.phrases.entity.get((field.key or "").partition(".")[0])
        if not (said or linked or catalogue.fact(producer.tool.name, name) or (own and own.mine and not own.say)):
            return False
    return True


def _fed_by(catalogue: Catalogue, producer: str) -> frozenset[str]:
    """Give the tools some argument of which can be found by a look-up."""
    question = ("fed by", producer)
    if question not in catalogue.worked_out:
        catalogue.worked_out[question] = frozenset(
            link.consumer
            for link in catalogue.graph.consumers(producer)
            if (producer, link.path) in _found_by(catalogue, link.consumer, link.parameter)
        )
    found: frozenset[str] = catalogue.worked_out[question]
    return found


def _table_of(catalogue: Catalogue, consumer: str, parameter: str) -> str:
    """Give the table of whose rows an argument is one; "" for none."""
    tool = consumer.partition(".")[2]
    key = catalogue.parameter(tool, parameter).key or ""
    return catalogue.slot(tool, parameter).of or key.partition(".")[0]


def _environment(tool: str) -> str:
    return tool.partition(".")[0]
