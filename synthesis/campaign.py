"""A campaign: the jobs of one run in rounds, their results accepted in order, reported as events."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile

from envfactory_client import Farm, Trajectory
from envfactory_client.card.links import LinkName, links_used
from synthesis.coverage import Scope, Tally, failure_counts, goal_counts
from synthesis.engine import Engine, Job, Made, cast, keys_of, world_seed
from synthesis.errors import RunError
from synthesis.folder import JobLine, RunFolder, Settings
from synthesis.goals import GoalKind, refusals
from synthesis.hidden import Aim, Count, of_trajectories
from synthesis.language.novelty import said_in
from synthesis.necessity import idle_pair
from synthesis.screens.screening import Screening
from synthesis.view import News, View
from synthesis.workers import Round, Workers

ROUND = 10
"""Jobs that share one view of the coverage: of all rounds but the last, so that it can begin while that one ends."""
MUCH = 0.6
"""The lean from which on every job has the goals of two environments to choose from."""
MOST_IDLE = 5
"""Times that the way from one write to another may turn out to be no task, before it is looked for no more."""
MOST_BARREN = 30
"""Jobs in a row without a trajectory after which a run gives up."""


@dataclass(frozen=True)
class Event:
    """What happened: a job ended, with a trajectory or without."""

    kept: int
    made: Made


@dataclass
class _Seen:
    """What the jobs handed out last see of the data."""

    jobs: int = 0
    trajectories: int = 0
    count: Count = field(default_factory=Count)
    """Their arguments, and how many of them are hidden."""
    links: frozenset[LinkName] = frozenset()
    kinds: set[GoalKind] = field(default_factory=set)
    idle: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a write did nothing for the task before another one that took something from it, by their tools."""

    def lacking(self, links: frozenset[LinkName]) -> frozenset[LinkName]:
        """Give those links that the data lacks, without those that only lead from a write to what makes it idle."""
        return frozenset(
            (producer, path, consumer, parameter)
            for producer, path, consumer, parameter in links - self.links
            if self.idle[producer, consumer] < MOST_IDLE
        )


