"""A draft: the plan of one task while it grows, with every call already executed in the planning episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from envfactory_client import Goal, Span
from envfactory_client.logical_form import Intent, Operation, Row, Rows, Term

Source = Literal["explicit", "earlier", "derived"]
RowName = tuple[str, str, Any]
"""Environment, entity and key of a row."""
Doubt = Literal["refused", "answered", "open", "dear"]
"""What may change one's mind: that something couldn't be done, an answer, or that an approval, or a price, is open."""


@dataclass(frozen=True)
class Twist:
    """What is done to a value that was found, and how that is said."""

    op: Operation
    by: int | None
    """A number of days, where the operation takes one."""
    form: str
    """Such as "half of {}"."""


@dataclass(frozen=True)
class Origin:
    """Where one argument comes from: said by the user, found in an earlier result, or worked out of what was."""

    source: Source
    text: str | None = None
    """What the user says, when explicit."""
    step: int | None = None
    place: str | None = None
    """The place in that step's result, such as "bookings[3].booking_id"."""
    twist: Twist | None = None
    """What is done to the value, when derived."""

    @property
    def record(self) -> tuple[int, str] | None:
        """The record of a result in which it lies."""
        if self.step is None or self.place is None:
            return None
        return self.step, self.place.rpartition(".")[0]


@dataclass(frozen=True)
class DraftStep:
    """One executed call."""

    environment: str
    tool: str
    arguments: Mapping[str, Any]
    origins: Mapping[str, Origin]
    result: Any
    text: str
    refusal: str | None
    state: str
    """Digest of the whole episode's state after the call."""
    local: str
    """Digest of this environment's state after the call."""
    actor: Literal["agent", "user"] = "agent"


@dataclass(frozen=True)
class Split:
    """A description that first leaves its last words out, so that several rows fit and the assistant has to ask."""

    text: str
    reply: str
    noun: str
    fitting: int
    """How many rows fit what is said first."""
    column: str
    """The column that the left out words speak of."""


@dataclass(frozen=True)
class Mention:
    """How the user names one row: its text, and the proof that it means just that row."""

    environment: str
    table: str
    column: str
    value: Any
    text: str
    short: str
    """Its text inside another description, such as "Boston"."""
    kind: Literal["description", "superlative", "recency", "handle", "anaphora", "self", "set", "relation"]
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    properties: tuple[Mapping[str, Any], ...] = ()
    origin: Origin = Origin("earlier")
    nested: tuple[Mention, ...] = ()
    facts: tuple[str, ...] = ()
    """Facts of the user's card that the look-up needs, such as "email"."""
    split: Split | None = None
    theirs: bool = False
    """Whether it is somebody else's, though the user sees it."""
    through: tuple[str, ...] = ()
    """The ways to say it through the row inside, where that is how it is said: "the account behind {}"."""

    @property
    def within(self) -> Iterator[Mention]:
        """The mentions that stand inside this one, at any depth."""
        for inner in self.nested:
            yield inner
            yield from inner.within


@dataclass(frozen=True)
class Part:
    """What fills one place of a request: a verb, words for a value, or rows that are named."""

    kind: Literal["verb", "argument", "fact", "row"]
    type: str
    """What it is: the value's type or parameter, the fact's name, or the row's table."""
    ways: tuple[str, ...] = ()
    """The ways to say it; the first is the one that the ledger knows."""
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True)
class Clause:
    """One request as a clause; an imperative one can be wrapped in politeness."""

    text: str
    imperative: bool
    template: str = ""
    """The request with places to fill, such as "{goal} {booking_id}"; empty when it can only be said as it stands."""
    parts: Mapping[str, Part] = field(default_factory=dict)


Known = Mapping[tuple[str, str], Any]
"""Environment and entity to the key of the row that was spoken of, for "it" inside a description."""


