"""A dialogue: what a model saw, called and said in a trajectory, before any format gives it a shape.

Calls stay in their order, one after another. Steps of the actor "user" are left out, since they are not the agent's
calls: the user makes them outside the dialogue, and the user's message tells of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from envfactory_client.errors import DatasetError
from envfactory_client.trajectory import Step, Trajectory, canonical_json, digest

LONGEST_NAME = 64
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SYSTEM = (
    "You are an assistant who serves one user with tools ({environments}). Call one tool at a time. Look up what you "
    "need to know instead of guessing it, and tell the user plainly what was done, or why it can't be done. "
    "It is {now}."
)


@dataclass(frozen=True, slots=True)
class Function:
    """A tool as a model is offered it."""

    name: str
    """Environment and tool, such as "airline_cancel_booking": at most 64 letters, digits, "_" and "-"."""
    description: str
    parameters: Mapping[str, Any]
    """The JSON schema of the arguments."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call of the agent with its result."""

    id: str
    """Unique in its dialogue, and nine letters and digits, as the strictest chat templates want it."""
    name: str
    arguments: Mapping[str, Any]
    text: str
    """What the tool answered: the JSON text of a result, or the sentence of a refusal or an error."""
    is_error: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn: what the user says, the agent's calls, and what the assistant answers."""

    user: str
    calls: tuple[FunctionCall, ...]
    assistant: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A trajectory as a model saw it."""

    trajectory: Trajectory
    system: str
    functions: tuple[Function, ...]
    exchanges: tuple[Exchange, ...]

    @classmethod
    def of(cls, trajectory: Trajectory, tools: Sequence[Mapping[str, Any]], *, system: str | None = None) -> Dialogue:
        """The dialogue of a trajectory and the tools offered in it, listed as a dataset keeps them.

        A trajectory keeps no instructions, so that the system message is a plain one unless `system` gives another;
        "{now}" and "{environments}" in it become the episode's time and the names of its environments.
        """
        names = function_names(str(tool["name"]) for tool in tools)
        functions = tuple(_function(tool, names[tool["name"]]) for tool in tools)
        return cls(trajectory, _system(trajectory, system), functions, tuple(_exchanges(trajectory, names)))

    @property
    def calls(self) -> tuple[FunctionCall, ...]:
        """All calls of the agent, over all turns."""
        return tuple(call for exchange in self.exchanges for call in exchange.calls)


def function_names(tools: Iterable[str]) -> dict[str, str]:
    """Full tool names to names that chat APIs take; one that is too long or meant twice ends in a digest."""
    wishes = {tool: re.sub(r"[^a-zA-Z0-9_-]", "_", tool) for tool in tools}
    wanted = Counter(wishes.values())
    free = {wish for wish, times in wanted.items() if times == 1 and len(wish) <= LONGEST_NAME}
    return {
        tool: wish if wish in free else f"{wish[: LONGEST_NAME - 9]}_{digest(tool)[:8]}"
        for tool, wish in wishes.items()
    }


def spoken_time(now: str) -> str:
    """A time of the world's clock as a person reads it: "Monday, 2026-03-02, 09:00 UTC"."""
    try:
        moment = datetime.fromisoformat(now)
    except ValueError:
        return now
    return f"{_WEEKDAYS[moment.weekday()]}, {moment:%Y-%m-%d, %H:%M} UTC"


def _system(trajectory: Trajectory, text: str | None) -> str:
    environments = ", ".join(environment.name for environment in trajectory.environments)
    text = _SYSTEM if text is None else text
    return text.replace("{environments}", environments).replace("{now}", spoken_time(trajectory.world.now))


def _function(tool: Mapping[str, Any], name: str) -> Function:
    schema = dict(tool.get("inputSchema") or {})
    return Function(name, tool.get("description") or "", {"type": "object", "properties": {}, **schema})


def _exchanges(trajectory: Trajectory, names: Mapping[str, str]) -> Iterator[Exchange]:
    number = 0
    for turn in trajectory.turns:
        calls = []
        for step in turn.steps:
            if step.actor == "agent":
                calls.append(_call(trajectory, step, number, names))
            number += 1
        yield Exchange(turn.user, tuple(calls), turn.assistant)


def _call(trajectory: Trajectory, step: Step, number: int, names: Mapping[str, str]) -> FunctionCall:
    tool = f"{step.environment}.{step.tool}"
    if tool not in names:
        raise DatasetError(
            f"Trajectory {trajectory.id} calls {tool} in step {number}, but that isn't among the tools that were "
            f"offered ({trajectory.tools.digest}); make the trajectory again."
        )
    text = step.text if step.text is not None else "" if step.result is None else canonical_json(step.result)
    return FunctionCall(f"call{number:05}", names[tool], step.arguments, text, step.is_error)
