"""Observation: the types of an environment's tools, by what they do and never by what they declare.

All tools are tried a little and learn where their arguments come from; then each is called many times on the state of
the start and on states further on, where calls were kept.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from envfactory_client.verify.layout import Layout
from servers.runtime import Environment, Episode
from synthesis.battery.observed.arguments import Arguments, Hand
from synthesis.battery.observed.canary import Canary, Shown, leaf_paths
from synthesis.battery.observed.lineage import Lineage, Place
from synthesis.battery.observed.sentinel import plain
from synthesis.battery.observed.stage import Seen, Stage
from synthesis.battery.observed.statement import Change, Statements, Use
from synthesis.battery.observed.taint import Taint

_OFTEN = 8


@dataclass(frozen=True)
class ObservedParameter:
    """What a tool does with one parameter."""

    uses: frozenset[Use]
    keys: frozenset[Place]
    """The key columns that it names a row by."""
    tries: int
    """How many different values it was given."""
    successes: int
    """How many different values it was given in calls that gave a result."""


@dataclass(frozen=True)
class ObservedResult:
    """What one result path shows."""

    columns: frozenset[Place]
    """The columns that all its values were in; none when it is calculated."""
    keys: frozenset[Place]
    """The key columns that it holds values of."""
    unique: bool
    """Whether all columns that are left stand for one and the same."""
    samples: int
    """How many values it had, null aside."""


@dataclass(frozen=True)
class ObservedTool:
    """What one tool takes, gives and changes."""

    parameters: Mapping[str, ObservedParameter]
    results: Mapping[str, ObservedResult]
    changes: frozenset[Change]
    """What it changed in the rows."""
    attempts: frozenset[Change]
    """What its statements may change, whether or not any row was different after."""
    successes: int
    answers: Mapping[str, int]
    """Refusal code, "" for a result or "*" for a bad argument, to how often."""

    @property
    def calls(self) -> int:
        """How often it was called and watched closely."""
        return sum(self.answers.values())

    @property
    def writes(self) -> bool:
        """Whether it changed anything."""
        return bool(self.changes)


@dataclass(frozen=True)
class ObservedTypes:
    """What was observed of an environment."""

    tools: Mapping[str, ObservedTool]
    lineage: Lineage


@dataclass(frozen=True)
class Pace:
    """How much is tried."""

    seed: int = 0
    meetings: int = 20
    """Calls of each tool before any is observed closely."""
    kept: int = 160
    """Calls that are kept on the way to each further state."""
    stages: int = 3
    """States on which tools are observed, the start among them."""
    calls: int = 60
    """Calls of each tool on each state, at most."""
    results: int = 18
    """Results of each tool on each state that are enough."""
    more: int = 6
    """The same on further states, for tools whose results were all seen before."""


@dataclass
class _Watch:
    """What is noted of one tool while it is observed."""

    hand: Hand
    taint: Taint
    canary: Canary
    relations: set[str]
    changes: set[Change] = field(default_factory=set)
    attempts: set[Change] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)

    def note(self, seen: Seen, statements: Statements) -> None:
        self.taint.watch(seen)
        self.relations.update(seen.relations)
        outcome = seen.outcome
        code = "" if outcome.structured is not None else outcome.refusal or "*"
        self.answers[code] = self.answers.get(code, 0) + 1
        self.changes.update(_changes(seen))
        if outcome.structured is not None:
            self.attempts.update(change for text, _ in seen.statements for change in statements.shape(text).changes)

    def knows_all(self, paths: Collection[str]) -> bool:
        """Whether each result path had values enough."""
        return all(path in self.canary.paths and self.canary.paths[path].samples >= _OFTEN for path in paths)

    def praise(self, arguments: Arguments, seen: Seen) -> None:
        self.hand.praise(
            arguments, len({text for text, _ in seen.statements}), done=seen.outcome.structured is not None
        )


@lru_cache(maxsize=32)
def lineage_of(schema: str) -> Lineage:
    """The lineage of a schema's columns; worked out once."""
    return Lineage(Layout.of(schema))


def observe(environment: Environment, tools: Collection[str] | None = None, pace: Pace | None = None) -> ObservedTypes:
    """The types of an environment's tools, or of some of them, as they are observed; the same each time."""
    course = _Course(environment, pace or Pace())
    try:
        return course.run(sorted(tools) if tools is not None else list(environment.tools))
    finally:
        course.episode.close()


