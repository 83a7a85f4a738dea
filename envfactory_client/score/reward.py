"""The reward: a number in [0, 1] for what an agent did at a task, as a product of gates with reasons.

    reward = [state and info] * flow * failures * efficiency

The state must have changed as the plan changed it and in nothing else; what goals owe must have been told, asked or
explained with evidence; what writes were given must have been seen before (else 0.3); and only beyond twice the
plan's calls does efficiency fall, to 0.8 at the least. Each failed write beyond the plan's costs a tenth, and with
more than two of them the agent is taken to try its luck. `progress` is apart from it, for shaping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Final

from pydantic import Field

from envfactory_client.errors import ScoreError
from envfactory_client.score.attempt import Attempt, Changes, aligned, changes_of
from envfactory_client.score.changes import Atom, atoms, numbers
from envfactory_client.score.log import moments
from envfactory_client.score.owed import Hearing, Turns
from envfactory_client.score.slots import Told
from envfactory_client.score.trace import trace_score
from envfactory_client.tool import Frozen
from envfactory_client.trajectory import RewardSpec, Trajectory

GUESSED: Final = 0.3
"""What remains of the reward when a write was given something that the agent had never seen."""
FAILED_WRITE: Final = 0.9
MOST_FAILED: Final = 2
"""Failed writes beyond the plan's after which an agent is taken to try its luck."""
LUCK: Final = 0.1
"""What then remains of the reward, beside what each failure costs."""
LEAST_EFFICIENCY: Final = 0.8
DISCOUNT: Final = 0.99
MOST_SHAPING: Final = 0.2


class Component(Frozen):
    """One factor of the reward."""

    name: str
    value: float
    reason: str


class TurnProgress(Frozen):
    """How far one turn of an attempt went, where it was seen how the state stood at the turn's end."""

    turn: int
    """The turn of the attempt, from 0."""
    potential: float
    shaping: float
    """The discounted gain in potential, at most 0.2 either way."""


class Reward(Frozen):
    """What an attempt is worth, and why."""

    task: str
    """The task's id."""
    reward: float
    progress: float
    """How much of what the task wants was reached, less what was done beside it, from -1 to 1."""
    trace: float
    """The share of the plan's calls that were made; no part of the reward."""
    components: tuple[Component, ...]
    owed: tuple[Component, ...] = ()
    """One for each thing owed, in the order of the task."""
    turns: tuple[TurnProgress, ...] = Field(default=())

    @property
    def ok(self) -> bool:
        """Whether the attempt reached everything."""
        return self.reward == 1.0


def score(task: Trajectory, attempt: Attempt) -> Reward:
    """What an attempt at a task is worth; ScoreError when the task has no reward specification of format 1."""
    return Judge(task).score(attempt)


class Judge:
    """Judges attempts at one task; what the plan changed is worked out once."""

    def __init__(self, task: Trajectory) -> None:
        if task.reward.format != 1:
            raise ScoreError(
                f"Task {task.id} has no reward specification of format 1; make it with `synthesis.run` again."
            )
        self.task = task
        self.planned = changes_of(task.reward.changes)
        """What the plan changed."""
        self.wanted = self.atoms(self.planned)
        self._numbers = numbers(self.planned)

    def atoms(self, changes: Changes) -> Counter[Atom]:
        """Everything that changed, in the form in which equal deeds are equal."""
        return atoms(changes, self.task.reward)

    def score(self, attempt: Attempt) -> Reward:
        """What an attempt is worth, and why."""
        judged = _Judged(self, attempt)
        components = tuple(judged.components())
        told = [f"{one.goal} {one.outcome}" for one in self.task.reward.owed]
        return Reward(
            task=self.task.id,
            reward=prod(component.value for component in components),
            progress=_potential(self.wanted, judged.done, judged.owed),
            trace=trace_score(self.task, attempt),
            components=components,
            owed=tuple(
                Component(name=name, value=float(one.ok), reason=one.reason)
                for name, one in zip(told, judged.owed, strict=True)
            ),
            turns=tuple(_shaping(judged)),
        )

    def reached(self, changes: Changes) -> bool:
        """Whether the state is the plan's, which is the first factor of the reward."""
        if changes is self.planned:
            return True
        return numbers(changes) == self._numbers and self.atoms(changes) == self.wanted

    def worth(self, attempt: Attempt) -> float:
        """The number alone of an attempt that reached the plan's state, without looking further once it is 0."""
        value = 1.0
        for component in _Judged(self, attempt).beside_the_state():
            value *= component.value
            if not value:
                break
        return value


