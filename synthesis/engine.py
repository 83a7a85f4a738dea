"""The engine: a job, which is a seed and an index, becomes a trajectory that was recorded over MCP and replayed.

Jobs are pure: their result depends on nothing but the job and the coverage that it is given. They are handed out in
rounds, and one reducer accepts their results in the order of their indices, so the bytes written depend on neither
the number of workers nor on where an earlier run stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from random import Random
from typing import Any

from envfactory_client import (
    Episode,
    Farm,
    FarmError,
    ProtocolError,
    Recorder,
    Tool,
    Trajectory,
    UnknownEpisode,
    canonical_json,
)
from envfactory_client.card.links import LinkName
from envfactory_client.episode import Rows
from envfactory_client.farm import Size
from envfactory_client.recorder import offered
from envfactory_client.replay import replay_on
from envfactory_client.starting import StartingRows
from envfactory_client.trajectory import OfferedTools, digest, text_digest
from synthesis.catalogue import Catalogue, read_catalogue
from synthesis.difficulty import with_difficulty
from synthesis.draft import Draft
from synthesis.errors import Drop
from synthesis.gates.content import check_content
from synthesis.gates.leak import check_no_leak
from synthesis.gates.watch import Watch
from synthesis.goals import GoalKind
from synthesis.hidden import Aim
from synthesis.language.novelty import Recent
from synthesis.ledger import ledger, references
from synthesis.memo import Memo
from synthesis.necessity import check_necessity
from synthesis.planning import plan
from synthesis.screens.screen import Screened, screen
from synthesis.screens.screening import Got
from synthesis.solver import Toolbox, climb
from synthesis.stage import Stage
from synthesis.view import View
from synthesis.wanted import Wanted
from synthesis.witness import due, witness
from synthesis.worlds import Worlds

MOST_ATTEMPTS = 16
MOST_STARTS = 512
"""Starting rows of worlds that are remembered."""
MOST_AIMED = 3
"""Attempts that may be given up for a hidden rate that leads away from the aim."""
WITNESS_SHARE = 0.3
"""How often a job is given a refusal that the data lacks."""
SHARES_OF_CAST = (0.2, 0.4, 0.4)
"""Shares of tasks over one, two and three environments, where a run has as many."""


@dataclass(frozen=True)
class Job:
    """One trajectory to be made."""

    seed: int
    index: int
    world_seed: int
    size: Size
    environments: tuple[str, ...]
    aim: Aim = field(default_factory=Aim)
    wanted: frozenset[LinkName] = frozenset()
    """Links that the data doesn't use yet."""
    unmet: frozenset[GoalKind] = frozenset()
    """Refusals that the data hasn't yet."""
    first: GoalKind | None = None
    """The goal that comes first, where one is to."""
    rows: Mapping[str, Rows] | None = None
    """The rows that it starts from, where they aren't the world's own."""


@dataclass(frozen=True)
class Made:
    """What came of a job: a trajectory, or none after the last attempt, and every drop on the way."""

    job: Job
    trajectory: Trajectory | None
    drops: tuple[str, ...]
    rows: StartingRows | None = None
    """What the trajectory starts from, as it is kept beside the data; None without a trajectory."""
    got: Got = field(default_factory=dict)
    """What the variants of the trajectory's task got when its reward was put to the test."""


