"""Logs: files of what agents did at tasks, one JSON object a line, in either of two forms.

A whole attempt is one line: `{"task": ID, "attempt": NAME, "turns": [{"user": TEXT, "calls": [CALL, ...], "assistant":
TEXT}, ...], "changes": {...}}`. Or it is written line by line as it happens, each line with `"task": ID`, `"attempt":
NAME` and one of `"user": TEXT`, `"call": CALL` or `"assistant": TEXT`. A CALL is `{"tool": "airline.get_booking",
"arguments": {...}}`; `result`, `text`, `is_error`, `refusal` and `actor` may stand beside. `attempt` may be left out
where there is one for each task. The lines of a dataset are attempts too: each is the plan of its own task.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from envfactory_client.errors import ScoreError
from envfactory_client.score.attempt import RESPOND, Attempt, AttemptTurn, LoggedCall, Response
from envfactory_client.trajectory import Trajectory


@dataclass
class LoggedAttempt:
    """One attempt as a log tells of it."""

    task: str
    name: str
    attempt: Attempt
    complete: bool = False
    """Whether the log holds results and changes, and not just calls."""


@dataclass
class _Events:
    """An attempt that is told line by line."""

    turns: list[AttemptTurn] = field(default_factory=list)
    ended: bool = True
    """Whether the last turn has had its message."""

    def add(self, line: Mapping[str, Any]) -> None:
        if "user" in line:
            self.turns.append(AttemptTurn(user=line["user"], turn=line.get("turn")))
            self.ended = False
            return
        if self.ended:
            self.turns.append(AttemptTurn(turn=line.get("turn")))
            self.ended = False
        last = self.turns[-1]
        if "call" in line and line["call"].get("tool") == RESPOND:
            self.turns[-1] = last.model_copy(update={"response": _response(line["call"])})
        elif "call" in line:
            self.turns[-1] = last.model_copy(update={"calls": (*last.calls, _call(line["call"]))})
        else:
            self.turns[-1] = last.model_copy(update={"assistant": line["assistant"]})
            self.ended = True


def read_log(path: Path) -> list[LoggedAttempt]:
    """The attempts of a log file in the order in which they begin; ScoreError names a line that is none."""
    whole: list[LoggedAttempt] = []
    told: dict[tuple[str, str], tuple[LoggedAttempt, _Events]] = {}
    for number, line in _lines(path):
        try:
            if (entry := _whole(line)) is not None:
                whole.append(entry)
                continue
            key = (str(line["task"]), str(line.get("attempt", "")))
            if key not in told:
                told[key] = LoggedAttempt(*key, Attempt()), _Events()
                whole.append(told[key][0])
            told[key][1].add(line)
        except (KeyError, TypeError, ValidationError) as error:
            raise ScoreError(f"{path}, line {number}, tells of no attempt: {_short(error)}.") from error
    for logged, events in told.values():
        logged.attempt = Attempt(turns=tuple(events.turns))
    return whole


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ScoreError(f"There is no log to read at {path} ({error}).") from error
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise ScoreError(f"{path}, line {number}, isn't JSON: {error}.") from error
        if not isinstance(line, dict):
            raise ScoreError(f"{path}, line {number}, isn't a JSON object.")
        yield number, line


def _whole(line: Mapping[str, Any]) -> LoggedAttempt | None:
    """The attempt that one line tells in whole; None when it tells a part of one."""
    if "format" in line:
        recording = Trajectory.model_validate(line)
        return LoggedAttempt(recording.id, "plan", Attempt.of(recording), complete=True)
    if "turns" not in line:
        return None
    attempt = Attempt.model_validate({"turns": tuple(map(_turn, line["turns"])), "changes": line.get("changes", {})})
    return LoggedAttempt(str(line["task"]), str(line.get("attempt", "")), attempt, complete="changes" in line)


def _turn(plain: Mapping[str, Any]) -> AttemptTurn:
    """A turn with its calls; a call of the tool `respond` is no call of an environment, but the turn's end."""
    calls = plain.get("calls", ())
    ends = [_response(call) for call in calls if call["tool"] == RESPOND]
    made = [_call(call) for call in calls if call["tool"] != RESPOND]
    return AttemptTurn.model_validate({**plain, "calls": made, "response": ends[-1] if ends else None})


def _response(call: Mapping[str, Any]) -> Response:
    arguments = call.get("arguments", {})
    return Response.model_validate(json.loads(arguments) if isinstance(arguments, str) else arguments)


def _call(plain: Mapping[str, Any]) -> LoggedCall:
    """A call as a log writes it: the tool by its full name or beside its environment, arguments also as JSON text."""
    environment, dot, tool = str(plain["tool"]).partition(".")
    if not dot:
        environment, tool = plain["environment"], environment
    arguments = plain.get("arguments", {})
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    return LoggedCall.model_validate({**plain, "environment": environment, "tool": tool, "arguments": arguments})


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
