"""Robustness: what becomes of arguments that a tool's schema rejects, and of odd ones that it accepts."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from envfactory_client.episode import CallResult
from envfactory_client.foreign import Gone
from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.checks.oracles import bug_in
from envfactory_client.verify.draw import Drawer, fits, made_text, narrowed
from envfactory_client.verify.example import Example, call
from envfactory_client.verify.published import misfit
from envfactory_client.verify.spoil import HALF_A_LETTER, sound, spoiled
from envfactory_client.verify.subject import Session, Subject
from envfactory_client.verify.walk import answered

_BASES = 12
_SHOWN = 160
_CHECKED = ("validation error", "input_type=")
"""What pydantic says of an argument, in which type names are no sign of a bug."""
_ERRORS = ("error:", "error ", "database error", "exception", "traceback (")
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Spoiled:
    """One call with one spoiled argument, and what came of it."""

    tool: Tool
    parameter: str
    arguments: Mapping[str, Any]
    unknown: bool
    """Whether the argument is a key that fits, of a row that isn't there."""
    result: CallResult
    gone: Gone | None = None
    """Why no answer came, if none did."""
    changed: bool = False

    @property
    def said(self) -> str:
        """The spoiled argument, short enough to be read."""
        if self.parameter not in self.arguments:
            return (
                f"no {self.parameter}" if self.parameter in self.tool.required else "a parameter that it doesn't name"
            )
        shown = json.dumps(self.arguments[self.parameter], default=str)
        return f"{self.parameter} = {shown if len(shown) <= _SHOWN else shown[: _SHOWN // 2] + '...'}"

    def fault(self, subject: Subject) -> tuple[int, str] | None:
        """How bad what came of it is (0 is worst), and the sentence that says it; None if it is as it should be."""
        name, text = self.tool.name, self.result.text
        if self.gone is not None:
            return self._unanswered()
        if self.result.is_error and self.result.refusal is None and (sign := _bug(text)) is not None:
            return 0, f"{name} with {self.said} fails like a bug ({sign}): {_line(text)}"
        if _masked(self.result):
            return 1, f"{name} with {self.said} says in a success that it failed: {_line(text)}"
        if self.changed and (self.result.is_error or self.unknown):
            how = "a key of no row" if self.unknown else "an error"
            return 1, f"{name} with {self.said} ends in {how} and still changes something"
        return self._misjudged(_misfit(self.tool.input_schema, self.arguments), "contracts" in subject.abilities)

    def _unanswered(self) -> tuple[int, str] | None:
        """A server must never end; it may take its time over what its schema accepts, such as a long wait."""
        said, text = f"{self.tool.name} with {self.said}", _line(self.result.text)
        if self.gone == "ended":
            return 0, f"{said} ends the server: {text}"
        problem = _misfit(self.tool.input_schema, self.arguments)
        if problem is None or self._lenient():
            return None
        return 0, f"{said} gets no answer in time, although its schema rejects it: {problem}"

    def _misjudged(self, problem: str | None, strict: bool) -> tuple[int, str] | None:
        name, text = self.tool.name, self.result.text
        if problem is None:
            if strict and self.result.is_error and self.result.refusal is None:
                return 2, f"{name} rejects {self.said}, which its schema accepts: {_line(text)}"
            return None
        if self.result.refusal is not None:
            return 2, f"{name} refuses {self.said} with {self.result.refusal}, although it is no argument: {problem}"
        if self.result.is_error or (not strict and self._lenient()):
            return None
        rank = 2 if self.parameter in self.arguments else 3
        return rank, f"{name} takes {self.said} in silence, although its schema rejects it: {problem}"

    def _lenient(self) -> bool:
        """Whether a server may be forgiven: the value says the same in another type, or null stands for nothing."""
        value = self.arguments.get(self.parameter)
        if value is None and self.parameter in self.arguments and self.parameter not in self.tool.required:
            return True
        others = ({**self.arguments, self.parameter: other} for other in _same_in_other_types(value))
        return any(_misfit(self.tool.input_schema, arguments) is None for arguments in others)


class Rejects(Experiment):
    """B17: what isn't an argument is turned away."""

    id, name = "B17", "rejects"
    sentence = "What a schema rejects is turned away with a sentence and no trace, never taken, and never met by a bug."
    needs: ClassVar = frozenset()

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Spoil each parameter of each tool in every way that its schema suggests."""
        for tool in bench.tools:
            faults: list[tuple[int, str, Spoiled]] = []
            async for made in _trials(bench, tool):
                bench.tried(self)
                if (fault := made.fault(bench.subject)) is not None:
                    faults.append((*fault, made))
            for _, sentence, made in sorted(faults, key=lambda fault: (fault[0], len(str(fault[2].arguments))))[:1]:
                twist = {"parameter": made.parameter} | ({_UNKNOWN: True} if made.unknown else {})
                yield Broken(sentence, _start(bench).then(call(tool.name, made.arguments), **twist), tool.name)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the example's last call, and compare the state before and after."""
        tool = subject.tools.get(str(example.last.tool))
        if tool is None:
            return None
        session = await subject.open(example)
        try:
            parameter = str(example.twist.get("parameter"))
            unknown = bool(example.twist.get(_UNKNOWN)) and parameter in example.last.arguments
            trial = _Trial(subject, session, tool)
            made = await trial.of(parameter, example.last.arguments, unknown=unknown)
        finally:
            await session.close()
        fault = made.fault(subject)
        return None if fault is None else fault[1]


