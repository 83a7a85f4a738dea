"""Trials: distinct values tried for one parameter, and the column that they speak for.

A value succeeds if the call gives a result that says more than the reference does: the same call with a stranger in
its place. Strangers are tried as well, as controls. A column is the parameter's if its values succeed significantly
more often than all other values together, and than those of every rival that beats the controls itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from envfactory_client.observing.columns import Canonical
from envfactory_client.observing.reading import Scalar
from envfactory_client.observing.significance import Rate, chance_of
from envfactory_client.tool import Frozen

LEVEL = 0.01
"""Of the test, divided by the number of candidates."""
TEST = f"Fisher's exact, one-sided, at {LEVEL} divided by the number of candidate columns (Bonferroni)"
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
    """Columns whose values fit the parameter; the level is divided by their number."""
    chance: float = 1.0
    """The probability of such a difference or a greater one if the column had nothing to do with it."""


@dataclass(frozen=True)
class Verdict:
    """What trials say of one parameter."""

    column: Canonical | None
    why: Why
    counts: Counts
    rivals: tuple[str, ...] = ()
    """Columns whose values succeed as well, where no single one could be told."""


@dataclass
class Trials:
    """Distinct values and whether they succeeded."""

    values: dict[Scalar, bool] = field(default_factory=dict)
    controls: dict[Scalar, bool] = field(default_factory=dict)

    def rate(self, column: Canonical) -> Rate:
        """The successes of a column's values."""
        return _rate(ok for value, ok in self.values.items() if value in column.values)

    def verdict(self, candidates: Sequence[Canonical]) -> Verdict:
        """The column that the trials speak for, if there is one."""
        if not candidates:
            return Verdict(None, "no value fits", Counts())
        level = LEVEL / len(candidates)
        chances = {column.name: self._chance(column) for column in candidates}
        ranked = sorted(candidates, key=lambda one: (chances[one.name], -len(one.values), one.name))
        if chances[ranked[0].name] > level:
            rivals = self.successful(ranked)
            why: Why = "several answer alike" if len(rivals) > 1 else "nothing answers significantly"
            return Verdict(None, why, self._counts(ranked, chances), tuple(one.name for one in rivals))
        best = ranked[0]
        alike = [one for one in ranked[1:] if self._beats_controls(one, level) and not self._beats(best, one)]
        if alike:
            names = tuple(one.name for one in (best, *alike))
            return Verdict(None, "several answer alike", self._counts(ranked, chances), names)
        return Verdict(best, "answers to it", self._counts(ranked, chances))

    def successful(self, candidates: Sequence[Canonical]) -> list[Canonical]:
        """The columns whose values succeed significantly more often than strangers."""
        level = LEVEL / max(1, len(candidates))
        return [column for column in candidates if self._beats_controls(column, level)]

    def _chance(self, column: Canonical) -> float:
        own = self.rate(column)
        return chance_of(own, _sum(self._without(column), _rate(self.controls.values()))) if own.trials else 1.0

    def _without(self, column: Canonical) -> Rate:
        return _rate(ok for value, ok in self.values.items() if value not in column.values)

    def _beats_controls(self, column: Canonical, level: float) -> bool:
        own = self.rate(column)
        return own.successes > 0 and chance_of(own, _rate(self.controls.values())) <= level

    def _beats(self, best: Canonical, rival: Canonical) -> bool:
        """Whether values of the best succeed significantly more often than those that only the rival has."""
        other = _rate(ok for value, ok in self.values.items() if value in rival.values and value not in best.values)
        return not other.successes or chance_of(self.rate(best), other) <= LEVEL

    def _counts(self, ranked: Sequence[Canonical], chances: Mapping[str, float]) -> Counts:
        controls = _rate(self.controls.values())
        own, others = self.rate(ranked[0]), self._without(ranked[0])
        return Counts(
            values=own.trials,
            successes=own.successes,
            others=others.trials,
            other_successes=others.successes,
            controls=controls.trials,
            control_successes=controls.successes,
            candidates=len(ranked),
            chance=chances[ranked[0].name],
        )


def _rate(outcomes: Iterable[bool]) -> Rate:
    listed = list(outcomes)
    return Rate(sum(listed), len(listed))


def _sum(one: Rate, other: Rate) -> Rate:
    return Rate(one.successes + other.successes, one.trials + other.trials)
