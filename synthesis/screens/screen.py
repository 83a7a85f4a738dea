"""The screen: a task's reward is put to the test by variants of its plan, and completed by what they teach.

The plan's writes are made once more in one episode. On the way, every variant is tried before the step in which it
first differs, scored, and undone; reads that only repeat the record are not made again. What is learned: columns
that depend on the time, arguments that make no difference, and how many other paths pay in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import Final

from envfactory_client import Episode, StepArgument, TableDiff, Trajectory
from envfactory_client.score import Judge, spoken
from envfactory_client.score.attempt import Changes, changes_of, leaves
from synthesis.answers import Answers, Asking
from synthesis.catalogue import Catalogue
from synthesis.errors import Drop
from synthesis.screens.deeds import Deed, Doing, answers_of, attempt_of, deeds_of
from synthesis.screens.idle import DONE, idle, unfounded
from synthesis.screens.paths import KINDS, MOST_PATHS, NEEDLESS, other_paths
from synthesis.screens.read_arguments import OTHER_ARGUMENTS, other_arguments
from synthesis.screens.spec import draft_spec
from synthesis.screens.spoilt import at_random, other_rows, spoilt
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant, said

LATER: Final = 61
"""Seconds by which the clock is moved to see which columns depend on the time."""
SOON: Final = timedelta(days=8)
"""Times nearer than this to the clock may depend on it."""
TRIVIAL: Final = (
    "null", "reads_only", "always_refuse", "always_ask", "always_lacking", "confirm_only", "echo", "shotgun",
    "list_all", "random_values",
)  # fmt: skip
"""Agents that know nothing of a task; their mean over a dataset is part of its proof."""
RANDOM_RUNS, RANDOM_SHARE = 200, 0.01
"""How often the random agent plays, on a share of the tasks; on the others it plays once."""


@dataclass(frozen=True)
class Verdict:
    """What one variant got."""

    name: str
    reward: float
    ok: bool


@dataclass(frozen=True)
class Screened:
    """A task with its whole reward specification, and what every variant got."""

    task: Trajectory
    verdicts: tuple[Verdict, ...]

    @property
    def got(self) -> dict[str, tuple[float, ...]]:
        """Variant to the rewards of its runs."""
        found: dict[str, tuple[float, ...]] = {}
        for verdict in self.verdicts:
            found[verdict.name] = (*found.get(verdict.name, ()), verdict.reward)
        return found

    @property
    def failures(self) -> tuple[Verdict, ...]:
        """The variants that the reward judged wrongly."""
        return tuple(verdict for verdict in self.verdicts if not verdict.ok)


async def screen(task: Trajectory, episode: Episode, catalogues: Mapping[str, Catalogue]) -> Screened:
    """Give the task with its reward specification and what it was tested by, or raise `Drop` when it fails a test.

    The episode stands at the task's start and is used up.
    """
    screened = await examine(task, episode, catalogues)
    if screened.failures:
        worst = screened.failures[0]
        raise Drop(f"reward_{worst.name}", f"pays {worst.reward:.2f}")
    return screened


async def examine(task: Trajectory, episode: Episode, catalogues: Mapping[str, Catalogue]) -> Screened:
    """Give the task with its reward specification and every verdict."""
    drafted = task.model_copy(update={"reward": draft_spec(task, catalogues)})
    rng = Random(f"{task.seed[0]}/{task.seed[1]}/screen")
    return await _Screen(drafted, episode, catalogues, rng).run()


@dataclass
class _Screen:
    task: Trajectory
    episode: Episode
    catalogues: Mapping[str, Catalogue]
    rng: Random
    verdicts: list[Verdict] = field(default_factory=list)
    masks: list[StepArgument] = field(default_factory=list)
    tried: dict[StepArgument, bool] = field(default_factory=dict)
    """The arguments of look-ups that were given other values, and whether they have made no difference so far."""
    paths: dict[tuple[str, int], None] = field(default_factory=dict)
    """Other ways that paid in full, by their kind and the step in which they first differ."""
    before: Changes = field(default_factory=dict)
    """What the plan has changed up to where the episode stands."""
    answers: Answers = field(default_factory=Answers)
    state: int = 0
    """Where the episode stands, as the answers count it."""

    async def run(self) -> Screened:
        deeds = deeds_of(self.task, self.catalogues)
        self.answers = answers_of(deeds)
        values = Values(self.episode, self.catalogues, self.rng)
        await self._learn_volatile(deeds)
        planned = self.judge.planned
        self._judge(Variant("perfect", deeds, "all"), deeds, planned)
        for variant in (*idle(self.task, deeds), *unfounded(self.task, deeds, planned)):
            self._judge(variant, variant.deeds, variant.changes or {})
        await self._play_without_plan(deeds, values)
        variants = [variant async for variant in spoilt(deeds, values)]
        variants += [variant async for variant in other_paths(self.task, deeds, values)]
        variants += [variant async for variant in other_arguments(self.task, deeds, values)]
        await self._walk(deeds, variants)
        await self._beside_the_plan(deeds, values)
        return self._screened()

    @cached_property
    def judge(self) -> Judge:
        """Who judges, once it is known which columns are volatile."""
        return Judge(self.task)

    def _screened(self) -> Screened:
        masks = (*self.masks, *(argument for argument, masked in self.tried.items() if masked))
        ordered = tuple(sorted(masks, key=lambda mask: (mask.step, mask.name)))
        spec = self.task.reward.model_copy(update={"masks": ordered, "paths": min(len(self.paths), MOST_PATHS)})
        return Screened(self.task.model_copy(update={"reward": spec}).renamed(), tuple(self.verdicts))

    # Executing --------------------------------------------------------------------------------------------------------

    async def _walk(self, deeds: tuple[Deed, ...], variants: list[Variant]) -> None:
        """Make the plan's writes, with each variant tried before the step in which it differs."""
        doing = self._doing()
        for place in range(len(deeds) + 1):
            self.state = doing.asking.state
            here = [variant for variant in variants if variant.first == place]
            if here:
                self.before = await doing.asking.changes()
            for variant in here:
                await self._try(variant)
            if place < len(deeds) and deeds[place].live:
                await doing.do([deeds[place]])
                await doing.asking.settle()

    async def _try(self, variant: Variant) -> None:
        """Execute and judge one variant; the episode stands where it first differs from the plan."""
        if self._is_settled(variant):
            return
        rest = variant.deeds[variant.first :]
        if any(deed.live and self._writes(deed) for deed in rest):
            done, changes = await self._try_out(rest, to_the_end=variant.wish != "little")
        else:
            done = await self._doing().do(rest)
            changes = self.before if variant.name == "missing_write" else self.judge.planned
        self._learn_from(variant, (*variant.deeds[: variant.first], *done), changes)

    async def _try_out(self, deeds: tuple[Deed, ...], *, to_the_end: bool = True) -> tuple[list[Deed], Changes]:
        """Do deeds and undo them; gives what they answered, and what had then changed since the start."""
        async with self.episode.trial():
            doing = self._doing()
            done = await doing.do(deeds, to_the_end=to_the_end)
            if all(deed.call.is_error for deed in done if deed.live):
                return done, self.before
            return done, await doing.asking.changes()

    def _doing(self) -> Doing:
        return Doing(Asking(self.episode, self.answers, self.state), self.catalogues)

    def _writes(self, deed: Deed) -> bool:
        return not self.catalogues[deed.call.environment].tools[deed.call.tool].read_only

    def _learn_from(self, variant: Variant, done: tuple[Deed, ...], changes: Changes) -> None:
        """Judge what was done, unless it shows that it was no such variant after all."""
        shown = all(values <= done[place].call.leaves for place, values in variant.shows.items())
        if variant.name == OTHER_ARGUMENTS:
            argument = StepArgument(step=variant.altered or 0, name=variant.argument)
            self.tried[argument] = shown and self._worth(variant, done, changes) == 1.0
            shown = self.tried[argument]
        if not shown:
            return
        if variant.name == "wrong_value" and self.judge.reached(changes) and self._answers_alike(done):
            self.masks.append(StepArgument(step=variant.altered or 0, name=variant.argument))
            return
        self._judge(variant, done, changes)

    def _answers_alike(self, done: tuple[Deed, ...]) -> bool:
        """Whether every call answered as in the plan."""
        steps = self.task.steps
        return all(deed.place is None or deed.call.result == steps[deed.place].result for deed in done)

    def _is_settled(self, variant: Variant) -> bool:
        """Whether nothing more can be learned by trying a variant."""
        if variant.name == OTHER_ARGUMENTS:
            return not self.tried.get(StepArgument(step=variant.altered or 0, name=variant.argument), True)
        enough = sum(kind not in NEEDLESS for kind, _ in self.paths) >= MOST_PATHS
        return bool(variant.shows) and (enough or (variant.name, variant.first) in self.paths)

    def _worth(self, variant: Variant, done: Iterable[Deed], changes: Changes) -> float:
        if not self.judge.reached(changes):
            return 0.0
        return self.judge.worth(attempt_of(self.task, done, changes, variant.said))

    def _judge(self, variant: Variant, done: Iterable[Deed], changes: Changes) -> None:
        reward = self._worth(variant, done, changes)
        ok = variant.passes(reward, same=variant.wish != "what it changes" or self.judge.reached(changes))
        self.verdicts.append(Verdict(variant.name, reward, ok))
        if variant.name in KINDS and reward == 1.0:
            self.paths[variant.name, variant.first] = None

    async def _play_without_plan(self, deeds: tuple[Deed, ...], values: Values) -> None:
        """Let agents play that call the plan's tools with values drawn by chance."""
        runs = RANDOM_RUNS if self.rng.random() < RANDOM_SHARE else 1
        for _ in range(runs):
            variant = await at_random(self.task, deeds, values)
            if not any(deed.live for deed in variant.deeds):
                self._judge(variant, variant.deeds, {})
                continue
            done, changes = await self._try_out(variant.deeds)
            self._judge(variant, done, changes)

    async def _beside_the_plan(self, deeds: tuple[Deed, ...], values: Values) -> None:
        """Do more than the plan, in the episode in which the plan has been done: one deed, and then several."""
        doing = self._doing()
        done: list[Deed] = []
        changes = self.judge.planned
        for deed in await other_rows(deeds, values):
            done += await doing.do([deed])
            if not done[-1].call.is_error:
                before, changes = changes, await doing.asking.changes()
                if self.judge.reached(before) and not self.judge.reached(changes):
                    self._judge(Variant("collateral_write", deeds, "little"), (*deeds, done[-1]), changes)
        messages = said(DONE, self.task.turns)
        self._judge(Variant("shotgun", deeds, "little", messages=messages), (*deeds, *done), changes)

    # Learning ---------------------------------------------------------------------------------------------------------

    async def _learn_volatile(self, deeds: tuple[Deed, ...]) -> None:
        """Do the same a minute later: the columns that then hold another time are left out of comparisons."""
        now, planned = spoken.as_moment(self.task.world.now), self.task.reward.changes
        times = [spoken.as_moment(value) for value in leaves(planned) if "T" in str(value)]
        if not any(now and time and abs(time - now) < SOON for time in times):
            return
        async with self.episode.trial():
            await self.episode.advance(LATER)
            doing = Doing(Asking(self.episode), self.catalogues)
            await doing.do(deed for deed in deeds if deed.live)
            later = (await self.episode.diff()).changes
        volatile = tuple(sorted(set(_differing(changes_of(planned), later))))
        if volatile:
            spec = self.task.reward.model_copy(update={"volatile": volatile})
            self.task = self.task.model_copy(update={"reward": spec})


def _differing(planned: Changes, later: Changes) -> Iterator[str]:
    """Give the columns in which the same rows hold different times."""
    for environment, tables in planned.items():
        for table, change in tables.items():
            other = later.get(environment, {}).get(table, TableDiff())
            rows = list(zip(change.inserted, other.inserted, strict=False))
            rows += [
                (one.after, two.after)
                for one, two in zip(change.updated, other.updated, strict=False)
                if one.key == two.key
            ]
            for one, two in rows:
                for column in one:
                    if one[column] != two.get(column) and spoken.as_moment(one[column]) is not None:
                        yield f"{environment}.{table}.{column}"
