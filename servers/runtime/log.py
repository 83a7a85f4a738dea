"""The log: the calls that led to an episode's state, as a chain that snapshots and forks share instead of copying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Log:
    """A call and those before it; the empty log has none."""

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
