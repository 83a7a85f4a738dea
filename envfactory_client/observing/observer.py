"""The observer: calls tools, tries parameters, and tells what it saw, round by round until nothing new comes."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from envfactory_client.errors import UsageError
from envfactory_client.naming import akin
from envfactory_client.observing.caller import Caller
from envfactory_client.observing.columns import Canonical, answering_alike, canonical, is_within
from envfactory_client.observing.context import Contexts
from envfactory_client.observing.drawing import Drawing, Input, inputs_of
from envfactory_client.observing.experiment import Experiment
from envfactory_client.observing.observation import Observation
from envfactory_client.observing.pool import End, Pool
from envfactory_client.observing.telling import Seen, told
from envfactory_client.observing.trials import Candidates, Verdict
from envfactory_client.tool import Tool
from envfactory_client.verify.foreign_subject import ForeignSubject

_ROUNDS = 4
_SCREENED = 3
"""Values of every candidate that are tried first."""
_CONFIRMED = 8
"""Values of a candidate that are tried once one of them has succeeded, and of namesakes at once."""
_DESTROYS = 2
"""The harm of a write that says that it destroys something: it is called last, and only in trials."""
_OPTIONAL = 0.3
"""How often a call gives an argument that it needn't."""


@dataclass(frozen=True)
class Pace:
    """How much is called, and from what it is drawn."""

    calls: int = 5000
    seconds: float = 300.0
    draws: int = 8
    """Calls of each tool in a round, before its parameters are tried."""
    seed: int = 0
    given: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """What a person knows, by the name of the parameter."""
    today: date = date(2026, 3, 2)
    """The day around which days are drawn."""


async def observe(
    subject: ForeignSubject, pace: Pace | None = None, *, clock: Callable[[], float] = time.monotonic
) -> Observation:
    """What a server's tools were seen to take and give; contracts that it may declare play no part.

    Only the subject's `tools` are called: reads, unless it allows writes. Raises UsageError if it has none.
    """
    if not subject.tools:
        raise UsageError(
            f"No tool of '{subject.name}' claims to only read, so none may be called; "
            "allow all with --allow-writes if nothing there is worth keeping."
        )
    return await _Observer(subject, pace or Pace(), clock).run()


