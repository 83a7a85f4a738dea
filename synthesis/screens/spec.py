"""The reward specification of a task: what its goals owe, and how its changes are to be compared.

All of it comes from what was executed and declared: goals and results of the trajectory, contracts of the tools, keys
and links of the schema, and the phrases by which questions and refusals are said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from envfactory_client import (
    Evidence,
    Goal,
    Owed,
    RefusedCall,
    RewardSpec,
    Slot,
    Step,
    Tool,
    Trajectory,
    canonical_json,
)
from envfactory_client.score import spoken
from envfactory_client.score.attempt import leaves
from envfactory_client.trajectory import SlotType
from synthesis.catalogue import Catalogue
from synthesis.choose import PLACEHOLDER
from synthesis.goals import NO_TOOL, SUMS
from synthesis.schema import memory
from synthesis.screens.evidence import causes, key_arguments

CONFIRMING: Final = (
    "shall I go ahead",
    "should I proceed",
    "do you want me to",
    "would you like me to",
    "please confirm",
    "is that all right",
)
_TYPED: Final[Mapping[str, SlotType]] = {"money": "money", "date": "date", "time": "time"}
Catalogues = Mapping[str, Catalogue]


def draft_spec(task: Trajectory, catalogues: Catalogues) -> RewardSpec:
    """Give the specification as far as it follows from the trajectory and what environments declare."""
    tools = {tool.full_name: tool for catalogue in catalogues.values() for tool in catalogue.tools.values()}
    writes = tuple(name for name in task.tools.names if name in tools and not tools[name].read_only)
    mine = [step for step in task.steps if step.actor == "agent"]
    return RewardSpec(
        format=1,
        state=task.reward.state,
        changes=task.reward.changes,
        calls=len(mine),
        owed=tuple(_owed(task, catalogues)),
        writes=writes,
        sources=_sources(task, tools),
        refused=tuple(
            RefusedCall(tool=name, code=step.refusal)
            for step in mine
            if step.is_error and (name := _name(step)) in writes
        ),
        generated=tuple(_generated(task, catalogues)),
        links=dict(_links(task, catalogues)),
    )


def _name(step: Step) -> str:
    return f"{step.environment}.{step.tool}"


def _sources(task: Trajectory, tools: Mapping[str, Tool]) -> dict[str, tuple[str, ...]]:
    """Give by write tool the parameters that are keys, or whose values the plan took from earlier results."""
    found: dict[str, set[str]] = {}
    taken = {(entry.step, entry.argument.partition("[")[0]) for entry in task.ledger if entry.source == "earlier"}
    for number, step in enumerate(task.steps):
        tool = tools[_name(step)]
        if step.actor == "agent" and not tool.read_only:
            names = {name for name in step.arguments if (number, name) in taken}
            found.setdefault(tool.full_name, set()).update(names, key_arguments(tool, step.arguments))
    return {name: tuple(sorted(names)) for name, names in sorted(found.items()) if names}


# What goals owe -------------------------------------------------------------------------------------------------------


def _owed(task: Trajectory, catalogues: Catalogues) -> Iterator[Owed]:
    for number, turn in enumerate(task.turns):
        for goal in turn.goals:
            environment, _, name = goal.tool.partition(".")
            catalogue = catalogues[environment]
            if goal.outcome == "ask":
                phrases = {str(goal.parameter): tuple(_questions(catalogue, name, str(goal.parameter)))}
                yield Owed(turn=number, goal=goal.tool, outcome="ask", parameter=goal.parameter, phrases=phrases)
            elif goal.code == NO_TOOL:
                yield _lacking(task, number, goal, catalogue)
            elif goal.outcome == "refuse":
                yield _refusal(task, number, goal, catalogue)
            elif goal.outcome == "left" and goal.answer:
                yield _left(task, number, goal, catalogue)
            elif goal.outcome == "answer":
                slots = tuple(_slot(catalogue, name, field, value) for field, value in goal.answer.items())
                answer = Owed(turn=number, goal=goal.tool, outcome="answer", slots=slots)
                yield answer.model_copy(update={"evidence": tuple(_shown(task, number, catalogue, answer))})


def _questions(catalogue: Catalogue, tool: str, parameter: str) -> Iterator[str]:
    """Give the questions that ask for a parameter."""
    phrases = catalogue.said(tool)
    if parameter == "confirmation":
        yield from CONFIRMING
        yield from (PLACEHOLDER.sub("", form) for form in (phrases.confirm.ask if phrases.confirm else ()))
        return
    slot = catalogue.slot(tool, parameter)
    yield from slot.question
    yield parameter.partition("[")[0].removesuffix("_id").removesuffix("_cents").replace("_", " ")
    if slot.of:
        yield "which one"
        yield from (f"which {noun}" for noun in catalogue.entity(slot.of).noun)


def _refusal(task: Trajectory, turn: int, goal: Goal, catalogue: Catalogue) -> Owed:
    name = goal.tool.partition(".")[2]
    code = str(goal.code)
    tool = catalogue.tools[name]
    refused = [step for step in task.turns[turn].steps if _name(step) == goal.tool and step.refusal == code]
    evidence = [found for step in refused for found in causes(catalogue, tool, code, step.arguments)]
    evidence += [] if refused else [_read(step) for step in task.turns[turn].steps if not step.is_error]
    phrases = {**dict.fromkeys(catalogue.refuses.get(name, {}), ()), **catalogue.said(name).refused}
    return Owed(
        turn=turn,
        goal=goal.tool,
        outcome="refuse",
        code=code,
        phrases=phrases,
        evidence=tuple({canonical_json(one.model_dump(mode="json")): one for one in evidence}.values()),
    )


def _lacking(task: Trajectory, turn: int, goal: Goal, catalogue: Catalogue) -> Owed:
    """Give what is owed where no tool can meet a wish: that this is said of this wish, with its row looked up."""
    name = goal.tool.partition(".")[2]
    wishes = catalogue.phrases.lacking
    (reference,) = (
        one for one in task.references if one.turn == turn and one.table == wishes[name].of and one.argument is None
    )
    key = f"{reference.table}.{reference.column}"
    evidence = [
        Evidence(tool=tool.full_name, key=path, value=reference.value, field=path.rpartition(".")[2])
        for tool in catalogue.tools.values()
        for path, field in (tool.contract.results.items() if tool.contract else ())
        if tool.read_only and tool.actor == "agent" and field.key == key
    ]
    others = {other: wish.told for other, wish in wishes.items() if other != name}
    phrases = {NO_TOOL: wishes[name].told, **others}
    return Owed(turn=turn, goal=goal.tool, outcome="refuse", code=NO_TOOL, phrases=phrases, evidence=tuple(evidence))


def _left(task: Trajectory, turn: int, goal: Goal, catalogue: Catalogue) -> Owed:
    """Give what is owed where an act is left undone: what was seen that decided, by a look-up that shows it."""
    ((column, value),) = goal.answer.items()
    kind = next((kind for name, kind in _kinds_of(catalogue) if name == column), None)
    slot = Slot(name=column, type=_type_of(kind, value), value=value)
    reads = [
        step for before in task.turns[: turn + 1] for step in before.steps if step.environment == catalogue.environment
    ]
    evidence = [_read(step) for step in reads if value in set(leaves(step.result)) and step.actor == "agent"]
    return Owed(turn=turn, goal=goal.tool, outcome="answer", slots=(slot,), evidence=tuple(evidence))


def _kinds_of(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Give the columns on which conditions are put, with their kinds."""
    for entity in catalogue.phrases.entity.values():
        yield from ((column, how.kind) for column, how in entity.tests.items())


