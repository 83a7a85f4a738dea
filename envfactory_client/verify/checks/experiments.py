"""Experiments: promises about several calls, each tried with calls of its own."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from envfactory_client.tool import FieldContract, Tool
from envfactory_client.verify.bench import Bench, Effort, random_walk
from envfactory_client.verify.check import Broken, Experiment
from envfactory_client.verify.draw import Drawer
from envfactory_client.verify.example import Example, Step
from envfactory_client.verify.subject import Ability, Session, Subject

_HARNESS: frozenset[Ability] = frozenset({"harness"})
_CONTRACTS: frozenset[Ability] = frozenset({"harness", "contracts"})


class Determinism(Experiment):
    """B2, in one process: the same calls give the same answers."""

    id, name = "B2", "determinism"
    sentence = "The same calls from the same start give the same answers and the same state."
    needs = _HARNESS

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Make some walks twice."""
        for number in range(2):
            example = await walk_of(bench, Example(seed=bench.effort.seed + number), 50, "determinism")
            bench.tried(self, len(example.steps))
            if (sentence := await self.judge(bench.subject, example)) is not None:
                yield Broken(sentence, example)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the calls twice and compare."""
        first, second = await played(subject, example), await played(subject, example)
        return _difference(example, first, second, "made again from the same start")


class RoundTrip(Experiment):
    """B6: back is back."""

    id, name = "B6", "round_trip"
    sentence = "Going back to a snapshot gives its state again, from which the same calls give the same answers."
    needs = _HARNESS

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Take snapshots in the middle of walks, go on, go back, and go on again."""
        for number in range(2):
            example = await walk_of(bench, Example(seed=bench.effort.seed + number), 50, "round trip")
            bench.tried(self, len(example.steps))
            if (sentence := await self.judge(bench.subject, example)) is not None:
                yield Broken(sentence, example)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the second half of the calls, go back, and make it again."""
        half = len(example.steps) // 2
        session = await subject.open(example)
        try:
            await answers(session, example.steps[:half])
            before, mark = await session.state(), await session.snapshot()
            first = await answers(session, example.steps[half:])
            await session.restore(mark)
            again = await session.state()
            if again.digest != before.digest or again.now != before.now:
                return "the state after going back to a snapshot isn't the one that the snapshot was taken of"
            if await session.diff(mark):
                return "right after going back to a snapshot there is a difference to it"
            second = await answers(session, example.steps[half:])
        finally:
            await session.close()
        return _difference(
            example.model_copy(update={"steps": example.steps[half:]}), first, second, "made after going back"
        )


class Liveness(Experiment):
    """B7: everything that is declared can happen."""

    id, name = "B7", "liveness"
    sentence = (
        "Every tool succeeds, every write changes something, and every refusal is met on both sides of its boundary."
    )
    needs = _CONTRACTS
    looks_back = True

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Look at what the shared walks reached; search longer for what they didn't."""
        for tool in bench.tools:
            bench.tried(self, 2 + len(_codes(bench.subject, tool)))
            if missing := self._missing(bench, tool):
                example = Example(seed=bench.effort.seed, twist={"tool": tool.name})
                if (sentence := await self.judge(bench.subject, example)) is not None:
                    yield Broken(sentence, example, tool.name)
                else:
                    bench.at_boundary |= {(tool.name, code) for code in missing}

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Search for every outcome of one tool with more effort."""
        tool = subject.tools[str(example.twist["tool"])]
        reached: set[str] = set()
        missing: list[str] = []
        for seed in range(example.seed, example.seed + 3):
            effort = Effort(
                seed=seed, calls=60, walks=1, short=60, tries=300, focus=frozenset({tool.name}), boundaries=8
            )
            bench = Bench(subject, effort)
            async for _ in bench.walked():
                pass
            reached |= {"", "*", *_codes(subject, tool)} - set(self._missing(bench, tool))
            missing = [outcome for outcome in self._missing(bench, tool) if outcome not in reached]
            if not missing:
                return None
        lacking = ", ".join(_WORDS.get(code, f"refuse with {code} at a boundary") for code in missing)
        return f"{tool.name} is never seen to {lacking}"

    def _missing(self, bench: Bench, tool: Tool) -> list[str]:
        found = [] if bench.reached[tool.name, ""] else [""]
        if tool.contract is not None and tool.contract.kind == "writes" and not bench.reached[tool.name, "*"]:
            found.append("*")
        codes = sorted(_codes(bench.subject, tool))
        return [*found, *(code for code in codes if (tool.name, code) not in bench.at_boundary)]


_WORDS = {"": "succeed", "*": "change anything"}


class Sensitivity(Experiment):
    """B8: no parameter is dead."""

    id, name = "B8", "sensitivity"
    sentence = "Every parameter makes a difference beyond being repeated in the answer."
    needs = _HARNESS
    looks_back = True

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """For each parameter look for two calls that differ in it alone and in what they bring about."""
        for tool in bench.tools:
            for name in tool.input_schema.get("properties", {}):
                bench.tried(self)
                bases = bench.successes.get(tool.name, [])
                if not bases or _kept_for_others(bench.subject, tool, name):
                    continue
                if not await self._matters(bench.subject, bases, tool, name):
                    example = bases[0].then(parameter=name)
                    yield Broken(_dead(tool, name), example, f"{tool.name}.{name}")

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Vary one parameter of the example's last call in many ways."""
        name = str(example.twist["parameter"])
        tool = subject.tools[str(example.last.tool)]
        if name not in tool.input_schema.get("properties", {}):
            return None
        return None if await self._matters(subject, [example], tool, name) else _dead(tool, name)

    async def _matters(self, subject: Subject, bases: Sequence[Example], tool: Tool, name: str) -> bool:
        for number, base in enumerate(bases):
            session = await subject.open(base)
            try:
                await answers(session, base.steps[:-1])
                drawer = Drawer(subject, session, random.Random(f"{name}/{number}"))
                if await self._matters_here(session, drawer, tool, name, base.last.arguments):
                    return True
            finally:
                await session.close()
        return False

    async def _matters_here(
        self, session: Session, drawer: Drawer, tool: Tool, name: str, base: Mapping[str, Any]
    ) -> bool:
        mark = await session.snapshot()
        field = tool.input_schema["properties"][name]
        if (await session.call(tool.name, base)).is_error:
            return True  # a call that fails says nothing of its parameters
        await session.restore(mark)
        variants = [{key: value for key, value in base.items() if key != name}] if name not in tool.required else []
        variants += [{**base, name: await drawer.value(tool, name, field, odd=0.3)} for _ in range(10)]
        for variant in variants:
            values = {_hashable(base.get(name)), _hashable(variant.get(name))}
            if variant == base or len(values) == 1:
                continue
            first = await _effect(session, mark, tool, base, values)
            second = await _effect(session, mark, tool, variant, values)
            if first != second and not second.startswith("invalid"):
                return True
        return False