ROBUSTNESS: tuple[Check, ...] = (Rejects(),)


@dataclass
class _Trial:
    """Spoiled calls of one tool in one session, each from where the session began."""

    subject: Subject
    session: Session
    tool: Tool
    mark: str = ""

    async def of(self, parameter: str, arguments: Mapping[str, Any], *, unknown: bool = False) -> Spoiled:
        """One call and what came of it; what it changed is taken back."""
        watched = "harness" in self.subject.abilities and not self.tool.read_only
        if watched and not self.mark:
            self.mark = await self.session.snapshot()
            self.start = await self.session.state()
        result, gone = await answered(self.session, self.tool, arguments)
        changed = watched and (await self.session.state()).digest != self.start.digest
        if changed:
            await self.session.restore(self.mark)
        return Spoiled(self.tool, parameter, arguments, unknown, result, gone, changed)


def _start(bench: Bench) -> Example:
    return Example(seed=bench.effort.seed)


async def _trials(bench: Bench, tool: Tool) -> AsyncIterator[Spoiled]:
    """The spoiled calls of a tool; none after one that got no answer."""
    session = await bench.subject.open(_start(bench))
    try:
        trial = _Trial(bench.subject, session, tool)
        drawer = Drawer(bench.subject, session, bench.rng(f"rejects/{tool.name}"))
        base = await _base(bench, trial, drawer)
        strange = [(name, value, False) for name, value in _spoiled(bench, tool, base)]
        unknown = [(name, value, True) async for name, value in _unknown_keys(tool, base, drawer)]
        for parameter, arguments, ghost in strange + unknown:
            made = await trial.of(parameter, arguments, unknown=ghost)
            yield made
            if made.gone is not None:
                return
    finally:
        await session.close()


async def _base(bench: Bench, trial: _Trial, drawer: Drawer) -> dict[str, Any]:
    """Arguments that the schema accepts, of a call that succeeds if one is soon found."""
    schema = trial.tool.input_schema
    arguments: dict[str, Any] = {}
    for _ in range(_BASES):
        drawn = await drawer.arguments(trial.tool, odd=0.0)
        whole = {**{name: _sound(schema, name, bench) for name in trial.tool.required}, **drawn}
        for name in drawn:
            if _misfit(schema, whole) is not None:
                whole[name] = _sound(schema, name, bench)
        arguments = whole
        made = await trial.of("", arguments)
        if made.gone is not None or not made.result.is_error:
            break
    return arguments


def _sound(schema: Mapping[str, Any], name: str, bench: Bench) -> Any:
    return sound(schema.get("properties", {}).get(name, {}), bench.rng(f"sound/{name}"), schema)


def _spoiled(bench: Bench, tool: Tool, base: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from spoiled(tool.input_schema, base)
    if "contracts" in bench.subject.abilities:  # other authors' clients can't even send it
        for name, form in tool.input_schema.get("properties", {}).items():
            if narrowed(form).get("type") == "string":
                yield name, {**base, name: HALF_A_LETTER}


async def _unknown_keys(
    tool: Tool, base: Mapping[str, Any], drawer: Drawer
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The call with keys of rows that aren't there, one after the other."""
    for name, contract in tool.contract.parameters.items() if tool.contract else ():
        form = narrowed(tool.input_schema.get("properties", {}).get(name, {}))
        item = narrowed(form.get("items", form))
        if contract.key is None or item.get("type") != "string":
            continue
        known = set(await drawer.stored(contract.key))
        made = (made_text(item, drawer.rng) for _ in range(_BASES))
        value = next((text for text in made if text not in known and fits(text, item)), None)
        if value is not None:
            yield name, {**base, name: [value] if form.get("type") == "array" else value}


def _bug(text: str) -> str | None:
    return None if all(word in text for word in _CHECKED) else bug_in(text)


def _masked(result: CallResult) -> bool:
    """Whether a success is a failure by its own words."""
    if result.is_error:
        return False
    if isinstance(result.structured, Mapping) and len(result.structured) <= 3:
        status = result.structured.get("status")
        return bool(result.structured.get("error")) or (
            isinstance(status, str) and status.lower() in ("error", "failed")
        )
    return result.text.lower().startswith(_ERRORS)


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _same_in_other_types(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield from (int(value), str(value).lower())
        case int() | float():
            yield from (str(value), bool(value))
        case str():
            yield value.strip().lower()
            if re.fullmatch(r"-?\d{1,15}", value):
                yield int(value)
            if value in ("true", "false"):
                yield value == "true"
        case {}:
            yield []


def _misfit(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    if any(isinstance(value, str) and not _whole(value) for value in arguments.values()):
        return "it has half a letter, which no text may"
    try:
        return misfit(schema, dict(arguments))
    except re.error:
        return None  # a pattern in another language's regular expressions can't be judged here


def _whole(text: str) -> bool:
    """Whether UTF-8 can carry a text."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
