"""Other paths: valid ways to the same end that the plan doesn't take, each of which must pay in full.

Some differ in what is called: a look-up left out or made otherwise, defaults made explicit, look-ups in another order.
Others only look more up than they need: one made again before the last call, and reads that nobody needs, before the
plan or after it. Writes that commute are found among the spoilt variants, by executing them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from envfactory_client import LoggedCall, Tool, Trajectory
from synthesis.catalogue import Catalogue
from synthesis.screens.deeds import Deed
from synthesis.screens.look_ups import NARROWER, OTHER, ROUNDABOUT, SEEN_ELSEWHERE, WIDER, other_look_ups
from synthesis.screens.read_arguments import OTHER_ARGUMENTS
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant

MOST_PATHS: Final = 3
NEEDLESS: Final = frozenset({"early_reads", "extra_reads", "looked_up_again"})
"""Paths that only look up more than the plan."""
KINDS: Final = NEEDLESS | {
    "explicit_defaults", "explicit_nulls", "reordered_reads", "reordered_writes",
    SEEN_ELSEWHERE, OTHER, ROUNDABOUT, WIDER, NARROWER, OTHER_ARGUMENTS,
}  # fmt: skip
"""All kinds of paths."""
MOST_NEEDLESS: Final = 2


async def other_paths(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give other ways through a task, the most different first."""
    for variant in _explicit_defaults(deeds, values.catalogues):
        yield variant
    async for variant in other_look_ups(task, deeds, values):
        yield variant
    for variant in (*_reordered_reads(task, deeds), *_looked_up_again(deeds)):
        yield variant
    async for variant in _extra_reads(deeds, values):
        yield variant


def _explicit_defaults(deeds: tuple[Deed, ...], catalogues: Mapping[str, Catalogue]) -> Iterator[Variant]:
    """Give the plan with the defaults written out that it leaves to the tools; where all of them are null, as nulls."""
    defaults = [_defaults(deed, catalogues[deed.call.environment].tools[deed.call.tool]) for deed in deeds]
    changed = [place for place, found in enumerate(defaults) if found]
    if not changed:
        return
    writes = any(deeds[place].live for place in changed)
    explicit = [
        deed.with_arguments({**deed.call.arguments, **found}) if found else replace(deed, live=deed.live and writes)
        for deed, found in zip(deeds, defaults, strict=True)
    ]
    told = any(value is not None for found in defaults for value in found.values())
    yield Variant("explicit_defaults" if told else "explicit_nulls", tuple(explicit), "all", first=changed[0])


def _defaults(deed: Deed, tool: Tool) -> dict[str, Any]:
    """Give the defaults of what a call of the agent leaves out; those of a write that are null aren't worth a try."""
    if deed.call.actor == "user":
        return {}
    return {
        name: schema["default"]
        for name, schema in tool.input_schema.get("properties", {}).items()
        if name not in deed.call.arguments and "default" in schema and not (deed.live and schema["default"] is None)
    }


def _reordered_reads(task: Trajectory, deeds: tuple[Deed, ...]) -> Iterator[Variant]:
    """Give two look-ups in a row, of which neither needs the other, the other way round."""
    needed = {(entry.origin["step"], entry.step) for entry in task.ledger if entry.source == "earlier"}
    for place, (one, other) in enumerate(pairwise(deeds)):
        both = not one.live and not other.live and one.turn == other.turn
        if both and one.call.actor == other.call.actor == "agent" and (place, place + 1) not in needed:
            yield Variant("reordered_reads", (*deeds[:place], other, one, *deeds[place + 2 :]), "all", first=len(deeds))
            return


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
