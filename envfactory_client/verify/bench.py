"""The bench: one subject under examination, with the calls that all checks share and the count of what was tried."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from envfactory_client.errors import VerifyError
from envfactory_client.tool import Tool
from envfactory_client.verify.boundaries import Surveyor
from envfactory_client.verify.draw import Drawer
from envfactory_client.verify.example import Example, Size, Step, call, wait
from envfactory_client.verify.mirror import Mirror
from envfactory_client.verify.spot import Spot
from envfactory_client.verify.subject import INSIDE, Ability, Observation, Session, Subject
from envfactory_client.verify.walk import Rewound, Walked, Watcher

if TYPE_CHECKING:
    from envfactory_client.verify.check import Check

_DAY = 86_400
_HOPE = 0.6
_KEPT = 8
_DRAWS = 4
_SIZES: tuple[Size, ...] = ("small", "medium", "small", "large")
"""Sizes of the shorter random episodes, in turn."""
_WAITS = (60, 3600, 5 * 3600, _DAY, 3 * _DAY, 9 * _DAY)


@dataclass(frozen=True)
class Effort:
    """How much is tried."""

    seed: int = 0
    """Equal seeds try the same."""
    calls: int = 1000
    """Calls of the longest random episode."""
    walks: int = 6
    """How many shorter random episodes there are, over other seeds and sizes."""
    short: int = 20
    """Calls of a shorter one."""
    tries: int = 120
    """Candidates that are looked at for each tool's outcomes."""
    focus: frozenset[str] = frozenset()
    """Tools that are looked at first and most; all when empty."""
    boundaries: int = 2
    """Boundaries that are tried for each refusal."""


Level = Literal["quick", "standard", "thorough"]
EFFORTS: Mapping[Level, Effort] = {
    "quick": Effort(calls=200, walks=3),
    "standard": Effort(),
    "thorough": Effort(calls=5000, walks=40, short=125, tries=1500, boundaries=8),
}
"""Words for how much is tried."""


class Bench:
    """A subject, the effort, and what was tried and reached so far."""

    def __init__(self, subject: Subject, effort: Effort, inner: Subject | None = None) -> None:
        self.subject = subject
        self._inner = inner
        self.effort = effort
        self.counts: Counter[str] = Counter()
        self.reached: Counter[tuple[str, str]] = Counter()
        """(tool, outcome) to how often: "" for a success, "*" for a success that changed something, or a code."""
        self.at_boundary: set[tuple[str, str]] = set()
        """(tool, code) for which both sides of a boundary were called."""
        self.unanswered: set[str] = set()
        """Tools at which a server by other authors ended or fell silent; walks leave them out from then on."""
        self.calls = 0
        self.successes: dict[str, list[Example]] = {}
        """Tool to a few examples that end in a success of it, the shortest first."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the subject allows, from outside or from within."""
        return self.subject.abilities | (self._inner.abilities if self._inner is not None else frozenset())

    @property
    def inner(self) -> Subject:
        """The same environment inside this process, for checks that need "inside" or "folder"."""
        if self._inner is not None:
            return self._inner
        if self.subject.abilities >= INSIDE:
            return self.subject
        raise VerifyError(f"{self.subject.name} isn't in this process, so nobody can look inside.")

    def subject_of(self, check: Check) -> Subject:
        """The subject that a check judges examples on: the inner one if it needs to look there."""
        return self.inner if check.needs & INSIDE else self.subject

    def rng(self, name: str) -> random.Random:
        """A generator of its own for each use, so that one more use shifts no other."""
        return random.Random(f"{self.effort.seed}/{name}")

    def tried(self, check: Check, times: int = 1) -> None:
        """Count what a check has looked at."""
        self.counts[check.id] += times

    @property
    def tools(self) -> list[Tool]:
        """The tools to look at: those in focus, or all."""
        focus = self.effort.focus
        return [tool for name, tool in self.subject.tools.items() if not focus or name in focus]

    def examples(self) -> Iterator[tuple[Tool, list[Example]]]:
        """A few examples of success for each tool to look at, the shortest first."""
        for tool in self.tools:
            if kept := self.successes.get(tool.name):
                yield tool, kept

    def note(self, walked: Walked) -> None:
        """Take note of how a call ended."""
        seen = walked.seen
        self.calls += 1
        if seen.gone is not None:
            self.unanswered.add(seen.tool.name)
        if seen.succeeded:
            self.reached[seen.tool.name, ""] += 1
            self._keep(walked)
            if seen.changes:
                self.reached[seen.tool.name, "*"] += 1
        elif seen.result.refusal is not None:
            self.reached[seen.tool.name, seen.result.refusal] += 1

    def _keep(self, walked: Walked) -> None:
        kept = self.successes.get(walked.seen.tool.name, [])
        if kept and _found_nothing(walked.seen):
            return
        if len(kept) < _KEPT or walked.place < len(kept[-1].steps) - 1:
            self.keep(walked.seen.tool.name, [walked.example()])

    def keep(self, tool: str, examples: Iterable[Example]) -> None:
        """Keep examples of a success of a tool if they are among the shortest."""
        kept = self.successes.setdefault(tool, [])
        kept.extend(examples)
        kept.sort(key=lambda example: len(example.steps))
        del kept[_KEPT:]

    async def walked(self, *, by_chance: bool = True) -> AsyncIterator[Walked]:
        """Every call of the shared walks, as they are made: at boundaries first, then by chance."""
        if "contracts" in self.subject.abilities and "harness" in self.subject.abilities:
            async for walked in boundary_calls(self):
                self.note(walked)
                yield walked
        if by_chance:
            async for walked in random_walks(self):
                self.note(walked)
                yield walked


