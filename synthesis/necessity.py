"""Necessity: every call and every argument of a plan must matter, which is found out by doing without it.

A look-up matters when a later argument, an answer or a question comes from it. A write matters when the task ends in
another state without it. An argument matters when another value, or none, gives another result, state or refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envfactory_client import CallResult, Episode
from synthesis.draft import Draft, DraftStep, DraftTurn
from synthesis.errors import Drop
from synthesis.stage import Stage

_OTHER_DAYS = ("2026-02-11", "2026-11-18")


async def check_necessity(stage: Stage) -> None:
    """Raise `Drop` when something in a stage's finished draft does nothing; the episode goes back to its start."""
    draft = stage.draft
    _check_look_ups(stage, draft)
    await _check_arguments(stage)
    writes = [step for step in draft.steps if _writes(stage, step)]
    for left_out in writes if len(writes) > 1 else ():
        await stage.episode.reset()
        if await _ends_alike(stage.episode, [step for step in writes if step is not left_out], draft.states[-1]):
            raise Drop("idle_call", f"without {left_out.tool} the task ends in the same state")


def _writes(stage: Stage, step: DraftStep) -> bool:
    return not stage.catalogues[step.environment].tools[step.tool].read_only and step.refusal is None


def _check_look_ups(stage: Stage, draft: Draft) -> None:
    """Raise `Drop` for a look-up that nothing comes from."""
    used = {origin.step for step in draft.steps for origin in step.origins.values()}
    used |= {mention.origin.step for turn in draft.turns for _, _, mention in turn.mentions}
    used |= {place for turn in draft.turns for place in _told(turn)}
    for turn in draft.turns:
        for place in turn.steps:
            step = draft.steps[place]
            if stage.catalogues[step.environment].tools[step.tool].read_only and place not in used:
                raise Drop("idle_look_up", step.tool)


def _told(turn: DraftTurn) -> Iterator[int]:
    """Give the steps whose results the assistant tells: the last one, and what it has looked up to tell of."""
    yield from turn.steps[-1:]
    yield from turn.evidence


async def _check_arguments(stage: Stage) -> None:
    """Raise `Drop` for an argument that could as well be another, or be left out."""
    episode = stage.episode
    await episode.reset()
    state = stage.draft.states[0]
    for step in stage.draft.steps:
        for name, arguments in _variants(stage, step):
            await _check_argument(stage, step, name, arguments)
        if _writes(stage, step):
            await _call(episode, step, step.arguments)
            state = step.state
    if state != stage.draft.states[-1]:
        raise Drop("necessity_differs", "the plan's calls don't lead to its state again")


def _variants(stage: Stage, step: DraftStep) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the calls that differ from a step in one argument that the user says."""
    tool = stage.catalogues[step.environment].tools[step.tool]
    properties: Mapping[str, Any] = tool.input_schema.get("properties", {})
    for name, value in step.arguments.items():
        field = stage.catalogues[step.environment].parameter(step.tool, name)
        if field.key or field.shared or field.free:
            continue
        if name not in tool.required:
            yield name, {other: kept for other, kept in step.arguments.items() if other != name}
        elif not tool.read_only:
            for instead in _instead(properties[name], value):
                yield name, {**step.arguments, name: instead}


def _instead(schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Give a value other than this one."""
    if isinstance(value, bool):
        yield not value
    elif "enum" in schema:
        yield from [other for other in schema["enum"] if other != value][:1]
    elif isinstance(value, int):
        yield value + 1
    elif schema.get("format") == "date":
        yield next(day for day in _OTHER_DAYS if day != value)
    elif "pattern" not in schema and "format" not in schema:
        yield f"{value} too"


async def _check_argument(stage: Stage, step: DraftStep, name: str, arguments: Mapping[str, Any]) -> None:
    async with await stage.episode.fork() as fork:
        result = await _call(fork, step, arguments)
        if (result.structured, result.refusal) != (step.result, step.refusal) or result.is_error:
            return
        if (await fork.state()).digest != step.state:
            return
    raise Drop("inert_argument", f"{step.tool}.{name}")


async def _ends_alike(episode: Episode, steps: Sequence[DraftStep], state: str) -> bool:
    for step in steps:
        if (await _call(episode, step, step.arguments)).is_error:
            return False
    return (await episode.state()).digest == state


async def _call(episode: Episode, step: DraftStep, arguments: Mapping[str, Any]) -> CallResult:
    side = episode.agent if step.actor == "agent" else episode.user
    return await side.call(step.environment, step.tool, **arguments)
