"""References: descriptions that stand for one row, found by the incremental algorithm and proved by a query.

After Dale and Reiter (1995): attributes in order of preference, no more of them than needed. A description is sought
among the records that the agent can see, so that it can resolve it, and its query over the tables must give exactly
the row that is meant. A superlative holds only strictly: its query gives one row because no other ties with it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any, Literal

from synthesis.limits import limit
from synthesis.phrases import Entity, Say
from synthesis.spoken import say

MOST_PROPERTIES = 3
_TWICE = re.compile(r"\b(\w{4,}) \1\b")
CLAUSES = ("that ", "whose ", "where ", "which ")
"""How modifiers begin that are clauses."""
RECENT = ("latest", "most recent")
_COMPARED = {"date": ("substr({}, 1, 10)", slice(0, 10)), "time": ("substr({}, 12, 5)", slice(11, 16))}
_STANDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
}
_SPOKEN = {"date": "date", "time": "hour", "money": "money"}


@dataclass(frozen=True)
class Property:
    """One attribute of a row, with the words that say it."""

    column: str
    kind: str
    value: Any
    text: str
    spoken: str = ""
    """The value as it stands in the words."""
    read_by: str = ""
    """The SQL that reads the attribute, when it isn't simply the column."""
    op: Literal["=", "!=", "<", "<=", ">"] = "="
    """How the row's value stands to this one."""

    def holds(self, seen: Any) -> bool:
        """Whether a record's value of the column has the property."""
        return seen is not None and bool(_STANDS[self.op](_compared(self.kind, seen), self.value))

    def condition(self, name: str) -> str:
        """The SQL condition, with the value bound under `name`."""
        read_by = self.read_by or self.column
        expression = _COMPARED[self.kind][0].format(read_by) if self.kind in _COMPARED else read_by
        return f"{expression} {self.op} :{name}"


@dataclass(frozen=True)
class Extreme:
    """A superlative: the row with the least or the most of a column."""

    column: str
    function: str
    word: str
    recency: bool = False
    read_by: str = ""


@dataclass(frozen=True)
class Description:
    """Properties, and at most one superlative, that single out one row among the records seen."""

    properties: tuple[Property, ...]
    extreme: Extreme | None = None
    wish: Property | None = None
    """What the row is like if any with the properties is."""

    def text(self, entity: Entity, rng: Random) -> str:
        """Give the noun phrase, such as "my latest booking to Denver", or the name alone of a row that goes by it."""
        if self.extreme is None and [part.column for part in self.properties] == [entity.named]:
            return self.modifiers
        noun = entity.noun[rng.randrange(len(entity.noun))]
        wish = f"({self.wish.text})" if self.wish else ""
        words = ["my" if entity.mine else "the", self.extreme.word if self.extreme else "", noun, self.modifiers, wish]
        return " ".join(word for word in words if word)

    @property
    def modifiers(self) -> str:
        """Give the words after the noun, a word that two parts share at their seam only once."""
        return _TWICE.sub(r"\1", " ".join(_coupled(list(_without_echo([part.text for part in self.properties])))))

    def query(self, view: str, key: str, scope: str | None) -> tuple[str, dict[str, Any]]:
        """Give the SQL that must give exactly the row meant, and its parameters."""
        conditions = [f"({scope})"] if scope else []
        conditions += [part.condition(f"p{place}") for place, part in enumerate(self.properties)]
        where = " AND ".join(conditions) or "1"
        parameters = {f"p{place}": part.value for place, part in enumerate(self.properties)}
        if self.wish is not None:
            wanted, parameters["wish"] = self.wish.condition("wish"), self.wish.value
            where += f" AND ({wanted} OR NOT EXISTS (SELECT 1 FROM {view} WHERE {where} AND {wanted}))"  # noqa: S608
        if self.extreme is None:
            return f"SELECT {key} FROM {view} WHERE {where} ORDER BY {key}", parameters  # noqa: S608
        column = self.extreme.read_by or self.extreme.column
        best = f"SELECT {self.extreme.function}({column}) FROM {view} WHERE {where}"  # noqa: S608
        return f"SELECT {key} FROM {view} WHERE {where} AND {column} = ({best}) ORDER BY {key}", parameters  # noqa: S608


def _coupled(texts: Sequence[str]) -> Iterator[str]:
    """Give modifiers of which a second clause in a row is joined by "and": "that is paid and that costs $50"."""
    for before, text in zip(["", *texts], texts, strict=False):
        yield f"and {text}" if before.startswith(CLAUSES) and text.startswith(CLAUSES) else text


def _without_echo(texts: Sequence[str]) -> Iterator[str]:
    """Give modifiers such as "leaving on Friday leaving at 8:30 am" with a common first word said only once."""
    begun: set[str] = set()
    for text in texts:
        first, _, rest = text.partition(" ")
        yield rest if first in begun and rest.partition(" ")[0] in ("at", "on", "from", "to") else text
        begun.add(first)


def _compared(kind: str, value: Any) -> Any:
    return str(value)[_COMPARED[kind][1]] if kind in _COMPARED else value


