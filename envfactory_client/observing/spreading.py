"""Spreading: what was observed, carried to fields that couldn't be observed themselves.

A parameter of a tool that mustn't be called, or a result that never came, is of the column that all observed fields of
the same key-like name are of; a parameter whose published pattern only one column's values match is of that column.
This is inference, and its ground says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from envfactory_client.naming import Name, is_bare, key_names, makes, words
from envfactory_client.observing.columns import Canonical
from envfactory_client.observing.drawing import Input
from envfactory_client.observing.pool import End
from envfactory_client.tool import Ground

_FORMS_TOLD = 3
"""Columns that name rows, of which a pattern has to single out one."""


@dataclass(frozen=True)
class Known:
    """The column of a field, and what says so."""

    column: Canonical
    ground: Ground


class Names:
    """Which columns go by which names."""

    def __init__(self, named: Iterable[tuple[End, Canonical]]) -> None:
        self._columns: dict[Name, dict[str, Canonical]] = {}
        for end, column in named:
            for name in _names(end):
                self._columns.setdefault(name, {})[column.name] = column

    def of(self, end: End) -> Canonical | None:
        """The one column that all observed fields of a field's names are of."""
        found = {name: one for known in _names(end) for name, one in self._columns.get(known, {}).items()}
        return next(iter(found.values())) if len(found) == 1 else None


def spread_to_inputs(
    observed: Mapping[End, Canonical], unseen: Iterable[Input], columns: Sequence[Canonical]
) -> dict[End, Known]:
    """The columns of parameters that were not observed, where names or forms tell them."""
    naming = [column for column in columns if column.names_rows and not column.mixed]
    shown = ((member.end, column) for column in naming for member in column.members)
    names, exact = Names((*observed.items(), *shown)), _by_leaf(observed)
    found: dict[End, Known] = {}
    for taken in unseen:
        if makes(*taken.end):
            continue
        if (column := names.of(taken.end) or exact.get(taken.leaf)) is not None:
            found[taken.end] = Known(column, "name")
        elif (column := _by_form(taken, naming)) is not None:
            found[taken.end] = Known(column, "form")
    return found


def spread_to_results(columns: Sequence[Canonical], unseen: Iterable[End]) -> dict[End, Known]:
    """The columns of result paths that showed no value, where names tell them."""
    names = Names((member.end, column) for column in columns for member in column.members)
    found = ((end, names.of(end)) for end in unseen)
    return {end: Known(column, "name") for end, column in found if column is not None and column.names_rows}


def _by_leaf(observed: Mapping[End, Canonical]) -> dict[str, Canonical]:
    """The one column by the last name of parameters, where that name says more than that something is a key."""
    found: dict[str, dict[str, Canonical]] = {}
    for (_, path), column in observed.items():
        leaf = path.rpartition(".")[2].replace("[]", "")
        if not is_bare(leaf):
            found.setdefault(leaf, {})[column.name] = column
    return {leaf: one for leaf, columns in found.items() if len(columns) == 1 for one in columns.values()}


def _by_form(taken: Input, naming: Sequence[Canonical]) -> Canonical | None:
    if "pattern" not in taken.form or len(naming) < _FORMS_TOLD:
        return None
    fitting = [column for column in naming if any(map(taken.fits, column.values))]
    alone = len(fitting) == 1 and all(map(taken.fits, fitting[0].values))
    return fitting[0] if alone else None


def _names(end: End) -> frozenset[Name]:
    """The names of a field: as a key, or the plain name of what doesn't look like one."""
    leaf = words(end[1].rpartition(".")[2].replace("[]", ""))
    return key_names(*end) or frozenset((leaf,) if len(leaf) > 1 else ())
