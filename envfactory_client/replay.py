"""A replay: make a trajectory's calls again and compare every result and every state digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from envfactory_client.dataset import load_scenario
from envfactory_client.episode import Diff, Episode, Rows
from envfactory_client.errors import MissingScenario
from envfactory_client.farm import Farm, Size
from envfactory_client.recorder import Call
from envfactory_client.trajectory import Step, Trajectory, canonical_json


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found; a difference is a sentence, not an exception."""

    trajectory: str
    """The trajectory's id."""
    calls: int
    """How many calls were made again."""
    from_rows: bool
    """Whether it began from stored rows instead of the seed."""
    mismatches: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything was as recorded."""
        return not self.mismatches


async def replay(
    trajectory: Trajectory, farm: Farm, scenarios: Path | str | Mapping[str, Rows] | None = None
) -> Replay:
    """Replay one trajectory in a fresh episode, closed afterwards.

    It opens the same seed and size; when an environment's digest, or the state that the seed gives, is no longer
    the recorded one, it opens from the stored rows in the folder `scenarios`, or from those rows themselves.
    """
    folder = Path(scenarios) if isinstance(scenarios, str) else scenarios
    mismatches: list[str] = []
    episode, from_rows = await _open(trajectory, farm, folder, mismatches)
    async with episode:
        found = await replay_on(episode, trajectory)
    return replace(found, from_rows=from_rows, mismatches=[*mismatches, *found.mismatches])


async def replay_on(episode: Episode, trajectory: Trajectory) -> Replay:
    """Replay one trajectory in an episode that stands at its start, which is compared as well."""
    mismatches: list[str] = []
    await _compare_start(trajectory, episode, mismatches)
    calls = await _compare_turns(trajectory, episode, mismatches)
    changes = (await episode.diff()).to_json()
    recorded = Diff.model_validate({"changes": trajectory.reward.changes}).to_json()
    if changes != recorded:
        mismatches.append(f"The changes since the start differ: {_difference(recorded, changes)}.")
    return Replay(trajectory.id, calls, from_rows=False, mismatches=mismatches)


async def open_start(trajectory: Trajectory, farm: Farm, scenarios: Path | str | None = None) -> Episode:
    """A fresh episode at a trajectory's start; MissingScenario when neither seed nor stored rows give it."""
    mismatches: list[str] = []
    episode, _ = await _open(trajectory, farm, None if scenarios is None else Path(scenarios), mismatches)
    if mismatches:
        await episode.close()
        raise MissingScenario(mismatches[0])
    return episode


async def _open(
    trajectory: Trajectory, farm: Farm, folder: Path | Mapping[str, Rows] | None, mismatches: list[str]
) -> tuple[Episode, bool]:
    """A fresh episode at the trajectory's start, and whether stored rows were needed for it."""
    names = [environment.name for environment in trajectory.environments]
    world = trajectory.world
    size = cast(Size, world.size)
    episode = await farm.open(*names, seed=world.seed, size=size)
    reason = await _why_rows(trajectory, episode)
    if reason is None:
        return episode, False
    try:
        if world.scenario is None or folder is None:
            raise MissingScenario(f"{reason}, and no starting rows are given, so the seed's are used.")
        scenario = load_scenario(folder, world.scenario) if isinstance(folder, Path) else folder
    except MissingScenario as error:
        mismatches.append(str(error))
        return episode, False
    await episode.close()
    return await farm.open(*names, seed=world.seed, size=size, scenarios=scenario), True


async def _why_rows(trajectory: Trajectory, episode: Episode) -> str | None:
    """Why the seed doesn't give the recorded start; None when it does."""
    now = {environment.name: environment for environment in episode.environments}
    for then in trajectory.environments:
        if now[then.name].digest != then.digest:
            return f"The environment '{then.name}' is {now[then.name].digest} and was {then.digest} ({then.version})"
    state = trajectory.world.state
    if state is not None and (await episode.state()).digest != state:
        return f"Seed {trajectory.world.seed} gives other rows than were recorded"
    return None


async def _compare_start(trajectory: Trajectory, episode: Episode, mismatches: list[str]) -> None:
    state = await episode.state()
    if state.now != trajectory.world.now:
        mismatches.append(f"The clock starts at {state.now}; recorded: {trajectory.world.now}.")
    if trajectory.world.state is not None and state.digest != trajectory.world.state:
        mismatches.append(f"The state starts as {state.digest}; recorded: {trajectory.world.state}.")


async def _compare_turns(trajectory: Trajectory, episode: Episode, mismatches: list[str]) -> int:
    """Make every call again; the number of calls."""
    number = 0
    state = trajectory.world.state
    for turn_number, turn in enumerate(trajectory.turns, start=1):
        for recorded in turn.steps:
            call = Call(recorded.environment, recorded.tool, recorded.arguments, recorded.actor)
            result = await call.on(episode)
            state = (await episode.state()).digest
            again = call.step(result, state)
            where = f"Turn {turn_number}, step {number} ({recorded.environment}.{recorded.tool})"
            mismatches += [f"{where}: {difference}" for difference in _step_differences(recorded, again)]
            number += 1
        if state is not None and state != turn.state:
            mismatches.append(f"Turn {turn_number} ends in the state {state}; recorded: {turn.state}.")
    if trajectory.turns and state is not None and state != trajectory.reward.state:
        mismatches.append(f"The end state is {state}; the reward expects {trajectory.reward.state}.")
    return number


def _step_differences(recorded: Step, again: Step) -> list[str]:
    """A sentence for each part of a step that isn't as recorded."""
    differences = []
    if again.is_error != recorded.is_error or again.refusal != recorded.refusal:
        differences.append(f"it {_ending(again)}; recorded: it {_ending(recorded)}.")
    elif again.text != recorded.text:
        differences.append(f"it says {again.text!r}; recorded: {recorded.text!r}.")
    elif canonical_json(again.result) != canonical_json(recorded.result):  # 1, 1.0 and true are equal in Python
        differences.append(f"the result differs: {_difference(recorded.result, again.result)}.")
    if again.state != recorded.state:
        differences.append(f"the state after it is {again.state}; recorded: {recorded.state}.")
    return differences


def _ending(step: Step) -> str:
    if step.refusal is not None:
        return f"is refused with '{step.refusal}'"
    return f"fails with {step.text!r}" if step.is_error else "succeeds"


def _difference(recorded: Any, again: Any, path: str = "") -> str:
    """Where two JSON values differ first, and how."""
    if isinstance(recorded, Mapping) and isinstance(again, Mapping):
        for key in sorted({*recorded, *again}):
            if key not in recorded or key not in again:
                return f"{path}.{key} is only in what was {'recorded' if key in recorded else 'answered now'}".lstrip(
                    "."
                )
            if recorded[key] != again[key]:
                return _difference(recorded[key], again[key], f"{path}.{key}")
    if isinstance(recorded, list | tuple) and isinstance(again, list | tuple):
        if len(recorded) != len(again):
            return f"{path or 'the list'} has {len(again)} entries; recorded: {len(recorded)}".lstrip(".")
        for index, (one, other) in enumerate(zip(recorded, again, strict=True)):
            if one != other:
                return _difference(one, other, f"{path}[{index}]")
    return f"{path or 'it'} is {_short(again)}; recorded: {_short(recorded)}".lstrip(".")


def _short(value: Any) -> str:
    text = canonical_json(value)
    return text if len(text) <= 80 else text[:77] + "..."