def _unmeasured(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass
class Engine:
    """Makes trajectories in one farm."""

    farm: Farm
    catalogues: dict[str, Catalogue] = field(default_factory=dict)
    tools: dict[tuple[str, ...], tuple[Tool, ...]] = field(default_factory=dict)
    """The tools of an agent over some environments, listed once."""
    offers: dict[tuple[str, ...], OfferedTools] = field(default_factory=dict)
    """What a record says of them."""
    toolboxes: dict[tuple[str, ...], Toolbox] = field(default_factory=dict)
    starts: Memo = field(default_factory=lambda: Memo(MOST_STARTS))
    """The starting rows of worlds: of one environment as text, of several packed."""
    memo: Memo = field(default_factory=Memo)
    worlds: Worlds = field(default_factory=Worlds)
    own: dict[int, Episode] = field(default_factory=dict)
    """The episode of each job under way that starts from rows of its own, by the job's index."""
    clock: Callable[[str], AbstractContextManager[None]] = _unmeasured
    """What goes around each stage of a job, for who wants to know how long they take."""

    async def make(self, job: Job, view: View) -> Made:
        """Give what comes of a job, which sees so much of the data."""
        try:
            job = await self._with_witness(job)
        except Drop as drop:
            return Made(job, None, (str(drop),))
        try:
            return await self._tried(job, view)
        finally:
            with suppress(UnknownEpisode):  # the farm has closed it, as nobody used it for a while
                await self._let_go(job)

    async def _let_go(self, job: Job) -> None:
        if job.index in self.own:
            await self.own.pop(job.index).close()

    async def _tried(self, job: Job, view: View) -> Made:
        drops: list[str] = []
        for attempt in range(MOST_ATTEMPTS):
            rng = Random(_draw(job.seed, job.index, attempt))
            try:
                with self.clock("planning"):
                    draft, met = await self._plan(job, view.counts, view.heard.recent, rng, strict=attempt < MOST_AIMED)
                drops += met
                calls = ((step.environment, step.tool, step.arguments) for step in draft.steps)
                if not view.taken.isdisjoint(_keys(job.world_seed, calls, (turn.user for turn in draft.turns))):
                    raise Drop("duplicate")
                with self.clock("recording"):
                    trajectory, rows = await self._record(job, draft)
                with self.clock("screening"):
                    screened = await self._screen(job, trajectory)
                with self.clock("replay"):
                    await self._replay(job, screened.task)
                with self.clock("solving"):
                    trajectory = await self._solve(job, screened.task)
                return Made(job, trajectory, tuple(drops), rows, screened.got)
            except Drop as drop:
                drops.append(str(drop))
        return Made(job, None, tuple(drops))

    async def survey(self, environment: str, *, seed: int = 0, size: Size = "small") -> Catalogue:
        """Give the catalogue of an environment, before any job; it is the same whichever world is looked at."""
        async with await self.farm.open(environment, seed=seed, size=size) as episode:
            return (await self._catalogues(episode, (environment,)))[environment]

    async def tools_of(self, environments: tuple[str, ...], *, seed: int = 0, size: Size = "small") -> tuple[Tool, ...]:
        """Give the tools of an agent over some environments; they are the same whichever world is looked at."""
        if environments not in self.tools:
            async with await self.farm.open(*environments, seed=seed, size=size) as episode:
                await self._tools(episode, environments)
        return self.tools[environments]

    async def _tools(self, episode: Episode, environments: tuple[str, ...]) -> tuple[Tool, ...]:
        if environments not in self.tools:
            self.tools[environments] = await episode.tools()
            self.offers[environments] = offered(self.tools[environments])
        return self.tools[environments]

    async def _rows(self, job: Job, episode: Episode) -> StartingRows:
        """Give the starting rows of a job, as they are kept beside the data; the episode stands at the start."""
        if job.rows is not None:
            return StartingRows.of(job.rows)

        async def text(name: str) -> str:
            return canonical_json(await episode.rows(name))

        async def packed() -> StartingRows:
            world = (job.world_seed, job.size)
            texts = [await self.starts.recall((name, *world), partial(text, name)) for name in job.environments]
            return StartingRows.joined(dict(zip(job.environments, texts, strict=True)))

        return await self.starts.recall((frozenset(job.environments), job.world_seed, job.size), packed)

    @asynccontextmanager
    async def _episode(self, job: Job) -> AsyncIterator[Episode]:
        """Give an episode at the start of the job; whatever is done in it is undone."""
        try:
            if job.rows is None:
                episode, held = await self.worlds.enter(self.farm, job.environments, job.world_seed, job.size)
            else:
                episode, held = await self._own(job)
        except (FarmError, ProtocolError) as error:
            raise Drop("world", f"seed {job.world_seed}: {error}") from error
        try:
            yield episode
        finally:
            await episode.undo(held)

    async def _own(self, job: Job) -> tuple[Episode, str]:
        """Give the episode of a job that starts from rows of its own, and its start, which is held."""
        if job.index in self.own:
            try:
                return self.own[job.index], await self.own[job.index].hold()
            except UnknownEpisode:  # a farm closes what nobody has used for a while
                del self.own[job.index]
        episode = self.own[job.index] = await self._opened(job, job.rows)
        return episode, await episode.hold()

    async def _opened(self, job: Job, rows: Mapping[str, Rows] | None) -> Episode:
        return await self.farm.open(*job.environments, seed=job.world_seed, size=job.size, scenarios=rows)

    async def _with_witness(self, job: Job) -> Job:
        """Give the job, now and then with a refusal that the data lacks to begin with, and a start to meet it from."""
        rng = Random(_draw(job.seed, job.index, -2))
        kind = due(rng, WITNESS_SHARE, job.unmet, job.environments)
        if kind is None:
            return job
        async with self._episode(job) as episode:
            catalogues = await self._catalogues(episode, job.environments)
            stage = Stage(episode, catalogues, kind.environment, rng, _card(episode.persona))
            stage.memo, stage.aim = self.memo, job.aim
            await stage.begin()
            found = await witness(stage, kind, partial(self._opened, job))
        return job if found is None else replace(job, first=found.kind, rows=found.rows)

    async def _catalogues(self, episode: Episode, environments: tuple[str, ...]) -> dict[str, Catalogue]:
        for name in environments:
            if name not in self.catalogues:
                self.catalogues[name] = await read_catalogue(self.farm, episode, name)
        return {name: self.catalogues[name] for name in environments}

    async def _plan(
        self, job: Job, counts: Counter[GoalKind], recent: Recent, rng: Random, *, strict: bool
    ) -> tuple[Draft, tuple[str, ...]]:
        async with self._episode(job) as episode:
            catalogues = await self._catalogues(episode, job.environments)
            stage = Stage(episode, catalogues, job.environments[0], rng, _card(episode.persona))
            stage.memo, stage.aim, stage.first = self.memo, job.aim, job.first
            stage.wanted = Wanted(job.wanted)
            stage.strict = strict
            async with episode.trial():
                planned = await plan(stage, counts, recent)
            check_no_leak(planned.draft, catalogues)
            check_content(planned.draft, stage.card)
            await check_necessity(stage)
            return planned.draft, planned.drops

    async def _record(self, job: Job, draft: Draft) -> tuple[Trajectory, StartingRows]:
        entries = ledger(draft)
        async with self._episode(job) as episode:
            rows = await self._rows(job, episode)
            catalogues = await self._catalogues(episode, job.environments)
            watch = Watch(Stage(episode, catalogues, job.environments[0], Random(0), _card(episode.persona), draft))
            tools = await self._tools(episode, job.environments)
            recorder = Recorder(episode, tools, self.offers[job.environments])
            for number, turn in enumerate(draft.turns):
                recorder.user(turn.user, goals=turn.goals, intents=turn.intents, spans=turn.spans)
                await watch.spoken(number)
                for place in turn.steps:
                    await watch.acted_on(place)
                    await _repeat(recorder, draft, place)
                await recorder.assistant(turn.assistant)
            trajectory = await recorder.trajectory(
                seed=(job.seed, job.index),
                persona=_card(episode.persona),
                references=references(draft),
                ledger=entries,
                scenario=rows,
                unnamed=True,
            )
        return trajectory, rows

    async def _screen(self, job: Job, trajectory: Trajectory) -> Screened:
        """Give a trajectory with its reward specification, or raise `Drop` when the reward fails one of its tests."""
        async with self._episode(job) as episode:
            return await screen(trajectory, episode, await self._catalogues(episode, job.environments))

    async def _replay(self, job: Job, trajectory: Trajectory) -> None:
        """Raise `Drop` when a trajectory's calls, made once more, give anything else than what is on record."""
        async with self._episode(job) as episode:
            again = await replay_on(episode, trajectory)
        if not again.ok:
            raise Drop("replay_differs", again.mismatches[0])

    async def _solve(self, job: Job, trajectory: Trajectory) -> Trajectory:
        """Give a trajectory with its difficulty, or raise `Drop` when a blind solver doesn't come to what it says."""
        if job.environments not in self.toolboxes:
            self.toolboxes[job.environments] = Toolbox(self.tools[job.environments])
        async with self._episode(job) as episode:
            ladder = await climb(episode, trajectory, self.toolboxes[job.environments])
        if not ladder.blind.agrees:
            raise Drop("blind_solver", ladder.blind.disagreement)
        return with_difficulty(trajectory, ladder)


async def _repeat(recorder: Recorder, draft: Draft, place: int) -> None:
    """Make a planned call for the record; it must answer as it did when it was planned."""
    step = draft.steps[place]
    call = recorder.user_call if step.actor == "user" else recorder.call
    result = await call(step.environment, step.tool, **step.arguments)
    if (result.structured, result.refusal) != (step.result, step.refusal):
        raise Drop("record_differs", f"{step.tool} answered otherwise than when it was planned")


def _card(persona: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the user knows of themself, by plain names."""
    return {name: value for name, value in persona.items() if isinstance(value, str | int)}


def _draw(*parts: int) -> int:
    return int.from_bytes(blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest(), "big")


def keys_of(trajectory: Trajectory) -> frozenset[str]:
    """Give the keys by which another trajectory like it is found: the words alone, and the calls in its world."""
    calls = ((step.environment, step.tool, step.arguments) for step in trajectory.steps)
    return _keys(trajectory.world.seed, calls, (turn.user for turn in trajectory.turns))


def _keys(world: int, calls: Iterable[tuple[str, str, Mapping[str, Any]]], messages: Iterable[str]) -> frozenset[str]:
    request = " ".join(" ".join(message.lower().split()) for message in messages)
    return frozenset({text_digest(request), digest([world, *(list(call) for call in calls)])})


def cast(seed: int, index: int, names: tuple[str, ...], fewest: int = 1) -> tuple[str, ...]:
    """Give the environments that an index plays in: each in turn comes first, others join by chance."""
    rng = Random(_draw(seed, index, -1))
    first = names[index % len(names)]
    others = [name for name in names if name != first]
    joining = rng.choices(range(len(SHARES_OF_CAST)), SHARES_OF_CAST)[0]
    return (first, *rng.sample(others, min(max(joining, fewest - 1), len(others))))


def world_seed(seed: int, index: int, worlds: int) -> int:
    """Give the seed of the world that an index plays in; a run visits `worlds` of them in turn."""
    return _draw(seed, index % worlds) % 2**31
