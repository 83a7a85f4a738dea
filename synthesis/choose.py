"""Choosing: the arguments of one goal, drawn from the rows in the user's scope and the values that can be said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from envfactory_client import FieldContract, Tool
from synthesis.aiming import beside_the_anchor, insists, toward_the_quest, values_toward_the_quest, within_reach
from synthesis.carry import CARRY_SHARE, Anchor, anchors, carried, derived, twisted, twisted_words, worked_out_of
from synthesis.draft import Origin
from synthesis.errors import Drop
from synthesis.feasible import NAMES, Bench
from synthesis.goals import GoalKind
from synthesis.identity import Known, known
from synthesis.kin import links_of, referred_to, rows_of_spoken_kin
from synthesis.phrases import Slot
from synthesis.spoken import say, with_year, year_is_said
from synthesis.stage import Stage
from synthesis.stance import welcome
from synthesis.wanted import Taker

SAME_ROW_SHARE = 0.8
"""How often a goal goes on with the row spoken of last, when it can."""
OPTIONAL_SHARE = 0.5
"""How often a request on the way to a refusal says something optional that the refusal reads."""
ASK_SHARE = 0.35
"""How often a request that can leave something out does."""
THAT_DAY_SHARE = 0.7
"""How often something to choose among, such as a flight, is one on the day that was spoken of."""
COUNTED = ("two ", "three ", "a week ")
"""How a day begins that is said by its distance from another one."""
AIMED_SHARE = 0.9
"""How often a row is chosen that leads to something new to the data, where there is one."""
KIN_ROW_SHARE, ODD_KIN_ROW_SHARE = 0.5, 0.4
"""How often a row is chosen that others refer to, where the data has little of that; and where the plan has that in
view though people don't name a row by those others."""
ONLY_PLACES = re.compile(r"(\s*\{[a-z_.]+\})*\s*")
PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")


@dataclass
class Choice:
    """The arguments of one goal: values, the rows behind keys, and what the user says for plain values."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, tuple[str, Slot]] = field(default_factory=dict)
    """Parameter to the table of its key, and how it is said."""
    said: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    """What the agent knows of those facts, as soon as the calls are made."""
    carried: dict[str, Origin] = field(default_factory=dict)
    """Parameters whose value the last goal gave, with where."""
    missing: str = ""
    """The parameter that the user only says when asked."""
    anchored: dict[str, Anchor] = field(default_factory=dict)
    """Parameters whose value is said through a row of another environment."""
    asked: set[str] = field(default_factory=set)
    """The refusals of which the values were asked already; of them only that is due which the goal wants."""

    @property
    def told(self) -> list[str]:
        """What the user tells of themself for the facts."""
        return [found.told for found in self.known.values()]

    async def get_known(self, stage: Stage) -> None:
        """Let the agent find out the facts that it needs."""
        self.known = {name: await known(stage, fact) for name, fact in self.facts.items()}

    @property
    def placeholders(self) -> set[str]:
        """The parameters that the request says."""
        return set(PLACEHOLDER.findall(self.template)) - {"goal"}


@dataclass(frozen=True)
class _Parameter:
    name: str
    slot: Slot
    contract: FieldContract
    fact: str
    schema: Mapping[str, Any]
    bench: Bench

    @property
    def taker(self) -> Taker:
        """The argument, by the names that links have."""
        return self.bench.tool.full_name, self.name

    async def possible(self, options: Sequence[Any], choice: Choice) -> list[Any]:
        """Give the options under which the goal can still end as it wants, or raise `Drop` when there is none."""
        found = await self.bench.sorted_out(self.name, options, choice.values)
        if not found:
            raise Drop("infeasible", self.name)
        choice.asked.update(self.bench.decided_by(self.name, choice.values))
        return found


async def choose(stage: Stage, tool: Tool, kind: GoalKind) -> Choice:
    """Give a choice of arguments by chance, in the order of the tool's slots, or raise `Drop` when one has none."""
    phrases = stage.catalogue.said(kind.tool)
    every = phrases.answers[kind.what] if kind.outcome == "answer" else phrases.asks
    asks = _leading_there(stage, tool, kind, every)
    choice = Choice(_row_named(stage.pick(_naming(stage, tool, asks) or asks), tool))
    if phrases.without and kind.outcome == "done" and not kind.what and stage.chance(ASK_SHARE):
        _leave_out(stage, tool, choice, phrases.without)
    properties: Mapping[str, Mapping[str, Any]] = tool.input_schema.get("properties", {})
    slots = {name: stage.catalogue.slot(kind.tool, name) for name in dict.fromkeys((*phrases.slots, *tool.required))}
    named = set(tool.required) | choice.placeholders | {name for name, slot in slots.items() if slot.as_}
    settled = {name: schema.get("default") for name, schema in properties.items() if name not in named}
    bench = Bench(stage, tool, kind, settled)
    for name in (name for name in slots if name in named):
        slot = _on_the_way_to(kind, slots[name], phrases.when.get(kind.what))
        contract, fact = stage.catalogue.parameter(tool.name, name), stage.catalogue.fact(tool.name, name)
        await _choose_one(stage, _Parameter(name, slot, contract, fact, properties[name], bench), choice)
    return choice


