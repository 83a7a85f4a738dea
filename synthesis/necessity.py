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

IDLE_CALL = "idle_call"
_BEFORE = " before "
_OTHER_DAYS = ("2026-02-11", "2026-11-18")


async def check_necessity(stage: Stage) -> None:
    """Raise `Drop` when something in a stage's finished draft does nothing.

    The stage's episode stands at the plan's start, and the plan's writes are made in it once more.
    """
    draft = stage.draft
    _check_look_ups(stage, draft)
    writes = [place for place, step in enumerate(draft.steps) if _writes(stage, step)]
    local = dict(draft.starts)
    for place, step in enumerate(draft.steps):
        await _check_arguments(stage, step, local)
        if place in writes:
            if len(writes) > 1:
                await _check_write(stage, place, [draft.steps[other] for other in writes if other > place])
            await _call(stage.episode, step, step.arguments)
        local[step.environment] = step.local
    if (await stage.episode.state()).digest != draft.states[-1]:
        raise Drop("necessity_differs", "the plan's calls don't lead to its state again")


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


async def _check_arguments(stage: Stage, step: DraftStep, local: Mapping[str, str]) -> None:
    """Raise `Drop` for an argument that could as well be another, or be left out, where the episode stands now."""
    reads = stage.catalogues[step.environment].tools[step.tool].read_only
    for name, arguments in _variants(stage, step):
        if reads:
            result = await stage.read(step.environment, step.tool, arguments, local[step.environment], step.actor)
            inert = _answers_alike(result, step)
        else:
            inert = await _does_alike(stage.episode, step, arguments)
        if inert:
            raise Drop("inert_argument", f"{step.tool}.{name}")


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


def _answers_alike(result: CallResult, step: DraftStep) -> bool:
    """Whether a result is the one that a step has."""
    return not result.is_error and (result.structured, result.refusal) == (step.result, step.refusal)


async def _does_alike(episode: Episode, step: DraftStep, arguments: Mapping[str, Any]) -> bool:
    """Whether a write with other arguments answers and does the same."""
    async with episode.trial():
        alike = _answers_alike(await _call(episode, step, arguments), step)
        return alike and (await episode.state()).digest == step.state


async def _check_write(stage: Stage, place: int, later: Sequence[DraftStep]) -> None:
    """Raise `Drop` when the writes that come later lead to the plan's end without this one, too."""
    step = stage.draft.steps[place]
    async with stage.episode.trial() as trial:
        for other in later:
            if (await _call(trial, other, other.arguments)).is_error:
                return
        if (await trial.state()).digest == stage.draft.states[-1]:
            takers = [other for other in later if any(origin.step == place for origin in other.origins.values())]
            names = [f"{one.environment}.{one.tool}" for one in (step, *takers[:1])]
            raise Drop(IDLE_CALL, _BEFORE.join(names))


def idle_pair(drop: str) -> tuple[str, str] | None:
    """Give the write that did nothing and the one that took something from it, where a drop tells of such ones."""
    reason, _, detail = drop.partition(": ")
    first, found, second = detail.partition(_BEFORE)
    return (first, second) if reason == IDLE_CALL and found else None


async def _call(episode: Episode, step: DraftStep, arguments: Mapping[str, Any]) -> CallResult:
    side = episode.agent if step.actor == "agent" else episode.user
    return await side.probe(step.environment, step.tool, **arguments)
