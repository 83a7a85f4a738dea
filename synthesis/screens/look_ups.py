"""Other look-ups: ways to see what the plan takes from a look-up without making it as the plan does.

What another result has shown anyway needn't be looked up. Otherwise another tool may show it, or the same one when it
is asked for more or for less; and where that tool needs the key of another row, that row may be looked up first. All of
it goes by what is known by then: the facts and values that the user has said, and what results have shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, product
from typing import Any, Final

from envfactory_client import FieldContract, LoggedCall, Tool, Trajectory
from envfactory_client.card.links import any_index
from envfactory_client.score.attempt import leaves
from envfactory_client.score.log import Seen
from synthesis.catalogue import Catalogue
from synthesis.paths import places_at, value_of
from synthesis.screens.deeds import Deed
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant

SEEN_ELSEWHERE: Final = "seen_elsewhere"
OTHER: Final = "other_look_up"
ROUNDABOUT: Final = "roundabout_look_up"
WIDER: Final = "wider_look_up"
NARROWER: Final = "narrower_look_up"
MOST_CALLS: Final = 4
"""Calls of one tool that are tried in a look-up's place."""
ENOUGH: Final = 3
"""Other look-ups in one task from which on no roundabout one is sought."""


@dataclass(frozen=True)
class _Place:
    """One look-up of the plan, what the task needs of it, and what was known before it."""

    number: int
    deed: Deed
    paths: Mapping[Any, set[str]]
    """What is needed, each with the paths from which it is taken; without one where it is only told."""
    known: Seen
    before: tuple[Deed, ...]
    after: tuple[Deed, ...]

    @cached_property
    def needed(self) -> frozenset[Any]:
        """What the task needs of it."""
        return frozenset(self.paths)

    def instead(self, name: str, *calls: LoggedCall, shows: Sequence[frozenset[Any]]) -> Variant:
        """Give the plan with other calls in the look-up's place, each of which must show something."""
        made = tuple(replace(self.deed, call=call, live=True) for call in calls)
        places = {self.number + place: values for place, values in enumerate(shows)}
        kept = tuple(replace(deed, live=False) for deed in self.after)
        return Variant(name, (*self.before, *made, *kept), "all", first=self.number, shows=places)


async def other_look_ups(task: Trajectory, deeds: tuple[Deed, ...], values: Values) -> AsyncIterator[Variant]:
    """Give the plan with one look-up left out or replaced, the most different ways first."""
    places = list(_places(task, deeds))
    rows = frozenset(leaves([step.arguments for step in task.steps])) | {
        key for one in task.references for key in leaves([one.value])
    }
    found = [variant for place in places if (variant := _left_out(task, deeds, place)) is not None]
    finders = [_Finder(place, values.catalogues[place.deed.call.environment], task.persona, rows) for place in places]
    for finder in finders:
        found += [finder.place.instead(OTHER, call, shows=[finder.place.needed]) for call in finder.by_other_tools()]
    for place, finder in zip(places, finders, strict=True):
        found += [place.instead(WIDER, call, shows=[place.needed]) for call in finder.widened()]
    for finder in finders if len({variant.first for variant in found}) < ENOUGH else ():
        found += [variant async for variant in finder.roundabout(values)]
    for place, finder in zip(places, finders, strict=True):
        found += [place.instead(NARROWER, call, shows=[place.needed]) for call in finder.narrowed()]
    for variant in found:
        yield variant


def _needed(task: Trajectory, call: LoggedCall, place: int) -> dict[Any, set[str]]:
    """Give the values that the task takes from a look-up, for later arguments and for answers, each with its paths."""
    found: dict[Any, set[str]] = {}
    for entry in task.ledger:
        if entry.source in ("earlier", "derived") and entry.origin["step"] == place:
            for value in leaves([value_of(call.result, entry.origin["path"])]):
                found.setdefault(value, set()).add(any_index(entry.origin["path"]))
    told = {slot.value for owed in task.reward.owed for slot in owed.slots if isinstance(slot.value, str | int)}
    for value in told & call.leaves:
        found.setdefault(value, set())
    return found


def _places(task: Trajectory, deeds: tuple[Deed, ...]) -> Iterator[_Place]:
    """Give the agent's look-ups of which the task needs something, but none that is evidence as the plan makes it."""
    evidence = {one.tool for owed in task.reward.owed for one in owed.evidence}
    known, turn = Seen(), -1
    for number, deed in enumerate(deeds):
        while turn < deed.turn:
            turn += 1
            known.hear(task.turns[turn].user)
        read = not deed.live and deed.call.actor == "agent" and not deed.call.is_error
        if read and deed.call.full_name not in evidence and (needed := _needed(task, deed.call, number)):
            yield _Place(number, deed, needed, known.copy(), deeds[:number], deeds[number + 1 :])
        if deed.call.actor == "agent":
            known.see(deed.call)


