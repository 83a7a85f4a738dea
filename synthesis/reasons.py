"""Reasons: why somebody wants what they ask for, where that fits the request and nothing in it says so already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envfactory_client import Tool
from synthesis.choose import Choice
from synthesis.language.request import leads_up
from synthesis.phrases import Reason
from synthesis.stage import Stage

REASON_SHARE = 0.4
"""How often a request that can have a reason has one."""


async def reason_for(stage: Stage, tool: Tool, choice: Choice) -> str | None:
    """Give a reason by chance; None for a request that tells one itself, or where none that is declared fits."""
    declared = list(stage.catalogue.said(tool.name).reasons)
    if leads_up(choice.template) or not declared or not stage.chance(REASON_SHARE):
        return None
    stage.rng.shuffle(declared)
    arguments = with_defaults(tool, choice.values)
    for reason in declared:
        if isinstance(reason, str):
            return reason
        if set(reason.needs) <= choice.placeholders and await _holds(stage, reason, arguments):
            return reason.say
    return None


def with_defaults(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a call, with the defaults of those that are left out."""
    properties = tool.input_schema.get("properties", {})
    return {name: schema.get("default") for name, schema in properties.items()} | dict(arguments)


async def _holds(stage: Stage, reason: Reason, arguments: Mapping[str, Any]) -> bool:
    return reason.where is None or bool(await stage.query(f"SELECT 1 WHERE {reason.where}", arguments))
