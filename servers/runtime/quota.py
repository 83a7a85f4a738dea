"""A quota: how much one episode may take of what all share, so that a runaway agent harms nobody but itself.

A call that would go beyond it ends as an error that says so, and leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one episode; None means none."""

    rows: int | None = None
    """Rows in each of its databases, the runtime's own ones left out."""
    pages: int | None = None
    """Pages of 4 KiB in each of its databases."""
    call_seconds: float | None = None
    """How long the SQL of one call may run; a loop in a tool's own Python isn't stopped."""
    calls: int | None = None
    """Calls that an episode may make."""
    snapshots: int | None = None
    """Snapshots that it may keep at a time."""


UNLIMITED = Quota()
"""What an episode has outside a farm."""