def _found_nothing(seen: Observation) -> bool:
    """Whether a call gave an empty list and nothing else, of which there is little to learn."""
    shown = seen.result.structured
    lists = [value for value in shown.values() if isinstance(value, list)] if isinstance(shown, Mapping) else []
    return seen.tool.read_only and bool(lists) and not any(lists)


async def boundary_calls(bench: Bench) -> AsyncIterator[Walked]:
    """Calls on both sides of the boundaries of every refusal, and one success of each tool."""
    mirror = await mirrored(bench.subject, seed=bench.effort.seed)
    try:
        surveyor = Surveyor(bench.subject, mirror, bench.rng("boundaries"))
        async with Rewound.at(bench.subject, Example(seed=bench.effort.seed, size="small")) as again:
            for tool in bench.tools:
                async for walked in _boundary_calls_of(bench, surveyor, tool, again):
                    yield walked
    finally:
        mirror.close()


async def _boundary_calls_of(bench: Bench, surveyor: Surveyor, tool: Tool, again: Rewound) -> AsyncIterator[Walked]:
    facts = bench.subject.facts
    assert facts is not None
    codes = frozenset(facts.refuses(tool.name))
    spots = await surveyor.spots(tool, codes, bench.effort.tries)
    for code in sorted(codes - spots.keys()):
        if (made := await surveyor.edited(tool, code, list(spots.values()))) is not None:
            spots[code] = made
    for outcome, spot in sorted(spots.items()):
        async for walked in _sides(bench, tool, [spot], again):
            yield walked
        around = [spot, *(spots[""] for _ in [0] if "" in spots)]
        found = surveyor.boundaries(tool, outcome, around)
        for boundary in islice(found, bench.effort.boundaries if outcome else 0):
            pair = [walked async for walked in _sides(bench, tool, [boundary.refused, boundary.passing], again)]
            if len(pair) == 2:
                bench.at_boundary.add((tool.name, outcome))
            for walked in pair:
                yield walked


async def _sides(bench: Bench, tool: Tool, spots: Sequence[Spot], again: Rewound) -> AsyncIterator[Walked]:
    """The calls at some spots, without those whose edits don't fit after all."""
    for spot in spots:
        walked = await _made(spot.example(tool, bench.effort.seed, "small"), again)
        if walked is not None:
            yield walked


