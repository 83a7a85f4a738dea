"""The gate of intent, G8: a wish must lead to one tool, so no other in scope may have the same effect signature.

The signature comes from the contract alone: which tables and columns change, which rows and values the tool takes,
and what it refuses.
"""

from __future__ import annotations

from collections.abc import Iterable

from envfactory_client import FieldContract, Tool
from envfactory_client.logical_form import Intent
from synthesis.errors import Drop

Signature = tuple[object, ...]


def signature(tool: Tool) -> Signature:
    """Give the effect signature of a write tool."""
    contract = tool.contract
    if contract is None:
        return (tool.full_name,)
    roles = sorted(_role(contract.parameters.get(name, FieldContract())) for name in tool.required)
    changes = tuple(sorted(contract.changes.items()))
    return (tool.environment, changes, tuple(roles), tuple(sorted(contract.refusals)))


def _role(field: FieldContract) -> str:
    return field.key or field.sets or field.free or field.shared or field.type or ""


def check_intents(intents: Iterable[Intent], tools: Iterable[Tool]) -> None:
    """Raise `Drop` unless each act that is wanted is the only one of its signature among the agent's tools (G8)."""
    writes = [tool for tool in tools if tool.actor == "agent" and not tool.read_only]
    signatures = {tool.full_name: signature(tool) for tool in writes}
    for intent in intents:
        if intent.act is None:
            continue
        if intent.act not in signatures:
            raise Drop("gate_G8", f"{intent.act} is not among the tools")
        alike = [name for name, other in signatures.items() if other == signatures[intent.act]]
        if alike != [intent.act]:
            raise Drop("gate_G8", f"{' and '.join(alike)} have the same effect")