class Isolation(Experiment):
    """B15: episodes don't know of each other."""

    id, name = "B15", "isolation"
    sentence = "Eight episodes whose calls are interleaved end as each of them does alone."
    needs = _HARNESS
    SESSIONS = 8

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Record one walk, and make it in eight episodes at once."""
        example = await walk_of(bench, Example(seed=bench.effort.seed), 30, "isolation")
        bench.tried(self, len(example.steps) * self.SESSIONS)
        if (sentence := await self.judge(bench.subject, example)) is not None:
            yield Broken(sentence, example)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the calls in an episode alone, then in eight over two worlds, each a step behind the one before."""
        starts = [example.model_copy(update={"seed": example.seed + number % 2}) for number in range(self.SESSIONS)]
        alone = [await played(subject, start) for start in starts[:2]]
        sessions = [await subject.open(start) for start in starts]
        together: list[list[str]] = [[] for _ in sessions]
        try:
            for moment in range(len(example.steps) + self.SESSIONS):
                turns = [(number, moment - number) for number in range(self.SESSIONS)]
                turns = [(number, place) for number, place in turns if 0 <= place < len(example.steps)]
                told = await asyncio.gather(*(answers(sessions[one], [example.steps[place]]) for one, place in turns))
                for (number, _), texts in zip(turns, told, strict=True):
                    together[number] += texts
            for number, session in enumerate(sessions):
                together[number].append((await session.state()).digest)
        finally:
            await asyncio.gather(*(session.close() for session in sessions))
        for number, start in enumerate(starts):
            found = _difference(start, alone[number % 2], together[number], "made beside seven other episodes")
            if found is not None:
                return found
        return None


