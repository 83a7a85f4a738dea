"""Other paths: valid ways to the same end that the plan doesn't take, each of which must pay in full.

Defaults made explicit, another look-up that shows the same key, look-ups in another order, one made again before the
last call, and reads that nobody needs, before the plan or after it. Writes that commute are found among the spoilt
variants, by executing them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from envfactory_client import LoggedCall, Tool, Trajectory
from synthesis.catalogue import Catalogue
from synthesis.paths import places_at
from synthesis.screens.deeds import Deed
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant

MOST_PATHS: Final = 3
MOST_NEEDLESS: Final = 2


async def other_paths(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give other ways through a task, the most different first."""
    found = (
        *_other_look_ups(task, deeds, values),
        *_explicit_defaults(deeds, values.catalogues),
        *_reordered_reads(task, deeds),
        *_looked_up_again(deeds),
    )
    for variant in found:
        yield variant
    async for variant in _extra_reads(deeds, values):
        yield variant


def _explicit_defaults(deeds: tuple[Deed, ...], catalogues: Mapping[str, Catalogue]) -> Iterator[Variant]:
    explicit = [_with_defaults(deed, catalogues[deed.call.environment].tools[deed.call.tool]) for deed in deeds]
    changed = [place for place, (deed, other) in enumerate(zip(deeds, explicit, strict=True)) if deed is not other]
    if any(deeds[place].live for place in changed):
        yield Variant("explicit_defaults", tuple(explicit), "all", first=changed[0])
    elif changed:
        kept = [
            other if deed is not other else replace(deed, live=False)
            for deed, other in zip(deeds, explicit, strict=True)
        ]
        yield Variant("explicit_defaults", tuple(kept), "all", first=changed[0])


def _with_defaults(deed: Deed, tool: Tool) -> Deed:
    defaults = {
        name: schema["default"]
        for name, schema in tool.input_schema.get("properties", {}).items()
        if name not in deed.call.arguments and schema.get("default") is not None
    }
    if not defaults or deed.call.actor == "user":
        return deed
    return deed.with_arguments({**deed.call.arguments, **defaults})


def _reordered_reads(task: Trajectory, deeds: tuple[Deed, ...]) -> Iterator[Variant]:
    """Give two look-ups in a row, of which neither needs the other, the other way round."""
    needed = {(entry.origin["step"], entry.step) for entry in task.ledger if entry.source == "earlier"}
    for place, (one, other) in enumerate(pairwise(deeds)):
        both = not one.live and not other.live and one.turn == other.turn
        if both and one.call.actor == other.call.actor == "agent" and (place, place + 1) not in needed:
            yield Variant("reordered_reads", (*deeds[:place], other, one, *deeds[place + 2 :]), "all", first=len(deeds))
            return


