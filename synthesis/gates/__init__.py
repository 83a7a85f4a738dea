"""The gates: what must hold of each task's words before it ships, each decided by a query, a call or a text search.

A gate raises `Drop` with the reason "gate_Gn"; what it found stands in the detail.
"""

from collections.abc import Mapping
from typing import Final

GATES: Final[Mapping[str, str]] = {
    "G1": "No surface form of a value that the agent has to find stands in the user's words.",
    "G2": "Every argument of every call is classified, with an origin that is true.",
    "G3": "Each description fits exactly one row, the same when it is spoken and when it is acted on.",
    "G4": "The logical form, compiled to a query, gives the row that the plan used, as the reference's own query does.",
    "G5": "A blind solver comes to the plan's states, answers, questions and refusals.",
    "G6": "Every other way to read a description gives the same row.",
    "G7": "Each description has a distractor, a row that has all properties but one; and what limits two rows binds.",
    "G8": "Exactly one tool in scope has the effect that is asked for.",
    "G9": "Every span of content is an argument, a row, a fact of the card or one true side fact; no value is outside.",
}
"""Gate to what it holds. G2 is `synthesis.ledger.ledger`, G5 is `synthesis.solver`."""
