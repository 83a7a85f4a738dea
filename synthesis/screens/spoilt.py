"""Spoilt variants: the plan with one deed wrong, missing, too many or out of order, to be executed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any, Final

from envfactory_client import Trajectory
from synthesis.screens.deeds import Deed
from synthesis.screens.evidence import key_arguments
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant, said

SHOTS: Final = 3
"""Other rows on which the agent that tries its luck makes the plan's last write."""
MOST_RANDOM: Final = 3
"""Writes that the random agent makes."""


async def spoilt(deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
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
    """Give the first two writes of one turn the other way round."""
    for one, other in pairwise(written):
        between = deeds[one + 1 : other]
        if deeds[one].turn == deeds[other].turn and not any(deed.live for deed in between):
            swapped = (*deeds[:one], *between, deeds[other], deeds[one], *deeds[other + 1 :])
            yield Variant("reordered_writes", swapped, "what it changes", first=one)
            return


async def at_random(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> Variant:
    """Give the plan's tools called with values that are valid, but drawn by chance."""
    made: list[Deed] = []
    for deed in deeds:
        if deed.call.actor == "agent" and (not deed.live or sum(one.live for one in made) < MOST_RANDOM):
            made.append(await _with_random_arguments(deed, values) if deed.live else deed)
    return Variant("random_values", tuple(made), "little", messages=_random_words(task, values))


async def _with_random_arguments(deed: Deed, values: Values) -> Deed:
    arguments = {
        name: await values.other(deed.call.environment, deed.call.tool, name, value)
        for name, value in deed.call.arguments.items()
    }
    return deed.with_arguments(arguments)


def _random_words(task: Trajectory, values: Values) -> tuple[str, ...]:
    """Give messages with a number drawn by chance."""
    number = values.rng.randrange(1000)
    return said(f"It's {number}, that is ${number}.", task.turns)


async def other_rows(deeds: tuple[Deed, ...], values: Values) -> list[Deed]:
    """Give the plan's last write with other rows, as an agent that tries its luck makes it beside the right one."""
    for deed in reversed(deeds):
        tool = values.catalogues[deed.call.environment].tools[deed.call.tool]
        keys = key_arguments(tool, deed.call.arguments)
        if deed.live and deed.call.actor == "agent" and keys:
            name = sorted(keys)[values.rng.randrange(len(keys))]
            found = []
            for _ in range(SHOTS):
                other = await values.other(tool.environment, tool.name, name, keys[name])
                found.append(deed.with_arguments({**deed.call.arguments, name: other}))
            return found
    return []
