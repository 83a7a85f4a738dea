"""What is sought and what was seen: a row that is being named, and the look-up in whose result it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthesis.catalogue import Producer
from synthesis.draft import Mention, Origin
from synthesis.phrases import Entity, SayKind, Slot
from synthesis.references import Property
from synthesis.stage import Stage
from synthesis.wanted import Taker

BY_NAME: frozenset[SayKind] = frozenset({"enum", "flag", "name"})
"""What names a row lightly in passing."""
BY_NAME_OR_DAY: frozenset[SayKind] = BY_NAME | {"date", "row"}
"""The same where it may be a day, or another row that is named as lightly."""


@dataclass(frozen=True)
class Terms:
    """On what terms a row may be named."""

    slot: Slot
    hidden: frozenset[str] = frozenset()
    """Columns that a description must not use, since they are what is asked for."""
    depth: int = 0
    """How many descriptions it stands inside."""
    steady: bool = False
    """Whether it joins an earlier goal of the same message, which may have made rows that nobody has seen."""
    kin: bool = False
    """Whether it may be said through a row that refers to it."""
    says_it: bool = False
    """Whether the request says "it" or "that" already."""
    plain: bool = False
    """Whether it must do without values that are said through rows of other environments."""
    narrowing: Mapping[str, tuple[Any, Origin]] = field(default_factory=dict)
    """What its look-up may be given beside what it needs, by parameter."""
    taker: Taker | None = None
    """The argument that the row's key is for."""
    asking: bool = False
    """Whether it is a question, in which one's own things may go by a measure: "how much was my biggest purchase?"."""
    lightly: frozenset[SayKind] = frozenset()
    """Kinds of value of which one alone may describe it, as befits a row by which another thing is named; any, and as
    many as it takes, for none."""


@dataclass
class Sought:
    """A row that is being located, and what may be said of it."""

    table: str
    value: Any
    row: Mapping[str, Any]
    entity: Entity
    slot: Slot
    hidden: frozenset[str]
    """Columns that a description must not use, since they are what is asked for."""
    depth: int
    handle: str | None = None
    plain: bool = False
    narrowing: Mapping[str, tuple[Any, Origin]] = field(default_factory=dict)
    taker: Taker | None = None
    asking: bool = False
    lightly: frozenset[SayKind] = frozenset()

    @property
    def by_measure(self) -> bool:
        """Whether an amount or a number may rank or bound it: of what one chooses among, or where one asks."""
        return self.entity.mine is None or (self.asking and not self.depth)


@dataclass
class Seen:
    """A look-up that shows the row: the records in which it stands, and what had to be said for it."""

    producer: Producer
    step: int
    records: list[Mapping[str, Any]]
    record: Mapping[str, Any]
    place: str
    said: list[Property] = field(default_factory=list)
    nested: list[Mention] = field(default_factory=list)
    taker: Taker | None = None
    """The look-up's argument that a row is being located for."""
    facts: list[str] = field(default_factory=list)

    @property
    def origin(self) -> Origin:
        """Where the row's key stands."""
        return Origin("earlier", step=self.step, place=self.place)


def shown(stage: Stage, sought: Sought, producer: Producer) -> dict[str, str]:
    """Give the attributes that a look-up shows in the record of a row, with the fields that show them."""
    view = stage.catalogue.view(sought.table)
    found = producer.shown(frozenset({sought.table, view}))
    for path in sought.entity.say:
        attribute = stage.catalogue.schema.attribute(view, path) if "." in path else None
        if attribute is not None and len(fields := producer.showing(attribute.column)) == 1:
            found[path] = fields[0]
    return found
