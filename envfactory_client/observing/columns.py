"""Columns: which result paths show one and the same thing, by the values that they share.

A path is of a column if its values are, up to a few that weren't seen yet, among those of the column's other paths. A
floor keeps chance out: so many values have to be shared, where a value that hardly occurs by chance counts for several.
What a parameter answers to joins paths as well: those whose values look alike and all do as that one argument.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from envfactory_client.naming import key_names
from envfactory_client.observing.pool import Column, End
from envfactory_client.observing.reading import Scalar, is_mixed

FLOOR = 3
"""The least weight of shared values."""
FEW = 2
"""The least number of shared values where a parameter answers to the column anyway."""
_TELLING_WEIGHT = 3
_INCLUDED = 0.8
"""The share of the smaller side's values that the other has to have."""
_TELLING_INCLUDED = 0.3
"""The same where all shared values are telling: two lists of the same things may overlap little."""
_LARGE = 100
"""Smaller whole numbers occur everywhere: to share them means nothing unless the names agree as well."""
_TELLING = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).{5,}|.*@.*|[0-9a-f]{7,}")
_TEMPORAL = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d.*)?)?|\d\d:\d\d(:\d\d)?")
_TEMPORAL_ENOUGH = 0.8


@dataclass(frozen=True)
class Canonical:
    """One column: paths that show the same thing."""

    members: tuple[Column, ...]

    @cached_property
    def values(self) -> Mapping[Scalar, None]:
        """The distinct values of all members."""
        return dict.fromkeys(value for member in self.members for value in member.values)

    @cached_property
    def name(self) -> str:
        """The path that shows it best, such as "list_users.users[].id"."""
        best = min(self.members, key=lambda one: (one.repeated, -len(one.values), len(one.path), one.end))
        return f"{best.tool}.{best.path}"

    @property
    def mixed(self) -> bool:
        """Whether it is made of words or lines of a text, which needn't be of one kind."""
        return is_mixed(self.members[0].path)

    @cached_property
    def names_rows(self) -> bool:
        """Whether its values name what they are of: no two records of some path share one, and they are no times."""
        if is_temporal(self.values) or any(member.path.endswith(":words[]") for member in self.members):
            return False
        return any(not one.repeated and (one.listed or is_telling(one.values)) for one in self.members) and (
            weight(self.values) >= FLOOR
        )


def canonical(columns: Iterable[Column], same: Collection[frozenset[End]] = ()) -> list[Canonical]:
    """The columns, in order: paths that share values joined, and pairs that are known to be the same.

    What is made of words or lines of texts stays alone.
    """
    filled = [column for column in columns if column.values]
    groups: dict[int, list[Column]] = {number: [column] for number, column in enumerate(filled)}
    of = list(range(len(filled)))
    for left, one in enumerate(filled):
        for right in range(left):
            other = filled[right]
            if of[left] != of[right] and (frozenset((one.end, other.end)) in same or alike(one, other)):
                joined, gone = sorted((of[left], of[right]))
                groups[joined] += groups.pop(gone)
                of = [joined if group == gone else group for group in of]
    return [Canonical(tuple(members)) for members in groups.values()]


def alike(one: Column, other: Column) -> bool:
    """Whether two paths share so many values that they show one column."""
    if is_mixed(one.path) or is_mixed(other.path):
        return False
    shared = [value for value in one.values if value in other.values]
    if weight(shared) < FLOOR:
        return False
    if any(isinstance(value, int) and abs(value) < _LARGE for value in shared) and not (
        key_names(*one.end) & key_names(*other.end)
    ):
        return False
    share = len(shared) / min(len(one.values), len(other.values))
    return share >= (_TELLING_INCLUDED if is_telling(shared) else _INCLUDED)


def answering_alike(one: Canonical, other: Canonical) -> bool:
    """Whether two columns whose values all do as one argument may be the same: texts that look alike."""
    if one.mixed or other.mixed or is_temporal(one.values) or is_temporal(other.values):
        return False
    shapes = ({shape(value) for value in column.values if isinstance(value, str)} for column in (one, other))
    return bool(set.intersection(*shapes))


def is_within(inner: Canonical, outer: Canonical) -> bool:
    """Whether the texts of a column, few as they are, are all among those of another."""
    texts = [value for value in inner.values if isinstance(value, str)]
    return (
        not (inner.mixed or outer.mixed)
        and FEW <= len(texts) == len(inner.values)
        and all(text in outer.values for text in texts)
    )


def weight(values: Iterable[Scalar]) -> int:
    """How much values weigh against chance: telling ones several times as much as others."""
    return sum(_TELLING_WEIGHT if _tells(value) else 1 for value in values)


def is_telling(values: Iterable[Scalar]) -> bool:
    """Whether all of some values are of a kind that hardly occurs twice by chance: ids, addresses, hashes."""
    return all(_tells(value) for value in values)


def is_temporal(values: Sequence[Scalar] | Mapping[Scalar, None]) -> bool:
    """Whether values are days, months or times."""
    spelled = sum(isinstance(value, str) and _TEMPORAL.fullmatch(value) is not None for value in values)
    return spelled >= _TEMPORAL_ENOUGH * len(values)


def shape(value: Scalar) -> str:
    """How a value looks: runs of capitals, small letters and digits stand for themselves; a number is just one."""
    if isinstance(value, int):
        return "number"
    return re.sub(r"[A-Z]+", "A", re.sub(r"[a-z]+", "a", re.sub(r"\d+", "9", value)))


def _tells(value: Scalar) -> bool:
    if not isinstance(value, str) or " " in value or _TEMPORAL.fullmatch(value):
        return False
    return _TELLING.fullmatch(value) is not None
