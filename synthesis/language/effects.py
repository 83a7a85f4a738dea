"""Effects: what a tool does to the world, as its contract declares it, in one word by which requests are chosen."""

from __future__ import annotations

from synthesis.catalogue import Catalogue

EFFECTS = ("delete", "insert", "status", "update")


def effect_of(catalogue: Catalogue, tool: str) -> str:
    """Give "insert", "delete", "status" for a change of state, "update", or "" for a tool that only reads.

    A row that the tool is given and changes matters most, then what it makes; the rest follows from that.
    """
    if tool in catalogue.phrases.lacking:
        return catalogue.phrases.lacking[tool].changes.partition(" ")[0]
    contract = catalogue.tools[tool].contract
    if contract is None or not contract.changes:
        return ""
    given = [field.key.partition(".")[0] for field in contract.parameters.values() if field.key]
    first = next((contract.changes[table] for table in given if table in contract.changes), "")
    made = next((change for change in contract.changes.values() if change.startswith("insert")), "")
    operation, _, columns = (first or made or next(iter(contract.changes.values()))).partition(" ")
    return "status" if operation == "update" and columns.startswith("status") else operation.strip(",")
