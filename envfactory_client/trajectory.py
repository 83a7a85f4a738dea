"""A trajectory: the record of an episode that anybody can replay.

It holds what was said, called and answered with the digest of the state after every step, and no wall time,
host or cost, so that the same run gives the same bytes. One trajectory is one JSON line; the tools that were
offered and the starting rows are kept once, by digest, beside the file of lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from envfactory_client.episode import EnvironmentVersion, Rows
from envfactory_client.logical_form import Intent, defaults_of
from envfactory_client.tool import Actor, Frozen

FORMAT: Final = "envfactory.trajectory/1"
UNNAMED: Final = "unnamed"
"""The id of a trajectory that is yet to be completed, and named only then."""


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no blanks, UTF-8 letters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """The first 16 hex digits of blake2b over a value's canonical JSON."""
    return text_digest(canonical_json(value))


def text_digest(text: str) -> str:
    """The first 16 hex digits of blake2b over a text, such as a value's canonical JSON."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def scenario_digest(scenario: Mapping[str, Rows]) -> str:
    """The name under which starting rows are kept beside a dataset."""
    return digest(scenario)


class _Record(Frozen):
    """A record that knows all its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Sparse(_Record):
    """A record of which some fields stay out of the JSON while they are at their default."""

    SPARSE: ClassVar[tuple[str, ...]]

    @model_serializer(mode="wrap")
    def _without_defaults(self, to_dict: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = to_dict(self)
        for name, default in defaults_of(type(self), self.SPARSE):
            if getattr(self, name) == default:
                written.pop(name, None)
        return written


class TrajectoryWorld(_Sparse):
    """The world that an episode began in."""

    SPARSE: ClassVar[tuple[str, ...]] = ("scenario", "state")

    seed: int
    size: str
    now: str
    scenario: str | None = None
    """Digest of the starting rows kept beside the dataset; None when only the seed gives them."""
    state: str | None = None
    """State digest before the first call; None when it wasn't taken."""


class OfferedTools(_Record):
    """The tools that the agent could see."""

    digest: str
    """Digest of the list, which is also the name of the file that holds it."""
    names: tuple[str, ...]


class Goal(_Record):
    """What the user wants of a turn, and how it ends."""

    tool: str
    """The tool that reaches it, by its full name, such as "airline.cancel_booking"."""
    outcome: Literal["done", "answer", "ask", "refuse", "left"]
    """"ask" means that the assistant has to ask for what is missing before it can go on, "left" that the user wants
    the act only on a condition that isn't fulfilled, so that it is left undone."""
    parameter: str | None = None
    """What is missing when the outcome is "ask"."""
    code: str | None = None
    """The refusal's code when the outcome is "refuse"."""
    answer: Any = None
    """The fields that the user asked for when the outcome is "answer"; what decided, when it is "left" and nothing
    else was done instead."""


class Step(_Sparse):
    """One call and its result."""

    SPARSE: ClassVar[tuple[str, ...]] = ("actor", "text")

    environment: str
    tool: str
    arguments: Mapping[str, Any]
    result: Any = None
    """The structured result; None for an error."""
    text: str | None = None
    """What an error said; None for a success with a structured result."""
    is_error: bool = False
    refusal: str | None = None
    state: str
    """State digest after the call."""
    actor: Actor = "agent"


class Span(_Record):
    """A piece of a user's message that says something particular; all the rest is manner."""

    start: int
    end: int
    """Where it stands, counted in characters; the end isn't part of it."""
    kind: Literal["argument", "reference", "fact", "side"]
    """An argument's value, a row, a fact of the user's card, or a true fact that nothing depends on."""
    type: str
    """What it is: the value's type or parameter, the row's table, or the fact's name."""


class Turn(_Sparse):
    """From one message of the user to the assistant's answer."""

    SPARSE: ClassVar[tuple[str, ...]] = ("intents", "spans")

    user: str
    spans: tuple[Span, ...] = ()
    intents: tuple[Intent, ...] = ()
    """The message's logical form; none when the user only tells what they have done themself."""
    goals: tuple[Goal, ...] = ()
    steps: tuple[Step, ...] = ()
    assistant: str
    state: str
    """State digest at the turn's end."""


class StepPath(_Record):
    """A value in a step's result: steps are counted over the whole trajectory, from 0."""

    step: int
    path: str


class StepArgument(_Record):
    """An argument of a step's call."""

    step: int
    name: str


class Reference(_Record):
    """A description that stands for a row, with the query that proves which one."""

    turn: int
    argument: StepArgument | None = None
    """The argument that it fills, with the row's key or with another field of the row ("the day of my flight"); None
    when the answer was read off the look-up that found the row."""
    environment: str
    table: str
    column: str
    value: Any
    """The row's key; the keys of all rows, in the order in which they are acted on, where the kind is "set"."""
    text: str
    """How the user says it."""
    kind: str
    sql: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    properties: tuple[Any, ...] = ()
    resolved_by: StepPath | None = None
    """The result in which the agent can find the value."""


class LedgerEntry(_Record):
    """Where one argument comes from."""

    turn: int
    step: int
    argument: str
    source: Literal["explicit", "earlier", "derived", "default", "asked"]
    origin: Any = Field(default=None, alias="from")


SlotType = Literal["money", "date", "time", "count", "name", "id", "flag", "list"]


class Slot(_Record):
    """A value that the assistant has to tell."""

    name: str
    """The result field that the user asked for, such as "refund_cents"."""
    type: SlotType
    """How it is read in a message: "money" in hundredths, "date" and "time" as ISO 8601, the rest as it stands."""
    value: Any


class Evidence(_Sparse):
    """What an agent must have seen: a refused call, a read's answer, or in one the field of a record."""

    SPARSE: ClassVar[tuple[str, ...]] = ("code", "arguments", "key", "value", "field")

    tool: str
    """The tool whose call is evidence, by its full name."""
    code: str | None = None
    """The code with which the call was refused; None for a read that succeeded."""
    arguments: Mapping[str, Any] = Field(default={})
    """Arguments that the call must have had; others may be anything."""
    key: str = ""
    """The result path of a key, such as "bookings[].booking_id"; "" when any result will do."""
    value: Any = None
    """The value at that path in the record that counts."""
    field: str = ""
    """The field of that record that must be there, such as "status"."""


class Owed(_Sparse):
    """What one goal wants beside the state: something told, asked or refused, and the evidence for it."""

    SPARSE: ClassVar[tuple[str, ...]] = ("parameter", "code", "slots", "phrases", "evidence")

    turn: int
    """The turn in which the goal is set, from 0."""
    goal: str
    """The tool that reaches the goal, by its full name."""
    outcome: Literal["answer", "ask", "refuse"]
    parameter: str | None = None
    """For "ask": the parameter that is asked for; it counts only once the answer has been used."""
    code: str | None = None
    """For "refuse": the code whose reason is to be given."""
    slots: tuple[Slot, ...] = ()
    """For "answer": the values to be told, all of them."""
    phrases: Mapping[str, tuple[str, ...]] = Field(default={})
    """How a message says it: for "ask" the parameter's questions, for "refuse" the reasons by code of all its codes."""
    evidence: tuple[Evidence, ...] = ()
    """For "answer" and "refuse": any one of these must be in the call log before the message."""


class RefusedCall(_Record):
    """A refused call that the plan itself contains, and that therefore costs nothing."""

    tool: str
    code: str | None = None
    """The refusal's code; None for another error."""


class RewardSpec(_Sparse):
    """What a solution is measured against: format 1, whose every field docs/reward.md describes."""

    SPARSE: ClassVar[tuple[str, ...]] = (
        "format", "calls", "owed", "writes", "sources", "refused", "generated", "links", "volatile", "masks", "paths",
    )  # fmt: skip

    state: str
    """State digest at the plan's end."""
    changes: Mapping[str, Any] = Field(default_factory=dict)
    """Environment to table to rows, as Diff.to_json gives it."""
    format: int | None = None
    """1 once the task can be scored; None for a recording that nobody has made a task of."""
    calls: int = 0
    """The agent's calls in the plan; efficiency is judged against twice as many."""
    owed: tuple[Owed, ...] = ()
    """What goals want told, asked or refused; goals that only change the state owe nothing more."""
    writes: tuple[str, ...] = ()
    """The offered tools that write, by full name; a failed call of one of them costs."""
    sources: Mapping[str, tuple[str, ...]] = Field(default={})
    """Write tool to the parameters whose values the agent must have seen, in a result or the user's words, before."""
    refused: tuple[RefusedCall, ...] = ()
    """The failed calls of write tools that the plan has."""
    generated: tuple[str, ...] = ()
    """Columns, as "environment.table.column", in which a new row gets a value of its own, such as its id."""
    links: Mapping[str, str] = Field(default={})
    """Column, as "environment.table.column", to the table, as "environment.table", whose rows it refers to."""
    volatile: tuple[str, ...] = ()
    """Columns that differ when the same is done at another time; learned by doing so, and left out of comparisons."""
    masks: tuple[StepArgument, ...] = ()
    """Arguments of the plan that make no difference to state and answers; the trace score doesn't compare them."""
    paths: int = 0
    """Other ways to reach the goals that were executed and pay 1, up to three."""


class Difficulty(_Record):
    """How hard a task is: a number, what it is made of, and the weakest solver that manages."""

    score: float
    grade: Literal["S0", "S1", "S2", "S3", "S4"]
    """The weakest rung of the solver ladder that passes: null, one literal call, one hop, greedy, blind solver."""
    hidden: int
    """References that name no key: descriptions, anaphora, values given or derived."""
    hops: int
    """The longest chain of look-ups that one reference takes."""
    distractors: float
    """The sum over references of log2 of the rows seen to choose among."""
    rows: int
    """The most rows that one reference stands for."""
    calls: int
    tools: int
    """Tools that the agent can see."""
    turns_back: int
    """References to what was spoken of or given before, and replies to questions."""


class Trajectory(_Sparse):
    """The record of an episode."""

    SPARSE: ClassVar[tuple[str, ...]] = ("difficulty",)

    format: Literal["envfactory.trajectory/1"] = FORMAT
    id: str = ""
    """The digest of everything else; filled in when left out."""
    seed: tuple[int, int]
    """The run's seed and the index in it."""
    world: TrajectoryWorld
    environments: tuple[EnvironmentVersion, ...]
    tools: OfferedTools
    persona: Mapping[str, Any] = Field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    references: tuple[Reference, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    difficulty: Difficulty | None = None
    reward: RewardSpec

    @model_validator(mode="after")
    def _with_id(self) -> Trajectory:
        """Fill in the id of a trajectory that is being made."""
        if not self.id:
            object.__setattr__(self, "id", self.content_id())
        return self

    def renamed(self) -> Trajectory:
        """The same under the id that its content has now; one that is unnamed stays so."""
        return self if self.id == UNNAMED else self.model_copy(update={"id": self.content_id()})

    def content_id(self) -> str:
        """The id that the content has."""
        rest = self.model_dump(mode="json", by_alias=True)
        rest.pop("id")
        return digest(rest)

    def to_line(self) -> str:
        """The canonical JSON of the trajectory, without a newline."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, over all turns."""
        return tuple(step for turn in self.turns for step in turn.steps)
