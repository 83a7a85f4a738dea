"""Deeds: the calls of a plan as something that can be changed, done again in an episode, and judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from envfactory_client import Attempt, AttemptTurn, CallResult, LoggedCall, Trajectory
from envfactory_client.score.attempt import Changes
from synthesis.answers import Answers, Asked, Asking
from synthesis.catalogue import Catalogue
from synthesis.paths import places_at

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Deed:
    """One call of an attempt; `live` ones are made in an episode, the others answered when the task was recorded."""

    turn: int
    call: LoggedCall
    place: int | None = None
    """The plan's step that it is, or stands for."""
    live: bool = False

    def with_arguments(self, arguments: Mapping[str, Any]) -> Deed:
        """Give the deed with other arguments, to be made anew."""
        return replace(self, call=self.call.model_copy(update={"arguments": dict(arguments)}), live=True)


def deeds_of(task: Trajectory, catalogues: Mapping[str, Catalogue]) -> tuple[Deed, ...]:
    """Give the plan's calls; those that write are to be made anew wherever the state before them differs."""
    found: list[Deed] = []
    for number, turn in enumerate(task.turns):
        for step in turn.steps:
            writes = not catalogues[step.environment].tools[step.tool].read_only
            found.append(Deed(number, LoggedCall.of(step), len(found), live=writes))
    return tuple(found)


def attempt_of(
    task: Trajectory, deeds: Iterable[Deed], changes: Changes, messages: Sequence[str] | None = None
) -> Attempt:
    """Give the attempt that consists of these calls, with the plan's messages or others."""
    said = [turn.assistant for turn in task.turns] if messages is None else messages
    calls: dict[int, list[LoggedCall]] = {}
    for deed in deeds:
        calls.setdefault(deed.turn, []).append(deed.call)
    turns = tuple(
        AttemptTurn.model_construct(
            user=turn.user, calls=tuple(calls.get(number, ())), assistant=said[number], turn=number
        )
        for number, turn in enumerate(task.turns)
    )
    return Attempt.model_construct(turns=turns, changes=changes)


def answers_of(deeds: Iterable[Deed]) -> Answers:
    """Give the answers that are on record of a plan's calls."""
    answers, state = Answers(), 0
    for deed in deeds:
        call = deed.call
        asked = Asked(call.actor, call.environment, call.tool, call.arguments, deed.live)
        state = answers.note(state, asked, CallResult(call.text or "", call.result, call.is_error, call.refusal))
    return answers


@dataclass
class Doing:
    """Makes live deeds in an episode; ids that writes give anew are put where the plan has the old ones."""

    asking: Asking
    catalogues: Mapping[str, Catalogue]
    renamed: dict[str, str] = field(default_factory=dict)

    async def do(self, deeds: Iterable[Deed], *, to_the_end: bool = True) -> list[Deed]:
        """Give the deeds with what they answered now; otherwise only up to a first one that fails."""
        done: list[Deed] = []
        for deed in deeds:
            done.append(await self._do(deed) if deed.live else deed)
            if deed.live and done[-1].call.is_error and not to_the_end:
                break
        return done

    async def _do(self, deed: Deed) -> Deed:
        call = deed.call
        arguments = self._renamed(call.arguments)
        writes = not self.catalogues[call.environment].tools[call.tool].read_only
        result = await self.asking.call(Asked(call.actor, call.environment, call.tool, arguments, writes))
        self._note_names(call, result)
        done = call.model_copy(
            update={
                "arguments": arguments,
                "result": None if result.is_error else result.structured,
                "text": result.text if result.is_error else None,
                "is_error": result.is_error,
                "refusal": result.refusal,
            }
        )
        return replace(deed, call=done)

    def _note_names(self, call: LoggedCall, result: CallResult) -> None:
        """Note which new id a write gave now where it gave another when the task was recorded."""
        tool = self.catalogues[call.environment].tools[call.tool]
        if tool.read_only or tool.contract is None or result.is_error or call.result is None:
            return
        for path in tool.contract.results:
            pairs = zip(places_at(call.result, path), places_at(result.structured, path), strict=False)
            for (_, old), (_, new) in pairs:
                if isinstance(old, str) and isinstance(new, str) and old != new and _DIGIT.search(old + new):
                    self.renamed[old] = new

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._renamed(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._renamed(part) for part in value]
        return self.renamed.get(value, value) if isinstance(value, str) else value
