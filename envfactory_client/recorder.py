"""A recorder: it makes the calls of an episode and writes down what was said, called and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client.episode import CallResult, Episode, Rows, State
from envfactory_client.errors import RecordingError
from envfactory_client.logical_form import Intent
from envfactory_client.starting import StartingRows
from envfactory_client.tool import Actor, Tool
from envfactory_client.trajectory import (
    UNNAMED,
    Goal,
    LedgerEntry,
    OfferedTools,
    Reference,
    RewardSpec,
    Span,
    Step,
    Trajectory,
    TrajectoryWorld,
    Turn,
    digest,
    scenario_digest,
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it is made: which tool of which environment, with what, on whose side."""

    environment: str
    tool: str
    arguments: Mapping[str, Any]
    actor: Actor = "agent"

    async def on(self, episode: Episode) -> CallResult:
        """What the tool answers in an episode."""
        side = episode.agent if self.actor == "agent" else episode.user
        return await side.call(self.environment, self.tool, **self.arguments)

    def step(self, result: CallResult, state: str) -> Step:
        """The record of the call with its result and the state digest after it."""
        return Step(
            environment=self.environment,
            tool=self.tool,
            arguments=dict(self.arguments),
            result=None if result.is_error else result.structured,
            text=result.text if result.is_error or result.structured is None else None,
            is_error=result.is_error,
            refusal=result.refusal,
            state=state,
            actor=self.actor,
        )


class Recorder:
    """Records one episode from its start: `user`, any number of `call`, `assistant`, and again.

    Calls made past the recorder, and clock or snapshot operations, aren't recorded, so a replay would differ.
    """

    def __init__(self, episode: Episode, tools: Sequence[Tool] = (), offer: OfferedTools | None = None) -> None:
        self.episode = episode
        self.tools = tuple(tools)
        """The agent's tools; listed by the first call or by `trajectory` unless they were given."""
        self._offer = offer
        """What the record says of them, where somebody has worked that out already."""
        self._start: State | None = None
        self._turns: list[Turn] = []
        self._user: str | None = None
        self._goals: tuple[Goal, ...] = ()
        self._intents: tuple[Intent, ...] = ()
        self._spans: tuple[Span, ...] = ()
        self._steps: list[Step] = []

    def user(
        self, text: str, *, goals: Sequence[Goal] = (), intents: Sequence[Intent] = (), spans: Sequence[Span] = ()
    ) -> None:
        """Begin a turn with what the user says, and where it is known, what they want, mean and say in which words."""
        if self._user is not None:
            raise RecordingError("The turn before has no answer yet; call assistant(text) first.")
        self._user, self._goals, self._intents, self._spans = text, tuple(goals), tuple(intents), tuple(spans)

    async def call(self, environment: str, tool: str, /, **arguments: Any) -> CallResult:
        """Make the agent's call and record it with the state after it."""
        return await self._call("agent", environment, tool, arguments)

    async def user_call(self, environment: str, tool: str, /, **arguments: Any) -> CallResult:
        """Make a call with one of the user's own tools and record it."""
        return await self._call("user", environment, tool, arguments)

    async def assistant(self, text: str) -> None:
        """End the turn with what the assistant answers."""
        if self._user is None:
            raise RecordingError("No turn has begun; call user(text) first.")
        await self._begin()
        state = self._steps[-1].state if self._steps else (await self.episode.state()).digest
        steps = tuple(self._steps)
        self._turns.append(
            Turn(
                user=self._user,
                spans=self._spans,
                intents=self._intents,
                goals=self._goals,
                steps=steps,
                assistant=text,
                state=state,
            )
        )
        self._user, self._steps = None, []

    async def trajectory(  # noqa: PLR0913 - what a record consists of
        self,
        *,
        seed: tuple[int, int] = (0, 0),
        persona: Mapping[str, Any] | None = None,
        references: Sequence[Reference] = (),
        ledger: Sequence[LedgerEntry] = (),
        scenario: Mapping[str, Rows] | StartingRows | None = None,
        unnamed: bool = False,
    ) -> Trajectory:
        """The record so far; `scenario` are starting rows that the dataset keeps, for replay in later versions.

        Whoever is going to complete it leaves it `unnamed`, since its id is that of its whole content.
        """
        if self._user is not None:
            raise RecordingError("The last turn has no answer yet; call assistant(text) first.")
        start = await self._begin()
        rows = scenario if scenario is not None else self.episode.scenario
        kept = rows.digest if isinstance(rows, StartingRows) else None if rows is None else scenario_digest(rows)
        return Trajectory(
            id=UNNAMED if unnamed else "",
            seed=seed,
            world=TrajectoryWorld(
                seed=self.episode.seed,
                size=self.episode.size,
                now=start.now,
                scenario=kept,
                state=start.digest,
            ),
            environments=self.episode.environments,
            tools=self._offer or offered(self.tools),
            persona=dict(self.episode.persona if persona is None else persona),
            turns=tuple(self._turns),
            references=tuple(references),
            ledger=tuple(ledger),
            reward=RewardSpec(
                state=self._turns[-1].state if self._turns else start.digest,
                changes=(await self.episode.diff()).to_json(),
            ),
        )

    async def _call(self, actor: Actor, environment: str, tool: str, arguments: dict[str, Any]) -> CallResult:
        if self._user is None:
            raise RecordingError("No turn has begun; call user(text) first.")
        await self._begin()
        call = Call(environment, tool, arguments, actor)
        result = await call.on(self.episode)
        state = (await self.episode.state()).digest
        self._steps.append(call.step(result, state))
        return result

    async def _untouched(self) -> State:
        """The state of an episode at its start; no replay could get to another one."""
        state = await self.episode.state()
        if self.episode.forked:
            raise RecordingError("A fork can't be replayed from its seed; record an episode from its start.")
        if state.now != self.episode.opened_at or await self.episode.diff():
            raise RecordingError("The episode has changed before the recording; reset() it, or open another one.")
        return state

    async def _begin(self) -> State:
        if self._start is None:
            self._start = await self._untouched()
            self.tools = self.tools or await self.episode.tools()
        return self._start


def offered(tools: Sequence[Tool]) -> OfferedTools:
    """The names of the tools and the digest of the list that a dataset keeps."""
    return OfferedTools(digest=digest(tools_listing(tools)), names=tuple(tool.full_name for tool in tools))


def tools_listing(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The tools as a dataset keeps them: what a model sees, under full names."""
    return [{**tool.to_wire(), "name": tool.full_name} for tool in tools]