class _Course:
    """One observation from beginning to end."""

    def __init__(self, environment: Environment, pace: Pace) -> None:
        self._environment = environment
        self._pace = pace
        self._lineage = lineage_of(environment.schema)
        self._statements = Statements(self._lineage)
        self.episode = Episode.open([environment], seed=pace.seed)
        self._stage = Stage(environment, self.episode, self._lineage, self._statements)
        self._paths = {name: tuple(leaf_paths(tool.output_schema)) for name, tool in environment.tools.items()}

    def run(self, chosen: Collection[str]) -> ObservedTypes:
        met = {name: self._watch(name, "met", Taint(self._statements)) for name in self._environment.tools}
        for name, watch in met.items():
            self._meet(name, watch)
        close = {name: self._watch(name, "close", met[name].taint.copy()) for name in chosen}
        for name, watch in close.items():
            watch.relations.update(met[name].relations)
        for turn in range(self._pace.stages):
            if turn:
                self._go_on(met, turn)
            for name, watch in close.items():
                self._observe(name, watch, first=turn == 0)
        found = {name: self._told(name, watch) for name, watch in close.items()}
        return ObservedTypes(found, self._lineage)

    def _watch(self, name: str, purpose: str, taint: Taint) -> _Watch:
        rng = random.Random(f"{self._pace.seed}/{name}/{purpose}")
        hand = Hand(self._environment.tools[name].input_schema, taint, rng)
        relations: set[str] = set()
        return _Watch(hand, taint, Canary(self._lineage, relations), relations)

    def _meet(self, name: str, watch: _Watch) -> None:
        for turn in range(self._pace.meetings):
            arguments = watch.hand.sentinels(self._stage) if turn < 2 else watch.hand.draw(self._stage)
            with self._stage.call(name, arguments) as seen:
                watch.note(seen, self._statements)
            watch.praise(arguments, seen)

    def _observe(self, name: str, watch: _Watch, *, first: bool) -> None:
        results, enough = 0, self._pace.results if first or not watch.knows_all(self._paths[name]) else self._pace.more
        watch.hand.forget()
        for turn in range(self._pace.calls):
            new = first and turn < 2
            arguments = watch.hand.sentinels(self._stage) if new else watch.hand.draw(self._stage)
            with self._stage.call(name, arguments) as seen:
                watch.note(seen, self._statements)
                watch.canary.watch(seen, self._stage.book)
            watch.praise(arguments, seen)
            results += seen.outcome.structured is not None
            if results >= enough:
                break

    def _go_on(self, met: Mapping[str, _Watch], turn: int) -> None:
        """Move to a state further on, by calls that are kept."""
        rng = random.Random(f"{self._pace.seed}/on/{turn}")
        writing = [name for name, watch in met.items() if watch.attempts or "" not in watch.answers]
        for _ in range(self._pace.kept if writing else 0):
            name = rng.choice(writing)
            with self._stage.call(name, met[name].hand.draw(self._stage), keep=True) as seen:
                met[name].note(seen, self._statements)
        self._stage.settle()

    def _told(self, name: str, watch: _Watch) -> ObservedTool:
        definition = self._environment.tools[name]
        fields = definition.input_schema.get("properties", {})
        return ObservedTool(
            parameters={each: self._parameter(watch, each, "enum" in plain(fields[each])) for each in fields},
            results={path: self._result(watch, path) for path in self._paths[name]},
            changes=frozenset(watch.changes),
            attempts=frozenset(watch.attempts),
            successes=watch.answers.get("", 0),
            answers=watch.answers,
        )

    def _parameter(self, watch: _Watch, name: str, chosen: bool) -> ObservedParameter:
        """A parameter; one that is chosen from a short list names no row."""
        uses = watch.taint.uses(name)
        named = [use.place for use in uses if use.operator == "=" and not use.derived]
        keys = frozenset().union(*(self._lineage.key_roots(place) for place in named)) if not chosen else frozenset()
        return ObservedParameter(uses, keys, watch.taint.tries(name), watch.taint.successes(name))

    def _result(self, watch: _Watch, path: str) -> ObservedResult:
        shown = watch.canary.paths.get(path, Shown())
        columns = frozenset(shown.columns or ())
        keys = frozenset().union(*(self._lineage.key_roots(place) for place in columns))
        kin = [self._lineage.kin(place) for place in columns]
        unique = bool(kin) and bool(frozenset.intersection(*kin))
        return ObservedResult(columns, keys, unique, shown.samples)


def _changes(seen: Seen) -> set[Change]:
    found: set[Change] = set()
    for table, change in seen.changed.items():
        found.update((table, "insert", "") for _ in change["inserted"][:1])
        found.update((table, "delete", "") for _ in change["deleted"][:1])
        found.update((table, "update", column) for update in change["updated"] for column in update["after"])
    return found
