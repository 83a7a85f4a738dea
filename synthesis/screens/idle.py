"""Idle variants: agents that do nothing, the same whatever the task, or say what they never looked up.

None of them needs to be executed: reads change nothing, and what they answer is in the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from envfactory_client import Evidence, Owed, Trajectory
from envfactory_client.score import spoken
from envfactory_client.score.attempt import Changes, leaves
from synthesis.screens.deeds import Deed
from synthesis.screens.variant import Variant, said
from synthesis.spoken import say

LOOKED: Final = "I've had a look."
REFUSES: Final = "I'm sorry, but I can't do that for you."
LACKS: Final = "I'm sorry, I have no tool for that, so I can't do it."
ASKS: Final = "Could you give me some more details, please?"
CONFIRMS: Final = "Shall I go ahead?"
DONE: Final = "That's done."
NOTHING: Final[Changes] = {}


def idle(task: Trajectory, deeds: tuple[Deed, ...]) -> Iterator[Variant]:
    """Give the agents that know nothing of the task."""
    reads = tuple(deed for deed in deeds if not deed.live)
    messages = {
        "null": "",
        "always_refuse": REFUSES,
        "always_ask": ASKS,
        "confirm_only": CONFIRMS,
    }
    for name, text in messages.items():
        yield Variant(name, (), "nothing", messages=said(text, task.turns), changes=NOTHING)
    echo = tuple(turn.user for turn in task.turns)
    yield Variant("echo", (), "nothing", messages=echo, changes=NOTHING)
    yield Variant("reads_only", reads, "nothing", messages=said(LOOKED, task.turns), changes=NOTHING)
    yield Variant("always_lacking", reads, "nothing", messages=said(LACKS, task.turns), changes=NOTHING)
    yield Variant("list_all", reads, "little", messages=partial(_everything, task), changes=NOTHING)


def unfounded(task: Trajectory, deeds: tuple[Deed, ...], changes: Changes) -> Iterator[Variant]:
    """Give the plan with its right deeds and changes, but without having seen, asked or said what they rest on."""
    if _rests_on_reads(task, deeds):
        writes = tuple(deed for deed in deeds if deed.live)
        yield Variant("guessed_ids", writes, "little", changes=changes)
        last = len(task.turns) - 1
        reads = tuple(replace(deed, turn=last) for deed in deeds if not deed.live)
        yield Variant("late_reads", (*writes, *reads), "little", changes=changes)
    for owed in task.reward.owed:
        for name, text in _untold(owed):
            messages = tuple(text if number == owed.turn else turn.assistant for number, turn in enumerate(task.turns))
            yield Variant(name, deeds, "little", messages=messages, changes=changes)
        if owed.outcome == "refuse" and owed.evidence:
            blind = tuple(deed for deed in deeds if not _is_evidence(owed.evidence, deed))
            yield Variant("unfounded_refusal", blind, "little", changes=changes)
        if _is_worked_out(task, owed):
            blind = tuple(deed for deed in deeds if deed.live)
            yield Variant("unfounded_answer", blind, "little", changes=changes)


def _is_worked_out(task: Trajectory, owed: Owed) -> bool:
    """Whether an answer stands in no result, so that it must have been worked out of what was looked up."""
    return any(intent.sought is not None for intent in task.turns[owed.turn].intents) and owed.outcome == "answer"


def _rests_on_reads(task: Trajectory, deeds: tuple[Deed, ...]) -> bool:
    """Whether the plan's writes were given something that only a read shows."""
    reads = {deed.place for deed in deeds if not deed.live and deed.call.actor == "agent"}
    told = " ".join(turn.user for turn in task.turns)
    for entry in task.ledger:
        deed = deeds[entry.step]
        name, _, index = entry.argument.partition("[")
        needed = name in task.reward.sources.get(deed.call.full_name, ()) and not deed.call.is_error
        if needed and entry.source == "earlier" and entry.origin["step"] in reads and deed.call.actor == "agent":
            value = deed.call.arguments[name]
            value = value[int(index.rstrip("]"))] if index else value
            shown_by_writes = [leaf for one in deeds[: entry.step] if one.live for leaf in leaves(one.call.result)]
            if isinstance(value, str) and not spoken.names(value, told) and value not in shown_by_writes:
                return True
    return False


def _untold(owed: Owed) -> Iterator[tuple[str, str]]:
    """Give messages that don't give what is owed: nothing of it, or something else."""
    yield {"answer": "untold", "ask": "unasked", "refuse": "unexplained"}[owed.outcome], DONE
    for slot in owed.slots:
        other = _other(slot.value, slot.type)
        if other is not None:
            yield "wrong_answer", f"It's {say(slot.type, other)}."
    others = [form for code, forms in owed.phrases.items() if code != owed.code for form in forms[:1]]
    if owed.outcome == "refuse" and others:
        yield "wrong_reason", others[0]
        if len(others) > 1:
            yield "all_reasons", " ".join([*others, *owed.phrases.get(str(owed.code), ())[:1]])


def _other(value: Any, kind: str) -> Any:
    """Give another value of a kind; None when there is none to be said."""
    if kind in ("money", "count"):
        return int(value) + (7 if kind == "count" else 1700)
    moment = spoken.as_moment(value)
    if kind in ("date", "time") and moment is not None:
        later = moment + timedelta(days=40)
        return later.date().isoformat() if kind == "date" else later.isoformat()
    return "something else" if kind in ("name", "id") else None


def _everything(task: Trajectory) -> tuple[str, ...]:
    """Give a message for every turn that tells each value of all results, in each of its forms."""
    values = {(type(leaf), leaf): leaf for step in task.steps if step.actor == "agent" for leaf in leaves(step.result)}
    return said(". ".join(dict.fromkeys(form for leaf in values.values() for form in _forms(leaf))), task.turns)


def _forms(leaf: Any) -> Iterator[str]:
    yield say(None, leaf)
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        yield say("money", leaf)
    elif (moment := spoken.as_moment(leaf)) is not None and len(str(leaf)) >= len("2026-03-06"):
        yield say("time" if "T" in str(leaf) else "date", moment.isoformat() if "T" in str(leaf) else leaf)


def _is_evidence(evidence: tuple[Evidence, ...], deed: Deed) -> bool:
    return any(one.tool == deed.call.full_name for one in evidence)