def _leave_out(stage: Stage, tool: Tool, choice: Choice, without: Mapping[str, Sequence[str]]) -> None:
    """Let a request leave something out that the agent will ask for, by one that doesn't drop the quest with it."""
    left = {name: found for name, asks in without.items() if (found := _naming(stage, tool, asks, name))}
    if left:
        choice.missing = stage.pick(sorted(left))
        choice.template = stage.pick(left[choice.missing])


def _naming(stage: Stage, tool: Tool, asks: Sequence[str], missing: str = "") -> Sequence[str]:
    """Give the requests that say what the quest is about, or leave just that out, where it is within reach; or all."""
    name = stage.quest[3] if stage.quest is not None else ""
    if name == missing or not insists(stage, (tool.full_name, name)):
        return asks
    return [ask for ask in asks if name in PLACEHOLDER.findall(_row_named(ask, tool))]


def _leading_there(stage: Stage, tool: Tool, kind: GoalKind, asks: Sequence[str]) -> Sequence[str]:
    """Give the requests that lead to a goal: for a refusal that reads what needn't be said, at times those that do."""
    if kind.outcome != "refuse" or not stage.chance(OPTIONAL_SHARE):
        return asks
    sql = stage.catalogue.refuses.get(tool.name, {}).get(kind.what, "")
    read = set(NAMES.findall(sql)) & set(tool.input_schema.get("properties", {})) - set(tool.required)
    return [ask for ask in asks if read & set(PLACEHOLDER.findall(ask))] or asks


def _on_the_way_to(kind: GoalKind, slot: Slot, when: str | None) -> Slot:
    """Give the slot as the goal needs it: for some refusals, other rows than those that would be fine."""
    if when and slot.of:
        return slot.model_copy(update={"where": f"({slot.where}) AND ({when})" if slot.where else when})
    if kind.outcome != "refuse" or kind.what not in slot.unless:
        return slot
    return slot.model_copy(update={"where": slot.unless[kind.what], "implied": ()})


def _row_named(template: str, tool: Tool) -> str:
    """Give the template with {row} as the name of the tool's first key parameter."""
    keys = [name for name, field in tool.contract.parameters.items() if field.key] if tool.contract else []
    return template.replace("{row}", "{" + keys[0] + "}") if keys else template


async def _choose_one(stage: Stage, parameter: _Parameter, choice: Choice) -> None:
    name, slot, contract = parameter.name, parameter.slot, parameter.contract
    if parameter.fact:
        choice.values[name] = stage.card[parameter.fact]
        choice.facts[name] = parameter.fact
    elif contract.key and not (slot.from_ or slot.values):  # a key such as a seat's name is said as it is
        choice.values[name] = await _choose_rows(stage, parameter, contract.key, choice)
    elif slot.carry and await _carry(stage, parameter, choice):
        return
    elif insists(stage, parameter.taker):
        raise Drop("out_of_reach", f"{name} of what was spoken of")
    else:
        choice.values[name] = await _choose_value(stage, parameter, choice)
        choice.said[name] = await _spoken(stage, slot, contract.type, choice.values[name])


