"""Flaws: what in an environment's phrases contradicts its schema or its tools, each as a sentence."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from envfactory_client import Tool
from envfactory_client.nulls import Nulls
from synthesis.catalogue import Catalogue
from synthesis.choose import PLACEHOLDER
from synthesis.kin import referring_column
from synthesis.lacking import makers
from synthesis.language.pattern import pattern_flaws
from synthesis.phrases import Entity, Reason, Side, Slot, Sum, ToolPhrases
from synthesis.schema import memory

_CHANGE = re.compile(r"update \w+\.\w+|(insert|delete) \w+")


def flaws(catalogue: Catalogue) -> list[str]:
    """Give every flaw of an environment's phrases; none when all they name exists."""
    return [
        *_entity_flaws(catalogue),
        *_tool_flaws(catalogue),
        *_sum_flaws(catalogue),
        *_lacking_flaws(catalogue),
        *_knowledge_flaws(catalogue),
        *_query_flaws(catalogue),
    ]


def _entity_flaws(catalogue: Catalogue) -> Iterator[str]:
    schema = catalogue.schema
    for table, entity in catalogue.phrases.entity.items():
        where = f"[entity.{table}]"
        if table not in schema.columns:
            yield f"{where}: the schema has no table {table}."
            continue
        if entity.view and entity.view not in schema.columns:
            yield f"{where}: the schema has no view {entity.view}."
            continue
        known = schema.columns[entity.view or table]
        for column in (
            *entity.handles,
            *entity.alike,
            *([entity.recency] if entity.recency else []),
            *([catalogue.key(table)]),
        ):
            if column not in known:
                yield f"{where}: {entity.view or table} has no column {column}."
        yield from _say_flaws(catalogue, table, entity)


def _say_flaws(catalogue: Catalogue, table: str, entity: Entity) -> Iterator[str]:
    for column, how in entity.say.items():
        where = f"[entity.{table}.say] {column}"
        if catalogue.schema.attribute(entity.view or table, column) is None:
            yield f"{where}: {entity.view or table} has no such column or path."
        if how.kind == "row" and how.of not in catalogue.phrases.entity:
            yield f"{where}: 'of' must name an entity, not {how.of}."
        if how.kind == "enum" and not isinstance(how.forms, dict):
            yield f"{where}: an enum's forms go by value."
        if how.before and isinstance(how.before, dict) != (how.kind == "enum"):
            yield f"{where}: what stands before the noun goes by value for an enum, and has {{}} for anything else."
        if column in entity.handles:
            yield f"{where}: a handle is never used to describe."
    yield from _test_flaws(catalogue, table, entity)
    yield from _kin_flaws(catalogue, table, entity)
    if entity.named and entity.named not in entity.say:
        yield f"[entity.{table}] named: {entity.named} is not among what is said of it."
    yield from (
        f"[entity.{table}] alone: nothing says {column} before the noun."
        for column in entity.alone
        if column not in entity.say or not entity.say[column].before
    )
    for column in entity.anchors:
        if catalogue.type_of(f"{entity.view or table}.{column}") is None:
            yield f"[entity.{table}.anchors] {column}: no look-up shows it as money, a date or a time."


def _kin_flaws(catalogue: Catalogue, table: str, entity: Entity) -> Iterator[str]:
    wanted = f"{table}.{catalogue.key(table)}"
    yield from (
        f"[entity.{table}.through] {other}: it is no kin." for other in entity.through.keys() - entity.kin.keys()
    )
    yield from (
        f"[entity.{table}] replying: {other} is no kin." for other in entity.replying if other not in entity.kin
    )
    for other in entity.kin:
        if other not in catalogue.phrases.entity or referring_column(catalogue, other, wanted) is None:
            yield f"[entity.{table}.kin] {other}: no entity of that name refers to {table}."


