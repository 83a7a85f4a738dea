"""Saving: rows that are taken out of an environment and put in again are the same state."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any, ClassVar, Protocol, runtime_checkable

from envfactory_client.episode import CallResult, Rows
from envfactory_client.errors import VerifyError
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.draw import Drawer
from envfactory_client.verify.example import Edit, Example, Step, call
from envfactory_client.verify.subject import Ability, Session, Subject

_CALLS = 40
_WALKS = 2


@runtime_checkable
class Loads(Protocol):
    """A subject that opens sessions over any rows."""

    async def load(self, rows: Rows, example: Example) -> Session:
        """A session over these rows, at the clock of the example's start; VerifyError if they don't fit."""


class SaveAndLoad(Experiment):
    """D2: what is saved is what is loaded."""

    id, name = "D2", "save_and_load"
    sentence = (
        "Rows that are saved and loaded are the same rows and the same state, and so is a start that is opened again."
    )
    needs: ClassVar[frozenset[Ability]] = frozenset({"harness", "contracts"})

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Save the start, and what some calls make of it."""
        for number in range(_WALKS):
            start = Example(seed=bench.effort.seed + number)
            for example in (start, start.then(*await _steps(bench, start))):
                bench.tried(self)
                if (sentence := await self.judge(bench.subject, example)) is not None:
                    yield Broken(sentence, example, f"seed {example.seed}, {len(example.steps)} calls")

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the calls, save and load."""
        session = await subject.open(example)
        try:
            start = await session.state()
            for step in example.steps:
                await _do(session, step)
            state = await session.state()
            rows = await session.rows()
            if _text(rows) != _text(await session.rows()):
                return "the same state is saved as other rows a second time"
            mark = await session.snapshot()
            await session.restore(mark)
            if (await session.state()).digest != state.digest:
                return "a snapshot that is gone back to at once has another digest"
        finally:
            await session.close()
        return await self._loaded(subject, example, rows) or await self._again(subject, example, start.digest)

    async def _loaded(self, subject: Subject, example: Example, rows: Rows) -> str | None:
        """What is wrong with the rows once they are loaded: by the schema alone, then by the environment."""
        if (problem := _unlike_in_a_copy(subject, rows)) is not None:
            return problem
        if not isinstance(subject, Loads):
            return None
        digests = set()
        for _ in range(2):
            try:
                session = await subject.load(rows, example)
            except VerifyError as error:
                return f"rows that it saved itself can't be loaded: {error}"
            try:
                digests.add((await session.state()).digest)
                if (table := _difference(rows, await session.rows())) is not None:
                    return f"the rows of {table} are others once they are loaded"
            finally:
                await session.close()
        return None if len(digests) == 1 else "the same rows have another digest each time they are loaded"

    async def _again(self, subject: Subject, example: Example, digest: str) -> str | None:
        """What is wrong with the start when it is opened again, from its seed and from its rows."""
        session = await subject.open(Example(seed=example.seed, size=example.size, edits=example.edits))
        try:
            if (await session.state()).digest != digest:
                return "opened again, the start has another digest"
            rows = await session.rows()
        finally:
            await session.close()
        if example.edits or (edit := _edit_of_nothing(subject, rows)) is None:
            return None
        session = await subject.open(Example(seed=example.seed, size=example.size, edits=(edit,)))
        try:
            same = (await session.state()).digest == digest
        finally:
            await session.close()
        return None if same else "opened from its own rows, the start has another digest"


SAVING: tuple[Check, ...] = (SaveAndLoad(),)


async def _steps(bench: Bench, start: Example) -> list[Step]:
    """Calls of writes by chance, each with arguments about rows that are there."""
    rng = bench.rng(f"saving/{start.seed}")
    writes = [tool for tool in bench.subject.tools.values() if not tool.read_only]
    session = await bench.subject.open(start)
    steps: list[Step] = []
    try:
        drawer = Drawer(bench.subject, session, rng)
        for _ in range(_CALLS if writes else 0):
            tool = rng.choice(writes)
            step = call(tool.name, await drawer.arguments(tool, odd=0.0))
            if not (await session.call(tool.name, step.arguments)).is_error:
                steps.append(step)
    finally:
        await session.close()
    return steps


async def _do(session: Session, step: Step) -> CallResult | None:
    if step.tool is None:
        await session.advance(step.advance)
        return None
    return await session.call(step.tool, step.arguments)


def _unlike_in_a_copy(subject: Subject, rows: Rows) -> str | None:
    assert subject.facts is not None
    layout = subject.facts.layout
    try:
        with closing(layout.filled(rows, "2026-03-02T09:00:00Z")) as db:
            copied: dict[str, list[dict[str, Any]]] = {
                table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608
                for table in layout.tables
            }
    except VerifyError as error:
        return f"rows that it saved itself don't fit: {error}"
    table = _difference(rows, copied)
    return None if table is None else f"the rows of {table} are others in a database with its schema"


def _difference(rows: Rows, others: Rows) -> str | None:
    """The first table whose rows differ, whatever their order."""
    for table in sorted({*rows, *others}):
        if sorted(map(_text, rows.get(table, ()))) != sorted(map(_text, others.get(table, ()))):
            return table
    return None


def _edit_of_nothing(subject: Subject, rows: Rows) -> Edit | None:
    """An edit that sets a cell to what it is."""
    assert subject.facts is not None
    for table, keys in subject.facts.layout.keys.items():
        if keys and rows.get(table):
            row = rows[table][0]
            column = next(iter(row))
            return Edit(table=table, key={name: row[name] for name in keys}, column=column, value=row[column])
    return None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=dict)