async def _carry(stage: Stage, parameter: _Parameter, choice: Choice) -> bool:
    """Take a value over from another environment where there is one; say whether it was done.

    Only for something to be done is anything worked out of it on the way; and one value of a request is enough. What
    the user only says when asked isn't about what was spoken of before the request.
    """
    name, done = parameter.name, not parameter.bench.tool.read_only
    kind = parameter.contract.key or parameter.contract.type
    if (
        choice.carried
        or choice.anchored
        or name == choice.missing
        or (kind == "date" and _names_days(stage, parameter, choice))
    ):
        return False
    found = carried(stage, kind)
    if found is not None:
        twist, words = twisted(stage, found.type, found.value) if done else None, str(stage.pick(found.forms))
        choice.carried[name] = worked_out_of(found.origin, twist)
        choice.values[name] = derived(choice.carried[name], found.value)
        choice.said[name] = in_form(stage, parameter.slot, twisted_words(twist, words) if twist else words)
        return True
    options = await _anchors(stage, kind) if kind else []
    roomy = at_the_end(choice.template, name) if kind == "date" else choice.template
    options = [option for option in options if option.is_plain or roomy is not None]
    if parameter.contract.key:
        fitting = await parameter.bench.sorted_out(name, [option.value for option in options], choice.values)
        options = [option for option in options if option.value in fitting]
    if not options:
        return False
    anchor = stage.pick(options)
    origin = worked_out_of(anchor.origin, twisted(stage, str(kind), anchor.value, near=True) if done else None)
    choice.anchored[name] = replace(anchor, value=derived(origin, anchor.value), origin=origin)
    if not anchor.is_plain and roomy is not None:
        choice.template = roomy
    choice.values[name] = choice.anchored[name].value
    return True


def _names_days(stage: Stage, parameter: _Parameter, choice: Choice) -> bool:
    """Whether a request names another day beside, next to which words for this one would be taken for that one's."""
    tool = parameter.bench.tool.name
    others = choice.placeholders & set(parameter.bench.tool.input_schema.get("properties", {})) - {parameter.name}
    return any(stage.catalogue.parameter(tool, other).type == "date" for other in others)


async def _anchors(stage: Stage, kind: str) -> list[Anchor]:
    """Give the rows that show a value of a kind, through which it is said: those spoken of last."""
    if not stage.draft.topic or not stage.chance(stage.aim.hiding(CARRY_SHARE)):
        return []
    return await anchors(stage, kind)


def at_the_end(template: str, name: str) -> str | None:
    """Give a request with one of its places at its end, where an hour can't be taken to belong to what is said there.

    None where it can't stand there, since the request goes on in words.
    """
    place = "{" + name + "}"
    before, found, behind = template.partition(place)
    if not found or not ONLY_PLACES.fullmatch(behind):
        return None
    return f"{before.rstrip()}{behind.rstrip()} {place}"


def in_form(stage: Stage, slot: Slot, words: str) -> str:
    """Give words for a value in one of the forms in which the slot's values are said.

    "On" doesn't go before a number of days: "a week after the day of my flight".
    """
    if not slot.forms or isinstance(slot.forms, dict):
        return words
    form = str(stage.pick(slot.forms))
    return (form.removeprefix("on ") if words.startswith(COUNTED) else form).replace("{}", words)


async def _choose_rows(stage: Stage, parameter: _Parameter, key: str, choice: Choice) -> Any:
    slot = parameter.slot
    table = slot.of or key.partition(".")[0]
    candidates = await stage.keys(table, slot.where, {**parameter.bench.settled, **choice.values})
    candidates = _not_had_already(stage, parameter, table, candidates)
    if not candidates:
        raise Drop("no_candidate", f"{parameter.name} of {table}")
    choice.rows[parameter.name] = (table, slot)
    if parameter.schema.get("type") == "array":
        least, most = slot.count[0], min(slot.count[1], len(candidates))
        chosen = stage.rng.sample(candidates, min(most, least + stage.rng.randrange(max(1, most - least + 1))))
        return sorted(chosen, key=candidates.index)
    candidates = beside_the_anchor(stage, parameter.taker, table, candidates)
    if "self" not in slot.by:
        candidates = welcome(stage, parameter.bench.kind, parameter.name, table, candidates)
        if not candidates:
            raise Drop("unwelcome", f"{parameter.name} of {table}")
    candidates = await _aimed(stage, table, await parameter.possible(candidates, choice), parameter.taker)
    here = (stage.environment, table)
    topic = [
        salient
        for salient in stage.draft.topic
        if (salient.environment, salient.table) == here and not salient.rival_only and salient.value in candidates
    ]
    if topic and stage.chance(1.0 if stage.is_new(topic[-1].origin, parameter.taker) else SAME_ROW_SHARE):
        return topic[-1].value
    candidates = await _on_that_day(stage, table, candidates)
    return stage.pick(await _with_kin(stage, table, candidates, parameter.taker))


