"""The screen: a task's reward is put to the test by variants of its plan, and completed by what they teach.

The plan's writes are made once more in one episode. On the way, every variant is forked off before the step in which
it first differs, executed, and scored; reads that only repeat the record are not made again. What is learned: columns
that depend on the time, arguments that make no difference, and how many other paths pay in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from envfactory_client import Diff, Episode, StepArgument, TableDiff, Trajectory, score
from envfactory_client.score import spoken
from envfactory_client.score.attempt import Changes, changes_of
from envfactory_client.score.changes import atoms
from envfactory_client.score.slots import leaves
from synthesis.catalogue import Catalogue
from synthesis.errors import Drop
from synthesis.screens.deeds import Deed, Doing, attempt_of, deeds_of
from synthesis.screens.idle import idle, unfounded
from synthesis.screens.paths import MOST_PATHS, other_paths
from synthesis.screens.spec import draft_spec
from synthesis.screens.spoilt import at_random, collateral, shotgun, shots, spoilt
from synthesis.screens.values import Values
from synthesis.screens.variant import Variant

LATER: Final = 61
"""Seconds by which the clock is moved to see which columns depend on the time."""
TRIVIAL: Final = (
    "null", "reads_only", "always_refuse", "always_ask", "confirm_only", "echo", "shotgun", "list_all", "random_values",
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
    def failures(self) -> tuple[Verdict, ...]:
        """The variants that the reward judged wrongly."""
        return tuple(verdict for verdict in self.verdicts if not verdict.ok)


async def screen(task: Trajectory, episode: Episode, catalogues: Mapping[str, Catalogue]) -> Trajectory:
    """Give the task with its reward specification, or raise `Drop` when the reward fails a test.

    The episode stands at the task's start and is used up.
    """
    screened = await examine(task, episode, catalogues)
    if screened.failures:
        worst = screened.failures[0]
        raise Drop(f"reward_{worst.name}", f"pays {worst.reward:.2f}")
    return screened.task


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
    paths: list[str] = field(default_factory=list)

    async def run(self) -> Screened:
        deeds = deeds_of(self.task, self.catalogues)
        values = Values(self.episode, self.catalogues, self.rng)
        await self._learn_volatile(deeds)
        self._judge(Variant("perfect", deeds, "all"), deeds, self._planned)
        for variant in (*idle(self.task, deeds), *unfounded(self.task, deeds)):
            self._judge(variant, variant.deeds, variant.changes or {})
        await self._play_without_plan(deeds, values)
        variants = [variant async for variant in spoilt(self.task, deeds, values)]
        variants += [variant async for variant in other_paths(self.task, deeds, values)]
        await self._walk(deeds, variants)
        await self._collateral(deeds, values)
        return self._screened()

    @property
    def _planned(self) -> Changes:
        return changes_of(self.task.reward.changes)

    def _screened(self) -> Screened:
        spec = self.task.reward.model_copy(
            update={"masks": tuple(self.masks), "paths": min(len(self.paths), MOST_PATHS)}
        )
        whole = self.task.model_copy(update={"reward": spec, "id": ""})
        return Screened(whole.model_copy(update={"id": whole.content_id()}), tuple(self.verdicts))

    # Executing --------------------------------------------------------------------------------------------------------

    async def _walk(self, deeds: tuple[Deed, ...], variants: list[Variant]) -> None:
        """Make the plan's writes, with each variant forked off before the step in which it differs."""
        doing = Doing(self.episode, self.catalogues)
        for place in range(len(deeds) + 1):
            for variant in variants:
                if variant.first == place:
                    await self._try(variant)
            if place < len(deeds) and deeds[place].live:
                await doing.do([deeds[place]])

    async def _try(self, variant: Variant) -> None:
        """Execute and judge one variant; the episode stands where it first differs from the plan."""
        if variant.name == "other_look_up" and variant.name in self.paths:
            return
        rest = variant.deeds[variant.first :]
        if any(deed.live and self._writes(deed) for deed in rest):
            async with await self.episode.fork() as fork:
                done = await Doing(fork, self.catalogues).do(rest)
                changes = (await fork.diff()).changes
        else:
            done = await Doing(self.episode, self.catalogues).do(rest)
            changes = (await self.episode.diff()).changes if variant.name == "missing_write" else self._planned
        self._learn_from(variant, (*variant.deeds[: variant.first], *done), changes)

    def _writes(self, deed: Deed) -> bool:
        return not self.catalogues[deed.call.environment].tools[deed.call.tool].read_only

    def _learn_from(self, variant: Variant, done: tuple[Deed, ...], changes: Changes) -> None:
        """Judge what was done, unless it shows that it was no such variant after all."""
        altered = done[variant.altered].call if variant.altered is not None else None
        if variant.name == "other_look_up" and altered and variant.argument not in map(str, leaves(altered.result)):
            return
        if variant.name == "wrong_value" and self._same(changes) and self._answers_alike(done):
            self.masks.append(StepArgument(step=variant.altered or 0, name=variant.argument))
            return
        self._judge(variant, done, changes)

    def _answers_alike(self, done: tuple[Deed, ...]) -> bool:
        """Whether every call answered as in the plan."""
        steps = self.task.steps
        return all(deed.place is None or deed.call.result == steps[deed.place].result for deed in done)

    def _same(self, changes: Changes) -> bool:
        """Whether changes are the plan's."""
        return atoms(changes, self.task.reward) == atoms(self._planned, self.task.reward)

    def _judge(self, variant: Variant, done: Iterable[Deed], changes: Changes) -> None:
        attempt = attempt_of(self.task, done, changes, variant.messages)
        reward = score(self.task, attempt).reward
        ok = variant.passes(reward, same=variant.wish != "what it changes" or self._same(changes))
        self.verdicts.append(Verdict(variant.name, reward, ok))
        if ok and reward == 1.0 and variant.name not in ("perfect", *self.paths):
            self.paths.append(variant.name)

    async def _play_without_plan(self, deeds: tuple[Deed, ...], values: Values) -> None:
        """Let agents play that call the plan's tools with values drawn by chance."""
        runs = RANDOM_RUNS if self.rng.random() < RANDOM_SHARE else 1
        for run in range(runs):
            variant = await at_random(self.task, deeds, values)
            fired = await shots(deeds, values) if run == runs - 1 else None
            await self._play(variant, deeds, fired)

    async def _play(self, variant: Variant, deeds: tuple[Deed, ...], fired: tuple[Deed, ...] | None) -> None:
        """Let the random agent play, and then the one that tries its luck with several rows."""
        if not any(self._writes(deed) for deed in variant.deeds):
            self._judge(variant, variant.deeds, {})
            return
        async with await self.episode.fork() as fork:
            doing = Doing(fork, self.catalogues)
            self._judge(variant, await doing.do(variant.deeds), (await fork.diff()).changes)
            if fired is not None:
                shooting = shotgun(deeds, tuple(await doing.do(fired)), self.task)
                self._judge(shooting, shooting.deeds, (await fork.diff()).changes)

    async def _collateral(self, deeds: tuple[Deed, ...], values: Values) -> None:
        """Do one thing more than the plan, in the episode in which the plan has been done."""
        doing = Doing(self.episode, self.catalogues)
        for deed in await collateral(deeds, values):
            (done,) = await doing.do([deed])
            if not done.call.is_error:
                changes = (await self.episode.diff()).changes
                if not self._same(changes):
                    self._judge(Variant("collateral_write", deeds, "little"), (*deeds, done), changes)
                    return

    # Learning ---------------------------------------------------------------------------------------------------------

    async def _learn_volatile(self, deeds: tuple[Deed, ...]) -> None:
        """Do the same a minute later: the columns that then hold another time are left out of comparisons."""
        if not any(spoken.as_moment(value) is not None for value in leaves(_plain(self._planned))):
            return
        async with await self.episode.fork() as fork:
            await fork.advance(LATER)
            await Doing(fork, self.catalogues).do(deed for deed in deeds if deed.live)
            later = (await fork.diff()).changes
        volatile = tuple(sorted(set(_differing(self._planned, later))))
        if volatile:
            spec = self.task.reward.model_copy(update={"volatile": volatile})
            self.task = self.task.model_copy(update={"reward": spec})


def _plain(changes: Changes) -> Any:
    return Diff(changes=changes).to_json()


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
