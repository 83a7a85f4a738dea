"""A logical form: what the user's words mean, without what only the planner knows.

Each goal of a turn has one `Intent`: the tool whose effect is wanted or the value that is asked for, and a term for
each argument that the user speaks of. Terms describe rows, they never name their keys. No call, result or outcome
stands in it, so whoever has only the logical form and the tools has to plan the look-ups and find out what comes of
them. Columns are named as the tools' contracts name them, such as "booking_board.departs_on".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import pydantic
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from envfactory_client.tool import Frozen

Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "on", "at", "before", "after"]
"""How a column stands to a value; "on" compares the day of a date or time, the last three the hour and minute."""
Operation = Literal["count", "half", "double", "sum", "difference", "days_between", "days_later", "days_earlier"]
"""How a value is derived from others: "count" takes rows, "sum" amounts or one amount of each of some rows,
"days_between" two days, the earlier one last, and the last two take a day and a number of days."""


@cache
def defaults_of(model: type[BaseModel], names: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    """Some fields of a model, each with what it is when it is left out."""
    return tuple((name, model.model_fields[name].get_default(call_default_factory=True)) for name in names)


class Part(Frozen):
    """A part of a logical form."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Sparse(Part):
    """A part of which some fields stay out of the JSON while they are at their default."""

    SPARSE: ClassVar[tuple[str, ...]]

    @model_serializer(mode="wrap")
    def _without_defaults(self, to_dict: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = to_dict(self)
        for name, default in defaults_of(type(self), self.SPARSE):
            if getattr(self, name) == default:
                written.pop(name, None)
        return written


class Said(_Sparse):
    """A value that the user says outright, normalised: cents for money, ISO dates, the enumeration's own words."""

    SPARSE = ("type",)

    kind: Literal["said"] = "said"
    value: str | int | float | bool
    type: str | None = None
    """"money", "date" or "time", as the contract says of the argument or column."""


class Card(Part):
    """A fact of the user's card, such as "email"; it can be used once it was told."""

    kind: Literal["card"] = "card"
    fact: str


class Property(_Sparse):
    """One attribute that a described row has."""

    SPARSE = ("op",)

    path: str
    """The column, by the table or view that contracts show it from."""
    op: Comparison = "="
    value: Term


class Extreme(Part):
    """A superlative: among the rows with the properties, the one with the least or the most of a column."""

    path: str
    function: Literal["min", "max"]


class Row(_Sparse):
    """The one row that a description fits."""

    SPARSE = ("mine", "properties", "prefers", "extreme")

    kind: Literal["row"] = "row"
    environment: str
    entity: str
    """The table whose key identifies the row, such as "bookings"."""
    mine: bool = False
    """Whether the user speaks of a row of their own."""
    properties: tuple[Property, ...] = ()
    prefers: tuple[Property, ...] = ()
    """What it is like if any row with the properties is, and no matter otherwise; taken before the superlative."""
    extreme: Extreme | None = None


class Rows(_Sparse):
    """All rows that a description fits."""

    SPARSE = ("mine", "properties")

    kind: Literal["rows"] = "rows"
    environment: str
    entity: str
    mine: bool = False
    properties: tuple[Property, ...] = ()


class Same(Part):
    """A row that was spoken of or made before: "it", "that booking"."""

    kind: Literal["same"] = "same"
    environment: str
    entity: str


class Field(Part):
    """A value read off a row: "the day of my dentist appointment"; off rows, the value of each."""

    kind: Literal["field"] = "field"
    of: Term
    column: str


class Given(_Sparse):
    """A value that the last goal gave: "what I got back"."""

    SPARSE = ("column",)

    kind: Literal["given"] = "given"
    type: str
    column: str | None = None
    """The column that shows it, where the last goal gave several of this type."""


class Derived(Part):
    """A value computed from others: "half of it", "two days later"."""

    kind: Literal["derived"] = "derived"
    op: Operation
    of: tuple[Term, ...]


class Several(Part):
    """Rows named one by one, for an argument that takes a list."""

    kind: Literal["several"] = "several"
    of: tuple[Term, ...]


Term: TypeAlias = Annotated[
    Said | Card | Row | Rows | Same | Field | Given | Derived | Several, pydantic.Field(discriminator="kind")
]


class Condition(_Sparse):
    """Something that has to hold, or must not, for the user to want an act."""

    SPARSE = ("op",)

    of: Term
    op: Comparison = "="
    value: Term


class Intent(_Sparse):
    """What the user wants with one goal of a turn, or what they reply to a question."""

    SPARSE = ("act", "change", "wants", "about", "sought", "terms", "when", "unless", "told", "reply")

    act: str | None = None
    """The full name of the tool whose effect is wanted."""
    change: str | None = None
    """For a wish that nobody knows a tool for, what would have to change: "update bank.cards.limit_cents", "insert
    airline.meals" or "delete schedule.calendars"."""
    wants: str | None = None
    """For a question: the column asked for, "airline.booking_board.paid_cents", or the field of the tool that computes
    it, "bank.get_statement.closing_cents"."""
    about: Term | None = None
    """The row whose column is asked for."""
    sought: Term | None = None
    """For a question whose answer has to be worked out: the term whose value is asked for."""
    terms: Mapping[str, Term] = pydantic.Field(default_factory=dict)
    """Parameter to what the user says of it; what they leave out isn't here."""
    when: Condition | None = None
    """The act is wanted only if this holds."""
    unless: Condition | None = None
    """The act is wanted only if this doesn't hold."""
    told: tuple[str, ...] = ()
    """The facts of the card that the message tells."""
    reply: bool = False
    """Whether it answers the assistant's question; without terms, it says to go ahead."""

    @property
    def all_terms(self) -> Iterator[Term]:
        """Every term at any depth, outer ones first."""
        first = [*self.terms.values(), *(term for term in (self.about, self.sought) if term is not None)]
        for condition in (self.when, self.unless):
            first += [condition.of, condition.value] if condition else []
        for term in first:
            yield from terms_within(term)


def terms_within(term: Term) -> Iterator[Term]:
    """Give a term and every term inside it."""
    yield term
    inner: tuple[Term, ...] = ()
    if isinstance(term, Row | Rows):
        wishes = term.prefers if isinstance(term, Row) else ()
        inner = tuple(part.value for part in (*term.properties, *wishes))
    elif isinstance(term, Field):
        inner = (term.of,)
    elif isinstance(term, Derived | Several):
        inner = term.of
    for part in inner:
        yield from terms_within(part)


for _model in (Property, Row, Rows, Field, Derived, Several, Condition, Intent):
    _model.model_rebuild()
