"""Spoilt variants: the plan with one deed wrong, missing, too many or out of order, to be executed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

from envfactory_client import LoggedCall, Trajectory
from synthesis.screens.deeds import Deed
from synthesis.screens.evidence import key_arguments
from synthesis.screens.idle import DONE
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant, said

MOST_SHOTS = 4
MOST_TRIED = 3
"""Calls that are tried to find one that changes something beside the plan."""


async def spoilt(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give the plan with one thing wrong in it."""
    written = [place for place, deed in enumerate(deeds) if _is_written(deed)]
    if written:
        place = written[values.rng.randrange(len(written))]
        async for variant in _wrong_entity(deeds, place, values):
            yield variant
    for place in written:
        async for variant in _wrong_values(deeds, place, values):
            yield variant
        yield Variant("missing_write", (*deeds[:place], *deeds[place + 1 :]), "little", first=place)
    for variant in _reordered(deeds, written):
        yield variant


def _is_written(deed: Deed) -> bool:
    return deed.live and deed.call.actor == "agent" and not deed.call.is_error


async def _wrong_entity(deeds: tuple[Deed, ...], place: int, values: Values) -> AsyncIterator[Variant]:
    call = deeds[place].call
    keys = key_arguments(values.catalogues[call.environment].tools[call.tool], call.arguments)
    for name, value in sorted(keys.items(), key=lambda item: item[0])[-1:]:
        other = await values.other(call.environment, call.tool, name, value)
        if other != value:
            yield _with_argument("wrong_entity", deeds, place, (name, other))


async def _wrong_values(deeds: tuple[Deed, ...], place: int, values: Values) -> AsyncIterator[Variant]:
    call = deeds[place].call
    keys = key_arguments(values.catalogues[call.environment].tools[call.tool], call.arguments)
    for name in sorted(set(call.arguments) - set(keys)):
        other = await values.other(call.environment, call.tool, name, call.arguments[name])
        if other != call.arguments[name]:
            yield _with_argument("wrong_value", deeds, place, (name, other))


def _with_argument(name: str, deeds: tuple[Deed, ...], place: int, argument: tuple[str, Any]) -> Variant:
    changed = deeds[place].with_arguments({**deeds[place].call.arguments, argument[0]: argument[1]})
    after = (*deeds[:place], changed, *deeds[place + 1 :])
    return Variant(name, after, "little", first=place, altered=place, argument=argument[0])


def _reordered(deeds: tuple[Deed, ...], written: list[int]) -> Iterator[Variant]:
    """Give the first two writes in a row the other way round."""
    for one, next_ in zip(written, written[1:], strict=False):
        between = deeds[one + 1 : next_]
        if all(not deed.live for deed in between):
            later = replace(deeds[next_], turn=deeds[one].turn)
            swapped = (*deeds[:one], *between, later, replace(deeds[one], turn=deeds[next_].turn), *deeds[next_ + 1 :])
            yield Variant("reordered_writes", swapped, "what it changes", first=one)
            return


async def shots(deeds: tuple[Deed, ...], values: Values) -> tuple[Deed, ...]:
    """Give the plan's writes, each with several rows of which one is right."""
    found: list[Deed] = []
    for deed in deeds:
        tool = values.catalogues[deed.call.environment].tools[deed.call.tool]
        keys = key_arguments(tool, deed.call.arguments)
        if deed.live and deed.call.actor == "agent" and len(found) < 2 * MOST_SHOTS:
            name = min(keys, default="")
            found.append(deed)
            for _ in range(MOST_SHOTS - 1 if name else 0):
                other = await values.other(tool.environment, tool.name, name, keys[name])
                found.append(deed.with_arguments({**deed.call.arguments, name: other}))
    return tuple(found)


async def at_random(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> Variant:
    """Give the plan's tools called with values that are valid, but drawn by chance."""
    made: list[Deed] = []
    for deed in deeds:
        if deed.call.actor == "agent":
            arguments = {
                name: await values.other(deed.call.environment, deed.call.tool, name, value)
                for name, value in deed.call.arguments.items()
            }
            made.append(deed.with_arguments(arguments) if deed.live else deed)
    return Variant("random_values", tuple(made), "little", messages=await _random_words(task, values))


async def _random_words(task: Trajectory, values: Values) -> tuple[str, ...]:
    """Give messages with a number drawn by chance."""
    number = values.rng.randrange(1000)
    return said(f"It's {number}, that is ${number}.", task.turns)


async def collateral(deeds: tuple[Deed, ...], values: Values) -> list[Deed]:
    """Give calls of which each might change something that nobody asked for, to be tried one after another."""
    found: list[Deed] = []
    for deed in reversed(deeds):
        tool = values.catalogues[deed.call.environment].tools[deed.call.tool]
        if deed.live and deed.call.actor == "agent":
            for name, value in sorted(key_arguments(tool, deed.call.arguments).items()):
                other = await values.other(tool.environment, tool.name, name, value)
                found.append(deed.with_arguments({**deed.call.arguments, name: other}))
    return [*found[:MOST_TRIED], *await _by_contract(deeds, values)]


async def _by_contract(deeds: tuple[Deed, ...], values: Values) -> list[Deed]:
    """Give calls of other writing tools that need nothing but a key."""
    environment = deeds[-1].call.environment if deeds else ""
    found: list[Deed] = []
    for tool in values.catalogues[environment].tools.values() if environment else ():
        keys = {name: values.catalogues[environment].parameter(tool.name, name).key for name in tool.required}
        if tool.read_only or tool.actor != "agent" or not all(keys.values()) or len(keys) != 1:
            continue
        (name, column), turn = next(iter(keys.items())), deeds[-1].turn
        for value in (await values.keys(environment, str(column)))[:MOST_TRIED]:
            call = LoggedCall(environment=environment, tool=tool.name, arguments={name: value})
            found.append(Deed(turn, call, live=True))
    values.rng.shuffle(found)
    return found


def shotgun(deeds: tuple[Deed, ...], fired: tuple[Deed, ...], task: Trajectory) -> Variant:
    """Give the agent that looks everything up and then tries its luck with several rows."""
    reads = tuple(deed for deed in deeds if not deed.live)
    return Variant("shotgun", (*reads, *fired), "little", messages=said(DONE, task.turns))