def _other_look_ups(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> Iterator[Variant]:
    """Give the plan with a look-up replaced by one that may show the same key: by another tool, or narrowed down."""
    telling = {slot.value for owed in task.reward.owed for slot in owed.slots if isinstance(slot.value, str | int)}
    evidence = {one.tool for owed in task.reward.owed for one in owed.evidence}
    for place, deed in enumerate(deeds):
        taken = _taken(task, deeds, place)
        needed = deed.call.full_name in evidence or telling & deed.call.leaves
        if deed.live or deed.call.actor == "user" or len(taken) != 1 or needed:
            continue
        (value,) = taken
        after = tuple(replace(other, live=False) for other in deeds[place + 1 :])
        calls = [("other_look_up", call) for call in _showing(task, deeds, place, values)]
        calls += [("narrower_look_up", call) for call in _narrowed(deed.call, value, values)]
        for name, call in calls:
            others = (*deeds[:place], replace(deed, call=call, live=True), *after)
            yield Variant(name, others, "all", first=place, altered=place, shows=frozenset({value}))


def _narrowed(call: LoggedCall, value: Any, values: Values) -> Iterator[LoggedCall]:
    """Give a look-up with one filter more, which the record that holds the value fulfils."""
    tool = values.catalogues[call.environment].tools[call.tool]
    contract = tool.contract
    record = next((one for one in _records(call.result) if value in one.values()), None)
    if contract is None or record is None:
        return
    for name, parameter in contract.parameters.items():
        column = parameter.filter.column.partition(".")[2] if parameter.filter else ""
        free = name not in call.arguments and parameter.filter is not None and parameter.filter.operator == "="
        if free and record.get(column) is not None:
            yield call.model_copy(update={"arguments": {**call.arguments, name: record[column]}})
            return


def _records(result: Any) -> Iterator[Mapping[str, Any]]:
    for listed in result.values() if isinstance(result, Mapping) else ():
        if isinstance(listed, list):
            yield from (record for record in listed if isinstance(record, Mapping))


def _taken(task: Trajectory, deeds: tuple[Deed, ...], place: int) -> set[Any]:
    """Give the values that later arguments take from a step's result."""
    found: set[Any] = set()
    for entry in task.ledger:
        if entry.source == "earlier" and entry.origin["step"] == place:
            name, _, index = entry.argument.partition("[")
            value = deeds[entry.step].call.arguments[name]
            found.add(value[int(index.rstrip("]"))] if index else value)
    return found


def _showing(task: Trajectory, deeds: tuple[Deed, ...], place: int, values: Values) -> Iterator[LoggedCall]:
    """Give calls of other tools that may show the key which a step was made for, from what is known by then."""
    step, catalogue = deeds[place].call, values.catalogues[deeds[place].call.environment]
    contract = catalogue.tools[step.tool].contract
    keys = {field.key for field in contract.results.values() if field.key} if contract else set()
    for key in sorted(keys):
        for producer in catalogue.producers(key):
            if producer.tool.name != step.tool:
                for arguments in _known_arguments(task, catalogue, producer.tool, deeds[:place]):
                    yield LoggedCall(environment=step.environment, tool=producer.tool.name, arguments=arguments)


def _known_arguments(
    task: Trajectory, catalogue: Catalogue, tool: Tool, before: tuple[Deed, ...]
) -> Iterator[dict[str, Any]]:
    """Give the arguments of a look-up out of the user's card and keys seen before."""
    arguments: dict[str, Any] = {}
    for name in tool.required:
        fact, key = catalogue.fact(tool.name, name), catalogue.parameter(tool.name, name).key
        seen = _keys_seen(before, catalogue, key) if key else []
        if fact and fact in task.persona:
            arguments[name] = task.persona[fact]
        elif seen:
            arguments[name] = seen[-1]
        else:
            return
    yield arguments


def _keys_seen(deeds: tuple[Deed, ...], catalogue: Catalogue, key: str) -> list[Any]:
    """Give the keys of a kind that earlier results show at just one place, in order."""
    found: list[Any] = []
    for deed in deeds:
        contract = catalogue.tools[deed.call.tool].contract if deed.call.environment == catalogue.environment else None
        if contract is not None and deed.call.actor == "agent":
            for path, field in contract.results.items():
                if field.key == key and "[" not in path:
                    found += [value for _, value in places_at(deed.call.result, path)]
    return found


async def _extra_reads(deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give the plan with a look-up that nobody needs after it, and another before it; unplanned ones if there are."""
    spare = [deed.call for deed in deeds if not deed.live and deed.call.actor == "agent"]
    for environment in dict.fromkeys(deed.call.environment for deed in deeds):
        spare = [*await _needless(values, environment), *spare]
    for call in spare[:1]:
        yield Variant("extra_reads", (*deeds, Deed(deeds[-1].turn, call, live=True)), "all", first=len(deeds))
    for call in spare[1:2] or spare[:1]:
        recorded = tuple(replace(deed, live=False) for deed in deeds)
        yield Variant("early_reads", (Deed(0, call, live=True), *recorded), "all")


def _looked_up_again(deeds: tuple[Deed, ...]) -> Iterator[Variant]:
    """Give the plan with its last look-up made once more right before its last call, as by who makes sure."""
    mine = [place for place, deed in enumerate(deeds) if deed.call.actor == "agent"]
    reads = [deeds[place] for place in mine[:-1] if not deeds[place].live and not deeds[place].call.is_error]
    for read in reads[-1:]:
        last = mine[-1]
        again = replace(read, turn=deeds[last].turn, place=None, live=True)
        recorded = tuple(replace(deed, live=False) for deed in deeds[last:])
        yield Variant("looked_up_again", (*deeds[:last], again, *recorded), "all", first=last)


async def _needless(values: Values, environment: str) -> list[LoggedCall]:
    """Give look-ups of an environment, of two tools at the most, that need nothing but the key of some row."""
    found: list[LoggedCall] = []
    catalogue = values.catalogues[environment]
    for tool in catalogue.tools.values():
        keys = [catalogue.parameter(tool.name, name).key for name in tool.required]
        if tool.read_only and tool.actor == "agent" and len(keys) == 1 and keys[0]:
            for value in (await values.keys(environment, keys[0]))[:1]:
                arguments = {tool.required[0]: value}
                found.append(LoggedCall(environment=environment, tool=tool.name, arguments=arguments))
        if len(found) == MOST_NEEDLESS:
            break
    return found