def make_property(column: str, how: Say, value: Any, rng: Random, words: str | None = None) -> Property | None:
    """Give the property that a column's value is, or None when it can't be said; `words` says a row of kind row."""
    if value is None:
        return None
    options = how.options(value)
    if not options:
        return None
    form = options[rng.randrange(len(options))]
    plain = how.kind in ("enum", "flag")
    spoken = "" if plain else words or say(_SPOKEN.get(how.kind), value, rng)
    text = form if plain else form.replace("{}", spoken).replace("{day}", spoken).replace("{time}", spoken)
    return Property(column, how.kind, _compared(how.kind, value), text, spoken)


def bounds(entity: Entity, row: Mapping[str, Any], rng: Random) -> Iterator[Property]:
    """Give limits that a row keeps to, such as "under $300", a round value each."""
    for column, how in entity.say.items():
        ways: tuple[tuple[Literal["<", ">"], tuple[str, ...]], ...] = (("<", how.under), (">", how.over))
        for op, options in ways:
            value = row.get(column)
            bound = limit(how.kind, value, rng, above=op == "<") if options and value is not None else None
            if bound is not None:
                spoken = say(_SPOKEN.get(how.kind), bound, rng)
                text = options[rng.randrange(len(options))].replace("{}", spoken)
                yield Property(column, how.kind, bound, text, spoken, op=op)


def wishes(entity: Entity, rng: Random) -> Iterator[Property]:
    """Give what may be preferred of an entity's rows."""
    for column, how in entity.say.items():
        for value, options in how.wish.items():
            plain = int(value) if value.isdecimal() else value
            yield Property(column, how.kind, plain, options[rng.randrange(len(options))])


def wished_for(
    target: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    wish: Property,
    superlatives: Sequence[Extreme],
    shown: Mapping[str, str],
) -> list[Description]:
    """Give the descriptions of `target` by a preference alone, or with a superlative, in which it matters."""
    preferred = [record for record in records if wish.holds(record[shown[wish.column]])]
    if len(preferred) == len(records):
        return []
    left = preferred or records
    alone = [Description((), None, wish)] if len(left) == 1 and left[0] is target else []
    return alone + [
        Description((), best, wish)
        for best in superlatives
        if _is_extreme(target, left, best, shown) and (not preferred or not _is_extreme(target, records, best, shown))
    ]


def extremes(entity: Entity, shown: Mapping[str, str], rng: Random) -> Iterator[Extreme]:
    """Give the superlatives that an entity's shown columns allow."""
    for column, how in entity.say.items():
        for words, function in ((how.least, "min"), (how.most, "max")):
            if words and column in shown:
                yield Extreme(column, function, words[rng.randrange(len(words))])
    if entity.recency and entity.recency in shown:
        yield Extreme(entity.recency, "max", RECENT[rng.randrange(len(RECENT))], recency=True)


def descriptions(
    target: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    properties: Sequence[Property],
    superlatives: Sequence[Extreme],
    shown: Mapping[str, str],
) -> list[Description]:
    """Give the minimal descriptions of `target` among `records`, cheapest first; `shown` maps column to field."""
    found: list[Description] = []
    having = _Having(records, shown)
    for size in range(MOST_PROPERTIES + 1):
        for chosen in combinations(properties, size):
            if any(set(known.properties) <= set(chosen) for known in found if known.extreme is None):
                continue
            if len({part.column for part in chosen}) < len(chosen):
                continue
            rivals = having.all_of(chosen)
            if len(rivals) == 1 and rivals[0] is target:
                found.append(Description(chosen))
            elif size <= 1:
                said = {part.column for part in chosen}
                found += [
                    Description(chosen, best)
                    for best in superlatives
                    if best.column not in said and _is_extreme(target, rivals, best, shown)
                ]
    return found


class _Having:
    """Finds the records that have several properties, each of which is compared with a record once."""

    def __init__(self, records: Sequence[Mapping[str, Any]], shown: Mapping[str, str]) -> None:
        self._records = records
        self._shown = shown
        self._by_property: dict[Property, frozenset[int]] = {}

    def all_of(self, properties: Sequence[Property]) -> list[Mapping[str, Any]]:
        """Give the records that have all of them, in their order."""
        if not properties:
            return list(self._records)
        return [self._records[place] for place in sorted(frozenset.intersection(*map(self._places, properties)))]

    def _places(self, part: Property) -> frozenset[int]:
        if part not in self._by_property:
            field = self._shown[part.column]
            having = (place for place, record in enumerate(self._records) if part.holds(record[field]))
            self._by_property[part] = frozenset(having)
        return self._by_property[part]


def fits(record: Mapping[str, Any], properties: Sequence[Property], shown: Mapping[str, str]) -> bool:
    """Whether a record has all these properties; `shown` maps column to field."""
    return all(part.holds(record[shown[part.column]]) for part in properties)


def _is_extreme(
    target: Mapping[str, Any], rivals: Sequence[Mapping[str, Any]], best: Extreme, shown: Mapping[str, str]
) -> bool:
    field = shown[best.column]
    mine = target[field]
    others = [record[field] for record in rivals if record is not target and record[field] is not None]
    if mine is None or not others:
        return False
    return all(mine < other for other in others) if best.function == "min" else all(mine > other for other in others)
