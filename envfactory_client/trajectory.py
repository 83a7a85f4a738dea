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
from envfactory_client.logical_form import Intent
from envfactory_client.tool import Actor, Frozen

FORMAT: Final = "envfactory.trajectory/0"


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no blanks, UTF-8 letters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """The first 16 hex digits of blake2b over a value's canonical JSON."""
    return blake2b(canonical_json(value).encode(), digest_size=8).hexdigest()


def scenario_digest(scenario: Mapping[str, Rows]) -> str:
    """The name under which starting rows are kept beside a dataset."""
    return digest(scenario)


class _Sparse(Frozen):
    """A record of which some fields stay out of the JSON while they are at their default."""

    SPARSE: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_serializer(mode="wrap")
    def _without_defaults(self, to_dict: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = to_dict(self)
        defaults = {name: type(self).model_fields[name].default for name in self.SPARSE}
        return {
            name: value
            for name, value in written.items()
            if name not in defaults or getattr(self, name) != defaults[name]
        }


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


class OfferedTools(_Sparse):
    """The tools that the agent could see."""

    digest: str
    """Digest of the list, which is also the name of the file that holds it."""
    names: tuple[str, ...]


class Goal(_Sparse):
    """What the user wants of a turn, and how it ends."""

    tool: str
    """The tool that reaches it, by its full name, such as "airline.cancel_booking"."""
    outcome: Literal["done", "answer", "ask", "refuse"]
    """"ask" means that the assistant has to ask for what is missing before it can go on."""
    parameter: str | None = None
    """What is missing when the outcome is "ask"."""
    code: str | None = None
    """The refusal's code when the outcome is "refuse"."""
    answer: Any = None
    """The fields that the user asked for when the outcome is "answer"."""


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


class Span(_Sparse):
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


class StepPath(_Sparse):
    """A value in a step's result: steps are counted over the whole trajectory, from 0."""

    step: int
    path: str


class StepArgument(_Sparse):
    """An argument of a step's call."""

    step: int
    name: str


class Reference(_Sparse):
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


class LedgerEntry(_Sparse):
    """Where one argument comes from."""

    turn: int
    step: int
    argument: str
    source: Literal["explicit", "earlier", "derived", "default", "asked"]
    origin: Any = Field(default=None, alias="from")


class RewardSpec(_Sparse):
    """What a solution is measured against."""

    state: str
    changes: Mapping[str, Any] = Field(default_factory=dict)
    """Environment to table to rows, as Diff.to_json gives it."""


class Difficulty(_Sparse):
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

    format: Literal["envfactory.trajectory/0"] = FORMAT
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
