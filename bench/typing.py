"""Typing by observation: our environments as if they were foreign, and how the links found compare with those declared.

Each is started over stdio and reached over MCP alone. What the user knows is given; contracts play no part until the
end. The second time the patterns and formats of all schemas are hidden as well, as most servers have none.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from envfactory_client import Farm, ForeignServer, Tool
from envfactory_client.observing import Observation, Pace, observe
from envfactory_client.verify.foreign_subject import ForeignSubject

_FORMS = ("pattern", "format", "minLength", "maxLength")


async def typing() -> Table:
    """Give the table: a line for each environment with its schemas as they are and without the forms of texts."""
    table = Table("", "calls", "CPU ms/call", "declared", "found", "precision", "recall", "undeclared ends")
    for column in table.columns[1:-1]:
        column.justify = "right"
    async with Farm.embedded() as farm:
        names = sorted(card.name for card in await farm.environments())
        emails = {}
        for name in names:
            async with await farm.open(name) as episode:
                emails[name] = episode.persona["email"]
    for name in names:
        for bare in (False, True):
            started = time.process_time()
            found = await _observed(name, str(emails[name]), bare=bare)
            spent = 1000 * (time.process_time() - started) / found.calls
            table.add_row(f"{name}{', no patterns' if bare else ''}", *_row(found, spent))
    return table


async def _observed(name: str, email: str, *, bare: bool) -> Observation:
    async with ForeignServer([sys.executable, "-m", f"servers.{name}"]) as server:
        subject = await ForeignSubject.of(server, name, writes=False)
        if bare:
            subject.all_tools = {tool: _bare(listed) for tool, listed in subject.all_tools.items()}
            subject.tools = {tool: subject.all_tools[tool] for tool in subject.tools}
        return await observe(subject, Pace(given={"email": [email]}))


def _row(found: Observation, spent: float) -> tuple[str, ...]:
    agreed = found.agreement
    assert agreed is not None, found.name
    ends = sorted({link.partition(" -> ")[0].partition(".")[2] for link in agreed.wrong})
    counts = (str(found.calls), f"{spent:.1f}", str(agreed.declared), str(agreed.found))
    return (*counts, f"{agreed.precision:.3f}", f"{agreed.recall:.3f}", ", ".join(ends))


def _bare(tool: Tool) -> Tool:
    output = None if tool.output_schema is None else _without(tool.output_schema)
    return tool.model_copy(update={"input_schema": _without(tool.input_schema), "output_schema": output})


def _without(schema: Any) -> Any:
    """A schema without the keywords that say how texts look."""
    if isinstance(schema, Mapping):
        return {
            key: _without(inner) for key, inner in schema.items() if key not in _FORMS or isinstance(inner, Mapping)
        }
    return [_without(inner) for inner in schema] if isinstance(schema, list) else schema
