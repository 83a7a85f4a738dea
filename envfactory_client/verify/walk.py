"""Walks: calls one after another on an environment as it changes, each observed from all sides."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from envfactory_client.episode import CallResult, State
from envfactory_client.errors import FarmError, ForeignServerError, ProtocolError, VerifyError
from envfactory_client.foreign import Gone, gone_by
from envfactory_client.tool import Tool
from envfactory_client.verify.example import Example, Step
from envfactory_client.verify.records import agreeing, listings, scope, shapes
from envfactory_client.verify.subject import Observation, Session, Subject

_RECORDS_LOOKED_AT = 4


@dataclass(frozen=True)
class Walked:
    """One observed call of a walk, and how it came about."""

    seen: Observation
    start: Example
    trail: Sequence[Step]
    """The steps of the whole walk; the call is the one at `place`."""
    place: int

    def example(self) -> Example:
        """The example that ends in this call."""
        return self.start.then(*self.trail[: self.place + 1])


class Watcher:
    """Makes the steps of a session and observes them; unless `closely`, only what is answered and the state then."""

    def __init__(self, subject: Subject, session: Session, *, closely: bool = True) -> None:
        self.subject = subject
        self.session = session
        self._closely = closely
        self._harness = "harness" in subject.abilities
        self._state: State | None = None
        self._due: tuple[str, Mapping[str, Any], frozenset[str]] | None = None
        """What is due for a call at this moment."""

    async def state(self) -> State | None:
        """The state of this moment; None without a harness."""
        if self._state is None and self._harness:
            self._state = await self.session.state()
        return self._state

    async def step(self, step: Step) -> Observation | None:
        """Make one step; what was seen if it was a call."""
        if step.tool is None:
            await self.session.advance(step.advance)
            self.moved()
            return None
        return await self.call(self.subject.tools[step.tool], step.arguments)

    def moved(self) -> None:
        """Say that the session was brought elsewhere by others."""
        self._state = self._due = None

    async def due(self, tool: Tool, arguments: Mapping[str, Any]) -> frozenset[str]:
        """The refusal codes that are due for a call at this moment."""
        if self._due is None or self._due[:2] != (tool.name, arguments):
            self._due = tool.name, arguments, await due_codes(self.subject, self.session, tool, arguments)
        return self._due[2]

    async def is_free(self, tool: Tool, arguments: Mapping[str, Any]) -> bool:
        """Whether no refusal is due for a call at this moment."""
        if await due_codes(self.subject, self.session, tool, arguments, most=1):
            return False
        self._due = tool.name, arguments, frozenset()
        return True

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> Observation:
        """Call a tool and give all there is to see of it."""
        if not self._harness:
            result, gone = await answered(self.session, tool, arguments)
            return Observation(tool, arguments, result, gone=gone)
        if not self._closely:
            return Observation(tool, arguments, await self._called(tool, arguments), after=await self.state())
        before = await self.state()
        due = await self.due(tool, arguments)
        mark = await self.session.snapshot() if _may_write(tool) else None
        result = await self._called(tool, arguments)
        after = await self.state()
        changed = before is None or after is None or after.digest != before.digest
        changes = await self.session.diff(mark) if changed and mark is not None else {}
        if mark is not None:
            await self.session.forget(mark)
        broken = await self.session.violations() if changed else {}
        strays = await self._strays(tool, arguments, result)
        miscounts = await self._miscounts(tool, arguments, result)
        return Observation(tool, arguments, result, before, after, changes, due, broken, strays, miscounts)

    async def _called(self, tool: Tool, arguments: Mapping[str, Any]) -> CallResult:
        """What a tool answers, after which the state is another."""
        result = await self.session.call(tool.name, arguments)
        self.moved()
        return result

    async def _strays(self, tool: Tool, arguments: Mapping[str, Any], result: CallResult) -> tuple[str, ...]:
        facts = self.subject.facts
        if result.is_error or facts is None:
            return ()
        found = []
        for shape in shapes(tool, facts.layout):
            asked = scope(tool, arguments, shape, facts.layout)
            for record in _some(list(shape.records(result.structured))):
                sql, parameters = agreeing(shape, record, asked)
                if not await self.session.query(sql, parameters):
                    shown = json.dumps(record, ensure_ascii=False)[:300]
                    found.append(f"no row of {shape.table} that the call asked for agrees with {shown}")
        return tuple(found)

    async def _miscounts(self, tool: Tool, arguments: Mapping[str, Any], result: CallResult) -> tuple[str, ...]:
        facts = self.subject.facts
        if result.is_error or facts is None:
            return ()
        found = []
        for listing in listings(tool, arguments, result.structured, facts.layout):
            (counted,) = await self.session.query(listing.sql, listing.parameters)
            if (sentence := listing.miscount(counted["n"])) is not None:
                found.append(sentence)
        return tuple(found)


async def answered(session: Session, tool: Tool, arguments: Mapping[str, Any]) -> tuple[CallResult, Gone | None]:
    """What a tool answers, with errors of the protocol as answers, and why no answer came, if so."""
    try:
        return await session.call(tool.name, arguments), None
    except ProtocolError as error:
        return CallResult(str(error), is_error=True), None
    except ForeignServerError as error:
        if (gone := gone_by(error)) is None:
            raise
        return CallResult(str(error), is_error=True), gone


async def due_codes(
    subject: Subject, session: Session, tool: Tool, arguments: Mapping[str, Any], *, most: int | None = None
) -> frozenset[str]:
    """The refusal codes whose declared SQL holds for a call at this moment, or so many of them."""
    if subject.facts is None or not (refuses := subject.facts.refuses(tool.name)):
        return frozenset()
    sql = due_sql(refuses) + ("" if most is None else f" LIMIT {most}")
    try:
        return frozenset(row["code"] for row in await session.query(sql, bound(tool, arguments)))
    except FarmError as error:
        raise VerifyError(f"The refusals that {tool.name} declares can't be asked for: {error}") from error


def due_sql(refuses: Mapping[str, str]) -> str:
    """One query that gives the code of every refusal whose SQL gives a row."""
    return " UNION ALL ".join(f"SELECT '{code}' AS code WHERE EXISTS ({sql})" for code, sql in refuses.items())


def bound(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call as SQL takes them, with defaults for those that are left out."""
    properties = tool.input_schema.get("properties", {})
    given = {name: field.get("default") for name, field in properties.items()} | dict(arguments)
    return {name: _bindable(value) for name, value in given.items()}