def _read(step: Step) -> Evidence:
    return Evidence(tool=_name(step), arguments=dict(step.arguments))


def _slot(catalogue: Catalogue, tool: str, field: str, value: Any) -> Slot:
    if field.startswith(SUMS):
        return Slot(name=field, type=catalogue.phrases.sums[field.removeprefix(SUMS)].type or "count", value=value)
    contract = catalogue.tools[tool].contract
    result = contract.results.get(field) if contract else None
    return Slot(name=field, type=_type_of(result.type if result else None, value), value=value)


def _type_of(declared: str | None, value: Any) -> SlotType:
    kind = _TYPED.get(declared or "")
    if kind == "money" or (kind and spoken.as_moment(value) is not None):
        return kind
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "count"
    return "list" if isinstance(value, list) else "name"


def _shown(task: Trajectory, turn: int, catalogue: Catalogue, owed: Owed) -> Iterator[Evidence]:
    """Give the reads that show an answer which could also stand in a result by chance."""
    names = [slot.name.removeprefix(SUMS) for slot in owed.slots if slot.name.startswith(SUMS)]
    sums = [catalogue.phrases.sums[name] for name in names]
    if not sums and all(slot.type not in ("count", "flag") for slot in owed.slots):
        return
    tool = catalogue.tools[owed.goal.partition(".")[2]]
    yield Evidence(tool=tool.full_name)
    results = tool.contract.results if tool.contract else {}
    wanted = {results[slot.name].shows for slot in owed.slots if slot.name in results} - {None}
    wanted |= {f"{catalogue.view(one.of)}.{one.column}" if one.column else _key(catalogue, one.of) for one in sums}
    for step in (step for before in task.turns[: turn + 1] for step in before.steps):
        contract = catalogue.tools[step.tool].contract if step.environment == catalogue.environment else None
        fields = contract.results.values() if contract else ()
        shown = {found for field in fields for found in (field.shows, field.key)}
        if step.actor == "agent" and _name(step) != tool.full_name and wanted and wanted <= shown:
            yield _read(step)