def _left_out(task: Trajectory, deeds: tuple[Deed, ...], place: _Place) -> Variant | None:
    """Give the plan without a look-up whose values are all shown by other results before anything takes them."""
    uses = [entry.step for entry in task.ledger if entry.origin.get("step") == place.number]
    last = max(number for number, deed in enumerate(deeds) if deed.turn == place.deed.turn)
    until = min(uses, default=last + 1)
    others = [deed.call for deed in (*place.before, *deeds[place.number + 1 : until]) if deed.call.actor == "agent"]
    if not all(any(value in call.leaves for call in others) for value in place.needed):
        return None
    rest = tuple(replace(deed, live=False) for deed in place.after)
    return Variant(SEEN_ELSEWHERE, (*place.before, *rest), "all", first=len(deeds))


@dataclass(frozen=True)
class _Finder:
    """Finds other calls in the place of one look-up."""

    place: _Place
    catalogue: Catalogue
    persona: Mapping[str, Any]
    rows: frozenset[Any]
    """The keys of rows that the task is about."""

    def by_other_tools(self) -> Iterator[LoggedCall]:
        """Give calls of other tools that may show all that is needed, from what is known."""
        for tool in self._able:
            yield from self._calls(tool, self._record())

    def widened(self) -> Iterator[LoggedCall]:
        """Give the look-up without one of the arguments that it can do without."""
        call = self.place.deed.call
        required = self.catalogue.tools[call.tool].required
        for name in call.arguments:
            if name not in required:
                yield self._with({other: value for other, value in call.arguments.items() if other != name})

    def narrowed(self) -> Iterator[LoggedCall]:
        """Give the look-up with one filter more, to which the record that is needed keeps."""
        call, record = self.place.deed.call, self._record()
        contract = self.catalogue.tools[call.tool].contract
        for name, parameter in contract.parameters.items() if contract else ():
            column = parameter.filter.column.partition(".")[2] if parameter.filter else ""
            if name not in call.arguments and record.get(column) is not None:
                yield self._with({**call.arguments, name: record[column]})
                return

    async def roundabout(self, values: Values) -> AsyncIterator[Variant]:
        """Give look-ups by a tool that takes the key of a row nearby, which is looked up first."""
        for tool in self._able:
            keys = {name: self.catalogue.parameter(tool.name, name).key for name in tool.required}
            missing = [name for name, key in keys.items() if key and not self._keys(key)]
            if len(missing) != 1:
                continue
            for row in await self._nearby(values, str(keys[missing[0]])):
                known = {missing[0]: row[str(keys[missing[0]]).partition(".")[2]]}
                for then in self._calls(tool, self._record(), known):
                    for first in self._leading_to(str(keys[missing[0]]), row):
                        shows = [frozenset(known.values()), self.place.needed]
                        yield self.place.instead(ROUNDABOUT, first, then, shows=shows)

    def _leading_to(self, key: str, row: Mapping[str, Any]) -> Iterator[LoggedCall]:
        """Give look-ups that may show the key of a row, from what is known."""
        for producer in self.catalogue.producers(key):
            yield from self._calls(producer.tool, row)

    async def _nearby(self, values: Values, key: str) -> list[dict[str, Any]]:
        """Give a few rows with this key that refer to what is needed, or to which it refers."""
        found: list[dict[str, Any]] = []
        table, _, name = key.partition(".")
        entity = self.catalogue.phrases.entity.get(table)
        for own, value in self._needed_keys() if entity is not None else ():
            own_table, _, own_name = own.partition(".")
            there, here = self.catalogue.schema.link_to(own_table, key), self.catalogue.schema.link_to(table, own)
            if there is not None:
                where = f"{name} = (SELECT {there} FROM {own_table} WHERE {own_name} = :value)"  # noqa: S608
            elif here is not None:
                where = f"{name} IN (SELECT {name} FROM {table} WHERE {here} = :value)"  # noqa: S608
            else:
                continue
            sql = f"SELECT * FROM {self.catalogue.view(table)} WHERE {where} ORDER BY {name} LIMIT {MOST_CALLS}"  # noqa: S608
            answer = await values.episode.query(self.catalogue.environment, sql, {"value": value})
            found += [dict(zip(answer.columns, cells, strict=True)) for cells in answer.rows]
        return [row for row in found if name in row]

    @cached_property
    def _able(self) -> list[Tool]:
        """Give the other look-ups of the agent that can show everything that is needed."""
        wanted = [self._what_it_is(value) for value in self.place.needed]
        return [
            tool
            for tool in self.catalogue.tools.values()
            if tool.read_only and tool.actor == "agent" and tool.name != self.place.deed.call.tool
            if all(kinds & self._shown_by(tool) for kinds in wanted)
        ]

    def _what_it_is(self, value: Any) -> set[str]:
        """Give the keys or columns as which the look-up shows a value."""
        call, paths = self.place.deed.call, self.place.paths[value]
        contract = self.catalogue.tools[call.tool].contract
        results = contract.results if contract else {}
        taken = paths or {path for path in results if any(seen == value for _, seen in places_at(call.result, path))}
        return {_identity(results[path]) for path in taken if path in results} - {""}

    def _shown_by(self, tool: Tool) -> set[str]:
        """Give the keys and columns that a tool shows, worked out once."""
        question = ("shown_by", tool.name)
        if question not in self.catalogue.worked_out:
            results = tool.contract.results.values() if tool.contract else ()
            self.catalogue.worked_out[question] = {_identity(field) for field in results} - {""}
        found: set[str] = self.catalogue.worked_out[question]
        return found

    def _needed_keys(self) -> list[tuple[str, Any]]:
        """Give what is needed that is a key, with the column whose key it is."""
        pairs = [(kind, value) for value in self.place.needed for kind in self._what_it_is(value)]
        return sorted(((kind, value) for kind, value in pairs if self._is_key(kind)), key=str)

    def _is_key(self, column: str) -> bool:
        table, _, name = column.partition(".")
        return table in self.catalogue.phrases.entity and self.catalogue.key(table) == name

    def _calls(
        self, tool: Tool, row: Mapping[str, Any], given: Mapping[str, Any] | None = None
    ) -> Iterator[LoggedCall]:
        """Give calls of a tool for a row, whose arguments are given or known; none where one is missing."""
        options = [
            [given[name]] if given and name in given else self._options(tool, name, row) for name in tool.required
        ]
        for chosen in islice(product(*options), MOST_CALLS):
            arguments = dict(zip(tool.required, chosen, strict=True))
            yield LoggedCall(environment=self.catalogue.environment, tool=tool.name, arguments=arguments)

    def _options(self, tool: Tool, name: str, row: Mapping[str, Any]) -> list[Any]:
        """Give what an argument can be: a fact of the user, a key that was shown, or what was said or shown of the
        row."""
        parameter = self.catalogue.parameter(tool.name, name)
        if (fact := self.catalogue.fact(tool.name, name)) and fact in self.persona:
            return [self.persona[fact]] if self.place.known.has(self.persona[fact]) else []
        if parameter.key:
            return self._keys(parameter.key)
        column = parameter.filter.column.partition(".")[2] if parameter.filter else ""
        value = row.get(column)
        return [value] if value is not None and self.place.known.has(value) else []

    def _keys(self, key: str) -> list[Any]:
        """Give the keys of a kind that results have shown: those that the task is about, or the only one."""
        found: dict[Any, None] = {}
        for call in (deed.call for deed in self.place.before):
            if call.environment != self.catalogue.environment or call.actor != "agent":
                continue
            contract = self.catalogue.tools[call.tool].contract
            for path, field in contract.results.items() if contract else ():
                if field.key == key:
                    found.update((value, None) for _, value in places_at(call.result, path) if value is not None)
        return list(found) if len(found) == 1 else [value for value in found if value in self.rows]

    def _record(self) -> Mapping[str, Any]:
        """Give the record of the look-up's result that holds what is needed."""
        records = _records(self.place.deed.call.result)
        return next((one for one in records if self.place.needed & set(leaves(list(one.values())))), {})

    def _with(self, arguments: Mapping[str, Any]) -> LoggedCall:
        return self.place.deed.call.model_copy(update={"arguments": dict(arguments)})


def _identity(field: FieldContract) -> str:
    return field.key or field.shows or ""


def _records(result: Any) -> Iterator[Mapping[str, Any]]:
    for listed in result.values() if isinstance(result, Mapping) else ():
        if isinstance(listed, list):
            yield from (record for record in listed if isinstance(record, Mapping))
