"""An experiment on one parameter: values of columns and strangers put in its place, one call each, beside references.

The reference of a context is the same call with a stranger that isn't counted. A value succeeds where its call gives a
result and the reference gives none, or where the result says something that the reference doesn't, the arguments
themselves set aside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from envfactory_client.episode import CallResult
from envfactory_client.observing.caller import Caller
from envfactory_client.observing.columns import Canonical, shape
from envfactory_client.observing.context import Contexts
from envfactory_client.observing.drawing import Drawing, Input
from envfactory_client.observing.reading import Scalar, legible, says_again, smallest
from envfactory_client.observing.significance import Rate, controls_needed
from envfactory_client.observing.trials import LEVEL, Candidates, Trials

_CONTROLS = 8
"""Strangers that are tried at least."""
_MOST_CONTROLS = 120
_SHORTEST_WHOLE = 3
"""Characters of the shortest value of which a part is tried."""
_PARTS = 4
"""Known values whose parts are tried."""
_LIKE_ENOUGH = 0.5
"""The share of them whose parts have to succeed for a search by parts."""


class Experiment:
    """Values tried for one parameter; what comes out is in `trials`."""

    def __init__(
        self,
        taken: Input,
        others: Sequence[Input],
        *,
        caller: Caller,
        contexts: Contexts,
        drawing: Drawing,
    ) -> None:
        self._taken = taken
        self._others = others
        self.trials = Trials()
        self._caller = caller
        self._contexts = contexts
        self._drawing = drawing
        self._used: list[dict[str, Any]] = []
        self._references: dict[str, CallResult | None] = {}

    async def values(self, column: Canonical, count: int) -> None:
        """Try values of a column until so many distinct ones have been tried."""
        fitting = [value for value in column.values if self._taken.fits(value)]
        fresh = [value for value in fitting if value not in self.trials.values]
        wanted = count - (len(fitting) - len(fresh))
        for value in self._drawing.rng.sample(fresh, max(0, min(wanted, len(fresh)))):
            outcomes = [await self._succeeds(value, await self._context(value)) for _ in self._attempts]
            if known := [outcome for outcome in outcomes if outcome is not None]:
                self.trials.values[value] = any(known)

    async def controls(self, likely: Sequence[Canonical], candidates: Candidates) -> None:
        """Try strangers: as many as the test needs to tell the likely columns, if so many can do."""
        needed = max(self._needed(column, candidates.level(column)) for column in likely)
        models = [value for column in likely for value in column.values if self._taken.fits(value)]
        while len(self.trials.controls) < max(_CONTROLS, needed) and not self._caller.spent:
            value = self._stranger(models)
            if value is None:
                return
            outcomes = [await self._succeeds(value, self._drawing.rng.choice(self._used)) for _ in self._attempts]
            self.trials.controls[value] = any(outcomes)

    def _needed(self, column: Canonical, level: float) -> int:
        """How many strangers have to fail for a column's values to differ from all others, and from them alone."""
        own, without = self.trials.rate(column), self.trials.without(column)
        beside = controls_needed(own, without, level, _MOST_CONTROLS)
        return max(beside, controls_needed(own, Rate(0, 0), LEVEL, _MOST_CONTROLS))

    async def takes_parts(self) -> bool:
        """Whether the parameter takes parts of the values that succeeded as well, as a search does.

        The part is the end of a value: many parameters take the beginning of an id for the whole.
        """
        whole = [value for value, succeeded in self.trials.values.items() if succeeded and isinstance(value, str)]
        parts = {value[len(value) // 3 :]: value for value in whole[:_PARTS] if len(value) >= _SHORTEST_WHOLE}
        outcomes = [
            await self._succeeds(part, await self._context(value))
            for part, value in parts.items()
            if part not in self.trials.values and self._taken.fits(part)
        ]
        return sum(map(bool, outcomes)) > _LIKE_ENOUGH * max(1, len(outcomes))

    @property
    def _attempts(self) -> range:
        """Two contexts for a value where there are others that may not go with it."""
        return range(2 if self._others else 1)

    async def _context(self, value: Scalar) -> dict[str, Any]:
        context = self._contexts.around({self._taken.path: value}, self._others)
        self._used.append(context)
        return context

    def _stranger(self, models: Sequence[Scalar]) -> Scalar | None:
        known = {*self.trials.values, *self.trials.controls, *models}
        return self._drawing.stranger(self._taken, models, known)

    async def _succeeds(self, value: Scalar, context: Mapping[str, Any]) -> bool | None:
        """Whether a value does in a context; None where no call was made."""
        reference = await self._reference(context, value)
        plain = {**context, self._taken.path: value}
        result = await self._caller.call(self._taken.tool, plain)
        if result is None:
            return None
        if result.is_error:
            return False
        if reference is None or reference.is_error:
            return True
        numeric = isinstance(value, int)
        return bool(_said(result, plain, numeric=numeric) - _said(reference, plain, numeric=numeric))

    async def _reference(self, context: Mapping[str, Any], like: Scalar) -> CallResult | None:
        """The answer to a stranger of the same look, which a server takes or refuses for the same formal reasons."""
        key = json.dumps([context, shape(like)], sort_keys=True, default=str)
        if key not in self._references:
            stranger = self._drawing.stranger(self._taken, [like], self.trials.values)
            plain = {**context, self._taken.path: stranger}
            self._references[key] = None if stranger is None else await self._caller.call(self._taken.tool, plain)
        return self._references[key]


def _said(result: CallResult, plain: Mapping[str, Any], *, numeric: bool) -> set[tuple[str, Any]]:
    """What a result says beyond its arguments; for a number, which may be a mere setting, only what is text."""
    given = [value.lower() for value in plain.values() if isinstance(value, str)]
    return {
        (path, leaf)
        for path, leaf in smallest(legible(result))
        if leaf not in (None, "", 0, False)
        and leaf not in plain.values()
        and not says_again(leaf, given)
        and (isinstance(leaf, str) or not numeric)
    }