EXPERIMENTS: tuple[Experiment, ...] = (
    Determinism(),
    RoundTrip(),
    Liveness(),
    Sensitivity(),
    Isolation(),
)


async def walk_of(bench: Bench, start: Example, length: int, name: str) -> Example:
    """The steps of a random walk, as an example."""
    trail: Sequence[Step] = ()
    async for walked in random_walk(bench, start, length, closely=False):
        trail = walked.trail
    return start.then(*trail, walk=name).model_copy(update={"twist": {}})


async def answers(session: Session, steps: Sequence[Step]) -> list[str]:
    """The texts of the answers to some steps."""
    texts = []
    for step in steps:
        if step.tool is None:
            await session.advance(step.advance)
        else:
            texts.append((await session.call(step.tool, step.arguments)).text)
    return texts


async def played(subject: Subject, example: Example) -> list[str]:
    """The answers to an example's calls, and the digest of the last state."""
    session = await subject.open(example)
    try:
        texts = await answers(session, example.steps)
        return [*texts, (await session.state()).digest]
    finally:
        await session.close()


def _difference(example: Example, first: Sequence[str], second: Sequence[str], how: str) -> str | None:
    if list(first) == list(second):
        return None
    calls = [step for step in example.steps if step.tool is not None]
    place = next(
        (place for place, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), len(calls)
    )
    if place >= len(calls):
        return f"all calls answer the same when {how}, but the state at the end differs"
    return f"{calls[place].tool} answers {second[place]:.150} when {how}, and {first[place]:.150} before"


def _codes(subject: Subject, tool: Tool) -> set[str]:
    return set(subject.facts.refuses(tool.name)) if subject.facts is not None else set()


def _dead(tool: Tool, name: str) -> str:
    return f"whatever {name} is, {tool.name} does and answers the same, apart from repeating it"


def _kept_for_others(subject: Subject, tool: Tool, name: str) -> bool:
    """Whether a parameter is stored where another tool shows it."""
    field = tool.contract.parameters.get(name, FieldContract()) if tool.contract else FieldContract()
    column = field.free or field.sets
    if column is None:
        return False
    stored = column.partition(".")[2]
    return any(
        (shown.shows or "").partition(".")[2] == stored
        for other in subject.tools.values()
        if other.contract is not None and other.name != tool.name
        for shown in other.contract.results.values()
    )


async def _effect(session: Session, mark: str, tool: Tool, arguments: Mapping[str, Any], values: set[Any]) -> str:
    """What a call brings about from a snapshot on, without what merely repeats some values."""
    result = await session.call(tool.name, arguments)
    changes = {table: change.model_dump(mode="json") for table, change in (await session.diff(mark)).items()}
    await session.restore(mark)
    if result.is_error and result.refusal is None:
        return "invalid"
    said = result.refusal if result.is_error else result.structured if result.structured is not None else result.text
    return json.dumps(_without([said, changes], values), sort_keys=True, default=str)


def _without(value: Any, values: set[Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(inner, values) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without(inner, values) for inner in value]
    return "<it>" if _hashable(value) in values and value is not None and not isinstance(value, bool) else value


def _hashable(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
