"""Chains of a dataset: the calls of each trajectory in a form in which two tasks that are the same look the same.

In the canonical chain a value that an earlier result gave stands as where it was found, so ids that differ from world
to world don't hide that two tasks are one; every other value stands as itself. The shape leaves the values out too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client.card.links import FROM_RESULTS, any_index, full_name
from envfactory_client.trajectory import LedgerEntry, Trajectory, canonical_json


@dataclass(frozen=True, slots=True)
class CanonicalChain:
    """The calls of one trajectory, each as text; equal tuples are equal chains."""

    calls: tuple[str, ...]
    shape: tuple[str, ...]
    """The calls with every value left out that no earlier result gave."""
    length: int
    """How many calls the longest row of calls has in which each takes an argument from the one before."""


def canonical_chain(trajectory: Trajectory) -> CanonicalChain:
    """The canonical chain of a trajectory."""
    steps = trajectory.steps
    names = list(_numbered(full_name(step) for step in steps))
    origins: dict[int, dict[str, Any]] = {}
    lengths = [1] * len(steps)
    for entry in sorted(trajectory.ledger, key=lambda entry: entry.step):
        if entry.source in FROM_RESULTS:
            origins.setdefault(entry.step, {})[entry.argument] = _found(entry, names)
            lengths[entry.step] = max(lengths[entry.step], lengths[entry.origin["step"]] + 1)
    calls, shape = [], []
    for number, step in enumerate(steps):
        found = origins.get(number, {})
        canonical = {name: _canonical(name, value, found) for name, value in sorted(step.arguments.items())}
        calls.append(canonical_json([full_name(step), canonical]))
        linked = {name: [found[part] for part in found if part.partition("[")[0] == name] for name in canonical}
        shape.append(canonical_json([full_name(step), linked]))
    return CanonicalChain(tuple(calls), tuple(shape), max(lengths, default=0))


def _numbered(names: Iterable[str]) -> Iterator[str]:
    """Names with how many calls of the same tool there were before, so that links stand whatever is called between."""
    met: Counter[str] = Counter()
    for name in names:
        yield f"{name}#{met[name]}"
        met[name] += 1


def _found(entry: LedgerEntry, names: Sequence[str]) -> Mapping[str, Any]:
    return {"from": names[entry.origin["step"]], "path": any_index(entry.origin["path"])}


def _canonical(name: str, value: Any, found: Mapping[str, Any]) -> Any:
    """An argument with what earlier results gave, as a whole or part by part, replaced by where it was found."""
    if name in found:
        return found[name]
    if isinstance(value, list | tuple):
        return [found.get(f"{name}[{place}]", part) for place, part in enumerate(value)]
    return value