@dataclass
class Campaign:
    """One run: its settings, its folder, and what it has so far."""

    farm: Farm
    settings: Settings
    folder: RunFolder
    wanted: int
    workers: Workers | None = None
    """Processes that make the jobs; none for this process alone."""
    engine: Engine | None = None
    """What makes the jobs in this process; one of its own unless given."""
    trajectories: list[Trajectory] = field(default_factory=list)
    jobs: list[JobLine] = field(default_factory=list)
    scope: Scope = field(default_factory=Scope)
    _offered: set[tuple[str, ...]] = field(default_factory=set)
    """Environments whose tools are kept already."""
    _known: dict[str, frozenset[str]] = field(default_factory=dict)
    _seen: _Seen = field(default_factory=_Seen)

    async def run(self) -> AsyncIterator[Event]:
        """Make trajectories until there are as many as wanted, giving an event for each job."""
        engine = self.engine or Engine(self.farm)
        await self._survey(engine)
        barren = 0
        if len(self.trajectories) >= self.wanted:
            return
        made_one_by_one = self._made_here(engine) if self.workers is None else self._made_by(self.workers)
        async with aclosing(made_one_by_one) as results:
            async for made in results:
                await self._accept(engine, made)
                barren = 0 if made.trajectory else barren + 1
                if barren >= MOST_BARREN:
                    raise RunError(
                        f"{barren} jobs in a row gave no trajectory, the last one for: {made.drops[-1]}. "
                        f"What is there stays in {self.folder.path}; look at drops.jsonl."
                    )
                yield Event(len(self.trajectories), made)
                if len(self.trajectories) >= self.wanted:
                    return

    async def _made_here(self, engine: Engine) -> AsyncGenerator[Made]:
        """Give what comes of the jobs to come, made in this process, each before the next."""
        index, view = self._next, View()
        while True:
            here = self._round(index)
            view.learn(here.news)
            for job in here.jobs:
                yield self._new(await engine.make(job, view))
            index = here.jobs[-1].index + 1

    async def _made_by(self, workers: Workers) -> AsyncGenerator[Made]:
        """Give what comes of the jobs to come; workers have the next round to go on with while one ends."""
        index = self._next
        begun = [workers.begin(self._round(index))]
        try:
            while True:
                index += ROUND - index % ROUND
                begun.append(workers.begin(self._round(index)))
                for future in begun[0]:
                    yield self._new(await workers.result(future))
                del begun[0]
        finally:
            for future in (future for futures in begun for future in futures):
                future.cancel()

    @property
    def _next(self) -> int:
        """The index of the first job to come."""
        return self.jobs[-1].index + 1 if self.jobs else 0

    def _round(self, index: int) -> Round:
        """Give the jobs of a round from an index on; all of them see the data as it was before the round before."""
        start = index - index % ROUND
        news = self._news(start - ROUND)
        aim = Aim(self.settings.hidden, self._seen.count)
        wanted, unmet = self._seen.lacking(self.scope.reach.links), refusals(self.scope.goals) - self._seen.kinds
        jobs = [replace(self._job(number, aim), wanted=wanted, unmet=unmet) for number in range(index, start + ROUND)]
        return Round(tuple(jobs), news)

    def _news(self, known: int) -> News:
        """Give what the jobs with an index below this one have added to the data since news was given last."""
        seen = self._seen
        jobs = list(takewhile(lambda job: job.index < known, islice(self.jobs, seen.jobs, None)))
        count = sum(job.kept for job in jobs)
        trajectories = self.trajectories[seen.trajectories : seen.trajectories + count]
        seen.jobs, seen.trajectories = seen.jobs + len(jobs), seen.trajectories + count
        seen.count += of_trajectories(trajectories)
        counts = goal_counts(trajectories)
        seen.kinds |= counts.keys()
        seen.links = seen.links.union(*map(links_used, trajectories))
        drops = [drop for job in jobs for drop in job.drops]
        counts += failure_counts(drops)
        seen.idle.update(pair for pair in map(idle_pair, drops) if pair is not None)
        return News(counts, frozenset[str]().union(*map(self._keys, trajectories)), said_in(trajectories))

    def _new(self, made: Made) -> Made:
        """Give a result, without its trajectory when another one that it couldn't know of is like it."""
        if made.trajectory is None:
            return made
        keys = self._keys(made.trajectory)
        if not any(keys & self._keys(other) for other in self.trajectories[-2 * ROUND :]):
            return made
        return replace(made, trajectory=None, drops=(*made.drops, "duplicate"), rows=None, got={})

    def _keys(self, trajectory: Trajectory) -> frozenset[str]:
        """Give the keys of a trajectory, worked out once."""
        if trajectory.id not in self._known:
            self._known[trajectory.id] = keys_of(trajectory)
        return self._known[trajectory.id]

    def tally(self) -> Tally:
        """Give the counts over everything kept."""
        tally = Tally()
        for trajectory in self.trajectories:
            tally.add(trajectory)
        return tally

    def screening(self) -> Screening:
        """Give what the tests of the rewards of everything kept got."""
        found = Screening()
        kept = [job for job in self.jobs if job.kept]
        for trajectory, job in zip(self.trajectories, kept, strict=True):
            found.add_passed(trajectory, job.got)
        return found

    def drops(self) -> Counter[str]:
        """Give how often each reason ended a draft or a goal."""
        return Counter(_reason(drop) for job in self.jobs for drop in job.drops)

    def _job(self, index: int, aim: Aim) -> Job:
        settings = self.settings
        world = world_seed(settings.seed, index, settings.worlds)
        fewest = 2 if aim.lean > MUCH else 1
        players = cast(settings.seed, index, settings.environments, fewest)
        return Job(settings.seed, index, world, settings.size, players, aim)

    async def _accept(self, engine: Engine, made: Made) -> None:
        if made.trajectory is not None:
            await self._keep_tools(engine, made.job.environments)
            if made.rows is not None:
                self.folder.dataset.put_scenario(made.rows)
            self.trajectories.append(made.trajectory)
        job = JobLine(made.job.index, made.trajectory is not None, made.drops, made.got)
        self.folder.add(job, made.trajectory)
        self.jobs.append(job)

    async def _keep_tools(self, engine: Engine, environments: tuple[str, ...]) -> None:
        """Keep the tools that were offered over some environments, once."""
        if environments not in self._offered:
            tools = await engine.tools_of(environments, seed=self._first, size=self.settings.size)
            self.folder.dataset.put_tools(tools)
            self._offered.add(environments)

    @property
    def _first(self) -> int:
        """The seed of the first world."""
        return world_seed(self.settings.seed, 0, self.settings.worlds)

    async def _survey(self, engine: Engine) -> None:
        """See what there is to cover, so that a report can tell what was not."""
        settings = self.settings
        surveys = [await engine.survey(name, seed=self._first, size=settings.size) for name in settings.environments]
        self.scope = Scope.of(surveys)


def _reason(drop: str) -> str:
    """Give the word that a drop is counted by: goals are written "kind: reason", drafts "reason: detail"."""
    first, _, rest = drop.partition(": ")
    return rest if "." in first else first