class _Judged:
    """An attempt under judgement; what a component needs is worked out when it is asked for."""

    def __init__(self, judge: Judge, attempt: Attempt) -> None:
        self.judge, self.attempt, self.spec = judge, attempt, judge.task.reward

    def components(self) -> Iterator[Component]:
        """The factors of the reward, in order."""
        yield _state(self.judge.wanted, self.done)
        yield from self.beside_the_state()

    def beside_the_state(self) -> Iterator[Component]:
        """The factors but the first."""
        yield _info(self.owed)
        yield _flow(self.spec, self.turns)
        yield _failures(self.spec, self.attempt)
        yield _efficiency(self.spec, self.attempt)

    @cached_property
    def turns(self) -> Turns:
        """The attempt's turns, each with the number of the task's turn."""
        return list(aligned(self.judge.task, self.attempt.turns))

    @cached_property
    def done(self) -> Counter[Atom]:
        """What the attempt changed."""
        return self.judge.atoms(self.attempt.changes)

    @cached_property
    def owed(self) -> list[Told]:
        """What became of each thing owed."""
        if not self.spec.owed:
            return []
        hearing = Hearing.of(self.turns, self.spec)
        return [hearing.judge(one) for one in self.spec.owed]


def _state(wanted: Counter[Atom], done: Counter[Atom]) -> Component:
    missing, beside = (wanted - done).total(), (done - wanted).total()
    reason = "the state is the plan's"
    if missing or beside:
        reason = f"{missing} of {wanted.total()} changes are missing, {beside} were made that nobody asked for"
    return Component(name="state", value=float(not missing and not beside), reason=reason)


def _info(owed: list[Told]) -> Component:
    failed = [one.reason for one in owed if not one.ok]
    reason = "; ".join(failed) or ("everything owed was said" if owed else "nothing is owed beside the state")
    return Component(name="info", value=float(not failed), reason=reason)


def _flow(spec: RewardSpec, turns: Turns) -> Component:
    for _, _, call, seen in moments(turns):
        if call is None or call.actor != "agent":
            continue
        for name in spec.sources.get(call.full_name, ()):
            value = call.arguments.get(name)
            if value is not None and not seen.has(value):
                reason = f"{call.full_name} was given {name} {value!r}, which the agent hadn't seen"
                return Component(name="flow", value=GUESSED, reason=reason)
    return Component(name="flow", value=1.0, reason="whatever was written had been seen or said before")


def _failures(spec: RewardSpec, attempt: Attempt) -> Component:
    met = Counter((call.full_name, call.refusal) for call in attempt.calls if call.is_error)
    failed = Counter({call: number for call, number in met.items() if call[0] in spec.writes})
    beyond = (failed - Counter((call.tool, call.code) for call in spec.refused)).total()
    value = FAILED_WRITE**beyond * (LUCK if beyond > MOST_FAILED else 1.0)
    return Component(name="failures", value=value, reason=f"{beyond} failed writes beyond the plan's")


def _efficiency(spec: RewardSpec, attempt: Attempt) -> Component:
    made, free = len(attempt.calls), 2 * max(spec.calls, 1)
    excess = min(max(made - free, 0) / free, 1.0)
    reason = f"{made} calls; the plan has {spec.calls}"
    return Component(name="efficiency", value=1.0 - (1.0 - LEAST_EFFICIENCY) * excess, reason=reason)


def _potential(wanted: Counter[Atom], done: Counter[Atom], owed: list[Told]) -> float:
    """What was reached less what was done beside it, as a share of what is wanted."""
    whole = wanted.total() + len(owed)
    if not whole:
        return 0.0
    reached = (wanted & done).total() + sum(one.ok for one in owed)
    return max(-1.0, (reached - (done - wanted).total()) / whole)


def _shaping(judged: _Judged) -> Iterator[TurnProgress]:
    """The gain of each turn whose end was looked at; what is owed counts from its turn on."""
    before = 0.0
    for place, (number, turn) in enumerate(judged.turns):
        if turn.changes is None:
            return
        due = [
            one if wish.turn <= number else Told(ok=False, reason="")
            for one, wish in zip(judged.owed, judged.spec.owed, strict=True)
        ]
        potential = _potential(judged.judge.wanted, judged.judge.atoms(turn.changes), due)
        shaping = max(-MOST_SHAPING, min(MOST_SHAPING, DISCOUNT * potential - before))
        yield TurnProgress(turn=place, potential=potential, shaping=shaping)
        before = potential
