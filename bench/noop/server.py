"""No-op: the cost of a call before a tool does anything."""

from __future__ import annotations

from servers.runtime import Environment, Record

env = Environment(__file__)


class Nothing(Record):
    """The result of doing nothing."""

    done: bool


@env.reads
def do_nothing() -> Nothing:
    """Do nothing."""
    return Nothing(done=True)


mcp = env.mcp