def _bindable(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, list | dict) else value


def _may_write(tool: Tool) -> bool:
    return tool.contract is None or tool.contract.kind == "writes"


def _some(records: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The first records and the last."""
    return records if len(records) <= _RECORDS_LOOKED_AT else [*records[: _RECORDS_LOOKED_AT - 1], records[-1]]


async def replayed(subject: Subject, example: Example) -> Observation | None:
    """What is seen of an example's last step when the whole example is made anew; None for a wait."""
    session = await subject.open(example)
    try:
        return await _last_seen(subject, session, example)
    finally:
        await session.close()


async def _last_seen(subject: Subject, session: Session, example: Example) -> Observation | None:
    for step in example.steps[:-1]:
        if step.tool is None:
            await session.advance(step.advance)
        else:
            await session.call(step.tool, step.arguments)
    return await Watcher(subject, session).step(example.last)


class Rewound:
    """A session that goes back to its start for each example that begins there; open it by `Rewound.at`."""

    def __init__(self, subject: Subject, session: Session, start: Example, mark: str) -> None:
        self._subject, self._session, self._mark = subject, session, mark
        self._start = start.model_copy(update={"steps": ()})

    @classmethod
    @asynccontextmanager
    async def at(cls, subject: Subject, start: Example) -> AsyncIterator[Rewound]:
        """The session as far as the block goes."""
        session = await subject.open(start)
        try:
            yield cls(subject, session, start, await session.snapshot())
        finally:
            await session.close()

    async def replayed(self, example: Example) -> Observation | None:
        """What `replayed` gives, in this session if the example begins where it does."""
        if example.model_copy(update={"steps": ()}) != self._start:
            return await replayed(self._subject, example)
        await self._session.restore(self._mark)
        return await _last_seen(self._subject, self._session, example)
