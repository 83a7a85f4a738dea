"""The log: the calls that led to an episode's state, as a chain that snapshots and forks share instead of copying."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from servers.runtime.tool import Definition, Outcome


@dataclass(slots=True, eq=False)
class Log:
    """A call and those before it, which never change; the empty log has none."""

    call: bytes = b""
    before: Log | None = None
    length: int = 0

    def then(self, call: bytes) -> Log:
        """Give the log with one more call."""
        return Log(call, self, self.length + 1)

    def entries(self, since: int = 0) -> Iterator[bytes]:
        """Give the calls in order, from a number on."""
        found: list[bytes] = []
        link: Log | None = self
        while link is not None and link.length > since:
            found.append(link.call)
            link = link.before
        return reversed(found)


EMPTY = Log()

Flat = tuple[list[tuple[str, int]], dict[str, int]]
"""Calls, each with the place of the one before it (-1 for none), and the place of the last one of each named log."""


def from_calls(calls: Iterable[bytes]) -> Log:
    """Give the log of these calls."""
    log = EMPTY
    for call in calls:
        log = log.then(call)
    return log


def flat(logs: Mapping[str, Log]) -> Flat:
    """Give logs as plain values in which what they share is still there once."""
    calls: list[tuple[str, int]] = []
    places: dict[int, int] = {id(EMPTY): -1}
    for log in logs.values():
        chain: list[Log] = []
        link = log
        while link.before is not None and id(link) not in places:
            chain.append(link)
            link = link.before
        for link in reversed(chain):
            assert link.before is not None
            calls.append((link.call.decode(), places.get(id(link.before), -1)))
            places[id(link)] = len(calls) - 1
    return calls, {name: places.get(id(log), -1) for name, log in logs.items()}


def linked(calls: Sequence[tuple[str, int]], ends: Mapping[str, int]) -> dict[str, Log]:
    """Give the logs that `flat` spread out."""
    links: list[Log] = []
    for call, before in calls:
        links.append((links[before] if before >= 0 else EMPTY).then(call.encode()))
    return {name: links[end] if end >= 0 else EMPTY for name, end in ends.items()}


def entry_of(environment: str, definition: Definition, arguments: Mapping[str, Any], outcome: Outcome) -> bytes:
    """Give a call as the log has it: one JSON object."""
    contract = definition.contract
    head = _head(environment, definition.name, contract.kind, contract.actor, outcome.refusal)
    if outcome.is_error:
        return b'%b,"is_error":true,"arguments":%b,"text":%b}' % (head, _spelled(arguments), to_json(outcome.text))
    return b'%b,"is_error":false,"arguments":%b,"result":%b}' % (head, _spelled(arguments), outcome.text.encode())


@lru_cache(maxsize=4096)
def _head(environment: str, tool: str, kind: str, actor: str, refusal: str | None) -> bytes:
    named = {"environment": environment, "tool": tool, "kind": kind, "actor": actor, "refusal": refusal}
    return to_json(named)[:-1]


def _spelled(arguments: Mapping[str, Any]) -> bytes:
    try:
        return to_json(arguments, inf_nan_mode="null")
    except ValueError:  # half letters, which no tool takes
        whole = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace")
        return to_json(from_json(whole), inf_nan_mode="null")