async def _made(example: Example, again: Rewound) -> Walked | None:
    """Make an example; None when its edits don't fit after all."""
    with suppress(VerifyError):
        seen = await again.replayed(example)
        if seen is not None:
            start = example.model_copy(update={"steps": ()})
            return Walked(seen, start, example.steps, len(example.steps) - 1)
    return None


async def mirrored(subject: Subject, *, seed: int, size: Size = "small") -> Mirror:
    """A mirror of a starting state."""
    session = await subject.open(Example(seed=seed, size=size))
    try:
        state = await session.state()
        assert subject.facts is not None
        return Mirror(subject.facts, await session.rows(), state.now)
    finally:
        await session.close()


async def random_walks(bench: Bench) -> AsyncIterator[Walked]:
    """One long random episode, and shorter ones over other seeds and sizes."""
    effort = bench.effort
    plans: list[tuple[Size, int]] = [("small", effort.calls)]
    plans += [(_SIZES[number % len(_SIZES)], effort.short) for number in range(effort.walks)]
    for number, (size, length) in enumerate(plans):
        async for walked in random_walk(bench, Example(seed=effort.seed + number, size=size), length):
            yield walked


async def random_walk(bench: Bench, start: Example, length: int, *, closely: bool = True) -> AsyncIterator[Walked]:
    """One episode of calls by chance, the least reached outcomes first, with waits between.

    Unless it is watched `closely`, only what is answered is seen.
    """
    session = await bench.subject.open(start)
    try:
        walker = Walker(bench, session, bench.rng(f"walk/{start.to_text()}"), closely)
        for _ in range(length):
            async for seen in walker.step():
                yield Walked(seen, start, walker.trail, len(walker.trail) - 1)
    finally:
        await session.close()


@dataclass
class Walker:
    """One random episode under way."""

    bench: Bench
    session: Session
    rng: random.Random
    closely: bool = True
    trail: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.bench.subject, self.session, closely=self.closely)
        self.drawer = Drawer(self.bench.subject, self.session, self.rng)
        self._harness = "harness" in self.bench.subject.abilities
        self._successes: Counter[str] = Counter()

    async def step(self) -> AsyncIterator[Observation]:
        """Make the next call, sometimes after a wait."""
        if self._harness and self.rng.random() < 0.04:
            await self._do(wait(self.rng.choice(_WAITS)))
        if not (tools := self._callable()):
            return
        tool = self._tool(tools)
        arguments = await self._arguments(tool)
        seen = await self._do(call(tool.name, arguments))
        if seen is not None:
            if seen.succeeded:
                self._successes[tool.name] += 1
                self.drawer.learn(tool, seen.result.structured, seen.after.now if seen.after else None)
            yield seen

    async def _arguments(self, tool: Tool) -> dict[str, Any]:
        """Arguments by chance; more often than not such that no refusal is due, if they are soon found."""
        hopeful = self._harness and self.rng.random() < _HOPE
        for _ in range(_DRAWS if hopeful else 0):
            arguments = await self.drawer.arguments(tool, odd=0.0)
            if await self.watcher.is_free(tool, arguments):
                return arguments
        return await self.drawer.arguments(tool)

    async def _do(self, step: Step) -> Observation | None:
        self.trail.append(step)
        return await self.watcher.step(step)

    def _callable(self) -> list[Tool]:
        """The tools that have answered so far, or weren't called yet."""
        return [tool for name, tool in self.bench.subject.tools.items() if name not in self.bench.unanswered]

    def _tool(self, known: Sequence[Tool]) -> Tool:
        """A tool by chance, rather one with few successes in this episode."""
        tools: Iterable[Tool] = self.rng.sample(known, k=min(3, len(known)))
        if self.bench.effort.focus and self.rng.random() < 0.7:
            tools = [tool for tool in self.bench.tools if tool.name in self.bench.subject.tools]
            tools = [self.rng.choice(list(tools))]
        return min(tools, key=lambda tool: self._successes[tool.name])
