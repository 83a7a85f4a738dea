"""The call log in its order: what the agent had seen when it made a call or wrote a message."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from envfactory_client.score import spoken
from envfactory_client.score.attempt import AttemptTurn, LoggedCall
from envfactory_client.trajectory import Evidence


@dataclass
class Seen:
    """What the agent has heard and seen up to a moment."""

    heard: list[str] = field(default_factory=list)
    """The user's messages."""
    values: set[Hashable] = field(default_factory=set)
    """The plain values in results."""
    texts: list[str] = field(default_factory=list)
    """What errors and results without structure said."""
    calls: list[LoggedCall] = field(default_factory=list)

    def hear(self, text: str) -> None:
        """Take in a message of the user."""
        self.heard.append(text)

    def see(self, call: LoggedCall) -> None:
        """Take in a call of the agent with what it answered."""
        self.calls.append(call)
        self.values.update(call.leaves)
        if call.text is not None:
            self.texts.append(call.text)

    def has(self, value: Any) -> bool:
        """Whether a value was there to be seen: in a result, or said by the user in any form."""
        if isinstance(value, list | tuple):
            return all(self.has(item) for item in value)
        if isinstance(value, Mapping):
            return all(self.has(item) for item in value.values())
        return value in self.values or any(_says(text, value) for text in (*self.heard, *self.texts))

    def shows(self, value: Any) -> bool:
        """Whether a value stands in a result."""
        return all(map(self.shows, value)) if isinstance(value, list | tuple) else value in self.values

    def copy(self) -> Seen:
        """What has been seen so far, for good."""
        return Seen(list(self.heard), set(self.values), list(self.texts), list(self.calls))

    def bears(self, evidence: Evidence) -> bool:
        """Whether the log holds a piece of evidence."""
        return any(
            call.full_name == evidence.tool and call.actor == "agent" and _is_evidence(call, evidence)
            for call in self.calls
        )


def _says(text: str, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value in spoken.amounts(text) or value in spoken.counts(text) or value in spoken.number_words(text)
    moment = spoken.as_moment(value)
    if moment is not None and any(day.is_(moment.date()) for day in spoken.days(text)):
        return len(str(value)) <= len("2026-03-06") or (moment.hour, moment.minute) in spoken.hours(text)
    return spoken.names(value, text)


def _is_evidence(call: LoggedCall, evidence: Evidence) -> bool:
    if call.refusal != evidence.code or call.is_error != (evidence.code is not None):
        return False
    if not all(call.arguments.get(name) == value for name, value in evidence.arguments.items()):
        return False
    if not evidence.key:
        return True
    item, _, name = evidence.key.rpartition(".")
    return any(
        record.get(name) == evidence.value and record.get(evidence.field, ...) is not ...
        for record in _records(call.result, item)
    )


def _records(result: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """The records at a path such as "bookings[]"; "" is the result itself."""
    found = [result]
    for part in path.split(".") if path else ():
        name = part.removesuffix("[]")
        inner = [value[name] for value in found if isinstance(value, Mapping) and value.get(name) is not None]
        found = [item for value in inner for item in (value if part.endswith("[]") else [value])]
    return (record for record in found if isinstance(record, Mapping))


def moments(turns: list[tuple[int, AttemptTurn]]) -> Iterator[tuple[int, AttemptTurn, LoggedCall | None, Seen]]:
    """Each call, and with None each message, with its turn of the task and what had been seen before it."""
    seen = Seen()
    for number, turn in turns:
        seen.hear(turn.user)
        for call in turn.calls:
            yield number, turn, call, seen
            if call.actor == "agent":
                seen.see(call)
        yield number, turn, None, seen
