"""All mutants of an environment, and a fair sample of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from synthesis.battery.mutation.mutant import Mutant
from synthesis.battery.mutation.python_code import PythonCode
from synthesis.battery.mutation.schema_code import Schema, compiled
from synthesis.battery.mutation.sql_in_python import SqlReader

_Item = TypeVar("_Item")
UNSEEN = frozenset({"sql_constraint"})
"""Kinds that a sample leaves out unless it is told otherwise: a constraint speaks of code that isn't there."""


def mutants(folder: Path, *, without: Collection[str] = ()) -> list[Mutant]:
    """Give every mutant of an environment's folder, in the order of its text; none twice, and none of some kinds."""
    name = folder.resolve().name
    schema_text = (folder / "schema.sql").read_text(encoding="utf-8")
    schema = Schema(schema_text)
    found = [Mutant.of(name, "schema.sql", where, edit, schema_text) for where, edit in schema.edits(without)]
    database = compiled(schema_text)
    assert database is not None  # or Schema would have refused it
    with closing(database):
        text = (folder / "server.py").read_text(encoding="utf-8")
        code = PythonCode.of(text, schema.vocabulary, SqlReader(database))
        edits = [(where, edit) for where, edit in code.edits() if edit.kind not in without]
        found += [Mutant.of(name, "server.py", where, edit, text) for where, edit in edits]
    once = {(mutant.file, mutant.start, mutant.end, mutant.new): mutant for mutant in found if mutant.old != mutant.new}
    return sorted(once.values(), key=lambda mutant: (mutant.file, mutant.start, mutant.end, mutant.new))


def sample(mutants: Sequence[Mutant], count: int, seed: int, *, without: Collection[str] = UNSEEN) -> list[Mutant]:
    """Give `count` mutants: of each place in turn, and at each place of each kind in turn.

    A larger sample of the same seed begins with the smaller one. Kinds in `without` are left out.
    """
    rng = random.Random(seed)
    places: dict[Hashable, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        if mutant.kind not in without:
            places[mutant.file, mutant.where].append(mutant)
    queues = [list(_by_kind(group, rng)) for group in places.values()]
    rng.shuffle(queues)
    return list(_in_turn(queues))[:count]


def _by_kind(mutants: Iterable[Mutant], rng: random.Random) -> Iterator[Mutant]:
    kinds: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        kinds[mutant.kind].append(mutant)
    queues = list(kinds.values())
    for queue in queues:
        rng.shuffle(queue)
    rng.shuffle(queues)
    return _in_turn(queues)


def _in_turn(queues: Iterable[Sequence[_Item]]) -> Iterator[_Item]:
    for turn in zip_longest(*queues):
        yield from (item for item in turn if item is not None)
