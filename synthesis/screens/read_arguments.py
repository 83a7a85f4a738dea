"""Read arguments: those of a look-up that make no difference to what the task needs of it, such as a limit or an order.

Each argument that takes a number, a flag or one of a few words is given other values, where the plan makes the look-up.
One with which it shows all the same what the task takes from it is masked: nobody has to choose it as the plan did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from envfactory_client import Trajectory
from envfactory_client.score.attempt import leaves
from synthesis.paths import value_of
from synthesis.screens.deeds import Deed
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant

OTHER_ARGUMENTS: Final = "other_arguments"
MOST_ARGUMENTS: Final = 4
"""Arguments of one task that are tried."""
MOST_VALUES: Final = 3
"""Other values that each is given."""


async def other_arguments(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give the plan with one argument of one look-up changed, or given where the plan leaves it out."""
    places = list(_changeable(task, deeds, values))
    for place, name, shows in values.rng.sample(places, min(MOST_ARGUMENTS, len(places))):
        call = deeds[place].call
        after = tuple(replace(deed, live=False) for deed in deeds[place + 1 :])
        for other in await _others(deeds[place], name, values):
            changed = deeds[place].with_arguments({**call.arguments, name: other})
            path = (*deeds[:place], changed, *after)
            yield Variant(OTHER_ARGUMENTS, path, "all", first=place, altered=place, argument=name, shows={place: shows})


def _changeable(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> Iterator[tuple[int, str, frozenset[Any]]]:
    """Give the places and names of such arguments, each with the values that the look-up has to show."""
    evidence = {one.tool for owed in task.reward.owed for one in owed.evidence if not one.key}
    for place, deed in enumerate(deeds):
        if deed.live or deed.call.actor == "user" or deed.call.is_error or deed.call.full_name in evidence:
            continue
        shows = _needed(task, deeds, place)
        for name in _choosable(deed, values) if shows else ():
            yield place, name, shows


def _choosable(deed: Deed, values: Values) -> Iterator[str]:
    """Give the arguments that a look-up was given, or has a default for, whose values can be counted or listed."""
    catalogue = values.catalogues[deed.call.environment]
    tool = catalogue.tools[deed.call.tool]
    for name, schema in tool.input_schema.get("properties", {}).items():
        value = deed.call.arguments.get(name, schema.get("default"))
        listed = any("enum" in part for part in _parts(schema))
        if (isinstance(value, int) or (listed and value is not None)) and not catalogue.parameter(tool.name, name).key:
            yield name


def _parts(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return (schema, *schema.get("anyOf", ()))


async def _others(deed: Deed, name: str, values: Values) -> list[Any]:
    """Give a few other values of an argument, the least among them where it is a number that has one."""
    call = deed.call
    schema = values.catalogues[call.environment].tools[call.tool].input_schema["properties"][name]
    value = call.arguments.get(name, schema.get("default"))
    found = await values.options(call.environment, call.tool, name, value)
    if isinstance(value, int) and not isinstance(value, bool):
        found = [*(part["minimum"] for part in _parts(schema) if "minimum" in part), *found]
    options = [option for option in dict.fromkeys(found) if option != value]
    return values.rng.sample(options, min(MOST_VALUES, len(options)))


def _needed(task: Trajectory, deeds: tuple[Deed, ...], place: int) -> frozenset[Any]:
    """Give the values that the task takes from a look-up: for later arguments, and for answers and evidence."""
    call = deeds[place].call
    taken = [
        value_of(call.result, entry.origin["path"])
        for entry in task.ledger
        if entry.source in ("earlier", "derived") and entry.origin["step"] == place
    ]
    found = set(leaves(taken))
    found |= {slot.value for owed in task.reward.owed for slot in owed.slots if isinstance(slot.value, str | int)}
    found |= {one.value for owed in task.reward.owed for one in owed.evidence if one.key}
    found |= {key for one in task.references for key in leaves([one.value])}
    return frozenset(found & call.leaves)
