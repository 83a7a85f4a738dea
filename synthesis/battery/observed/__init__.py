"""Types by observation: what tools take, give and change, seen in SQLite instead of read in their contracts."""

from synthesis.battery.observed.comparison import Agreement, Disagreement, Unseen, agreement, compare
from synthesis.battery.observed.contracts import contracts_of, typed
from synthesis.battery.observed.observation import (
    ObservedParameter,
    ObservedResult,
    ObservedTool,
    ObservedTypes,
    Pace,
    observe,
)

__all__ = [
    "Agreement",
    "Disagreement",
    "ObservedParameter",
    "ObservedResult",
    "ObservedTool",
    "ObservedTypes",
    "Pace",
    "Unseen",
    "agreement",
    "compare",
    "contracts_of",
    "observe",
    "typed",
]