class _Observer:
    def __init__(self, subject: ForeignSubject, pace: Pace, clock: Callable[[], float]) -> None:
        self._subject = subject
        self._draws = pace.draws
        self._pool = Pool(pace.given)
        self._caller = Caller(subject, self._pool, calls=pace.calls, seconds=pace.seconds, clock=clock)
        self._drawing = Drawing(random.Random(pace.seed), pace.given, subject.words, pace.today)
        self._inputs = {name: inputs_of(tool) for name, tool in subject.all_tools.items()}
        writes = frozenset(tool.name for tool in subject.all_tools.values() if not tool.read_only)
        self._contexts = Contexts(self._pool, self._drawing, self._typed, writes)
        self._explored: Counter[str] = Counter()
        self._experiments: dict[End, Experiment] = {}
        self._verdicts: dict[End, Verdict] = {}
        self._searches: set[End] = set()
        self._same: set[frozenset[End]] = set()

    async def run(self) -> Observation:
        """Reads until they bring nothing new; then, where they are allowed, writes, and reads of what they stored.

        Trials of writes store values where they don't belong, so they come last and nothing is learned after them.
        """
        reads = [tool for tool in self._subject.tools.values() if tool.read_only]
        writes = sorted((tool for tool in self._subject.tools.values() if not tool.read_only), key=_harm)
        await self._rounds(reads)
        if writes:
            for tool in writes:
                if _harm(tool) < _DESTROYS:
                    await self._explore(tool)
            await self._rounds(reads)
            self._caller.learns = False
            await self._try_all(writes)
        return self._told()

    async def _rounds(self, tools: Sequence[Tool]) -> None:
        """Calls by chance and trials, for as long as they bring something new."""
        for _ in range(_ROUNDS):
            before = len(self._pool), len(self._settled)
            for tool in tools:
                await self._explore(tool)
            await self._try_all(tools)
            if self._caller.spent or (len(self._pool), len(self._settled)) == before:
                return

    async def _try_all(self, tools: Iterable[Tool]) -> None:
        for tool in tools:
            for taken in self._inputs[tool.name]:
                await self._try(taken)

    @property
    def _settled(self) -> Mapping[End, Canonical]:
        return {end: verdict.column for end, verdict in self._verdicts.items() if verdict.column is not None}

    def _typed(self, taken: Input) -> Canonical | None:
        """The column of a parameter, by its own trials or by those of others of the same name that agree."""
        settled = self._settled
        if taken.end in settled:
            return settled[taken.end]
        named = {column.name: column for (_, path), column in settled.items() if _leaf(path) == taken.leaf}
        return next(iter(named.values())) if len(named) == 1 else None

    async def _explore(self, tool: Tool) -> None:
        """Calls with what was seen, and, in turn with those, with what owes nothing to it."""
        inputs, rng = self._inputs[tool.name], self._drawing.rng
        needed = [one for one in inputs if one.field.required]
        for number in range(self._draws if inputs else 1):
            if tool.read_only and number % 2 == 0:
                place = self._explored[tool.name]
                self._explored[tool.name] += 1
                plain = self._contexts.unseen(needed, place)
            else:
                chosen = [one for one in inputs if one in needed or rng.random() < _OPTIONAL]
                rng.shuffle(chosen)
                plain = self._contexts.around({}, chosen)
            await self._caller.call(tool.name, plain)

    async def _try(self, taken: Input) -> None:
        """Try the values of every column that fit a parameter, and more of those that succeed."""
        if not taken.open or self._caller.spent:
            return
        candidates = self._candidates(taken)
        experiment = self._experiments.setdefault(taken.end, self._experiment(taken))
        trials = experiment.trials
        for column in candidates.columns:
            await experiment.values(column, _CONFIRMED if candidates.is_namesake(column) else _SCREENED)
        if likely := [column for column in candidates.columns if trials.rate(column).successes]:
            for column in likely:
                await experiment.values(column, _CONFIRMED)
            await experiment.controls(likely, candidates)
            if await experiment.takes_parts():
                self._searches.add(taken.end)
            else:
                self._join(trials.successful(candidates))
                candidates = self._candidates(taken)
        self._verdicts[taken.end] = trials.verdict(candidates, search=taken.end in self._searches)

    def _candidates(self, taken: Input) -> Candidates:
        columns = canonical(self._pool.columns.values(), self._same)
        fitting = tuple(column for column in columns if any(map(taken.fits, column.values)))
        namesakes = (one.name for one in fitting if any(akin(taken.end, member.end) for member in one.members))
        return Candidates(fitting, frozenset(namesakes))

    def _join(self, answering: Sequence[Canonical]) -> None:
        """Take columns for the same whose values look alike and all do as one argument, and what lies within them."""
        columns = canonical(self._pool.columns.values(), self._same)
        for one in answering:
            for other in columns:
                alike = other in answering and answering_alike(one, other)
                if other != one and (alike or is_within(other, one)):
                    self._same.add(frozenset((one.members[0].end, other.members[0].end)))

    def _experiment(self, taken: Input) -> Experiment:
        inputs = self._inputs[taken.tool]
        others = [one for one in inputs if one.field.required and one.path != taken.path]
        return Experiment(taken, others, caller=self._caller, contexts=self._contexts, drawing=self._drawing)

    def _told(self) -> Observation:
        seen = Seen(
            self._subject,
            [taken for inputs in self._inputs.values() for taken in inputs],
            self._pool,
            self._verdicts,
            frozenset(self._searches),
            frozenset(self._same),
        )
        return told(seen, self._caller)


def _harm(tool: Tool) -> int:
    """How much a write may destroy by its own word: nothing, it doesn't say, or something."""
    said = tool.annotations.get("destructiveHint")
    return 1 if said is None else 2 * bool(said)


def _leaf(path: str) -> str:
    return path.rpartition(".")[2].replace("[]", "")
