"""Trials: distinct values tried for one parameter, and the column that they speak for.

A value succeeds if the call gives a result that says more than the reference does: the same call with a stranger in
its place. Strangers are tried as well, as controls. A column is the parameter's if its values succeed significantly
more often than all other values together, and than the controls alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from envfactory_client.observing.columns import Canonical
from envfactory_client.observing.reading import Scalar
from envfactory_client.observing.significance import Rate, chance_of
from envfactory_client.tool import Frozen

LEVEL = 0.01
"""Of the test, shared among the candidates of one parameter."""
_NAMESAKES = 0.5
"""The share of the level that goes to the parameter's namesakes, where there are others as well."""
TEST = (
    f"Fisher's exact, one-sided, against all other values at {LEVEL} shared among a parameter's candidate columns "
    f"(weighted Bonferroni: half of it to its namesakes), and against strangers alone at {LEVEL}"
)
"""The test in words."""

Why = Literal["answers to it", "several answer alike", "nothing answers significantly", "no value fits"]


class Counts(Frozen):
    """The evidence about one parameter."""

    values: int = 0
    """Distinct values of the column that were tried."""
    successes: int = 0
    others: int = 0
    """Distinct values of other columns that were tried."""
    other_successes: int = 0
    controls: int = 0
    """Strangers that were tried."""
    control_successes: int = 0
    candidates: int = 0
    """Columns whose values fit the parameter."""
    level: float = LEVEL
    """The column's share of the level: the chance must not be above it."""
    chance: float = 1.0
    """The probability of such a difference or a greater one if the column had nothing to do with it."""


@dataclass(frozen=True)
class Verdict:
    """What trials say of one parameter."""

    column: Canonical | None
    why: Why
    counts: Counts
    rivals: tuple[str, ...] = ()
    """Columns whose values succeed as well."""


@dataclass(frozen=True)
class Candidates:
    """The columns whose values fit a parameter, each with its share of the level."""

    columns: tuple[Canonical, ...]
    namesakes: frozenset[str] = frozenset()
    """Those whose names speak for them before anything was tried."""

    def level(self, column: Canonical) -> float:
        """The column's share of the level."""
        own = column.name in self.namesakes
        alike = sum((one.name in self.namesakes) == own for one in self.columns)
        if alike == len(self.columns):
            return LEVEL / alike
        return LEVEL * (_NAMESAKES if own else 1 - _NAMESAKES) / alike

    def is_namesake(self, column: Canonical) -> bool:
        """Whether a column's name speaks for it."""
        return column.name in self.namesakes


@dataclass
class Trials:
    """Distinct values and whether they succeeded."""

    values: dict[Scalar, bool] = field(default_factory=dict)
    controls: dict[Scalar, bool] = field(default_factory=dict)

    def rate(self, column: Canonical) -> Rate:
        """The successes of a column's values."""
        return _rate(ok for value, ok in self.values.items() if value in column.values)

    def verdict(self, candidates: Candidates, *, search: bool) -> Verdict:
        """The column that the trials speak for, if there is one.

        What takes whole values may take those of several kinds, as a revision of git may be a branch or a commit: then
        the clearest column counts and the rivals are told. A search that looks into several columns is of none.
        """
        if not candidates.columns:
            return Verdict(None, "no value fits", Counts())
        chances = {column.name: self._chance(column) for column in candidates.columns}
        ranked = sorted(
            candidates.columns,
            key=lambda one: (chances[one.name] / candidates.level(one), -len(one.values), one.name),
        )
        best, counts = ranked[0], self._counts(ranked[0], candidates, chances)
        answering = self.successful(candidates)
        if chances[best.name] > candidates.level(best) or not self._beats_controls(best, LEVEL):
            why: Why = "several answer alike" if len(answering) > 1 else "nothing answers significantly"
            return Verdict(None, why, counts, tuple(one.name for one in answering))
        alike = tuple(one.name for one in answering if one != best and not self._beats(best, one))
        if alike and (search or best.mixed):
            return Verdict(None, "several answer alike", counts, (best.name, *alike))
        return Verdict(best, "answers to it", counts, alike)

    def successful(self, candidates: Candidates) -> list[Canonical]:
        """The columns whose values succeed significantly more often than strangers."""
        return [one for one in candidates.columns if self._beats_controls(one, candidates.level(one))]

    def _chance(self, column: Canonical) -> float:
        own = self.rate(column)
        return chance_of(own, _sum(self.without(column), _rate(self.controls.values()))) if own.trials else 1.0

    def without(self, column: Canonical) -> Rate:
        """The successes of all other columns' values."""
        return _rate(ok for value, ok in self.values.items() if value not in column.values)

    def _beats_controls(self, column: Canonical, level: float) -> bool:
        own = self.rate(column)
        return own.successes > 0 and chance_of(own, _rate(self.controls.values())) <= level

    def _beats(self, best: Canonical, rival: Canonical) -> bool:
        """Whether values of the best succeed significantly more often than those that only the rival has."""
        other = _rate(ok for value, ok in self.values.items() if value in rival.values and value not in best.values)
        return not other.successes or chance_of(self.rate(best), other) <= LEVEL

    def _counts(self, best: Canonical, candidates: Candidates, chances: Mapping[str, float]) -> Counts:
        own, others, controls = self.rate(best), self.without(best), _rate(self.controls.values())
        return Counts(
            values=own.trials,
            successes=own.successes,
            others=others.trials,
            other_successes=others.successes,
            controls=controls.trials,
            control_successes=controls.successes,
            candidates=len(candidates.columns),
            level=candidates.level(best),
            chance=chances[best.name],
        )


def _rate(outcomes: Iterable[bool]) -> Rate:
    listed = list(outcomes)
    return Rate(sum(listed), len(listed))


def _sum(one: Rate, other: Rate) -> Rate:
    return Rate(one.successes + other.successes, one.trials + other.trials)