def _test_flaws(catalogue: Catalogue, table: str, entity: Entity) -> Iterator[str]:
    for column, test in entity.tests.items():
        where = f"[entity.{table}.tests] {column}"
        if column not in catalogue.schema.columns[entity.view or table]:
            yield f"{where}: {entity.view or table} has no such column."
        if (test.kind == "enum") != isinstance(test.told, dict) or (test.kind == "enum") != bool(test.is_):
            yield f"{where}: an enum's 'is' and 'told' go by value, and nothing else has 'is'."
        unsaid = [form for form in (*test.more, *test.less) if "{}" not in form]
        yield from (f"{where}: '{form}' has no {{}} for the value." for form in unsaid)


def _sense_flaws(catalogue: Catalogue, tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    """Give what is wrong with when a request is wanted, and with what it puts an end to."""
    tables = {slot.of for slot in phrases.slots.values()} & catalogue.phrases.entity.keys()
    tests = {column: test for table in tables for column, test in catalogue.entity(str(table)).tests.items()}
    for column, sense in phrases.only.items():
        where, test = f"[tool.{tool.name}.only] {column}", tests.get(column)
        if test is None:
            yield f"{where}: no row that it takes has a test of that name."
        elif isinstance(sense, str) != (test.kind != "enum") or not set(sense if test.is_ else ()) <= set(test.is_):
            yield f"{where}: an enum's sense is a list of its values, any other one's is 'more' or 'less'."
    parameters = set(tool.input_schema.get("properties", {}))
    results = set(tool.contract.results) if tool.contract else set()
    for name, others in phrases.ends.items():
        unknown = sorted(({name} - parameters - results) | (set(others) - parameters))
        yield from (f"[tool.{tool.name}.ends] {name}: it has no {one}." for one in unknown)


def _tool_flaws(catalogue: Catalogue) -> Iterator[str]:
    for name in catalogue.tools:
        if name not in catalogue.phrases.tool:
            yield f"[tool.{name}] is missing."
    for name, phrases in catalogue.phrases.tool.items():
        if name not in catalogue.tools:
            yield f"[tool.{name}]: there is no such tool."
            continue
        tool = catalogue.tools[name]
        yield from _slot_flaws(catalogue, tool, phrases)
        yield from _ask_flaws(tool, phrases)
        yield from _reason_flaws(tool, phrases)
        yield from _reply_flaws(catalogue, tool, phrases)
        yield from _value_flaws(tool, phrases)
        yield from _refusal_flaws(tool, phrases)
        yield from _sense_flaws(catalogue, tool, phrases)
        yield from _together_flaws(catalogue, tool, phrases)
        yield from (
            f"[tool.{name}]: it follows {other}, which doesn't exist."
            for other in phrases.follows
            if other not in catalogue.tools
        )
        results = tool.contract.results if tool.contract else {}
        for field in phrases.yields:
            if field not in results or results[field].type is None:
                yield f"[tool.{name}]: it yields {field}, which its result doesn't show as money, a date or a time."
        if phrases.confirm is not None:
            read = catalogue.tools.get(phrases.confirm.read)
            if read is None or read.contract is None or phrases.confirm.field not in read.contract.results:
                yield f"[tool.{name}.confirm]: {phrases.confirm.read} shows no {phrases.confirm.field}."
        if phrases.follows and not phrases.acts:
            yield f"[tool.{name}]: it follows other tools, but 'acts' doesn't say what the user then writes."


def _slot_flaws(catalogue: Catalogue, tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    for parameter, slot in phrases.slots.items():
        where = f"[tool.{tool.name}] slot {parameter}"
        if parameter not in tool.input_schema.get("properties", {}):
            yield f"{where}: the tool has no such parameter."
        if slot.of and slot.of not in catalogue.phrases.entity:
            yield f"{where}: there is no [entity.{slot.of}]."
        contract = catalogue.parameter(tool.name, parameter)
        if contract.key and slot.of and contract.key != f"{slot.of}.{catalogue.key(slot.of)}":
            yield f"{where}: the parameter is a key of {contract.key}, not of {slot.of}."
        yield from (f"{where}: {column} is no column of {slot.of}." for column in _unknown_implied(catalogue, slot))
        taken = {name for other in catalogue.tools.values() for name in other.input_schema.get("properties", {})}
        yield from (f"{where}: no look-up takes {name}." for name in slot.narrows if name not in taken)


def _sum_flaws(catalogue: Catalogue) -> Iterator[str]:
    for name, how in catalogue.phrases.sums.items():
        where, tool = f"[sums.{name}]", catalogue.tools.get(how.tool)
        if tool is None or not tool.read_only or tool.actor != "agent":
            yield f"{where}: {how.tool} is no look-up of the agent."
            continue
        for side in how.sides.values() or [Side(of=how.of, column=how.column or "", where=how.where)]:
            if side.of not in catalogue.phrases.entity:
                yield f"{where}: there is no [entity.{side.of}]."
            elif side.column and side.column not in catalogue.schema.columns[catalogue.view(side.of)]:
                yield f"{where}: {catalogue.view(side.of)} has no column {side.column}."
            else:
                lacking = set(how.alike) - set(catalogue.schema.columns[catalogue.view(side.of)])
                yield from (f"{where}: {catalogue.view(side.of)} has no column {one}." for one in sorted(lacking))
        yield from _sum_ask_flaws(where, how)


def _lacking_flaws(catalogue: Catalogue) -> Iterator[str]:
    for name, wish in catalogue.phrases.lacking.items():
        where = f"[lacking.{name}]"
        if name in catalogue.tools:
            yield f"{where}: there is a tool of that name; name the wish otherwise."
        if not _CHANGE.fullmatch(wish.changes):
            yield f"{where}: '{wish.changes}' is no change such as 'update table.column' or 'insert table'."
        for maker in makers(catalogue.tools.values(), wish.changes):
            yield f"{where}: {maker} makes that very change, so the wish can be met."
        if wish.of not in catalogue.phrases.entity:
            yield f"{where}: there is no [entity.{wish.of}]."
        for ask in wish.asks:
            if not {"row"} <= set(PLACEHOLDER.findall(ask)) <= {"row", *(["goal"] if wish.goal else [])}:
                yield f"{where}: '{ask}' must have {{row}}, and {{goal}} only where verbs are given."
            yield from (f"{where}: {flaw}" for flaw in pattern_flaws(ask, free=frozenset({"goal"})))


def _sum_ask_flaws(where: str, how: Sum) -> Iterator[str]:
    two = how.op in ("difference", "days_between")
    if two != (how.less is not None):
        yield f"{where}: a difference needs 'less', and nothing else has it."
    if (how.op == "count") == (how.column is not None):
        yield f"{where}: a count has no column, and all else has one."
    for ask in how.asks:
        places = set(PLACEHOLDER.findall(ask))
        fits = places in ({"more"}, {"more", "less"}) if two else places in ({"rows"}, {"those"})
        if not fits:
            yield f"{where}: '{ask}' must have {'{more}, with {less} or without' if two else '{rows} or {those}'}."
        yield from (f"{where}: {flaw}" for flaw in pattern_flaws(ask))
    yield from (f"{where}: '{told}' doesn't tell {{value}}." for told in how.answered if "{value}" not in told)


def _unknown_implied(catalogue: Catalogue, slot: Slot) -> list[str]:
    if not slot.of or slot.of not in catalogue.phrases.entity:
        return []
    columns = catalogue.schema.columns
    known = {*columns.get(slot.of, ()), *columns.get(catalogue.view(slot.of), ())}
    return [column for column in slot.implied if column not in known]


def _ask_flaws(tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    parameters = set(tool.input_schema.get("properties", {})) | {"goal", "row"}
    said = (phrases.asks, *phrases.answers.values(), *phrases.without.values())
    for template in (form for forms in said for form in forms):
        for name in PLACEHOLDER.findall(template):
            if name not in parameters:
                yield f"[tool.{tool.name}]: '{template}' names {name}, which the tool doesn't take."
        yield from (f"[tool.{tool.name}]: {flaw}" for flaw in pattern_flaws(template, free=frozenset({"goal"})))
    for name in phrases.without:
        if not phrases.slots.get(name, Slot()).question:
            yield f"[tool.{tool.name}]: requests may leave {name} out, but its slot has no question."
    fields = set(tool.contract.results) if tool.contract else set()
    for text, known in [(act, fields) for act in phrases.acts] + [(act, set[str]()) for act in phrases.unasked]:
        unknown = sorted(set(PLACEHOLDER.findall(text)) - known)
        yield from (f"[tool.{tool.name}]: '{text}' names {name}, which is no result." for name in unknown)
        yield from (f"[tool.{tool.name}]: {flaw}" for flaw in pattern_flaws(text))
    if phrases.asks and any("{goal}" in ask for ask in phrases.asks) and not phrases.goal:
        yield f"[tool.{tool.name}]: asks use {{goal}}, but no goal verbs are given."


def _reason_flaws(tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    parameters = set(tool.input_schema.get("properties", {}))
    for reason in (Reason(say=one) if isinstance(one, str) else one for one in phrases.reasons):
        where = f"[tool.{tool.name}] reason '{reason.say}'"
        yield from (
            f"{where}: it needs {name}, which the tool doesn't take." for name in reason.needs if name not in parameters
        )
        yield from (f"{where}: {flaw}" for flaw in pattern_flaws(reason.say))


def _together_flaws(catalogue: Catalogue, tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    if phrases.together is None:
        return
    where, column = f"[tool.{tool.name}.together]", phrases.together.column
    tables = [of for name in tool.required if (of := catalogue.slot(tool.name, name).of)]
    entity = catalogue.phrases.entity.get(tables[0]) if len(tables) == 1 else None
    if entity is None:
        yield f"{where}: the tool must take just one row that can be described."
    elif column not in entity.say or entity.say[column].kind not in ("money", "count"):
        yield f"{where}: {column} is nothing of {tables[0]} that is said and can be added up."
    for ask in phrases.together.asks:
        if set(PLACEHOLDER.findall(ask)) - {"goal"} != {"first", "second", "limit"}:
            yield f"{where}: '{ask}' must have {{first}}, {{second}} and {{limit}}."
        yield from (f"{where}: {flaw}" for flaw in pattern_flaws(ask, free=frozenset({"goal"})))


def _reply_flaws(catalogue: Catalogue, tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    assert tool.contract is not None
    fields = {path for path in tool.contract.results if "[" not in path}
    parameters = set(tool.input_schema.get("properties", {})) | {"row", *_columns_of_rows(catalogue, phrases)}
    told = (phrases.done, *phrases.answered.values(), *phrases.nothing.values())
    for template in (form for forms in told for form in forms):
        for name in PLACEHOLDER.findall(template):
            if name not in fields | parameters:
                yield f"[tool.{tool.name}]: '{template}' names {name}, which is neither a result nor a parameter."
    for template in phrases.many:
        for name in PLACEHOLDER.findall(template):
            if name not in fields | {"count"}:
                yield f"[tool.{tool.name}]: '{template}' names {name}, which is no result."
    for field in {*phrases.answers, *phrases.answered}:
        if field not in fields:
            yield f"[tool.{tool.name}]: the result has no field {field}."
        if (field in phrases.answers) != (field in phrases.answered):
            yield f"[tool.{tool.name}]: {field} needs both answers and answered."


def _columns_of_rows(catalogue: Catalogue, phrases: ToolPhrases) -> Iterator[str]:
    """Give what of the rows that a tool takes may be told: "account_id.name" for each column that is said of them."""
    for name, slot in phrases.slots.items():
        entity = catalogue.phrases.entity.get(slot.of or "")
        yield from (f"{name}.{column}" for column in (entity.say if entity else ()))


def _value_flaws(tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    """Give what is wrong with how a result's values are told."""
    fields = set(tool.contract.results) if tool.contract else set()
    for field in sorted({*phrases.nothing, *phrases.words} - fields):
        yield f"[tool.{tool.name}]: the result has no field {field} that could be 0 or have words."


def _refusal_flaws(tool: Tool, phrases: ToolPhrases) -> Iterator[str]:
    assert tool.contract is not None
    for code in phrases.refused:
        if code not in tool.contract.refusals:
            yield f"[tool.{tool.name}]: it never refuses with {code}."
    if tool.actor == "agent" and not tool.read_only:
        for code in sorted(set(tool.contract.refusals) - set(phrases.refused) - {"not_found"}):
            yield f"[tool.{tool.name}]: nothing is said for the refusal {code}."


def _knowledge_flaws(catalogue: Catalogue) -> Iterator[str]:
    for name, columns in catalogue.phrases.knows.items():
        if name == "persona":
            continue
        if name not in catalogue.phrases.entity:
            yield f"[knows] {name}: there is no such entity."
            continue
        for column in columns:
            if column not in catalogue.schema.columns.get(catalogue.view(name), ()):
                yield f"[knows] {name}: {catalogue.view(name)} has no column {column}."


def _query_flaws(catalogue: Catalogue) -> Iterator[str]:
    """Compile every piece of SQL against an empty database of the schema."""
    with memory(catalogue.schema.sql) as db:
        for where, sql in _queries(catalogue):
            try:
                db.execute(f"EXPLAIN {sql}", Nulls())
            except sqlite3.Error as error:
                yield f"{where}: {error}."


def _scope_queries(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for table, entity in catalogue.phrases.entity.items():
        for name, condition in (("mine", entity.mine), ("theirs", entity.theirs), ("stands", entity.stands)):
            if condition and table in catalogue.schema.columns:
                yield f"[entity.{table}] {name}", f"SELECT 1 FROM {catalogue.view(table)} WHERE {condition}"  # noqa: S608


def _queries(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    yield from _scope_queries(catalogue)
    yield from _sum_queries(catalogue)
    yield from _reason_queries(catalogue)
    for name, phrases in catalogue.phrases.tool.items():
        for parameter, slot in phrases.slots.items():
            where = f"[tool.{name}] slot {parameter}"
            for condition in phrases.when.values() if slot.of else ():
                yield where, f"SELECT 1 FROM {catalogue.view(str(slot.of))} WHERE {condition}"  # noqa: S608
            if slot.where and slot.of in catalogue.phrases.entity:
                yield where, f"SELECT 1 FROM {catalogue.view(str(slot.of))} WHERE {slot.where}"  # noqa: S608
            if slot.from_:
                yield where, slot.from_
            for condition in slot.unless.values():
                yield where, f"SELECT 1 FROM {catalogue.view(str(slot.of))} WHERE {condition}"  # noqa: S608


def _reason_queries(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for name, phrases in catalogue.phrases.tool.items():
        for reason in phrases.reasons:
            if isinstance(reason, Reason) and reason.where:
                yield f"[tool.{name}] reason '{reason.say}'", f"SELECT 1 WHERE {reason.where}"


def _sum_queries(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for name, wish in catalogue.phrases.lacking.items():
        if wish.where and wish.of in catalogue.phrases.entity:
            yield f"[lacking.{name}]", f"SELECT 1 FROM {catalogue.view(wish.of)} WHERE {wish.where}"  # noqa: S608
    for name, how in catalogue.phrases.sums.items():
        for side in how.sides.values() or [Side(of=how.of, column="", where=how.where)]:
            if side.where and side.of in catalogue.phrases.entity:
                yield f"[sums.{name}]", f"SELECT 1 FROM {catalogue.view(side.of)} WHERE {side.where}"  # noqa: S608
