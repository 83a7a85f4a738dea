"""Phrases: all that language and references need to know of one environment, as written in its phrases.toml."""

from __future__ import annotations

import tomllib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synthesis.errors import PhrasesError
from synthesis.spoken import forms, with_year

SayKind = Literal["enum", "name", "date", "time", "money", "count", "flag", "row"]
Way = Literal["description", "anaphora", "handle"]
Scalar = str | int | bool


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Say(_Part):
    """How one attribute of a row is said."""

    kind: SayKind
    forms: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    """Modifiers after the noun, with {} for the value; by value when the kind is enum."""
    before: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    """Modifiers that may stand before the noun instead: "my {} booking"."""
    least: tuple[str, ...] = ()
    """Superlatives before the noun for the smallest value, such as "cheapest"."""
    most: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    """Modifiers that say that the value is less, or earlier, than {}."""
    over: tuple[str, ...] = ()
    wish: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By value: that a row with it is preferred, if there is one."""
    of: str | None = None
    """The entity that a value of kind row stands for."""
    alone_by: str | None = None
    """The column by which alone such a row goes, and which then is said in its place: my "Spanish class" on Friday."""
    me: tuple[str, ...] = ()
    """Modifiers where the value is the user's own name: "in my name", or "" where "my" says it."""
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()

    def options(self, value: Scalar) -> tuple[str, ...]:
        """Give the forms that can say this value; none when it can't be said."""
        if self.kind == "flag":
            return self.true if value else self.false
        if isinstance(self.forms, dict):
            return self.forms.get(str(value), ())
        return self.forms

    def said_by(self, op: str, value: Scalar) -> tuple[str, ...]:
        """Give the forms that say that a row's value stands to this one as a comparison wants."""
        return {"<": self.under, ">": self.over}.get(op) or self.options(value)

    def ahead(self, value: Scalar) -> tuple[str, ...]:
        """Give the forms that can say this value before the noun."""
        return self.before.get(str(value), ()) if isinstance(self.before, dict) else self.before


class Test(_Part):
    """How a condition on one attribute of a row is said, with "it" for the row, and how what was seen is told."""

    kind: Literal["money", "count", "date", "enum"]
    more: tuple[str, ...] = ()
    """That it is more, or later, than {}."""
    less: tuple[str, ...] = ()
    is_: dict[str, tuple[str, ...]] = Field(default_factory=dict, alias="is")
    """That it is a certain value, by that value."""
    told: tuple[str, ...] | dict[str, tuple[str, ...]] = Field(min_length=1)
    """How the assistant tells what it is; by value when the kind is enum, with the value itself in the words."""
    years: bool = False
    """Whether a date is said with its year, as it may be years away."""

    def spoken(self, value: Any) -> tuple[str, ...]:
        """Give the ways to say a value that something is compared with."""
        ways = forms(self.kind if self.kind in ("money", "date") else None, value)
        return tuple(with_year(way, str(value)) for way in ways) if self.years else ways


class Entity(_Part):
    """How rows of one table are spoken of."""

    noun: tuple[str, ...] = Field(min_length=1)
    view: str | None = None
    key: str | None = None
    mine: str | None = None
    theirs: str | None = None
    """The SQL condition under which a row is somebody else's that the user only sees: it isn't called "my"."""
    handles: tuple[str, ...] = ()
    recency: str | None = None
    named: str | None = None
    """The column whose words alone say a row, without a noun, such as somebody's name."""
    alone: tuple[str, ...] = ()
    """Columns whose words before the noun may do without it: my "Spanish class"."""
    say: dict[str, Say] = Field(default_factory=dict)
    anchors: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How another request says a row's value through the row, by column: departs_on = ["the day of {}"]."""
    stands: str | None = None
    """The SQL condition under which a row still takes place, so that somebody may say a day through it."""
    kin: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How a row is said through one that refers to it, by the other one's table: cards = ["the account behind {}"]."""
    replying: tuple[str, ...] = ()
    """Kin by which a row is only said where the other one was spoken of last: "the calendar in that proposal"."""
    one_with: tuple[str, ...] = ()
    """Kin that nobody tells from the row: after "that invitation", its event is "that event"."""
    through: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Kin by which people name a row though the other one wasn't spoken of: purchases = ["the card I used for {}"]."""
    fresh: tuple[str, ...] = ()
    """What a row is called that a write has just brought in, such as "the new flight", where its noun would be taken
    for another row."""
    alike: tuple[str, ...] = ()
    """Columns in which a row must be like another one to be taken in its place."""
    tests: dict[str, Test] = Field(default_factory=dict)
    """Conditions that may be put on a row, by column."""


class Slot(_Part):
    """How one argument of a goal is chosen and said."""

    of: str | None = None
    by: tuple[Way, ...] = ("description",)
    where: str | None = None
    implied: tuple[str, ...] = ()
    unless: dict[str, str] = Field(default_factory=dict)
    """For a goal that is to be refused, by code: the `where` that leads there, with nothing implied."""
    as_: str | None = Field(default=None, alias="as")
    forms: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    values: tuple[Scalar, ...] = ()
    from_: str | None = Field(default=None, alias="from")
    default: Scalar | None = None
    text: tuple[str, ...] = ()
    singly: tuple[str, ...] = ()
    """Values that nobody says of several rows at once."""
    question: tuple[str, ...] = ()
    """How the assistant asks for it."""
    kin: bool | tuple[str, ...] = True
    """Whether its row may be said through one that refers to it, or how it is said then."""
    narrows: dict[str, str] = Field(default_factory=dict)
    """For a look-up's parameter that needn't be given, the goal's parameter whose row it may take."""
    hides: tuple[str, ...] = ()
    """Columns by which its row isn't described, since the request is about them."""
    carry: bool = False
    """Whether it may be a value that an earlier goal gave, or that a row of another environment shows."""
    count: tuple[int, int] = (1, 1)
    """For a list of keys: the fewest and the most rows."""