def _not_had_already(stage: Stage, parameter: _Parameter, table: str, candidates: list[Any]) -> list[Any]:
    """Give what may be asked for in vain, such as a flight that is booked: nothing that was given just now."""
    kind = parameter.bench.kind
    in_vain = kind.outcome == "refuse" and kind.what in parameter.slot.unless
    if not in_vain or stage.catalogue.entity(table).mine is not None:
        return candidates
    return [value for value in candidates if (stage.environment, table, value) not in stage.draft.stances]


async def _on_that_day(stage: Stage, table: str, candidates: list[Any]) -> list[Any]:
    """Give those rows of nobody's own that fall on a day which was spoken of, at times, where there are any."""
    entity = stage.catalogue.entity(table)
    columns = [column for column, how in entity.say.items() if how.kind == "date" and "." not in column]
    if entity.mine is not None or not columns or not stage.draft.topic or not stage.chance(THAT_DAY_SHARE):
        return candidates
    for day in sorted({anchor.value for anchor in await anchors(stage, "date")}):
        falling = set(await stage.keys(table, f"substr({columns[0]}, 1, 10) = :day", {"day": day}))
        if found := [value for value in candidates if value in falling]:
            return found
    return candidates


async def _aimed(stage: Stage, table: str, candidates: list[Any], taker: Taker) -> list[Any]:
    """Give those rows by which something new comes to the data, where there are any; the quest's must be one."""
    near = [*within_reach(stage, taker), *await rows_of_spoken_kin(stage, table, taker)]
    found = [value for value in candidates if value in near]
    if insists(stage, taker):
        if not found:
            raise Drop("out_of_reach", f"{taker[1]} of what was shown before")
        return found
    if not stage.wanted or not stage.chance(AIMED_SHARE):
        return candidates
    return found or await toward_the_quest(stage, table, candidates) or candidates


async def _with_kin(stage: Stage, table: str, candidates: list[Any], taker: Taker) -> list[Any]:
    """Give those rows that others of the user refer to, at times, where the data has little of that."""
    links, sources = links_of(stage, table), stage.wanted.into(taker)
    if stage.quest is not None and stage.quest[2:] == taker and stage.quest[:2] in links:
        if not stage.catalogue.entity(table).through and not stage.chance(ODD_KIN_ROW_SHARE):
            return candidates
        led_to = set(await referred_to(stage, table, stage.quest[:2]))
        found = [value for value in candidates if value in led_to]
        if not found:
            raise Drop("out_of_reach", f"{taker[1]} that another row refers to")
        return found
    if not any(link in sources for link in links) or not stage.chance(KIN_ROW_SHARE):
        return candidates
    referred = set(await referred_to(stage, table))
    return [value for value in candidates if value in referred] or candidates


async def _choose_value(stage: Stage, parameter: _Parameter, choice: Choice) -> Any:
    slot, schema = parameter.slot, parameter.schema
    if slot.text:
        return stage.pick(slot.text)
    if slot.from_:
        found = [row[0] for row in await stage.query(slot.from_, choice.values)]
        if not found:
            raise Drop("no_value", parameter.name)
        return stage.pick(await parameter.possible(found, choice))
    options = slot.values or _enumerated(schema) or (tuple(slot.forms) if isinstance(slot.forms, dict) else ())
    others = [option for option in options if option != slot.default]
    if others:
        possible = await parameter.possible(others, choice)
        return stage.pick(values_toward_the_quest(stage, parameter.taker, possible))
    if "minimum" in schema and "maximum" in schema:
        low, high = int(schema["minimum"]), int(schema["maximum"])
        return low + stage.rng.randrange(min(high - low, 5) + 1)
    raise Drop("no_slot", parameter.name)


def _enumerated(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    choices = [schema, *schema.get("anyOf", ())]
    return tuple(value for option in choices for value in option.get("enum", ()) if value is not None)


async def _spoken(stage: Stage, slot: Slot, kind: str | None, value: Any) -> str:
    if slot.text:
        return f'"{value}"'
    if isinstance(slot.forms, dict):
        forms: Sequence[str] = slot.forms.get(str(value).lower() if isinstance(value, bool) else str(value), ())
        if not forms:
            raise Drop("unsaid", str(value))
        return str(stage.pick(forms))
    spoken = say(kind, value, stage.rng)
    if kind == "date" and year_is_said(str(value), (await stage.query("SELECT :today"))[0][0]):
        spoken = with_year(spoken, str(value))
    return str(stage.pick(slot.forms)).replace("{}", spoken) if slot.forms else spoken
