"""What goals owe beside the state: answers told, questions asked, refusals explained, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from envfactory_client.score import wording
from envfactory_client.score.attempt import AttemptTurn, LoggedCall, Response
from envfactory_client.score.log import Seen, moments
from envfactory_client.score.slots import MOST_BESIDE, Told, beside, told
from envfactory_client.trajectory import Owed, RewardSpec

Turns = list[tuple[int, AttemptTurn]]


@dataclass
class _Moment:
    """A message of the agent, with what had been seen before it."""

    turn: int
    message: str
    response: Response | None
    heard: str
    seen: Seen
    calls: int
    """How many calls had been made."""


@dataclass
class Hearing:
    """Everything of an attempt that owed things are judged by."""

    messages: list[_Moment] = field(default_factory=list)
    calls: list[tuple[int, LoggedCall]] = field(default_factory=list)
    """Each call of the agent with its turn of the task."""
    writes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, turns: Turns, spec: RewardSpec) -> Hearing:
        """Go through an attempt in its order; only turns in which something is owed are listened to."""
        hearing = cls(writes=frozenset(spec.writes))
        owing = {owed.turn for owed in spec.owed}
        for number, turn, call, seen in moments(turns):
            if call is None and number in owing:
                here = _Moment(number, turn.assistant, turn.response, " ".join(seen.heard), seen.copy(), 0)
                here.calls = len(hearing.calls)
                hearing.messages.append(here)
            elif call is not None and call.actor == "agent":
                hearing.calls.append((number, call))
        return hearing

    def judge(self, owed: Owed) -> Told:
        """Whether a thing owed was given, in a message of its turn."""
        said = [self._judge_message(owed, moment) for moment in self.messages if moment.turn == owed.turn]
        if not said:
            return Told(ok=False, reason=f"nothing was said in turn {owed.turn}")
        return next((found for found in said if found.ok), said[-1])

    def _judge_message(self, owed: Owed, moment: _Moment) -> Told:
        match owed.outcome:
            case "answer":
                return _answered(owed, moment)
            case "refuse":
                return _refused(owed, moment)
        return self._asked(owed, moment)

    def _asked(self, owed: Owed, moment: _Moment) -> Told:
        name = str(owed.parameter)
        if not _asks(owed, moment):
            return Told(ok=False, reason=f"{name} isn't asked for")
        if any(call.full_name == owed.goal and not call.is_error for _, call in self._calls_of(owed, moment)):
            return Told(ok=False, reason=f"{owed.goal} was called before {name} was asked for")
        if owed.goal in self.writes and not any(call.full_name == owed.goal for _, call in self.calls[moment.calls :]):
            return Told(ok=False, reason=f"what was said about {name} was never used")
        return Told(ok=True, reason=f"{name} was asked for, and the answer used")

    def _calls_of(self, owed: Owed, moment: _Moment) -> Sequence[tuple[int, LoggedCall]]:
        return [made for made in self.calls[: moment.calls] if made[0] == owed.turn]


def _asks(owed: Owed, moment: _Moment) -> bool:
    if moment.response is not None:
        return moment.response.outcome == "ask" and moment.response.parameter in (None, owed.parameter)
    return wording.asks_for(moment.message, [form for forms in owed.phrases.values() for form in forms])


def _answered(owed: Owed, moment: _Moment) -> Told:
    if not _has_evidence(owed, moment):
        return Told(ok=False, reason="the answer was never looked up")
    results = list(_told_slots(owed, moment))
    return next((found for found in results if not found.ok), results[-1])


def _told_slots(owed: Owed, moment: _Moment) -> Iterator[Told]:
    for slot in owed.slots:
        if moment.response is not None and slot.name in moment.response.answer:
            right = moment.response.answer[slot.name] == slot.value
            yield Told(ok=right, reason=f"{slot.name} is given as {moment.response.answer[slot.name]!r}")
        else:
            yield told(slot, moment.message, heard=moment.heard, seen=moment.seen.values)


def _refused(owed: Owed, moment: _Moment) -> Told:
    code = str(owed.code)
    if moment.response is not None and moment.response.outcome == "refuse":
        given = moment.response.code == code
    else:
        crowded = beside(moment.message, heard=moment.heard, seen=moment.seen.values) > MOST_BESIDE
        given = wording.gives_reason(moment.message, code, owed.phrases) and not crowded
    if not given:
        return Told(ok=False, reason=f"the reason isn't given: {code}")
    if not _has_evidence(owed, moment):
        return Told(ok=False, reason=f"nothing in the log shows {code}")
    return Told(ok=True, reason=f"{code} is explained")


def _has_evidence(owed: Owed, moment: _Moment) -> bool:
    if any(moment.seen.bears(evidence) for evidence in owed.evidence):
        return True
    telling = [slot.value for slot in owed.slots if slot.type not in ("count", "flag")]
    return bool(telling) and len(telling) == len(owed.slots) and all(map(moment.seen.shows, telling))