def _key(catalogue: Catalogue, table: str) -> str:
    return f"{table}.{catalogue.key(table)}"


# How changes are compared ---------------------------------------------------------------------------------------------


def _generated(task: Trajectory, catalogues: Catalogues) -> Iterator[str]:
    """Give the unique columns of new rows whose values nobody gave."""
    shown = [(set(leaves(step.arguments)), set(leaves(step.result))) for step in task.steps]
    given = {value for arguments, _ in shown for value in arguments}
    said = " ".join(turn.user for turn in task.turns)
    for environment, tables in task.reward.changes.items():
        for table, change in tables.items():
            rows = change.get("inserted", ())
            for column in _unique(catalogues[environment].schema.sql, table) if rows else ():
                values = [row[column] for row in rows if row[column] is not None]
                new = {row[column] for row in rows} & (given - _results_before(shown, values))
                if values and not new and not any(spoken.names(value, said) for value in values):
                    yield f"{environment}.{table}.{column}"


def _results_before(shown: list[tuple[set[Any], set[Any]]], values: list[Any]) -> set[Any]:
    """Give those of some values that a write's result was the first to show, so that later arguments only repeat it."""
    found: set[Any] = set()
    met: set[Any] = set()
    for arguments, results in shown:
        met.update(value for value in values if value in arguments and value not in found)
        found.update(value for value in values if value in results and value not in met)
    return found


def _links(task: Trajectory, catalogues: Catalogues) -> Iterator[tuple[str, str]]:
    """Give the columns that refer to new rows."""
    for environment, tables in sorted(task.reward.changes.items()):
        filled = {table for table, change in tables.items() if change.get("inserted")}
        for (table, column), (target, _) in sorted(catalogues[environment].schema.links.items()):
            if table in tables and target in filled:
                yield f"{environment}.{table}.{column}", f"{environment}.{target}"


@lru_cache(maxsize=512)
def _unique(schema: str, table: str) -> tuple[str, ...]:
    """Give the columns of a table that alone tell its rows apart, in order."""
    with memory(schema) as db:
        return tuple(_unique_columns(db, table))


def _unique_columns(db: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = db.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
    alone = [name for name, place in columns if place] if sum(1 for _, place in columns if place) == 1 else []
    indexes = db.execute("SELECT name FROM pragma_index_list(?) WHERE [unique] AND NOT partial", (table,)).fetchall()
    for (index,) in indexes:
        names = [row[0] for row in db.execute("SELECT name FROM pragma_index_info(?)", (index,))]
        alone += names if len(names) == 1 else []
    links = {row[0] for row in db.execute('SELECT "from" FROM pragma_foreign_key_list(?)', (table,))}
    return (name for name in dict.fromkeys(alone) if name not in links)
