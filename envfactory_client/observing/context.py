"""Context: the other arguments of a call in which one parameter is tried.

They should go together with the value as an agent's would: what stood beside it in an answer, or what brought it about,
comes before what has worked in other calls of the tool, and that before anything else that fits. What a write stores
turns up in later answers, so writes get only what is theirs by column or name, and otherwise texts that nothing else
has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from envfactory_client.naming import akin, key_names, makes
from envfactory_client.observing.columns import Canonical
from envfactory_client.observing.drawing import Drawing, Input
from envfactory_client.observing.pool import Answered, Column, Pool
from envfactory_client.observing.reading import Scalar, is_mixed

_SAME_PLACE = 0.8
"""How often arguments come from beside the value rather than from elsewhere."""
_USED_BEFORE = 0.5
_MADE = 0.15
Typed = Callable[[Input], Canonical | None]
"""The column of a parameter, as far as it is known."""


class Contexts:
    """Draws the other arguments for a value of one parameter."""

    def __init__(self, pool: Pool, drawing: Drawing, typed: Typed, writes: Collection[str]) -> None:
        self._pool = pool
        self._drawing = drawing
        self._typed = typed
        self._writes = writes

    @property
    def _rng(self) -> Random:
        return self._drawing.rng

    def around(self, fixed: Mapping[str, Any], others: Sequence[Input]) -> dict[str, Any]:
        """Values for the other parameters of a call with these arguments."""
        plain = dict(fixed)
        for other in others:
            plain[other.path] = self.value(other, [value for value in plain.values() if not isinstance(value, bool)])
        return {path: value for path, value in plain.items() if path not in fixed}

    def unseen(self, inputs: Sequence[Input], number: int) -> dict[str, Any]:
        """Values for all parameters that owe nothing to what was seen: hints, and in turn what many names hold."""
        return {taken.path: self._unseen(taken, number) for taken in inputs}

    def _unseen(self, taken: Input, number: int) -> Any:
        if known := self._drawing.known(taken):
            return known[number % len(known)]
        column = self._typed(taken)
        if column is not None and (fitting := [value for value in column.values if taken.fits(value)]):
            return self._rng.choice(fitting)
        return self._drawing.piece(taken, number)

    def value(self, taken: Input, beside: Sequence[Any] = ()) -> Any:
        """A value for one parameter, beside others if there are any."""
        if taken.tool in self._writes:
            return self._stored(taken)
        if taken.open:
            if beside and self._rng.random() < _SAME_PLACE:
                near = [value for one in beside if isinstance(one, str | int) for value in self._near(taken, one)]
                if near:
                    return self._rng.choice(near)
            used = self._used(taken)
            if used and self._rng.random() < _USED_BEFORE:
                return self._rng.choice(used)
            if self._rng.random() >= _MADE and (fitting := self._fitting(taken)):
                return self._rng.choice(self._rng.choice(fitting))
        known = self._drawing.known(taken)
        return self._rng.choice(known) if known and self._rng.random() >= _MADE else self._drawing.made(taken)

    def _stored(self, taken: Input) -> Any:
        """A value for a parameter of a write: of its column or name, given, or one that nothing else has."""
        column = self._typed(taken)
        values = [column.values] if column is not None else [one.values for one in self._named(taken)]
        fitting = [value for one in values for value in one if taken.fits(value)]
        known = fitting if taken.open and fitting else self._drawing.known(taken)
        return self._rng.choice(known) if known else self._drawing.sentinel(taken)

    def _named(self, taken: Input) -> Iterator[Column]:
        """The columns of which a parameter's name speaks, unless it names what the tool makes."""
        if not makes(*taken.end):
            names = key_names(*taken.end)
            yield from (column for column in self._pool.columns.values() if names & key_names(*column.end))

    def _used(self, taken: Input) -> list[Scalar]:
        """The values with which this tool gave a result."""
        used = (value for call in self._pool.of(taken.tool) for value in call.arguments.get(taken.path, ()))
        return list(dict.fromkeys(used))

    def _fitting(self, taken: Input) -> list[list[Scalar]]:
        """The sets of values that fit: of its column if that is known, else what is known, and all columns."""
        column = self._typed(taken)
        if column is not None:
            return [fitting] if (fitting := [value for value in column.values if taken.fits(value)]) else []
        known = [value for value in self._drawing.known(taken) if taken.fits(value)]
        columns = ([value for value in one.values if taken.fits(value)] for one in self._pool.columns.values())
        return [values for values in (known, *columns) if values]

    def _near(self, taken: Input, value: Scalar) -> list[Scalar]:
        """The values that stood beside one and could be this parameter's: by the same name if there are such."""
        column = self._typed(taken)
        for call in self._pool.together(value):
            found = list(_beside(call, value))
            fitting = [(path, one) for path, one in found if one != value and taken.fits(one)]
            if column is not None:
                fitting = [(path, one) for path, one in fitting if one in column.values]
            named = [one for path, one in fitting if akin(taken.end, (call.tool, path))]
            if named or (column is not None and fitting) or (fitting and "pattern" in taken.form):
                return named or [one for _, one in fitting]
        return []


def _beside(call: Answered, value: Scalar) -> Iterator[tuple[str, Scalar]]:
    """The arguments of a call, and what its answer shows: of the same record where the value is in a list."""
    for path, values in call.arguments.items():
        yield from ((path, one) for one in values)
    places = dict.fromkeys(
        (path.rpartition(".")[0], number, len(values))
        for path, values in call.cells.items()
        for number, one in enumerate(values)
        if one == value and "[]" in path
    )
    for path, values in call.cells.items():
        if is_mixed(path):
            continue
        own = [number for around, number, size in places if (around, size) == (path.rpartition(".")[0], len(values))]
        chosen = [values[number] for number in own] if own else values if not places or "[]" not in path else ()
        yield from ((path, one) for one in chosen)
