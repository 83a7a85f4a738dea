"""Metamorphic laws: what calls have to do with each other, whatever they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Experiment
from envfactory_client.verify.checks.experiments import answers
from envfactory_client.verify.draw import narrowed
from envfactory_client.verify.example import Example, Step, call
from envfactory_client.verify.subject import Session, Subject


class Metamorphic(Experiment):
    """B13: what calls have to do with each other."""

    id, name = "B13", "metamorphic"
    sentence = (
        "A read repeated says the same, an idempotent call repeated changes nothing more, what was created can be "
        "looked up, and writes that touch different rows may come in either order."
    )
    needs = frozenset({"harness"})
    looks_back = True

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Take examples of successes and make their calls again, look up what they made, and pair them."""
        for tool, examples in bench.examples():
            for example in examples if _claims_idempotence(tool) else examples[:3]:
                for tried in _laws(tool, example):
                    bench.tried(self)
                    if (sentence := await self.judge(bench.subject, tried)) is not None:
                        yield Broken(sentence, tried, tool.name)
        async for broken in self._pairs(bench):
            yield broken

    async def _pairs(self, bench: Bench) -> AsyncIterator[Broken]:
        fresh = [
            example
            for tool, examples in bench.examples()
            for example in examples[:2]
            if len(example.steps) == 1 and not example.edits and not tool.read_only
        ]
        rng = bench.rng("pairs")
        for _ in range(min(60, len(fresh) ** 2)):
            first, second = rng.choice(fresh), rng.choice(fresh)
            if first.seed != second.seed or first.last == second.last:
                continue
            tried = first.then(second.last, law="either order")
            bench.tried(self)
            if (sentence := await self.judge(bench.subject, tried)) is not None:
                yield Broken(sentence, tried, str(first.last.tool))

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Hold the example against the law that its twist names."""
        session = await subject.open(example)
        try:
            match example.twist["law"]:
                case "again":
                    await answers(session, example.steps[:-1])
                    return await _again(session, subject.tools[str(example.last.tool)], example.last)
                case "lookup":
                    await answers(session, example.steps[:-1])
                    return await _lookup(session, subject, example.last)
                case _:
                    return await _either_order(session, example)
        finally:
            await session.close()


def _claims_idempotence(tool: Tool) -> bool:
    return not tool.read_only and bool(tool.annotations.get("idempotentHint"))


def _laws(tool: Tool, example: Example) -> list[Example]:
    """The example with each law that its last call has to keep."""
    again, lookup = example.then(law="again"), example.then(law="lookup")
    if tool.read_only:
        return [again]
    return [again, lookup, *_sparing(tool, example)] if _claims_idempotence(tool) else [lookup]


def _sparing(tool: Tool, example: Example) -> list[Example]:
    """The example again with numbers as small as they may be, lest a call leaves nothing for a second one like it."""
    least: dict[str, int] = {}
    for name, value in example.last.arguments.items():
        lowest = narrowed(tool.input_schema.get("properties", {}).get(name, {})).get("minimum", 1)
        if isinstance(value, int) and not isinstance(value, bool) and value > lowest:
            least[name] = lowest
    last = call(str(example.last.tool), {**example.last.arguments, **least})
    shorter = example.model_copy(update={"steps": (*example.steps[:-1], last)})
    return [shorter.then(law="again")] if least else []


async def _again(session: Session, tool: Tool, step: Step) -> str | None:
    if not tool.read_only and not _claims_idempotence(tool):
        return None
    first = await session.call(str(step.tool), step.arguments)
    middle = await session.state()
    second = await session.call(str(step.tool), step.arguments)
    if first.is_error:
        return None
    if (await session.state()).digest != middle.digest:
        return f"{tool.name} claims to be idempotent, and a second call changes more"
    if tool.read_only and second.text != first.text:
        return f"{tool.name} answers {second.text:.150} right after it answered {first.text:.150}"
    return None


async def _lookup(session: Session, subject: Subject, step: Step) -> str | None:
    """Look up what a call has inserted with every read that takes its key alone."""
    mark = await session.snapshot()
    result = await session.call(str(step.tool), step.arguments)
    if result.is_error or subject.facts is None:
        return None
    layout = subject.facts.layout
    for table, change in (await session.diff(mark)).items():
        key = layout.keys.get(table, ())
        for row in change.inserted if len(key) == 1 else ():
            for read in _reads_by(subject, f"{table}.{key[0]}"):
                found = await session.call(read.name, {read.required[0]: row[key[0]]})
                if found.is_error:
                    return f"{step.tool} made {table} {row[key[0]]}, and {read.name} says: {found.text:.150}"
                if row[key[0]] not in _leaves(found.structured):
                    return f"{read.name} of the new {table} {row[key[0]]} shows another one"
    return None


def _reads_by(subject: Subject, column: str) -> list[Tool]:
    return [
        tool
        for tool in subject.tools.values()
        if tool.read_only
        and tool.contract is not None
        and len(tool.required) == 1
        and tool.contract.parameters[tool.required[0]].key == column
    ]


def _leaves(value: Any) -> set[Any]:
    if isinstance(value, Mapping):
        return {leaf for inner in value.values() for leaf in _leaves(inner)}
    if isinstance(value, list):
        return {leaf for inner in value for leaf in _leaves(inner)}
    return {value}


async def _either_order(session: Session, example: Example) -> str | None:
    first, second = example.steps[-2:]
    start = await session.snapshot()
    effects = []
    for step in (first, second):
        result = await session.call(str(step.tool), step.arguments)
        effects.append((result.is_error, await session.diff(start)))
        await session.restore(start)
    if any(failed or any(change.inserted or change.deleted for change in diff.values()) for failed, diff in effects):
        return None
    touched = [
        {(table, str(row.key)) for table, change in diff.items() for row in change.updated} for _, diff in effects
    ]
    if touched[0] & touched[1] or not all(touched):
        return None
    ends = []
    for order in ((first, second), (second, first)):
        results = [await session.call(str(step.tool), step.arguments) for step in order]
        if any(result.is_error for result in results):
            return None  # one makes the other impossible, as rules may say
        ends.append((await session.state()).digest)
        await session.restore(start)
    if ends[0] != ends[1]:
        return f"{first.tool} and {second.tool} touch different rows, and their order makes a difference"
    return None