@dataclass(frozen=True)
class Meant:
    """A description as it is said, and the row that the plan takes it for, or the rows of a set."""

    name: str
    """The parameter that it fills, or inside whose description it stands."""
    row: Row | Rows
    value: Any
    call: int
    """The step that acts on it."""
    sql: str
    """The query by which the plan proved it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    known: Known = field(default_factory=dict)

    @property
    def keys(self) -> list[Any]:
        """The keys of the rows that are meant, in order."""
        return sorted(self.value) if isinstance(self.row, Rows) else [self.value]


@dataclass(frozen=True)
class WorkedOut:
    """A term that a question asks to be worked out, and what it comes to."""

    environment: str
    term: Term
    value: Any


@dataclass
class DraftTurn:
    """One turn: what is wanted, how it is said, which steps answer it."""

    goals: list[Goal] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    """What each request means."""
    meant: list[Meant] = field(default_factory=list)
    """The descriptions in the requests."""
    worked_out: list[WorkedOut] = field(default_factory=list)
    """What the questions ask to be worked out."""
    clauses: list[Clause] = field(default_factory=list)
    """The requests, as clauses that language makes sentences of."""
    reason: str | None = None
    changed_mind: bool = False
    """Whether the user wants the contrary of what they wanted before; the reason says so."""
    again: bool = False
    """Whether it asks once more for what was refused, as what stood in its way is gone."""
    unasked: bool = False
    """Whether the user has acted on what nobody had just asked them for."""
    side: tuple[str, tuple[str, ...]] | None = None
    """A true fact of a row that is named, which nothing depends on: its column, and the ways to say it."""
    facts: list[str] = field(default_factory=list)
    mentions: list[tuple[int, str, Mention]] = field(default_factory=list)
    """Step and argument that each mention fills."""
    steps: list[int] = field(default_factory=list)
    evidence: list[int] = field(default_factory=list)
    """Those whose results the assistant tells, beside the goal's own."""
    answers: list[str] = field(default_factory=list)
    withheld: Clause | None = None
    """The request without what the user only says when asked; then the turn's own clause is the reply."""
    question: str = ""
    missing: str = ""
    left_open: str = ""
    """The column left out of a description that is said too shortly."""
    looked_first: int = 0
    """How many of the steps are made before the question."""
    is_reply: bool = False
    user: str = ""
    spans: tuple[Span, ...] = ()
    """What of the user's message says a value, a row, a fact of the card or a side fact."""
    assistant: str = ""

    def copy(self) -> DraftTurn:
        """Give a turn that can grow apart from this one."""
        return replace(self, **_lists_of(self))


def _lists_of(part: DraftTurn | Draft) -> dict[str, Any]:
    """Give copies of the lists and the mappings of a part of a draft, by name."""
    found = {own.name: getattr(part, own.name) for own in fields(part)}
    return {name: copy(value) for name, value in found.items() if isinstance(value, list | dict)}


@dataclass(frozen=True)
class Salient:
    """A row that was spoken of or made, and where the agent has its key from."""

    environment: str
    table: str
    value: Any
    origin: Origin
    rival_only: bool = False
    """Whether it was only named inside another description, and so can't itself be "it"."""


@dataclass(frozen=True)
class Yield:
    """A value that a goal gave, and how a later request speaks of it."""

    environment: str
    type: str
    value: Any
    forms: tuple[str, ...]
    origin: Origin


@dataclass
class Draft:
    """The task so far."""

    turns: list[DraftTurn] = field(default_factory=list)
    steps: list[DraftStep] = field(default_factory=list)
    topic: list[Salient] = field(default_factory=list)
    """What the last message and its answer were about, so that the next may say "it"."""
    yields: list[Yield] = field(default_factory=list)
    """What the last goal gave that another may go on with."""
    states: list[str] = field(default_factory=list)
    """State digests after each write, from the start's on."""
    stances: dict[RowName, bool] = field(default_factory=dict)
    """The rows that something was wanted of, and whether that was that the user has no more use for them."""
    swept: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The entities a whole set of whose rows was acted on, and whether that was to be rid of them."""
    doubts: dict[RowName, Doubt] = field(default_factory=dict)
    """The wanted rows about which something was heard since that may change one's mind."""
    obstacles: dict[RowName, frozenset[str]] = field(default_factory=dict)
    """The codes with which something was refused, by the rows that it was about."""
    known: dict[RowName, frozenset[str]] = field(default_factory=dict)
    """The columns of rows that the user has said or was told."""
    by_name: bool | None = None
    """Whether the user only tells their name; None as long as nothing had to be told."""
    locals: dict[str, str] = field(default_factory=dict)
    """The present digest of each environment."""
    starts: dict[str, str] = field(default_factory=dict)
    """The digest of each environment at the start."""

    def copy(self) -> Draft:
        """Give a draft that can grow apart from this one."""
        return replace(self, **{**_lists_of(self), "turns": [turn.copy() for turn in self.turns]})
