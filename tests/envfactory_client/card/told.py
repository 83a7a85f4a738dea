"""Trajectories made by hand, as small as what a test is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envfactory_client import (
    Goal,
    LedgerEntry,
    OfferedTools,
    Reference,
    RewardSpec,
    Step,
    Trajectory,
    TrajectoryWorld,
    Turn,
)
from envfactory_client.episode import EnvironmentVersion

NOW = "2026-05-04T09:00:00Z"
"""A Monday."""


def call(tool: str, *, refusal: str | None = None, actor: Any = "agent", **arguments: Any) -> Step:
    """A call of a tool, by its full name, which was refused or answered with nothing."""
    environment, _, name = tool.partition(".")
    return Step(
        environment=environment,
        tool=name,
        arguments=arguments,
        result=None if refusal else {},
        text="No." if refusal else None,
        is_error=refusal is not None,
        refusal=refusal,
        state="s",
        actor=actor,
    )


def turn(user: str, *steps: Step, outcome: Any = "done", assistant: str = "It is done.") -> Turn:
    """A turn with one goal, which its last call reaches."""
    goals = (Goal(tool=f"{steps[-1].environment}.{steps[-1].tool}", outcome=outcome),) if steps else ()
    return Turn(user=user, goals=goals, steps=steps, assistant=assistant, state="s")


def said(at: tuple[int, int], argument: str, text: str) -> LedgerEntry:
    """That an argument was said in a turn, for a step."""
    number, step = at
    return LedgerEntry(
        turn=number, step=step, argument=argument, source="explicit", origin={"turn": number, "text": text}
    )


def found(at: tuple[int, int], argument: str, producer: int, path: str) -> LedgerEntry:
    """That an argument of a turn's step was found in an earlier result."""
    number, step = at
    origin = {"step": producer, "path": path}
    return LedgerEntry(turn=number, step=step, argument=argument, source="earlier", origin=origin)


def trajectory(
    *turns: Turn,
    ledger: Sequence[LedgerEntry] = (),
    references: Sequence[Reference] = (),
    environments: Sequence[str] = ("shop",),
    persona: Mapping[str, Any] | None = None,
) -> Trajectory:
    """A trajectory of these turns that began on a Monday morning."""
    names = {f"{step.environment}.{step.tool}" for one in turns for step in one.steps if step.actor == "agent"}
    return Trajectory(
        seed=(0, 0),
        world=TrajectoryWorld(seed=0, size="small", now=NOW),
        environments=tuple(EnvironmentVersion(name=name, version="1.0.0", digest="d") for name in environments),
        tools=OfferedTools(digest="t", names=tuple(sorted(names | {f"{name}.spare" for name in environments}))),
        persona=persona or {},
        turns=turns,
        references=tuple(references),
        ledger=tuple(ledger),
        reward=RewardSpec(state="s"),
    )
