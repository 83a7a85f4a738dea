"""The ledger: where every argument of every call comes from, checked against the text and the earlier results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envfactory_client import LedgerEntry, Reference, StepArgument, StepPath
from synthesis.carry import derived
from synthesis.draft import Draft, DraftStep, Mention, Origin
from synthesis.errors import Drop
from synthesis.paths import value_of


def ledger(draft: Draft) -> list[LedgerEntry]:
    """Give the entries of a draft in the order of its calls; raises `Drop` for an argument that has no true origin."""
    return [
        _entry(draft, turn, place, name, origin)
        for turn, place in _places(draft)
        for name, origin in _origins(draft.steps[place])
    ]


def _places(draft: Draft) -> Iterator[tuple[int, int]]:
    for number, turn in enumerate(draft.turns):
        for place in turn.steps:
            yield number, place


def _origins(step: DraftStep) -> Iterator[tuple[str, Origin]]:
    for name, value in step.arguments.items():
        parts = [f"{name}[{place}]" for place in range(len(value))] if isinstance(value, list) else [name]
        for part in parts:
            origin = step.origins.get(part) or step.origins.get(name)
            if origin is None:
                raise Drop("unclassified", f"{step.tool}.{part}")
            yield part, origin


def _entry(draft: Draft, turn: int, place: int, name: str, origin: Origin) -> LedgerEntry:
    value = _argument(draft.steps[place], name)
    if origin.source == "explicit":
        said = [(number, text) for number in range(turn + 1) if (text := _said(draft, number, str(origin.text)))]
        if not said:
            raise Drop("unsaid", f"{draft.steps[place].tool}.{name}: {origin.text!r}")
        number, text = said[0]
        source = "asked" if draft.turns[number].is_reply else "explicit"
        said_in = {"turn": number, "text": text}
        return LedgerEntry(turn=turn, step=place, argument=name, source=source, origin=said_in)
    if origin.step is None or origin.place is None or origin.step >= place:
        raise Drop("unclassified", f"{draft.steps[place].tool}.{name}")
    if derived(origin, value_of(draft.steps[origin.step].result, origin.place)) != value:
        raise Drop("untrue_origin", f"{draft.steps[place].tool}.{name}")
    where: dict[str, Any] = {"step": origin.step, "path": origin.place}
    if origin.twist is not None:
        where |= {"op": origin.twist.op} | ({} if origin.twist.by is None else {"by": origin.twist.by})
    return LedgerEntry(turn=turn, step=place, argument=name, source=origin.source, origin=where)


def _said(draft: Draft, turn: int, text: str) -> str | None:
    """Give a text as a turn's message has it, which may begin a sentence with it; None when it doesn't."""
    forms = (text, text[:1].upper() + text[1:])
    return next((form for form in forms if form in draft.turns[turn].user), None)


def _argument(step: DraftStep, name: str) -> object:
    base, _, index = name.partition("[")
    value = step.arguments[base]
    return value[int(index.rstrip("]"))] if index else value


def references(draft: Draft) -> list[Reference]:
    """Give the references of a draft, nested ones after the one that they are part of."""
    found: list[Reference] = []
    before: set[int] = set()
    for number, turn in enumerate(draft.turns):
        for place, name, mention in turn.mentions:
            fills = place not in before and name.partition("[")[0] in draft.steps[place].arguments
            found += _references(draft, number, StepArgument(step=place, name=name) if fills else None, mention)
        before.update(turn.steps)
    return found


def _references(draft: Draft, turn: int, argument: StepArgument | None, mention: Mention) -> Iterator[Reference]:
    origin = mention.origin
    yield Reference(
        turn=turn,
        argument=argument,
        environment=mention.environment,
        table=mention.table,
        column=mention.column,
        value=mention.value,
        text=mention.text,
        kind=mention.kind,
        sql=mention.sql,
        parameters=dict(mention.parameters),
        properties=mention.properties,
        resolved_by=None if origin.step is None else StepPath(step=origin.step, path=str(origin.place)),
    )
    for inner in mention.nested:
        where = _argument_of(draft, inner)
        if where is not None:
            yield from _references(draft, turn, where, inner)


def _argument_of(draft: Draft, mention: Mention) -> StepArgument | None:
    """Give the argument that a nested mention fills, or that a field of its record fills."""
    beside = None
    for place, step in enumerate(draft.steps):
        for name, origin in step.origins.items():
            if origin == mention.origin and step.arguments.get(name) == mention.value:
                return StepArgument(step=place, name=name)
            if beside is None and origin.record == mention.origin.record is not None:
                beside = StepArgument(step=place, name=name)
    return beside