class Reason(_Part):
    """Why somebody may want something, where that doesn't go for every request."""

    say: str
    needs: tuple[str, ...] = ()
    """The parameters that the same message must name, so that one knows what is spoken of."""
    where: str | None = None
    """SQL over the parameters that must hold, such as ":minutes_before > 0"."""


class Confirm(_Part):
    """What the assistant tells and asks before a write that policy wants confirmed."""

    read: str
    """The look-up that shows it; its key argument is the goal's."""
    field: str
    ask: tuple[str, ...] = Field(min_length=1)


class Together(_Part):
    """How an act is asked for with two rows that may come to no more than a total."""

    column: str
    """The column of the row that is added up."""
    asks: tuple[str, ...] = Field(min_length=1)
    """Requests with {goal}, {first}, {second} and {limit}, where the limit is on both rows."""


class ToolPhrases(_Part):
    """How goals that end in one tool are asked for, answered and refused."""

    goal: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    slots: dict[str, Slot] = Field(default_factory=dict)
    without: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Requests that leave one parameter out, by that parameter, so that the assistant has to ask for it."""
    reasons: tuple[str | Reason, ...] = ()
    confirm: Confirm | None = None
    done: tuple[str, ...] = ()
    """What is told when it is done, with fields of the result, parameters, and columns of the rows that it takes, such
    as {account_id.name}, where a look-up has shown them."""
    together: Together | None = None
    many: tuple[str, ...] = ()
    """What is told of several rows at once, with {count} and fields of the results, which are listed."""
    refused: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    answers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    answered: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    nothing: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By field of the result: what is told where it is 0, in place of `answered` or `done`."""
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By field of the result: the words that stand for its values in what is told."""
    when: dict[str, str] = Field(default_factory=dict)
    """By field that is asked for: the SQL condition on the row under which it makes sense to ask."""
    yields: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How a later request speaks of a field of the result, such as refund_cents = ["what I got back"]."""
    acts: tuple[str, ...] = ()
    """For a user's tool: what the user says who has just used it, with {} for fields of its result."""
    unasked: tuple[str, ...] = ()
    """For a user's tool: what is said where nobody has just asked for that."""
    follows: dict[str, dict[str, str]] = Field(default_factory=dict)
    """For a user's tool: the agent's tool that it follows, with parameter to field of that tool's result."""
    only: dict[str, Literal["more", "less"] | tuple[str, ...]] = Field(default_factory=dict)
    """What may make the request depend on its row, by column: that a value is more or is less than another one, or
    the values with which the request is wanted. Without it nobody has a reason for a condition."""
    ends: dict[str, dict[str, Scalar]] = Field(default_factory=dict)
    """The parameters, and fields of the result, whose row the user has no more use for, with the other arguments that
    make it so."""


class Side(_Part):
    """One of the two values that an answer is worked out of: a column of a row."""

    of: str
    column: str
    where: str | None = None


class Sum(_Part):
    """A question whose answer is worked out: over several rows, or from two values."""

    tool: str
    """The look-up that shows the rows."""
    op: Literal["count", "sum", "difference", "days_between"]
    of: str
    """The entity whose rows it is about."""
    column: str | None = None
    """The column that is summed, or whose value is the greater or later one of two; none for a count."""
    where: str | None = None
    """The rows that there is a reason to ask about; a set holds no other ones."""
    alike: tuple[str, ...] = ()
    """Columns in which two rows must be like each other for anybody to compare them."""
    less: Side | None = None
    """What is taken off; its row is said as {less}, or is the first one where that doesn't stand in the question."""
    type: Literal["money"] | None = None
    asks: tuple[str, ...] = Field(min_length=1)
    """Questions with {rows} or {those}, such as "my trips to Denver" or "trips to Denver", or {more} and {less}."""
    answered: tuple[str, ...] = Field(min_length=1)
    """How {value} is told."""

    @property
    def sides(self) -> dict[str, Side]:
        """The two values by their places in the question, the greater one first."""
        if self.less is None or self.column is None:
            return {}
        return {"more": Side(of=self.of, column=self.column, where=self.where), "less": self.less}


class Lacking(_Part):
    """A wish that no tool can meet."""

    changes: str
    """What it would take: "update table.column", "insert table" or "delete table"; the table needn't exist."""
    of: str
    """The entity that it is about."""
    where: str | None = None
    goal: tuple[str, ...] = ()
    asks: tuple[str, ...] = Field(min_length=1)
    """Requests with {row}."""
    told: tuple[str, ...] = Field(min_length=1)
    """How the assistant says that it can't do that, with the thing in its words."""


class Phrases(_Part):
    """The contents of a phrases.toml."""

    lacking: dict[str, Lacking] = Field(default_factory=dict)
    sums: dict[str, Sum] = Field(default_factory=dict)
    knows: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    entity: dict[str, Entity] = Field(default_factory=dict)
    tool: dict[str, ToolPhrases] = Field(default_factory=dict)


def read_phrases(environment: str, text: str) -> Phrases:
    """Give the phrases in a TOML text, or raise `PhrasesError` that names the place."""
    try:
        return Phrases.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PhrasesError(f"{environment}/phrases.toml is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PhrasesError(f"{environment}/phrases.toml, at {where}: {first['msg']}.") from error
