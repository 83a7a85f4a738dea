"""Other paths: valid ways to the same end that the plan doesn't take, each of which must pay in full.

Defaults made explicit, another look-up that shows the same key, look-ups in another order, and reads that nobody
needs. Writes that commute are found among the spoilt variants, by executing them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from envfactory_client import LoggedCall, Tool, Trajectory
from envfactory_client.score.attempt import leaves
from synthesis.catalogue import Catalogue
from synthesis.screens.deeds import Deed
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant

MOST_PATHS: Final = 3
MOST_ROWS: Final = 2
"""Look-ups tried by one tool to find one that shows a key."""


async def other_paths(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give other ways through a task, the most different first."""
    found = (
        *_other_look_ups(task, deeds, values),
        *_explicit_defaults(deeds, values.catalogues),
        *_reordered_reads(task, deeds),
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
    """Give the plan with a look-up replaced by another tool that shows the same key."""
    for place, deed in enumerate(deeds):
        taken = _taken(task, deeds, place)
        if deed.live or deed.call.actor == "user" or len(taken) != 1:
            continue
        (value,) = taken
        for call in _showing(task, deeds, place, values):
            after = (replace(other, live=False) for other in deeds[place + 1 :])
            others = (*deeds[:place], replace(deed, call=call, live=True), *after)
            yield Variant("other_look_up", others, "all", first=place, altered=place, argument=str(value))


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
    known = [leaf for deed in deeds[:place] for leaf in leaves(deed.call.result)]
    for key in sorted(keys):
        for producer in catalogue.producers(key):
            if producer.tool.name != step.tool:
                for arguments in _known_arguments(task, catalogue, producer.tool, (deeds[:place], known)):
                    yield LoggedCall(environment=step.environment, tool=producer.tool.name, arguments=arguments)


def _known_arguments(
    task: Trajectory, catalogue: Catalogue, tool: Tool, before: tuple[tuple[Deed, ...], list[Any]]
) -> Iterator[dict[str, Any]]:
    """Give the arguments of a look-up out of the user's card and keys seen before."""
    arguments: dict[str, Any] = {}
    for name in tool.required:
        fact, key = catalogue.fact(tool.name, name), catalogue.parameter(tool.name, name).key
        seen = [value for value in _keys_seen(before[0], catalogue, str(key)) if value in before[1]] if key else []
        if fact and fact in task.persona:
            arguments[name] = task.persona[fact]
        elif seen:
            arguments[name] = seen[-1]
        else:
            return
    yield arguments


def _keys_seen(deeds: tuple[Deed, ...], catalogue: Catalogue, key: str) -> list[Any]:
    """Give the arguments of earlier calls that are keys of this kind."""
    return [
        value
        for deed in deeds
        if deed.call.environment == catalogue.environment
        for name, value in deed.call.arguments.items()
        if catalogue.parameter(deed.call.tool, name).key == key
    ]


async def _extra_reads(deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give the plan with one look-up beside it that nobody needs."""
    for environment in dict.fromkeys(deed.call.environment for deed in deeds):
        catalogue = values.catalogues[environment]
        for tool in catalogue.tools.values():
            keys = [catalogue.parameter(tool.name, name).key for name in tool.required]
            if not tool.read_only or tool.actor != "agent" or len(keys) != 1 or not keys[0]:
                continue
            rows = await values.keys(environment, str(keys[0]))
            for value in rows[:1]:
                call = LoggedCall(environment=environment, tool=tool.name, arguments={tool.required[0]: value})
                extra = Deed(deeds[-1].turn, call, live=True)
                yield Variant("extra_reads", (*deeds, extra), "all", first=len(deeds))
                return
