"""The reward: a number in [0, 1] for what an agent did at a task, as a product of gates with reasons.

    reward = [state and info] * flow * 0.9 ** (failed writes beyond the plan's) * efficiency

The state must have changed as the plan changed it and in nothing else; what goals owe must have been told, asked or
explained with evidence; what writes were given must have been seen before (else 0.3); and only beyond twice the
plan's calls does efficiency fall, to 0.8 at the least. `progress` is apart from it, for shaping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pydantic import Field

from envfactory_client.errors import ScoreError
from envfactory_client.score.attempt import Attempt, aligned, changes_of
from envfactory_client.score.changes import Atom, atoms
from envfactory_client.score.log import moments
from envfactory_client.score.owed import Hearing, Turns
from envfactory_client.score.slots import Told
from envfactory_client.score.trace import trace_score
from envfactory_client.tool import Frozen
from envfactory_client.trajectory import RewardSpec, Trajectory

GUESSED: Final = 0.3
"""What remains of the reward when a write was given something that the agent had never seen."""
FAILED_WRITE: Final = 0.9
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
    spec = task.reward
    if spec.format != 1:
        raise ScoreError(f"Task {task.id} has no reward specification of format 1; make it with `synthesis.run` again.")
    turns = list(aligned(task, attempt.turns))
    hearing = Hearing.of(turns, spec.writes)
    owed = [hearing.judge(one) for one in spec.owed]
    wanted, done = atoms(changes_of(spec.changes), spec), atoms(attempt.changes, spec)
    components = (
        _state(wanted, done),
        _info(owed),
        _flow(spec, turns),
        _failures(spec, attempt),
        _efficiency(spec, attempt),
    )
    value = 1.0
    for component in components:
        value *= component.value
    told = [f"{one.goal} {one.outcome}" for one in spec.owed]
    return Reward(
        task=task.id,
        reward=value,
        progress=_potential(wanted, done, owed),
        trace=trace_score(task, attempt),
        components=components,
        owed=tuple(
            Component(name=name, value=float(one.ok), reason=one.reason) for name, one in zip(told, owed, strict=True)
        ),
        turns=tuple(_shaping(spec, wanted, turns, owed)),
    )


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
        if call is None or call.is_error or call.actor != "agent":
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
    return Component(name="failures", value=FAILED_WRITE**beyond, reason=f"{beyond} failed writes beyond the plan's")


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


def _shaping(spec: RewardSpec, wanted: Counter[Atom], turns: Turns, owed: list[Told]) -> Iterator[TurnProgress]:
    """The gain of each turn whose end was looked at; what is owed counts from its turn on."""
    before = 0.0
    for place, (number, turn) in enumerate(turns):
        if turn.changes is None:
            return
        due = [one for one, wish in zip(owed, spec.owed, strict=True) if one.ok and wish.turn <= number]
        missing = [Told(ok=False, reason="")] * (len(owed) - len(due))
        potential = _potential(wanted, atoms(turn.changes, spec), due + missing)
        gain = DISCOUNT * potential - before
        shaping = max(-MOST_SHAPING, min(MOST_SHAPING, gain))
        yield TurnProgress(turn=place, potential=potential, shaping=shaping)
        before = potential
