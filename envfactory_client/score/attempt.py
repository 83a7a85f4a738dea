"""An attempt: what an agent did at a task, as the reward judges it.

Only what the environments' own log holds counts as a call; calls that an agent merely prints are text. An attempt has
turns like its task, and may have more of them: a question that the user answers belongs to the turn it was asked in.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Self

from pydantic import Field

from envfactory_client.episode import Diff, TableDiff
from envfactory_client.tool import Actor, Frozen
from envfactory_client.trajectory import Step, Trajectory, Turn

RESPOND: Final = "respond"
"""The tool by which an agent may end a turn; it belongs to no environment and changes nothing."""
RESPOND_TOOL: Final[Mapping[str, Any]] = {
    "name": RESPOND,
    "description": "End your turn by saying how it ends, beside what you tell the user.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "outcome": {"enum": ["done", "answer", "ask", "refuse"], "description": "How the turn ends."},
            "parameter": {"type": "string", "description": "What you ask the user for, when you ask."},
            "code": {"type": "string", "description": "The refusal's code, when it can't be done."},
            "answer": {"type": "object", "description": "What the user asked for, by field, when you answer."},
        },
        "required": ["outcome"],
    },
}
"""That tool as MCP lists one, to be offered beside a task's own."""
Changes = Mapping[str, Mapping[str, TableDiff]]
_PLAIN: Final = frozenset({str, int, bool, float})


class LoggedCall(Frozen):
    """One call that was made, with what it answered."""

    environment: str
    tool: str
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    result: Any = None
    """The structured result; None for an error."""
    text: str | None = None
    """What an error said, or a result without structure."""
    is_error: bool = False
    refusal: str | None = None
    actor: Actor = "agent"

    @property
    def full_name(self) -> str:
        """The tool's name with its environment."""
        return f"{self.environment}.{self.tool}"

    @cached_property
    def leaves(self) -> frozenset[Hashable]:
        """The plain values in the result, at any depth."""
        return frozenset(leaves(self.result))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed; the values in the result are looked for anew."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("leaves", None)
        return copied

    @classmethod
    def of(cls, step: Step) -> LoggedCall:
        """The call that a trajectory's step records."""
        return cls.model_construct(
            environment=step.environment,
            tool=step.tool,
            arguments=step.arguments,
            result=step.result,
            text=step.text,
            is_error=step.is_error,
            refusal=step.refusal,
            actor=step.actor,
        )


class Response(Frozen):
    """How a turn ends by the agent's own word, given with the tool `respond` where a task offers it."""

    outcome: str
    """"done", "answer", "ask" or "refuse"."""
    parameter: str | None = None
    code: str | None = None
    answer: Mapping[str, Any] = Field(default_factory=dict)


class AttemptTurn(Frozen):
    """From one message of the user to the agent's next one."""

    user: str = ""
    calls: tuple[LoggedCall, ...] = ()
    assistant: str = ""
    response: Response | None = None
    turn: int | None = None
    """The task's turn that it belongs to, from 0; None to go by the user's words."""
    changes: Changes | None = None
    """What had changed since the start when the turn ended; None when nobody looked."""


class Attempt(Frozen):
    """Everything that an agent did at one task."""

    turns: tuple[AttemptTurn, ...] = ()
    changes: Changes = Field(default_factory=dict)
    """What had changed at the end: environment to table to rows, as an episode's diff gives it."""

    @classmethod
    def of(cls, recording: Trajectory) -> Attempt:
        """The attempt that a recording holds; a task's own recording is the perfect one."""
        return cls(turns=tuple(map(_turn_of, recording.turns)), changes=changes_of(recording.reward.changes))

    @property
    def calls(self) -> tuple[LoggedCall, ...]:
        """The agent's calls, over all turns."""
        return tuple(call for turn in self.turns for call in turn.calls if call.actor == "agent")


def changes_of(plain: Mapping[str, Any]) -> Changes:
    """Changes as models, from the plain values that a record keeps."""
    return Diff.model_validate({"changes": plain}).changes


def _turn_of(turn: Turn) -> AttemptTurn:
    calls = tuple(map(LoggedCall.of, turn.steps))
    return AttemptTurn(user=turn.user, calls=calls, assistant=turn.assistant)


def aligned(task: Trajectory, turns: Sequence[AttemptTurn]) -> Iterator[tuple[int, AttemptTurn]]:
    """Each turn of an attempt with the number of the task's turn that it belongs to.

    A turn that doesn't say belongs to the next one of the task when the user says that one's words, or when no turn
    of the attempt has the user's words at all; otherwise it goes on with the turn before.
    """
    wordless = not any(turn.user for turn in turns)
    here, last = -1, max(len(task.turns) - 1, 0)
    for turn in turns:
        following = task.turns[here + 1].user if here < last else None
        if turn.turn is not None:
            here = min(turn.turn, last)
        elif here < 0 or (here < last and (wordless or _same(turn.user, following))):
            here += 1
        yield here, turn


def _same(said: str, scripted: str | None) -> bool:
    return scripted is not None and " ".join(said.split()) == " ".join(scripted.split())


def leaves(value: Any) -> list[Any]:
    """The plain values in a JSON value, at any depth, in order."""
    found: list[Any] = []
    _gather(value, found)
    return found


def _gather(value: Any, found: list[Any]) -> None:
    if isinstance(value, dict | Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        if value is not None:
            found.append(value)
        return
    for part in value:
        if type(part) in _PLAIN:  # nearly all are, and this is asked a thousand times a task
            found.append(part)
        else:
            _gather(part, found)
