"""A skill: what a solver is able to do; the rungs of the ladder differ in nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Rung = Literal["S0", "S1", "S2", "S3", "S4"]


@dataclass(frozen=True)
class Skill:
    """How deep a solver searches, and whether it keeps track of what was said and done."""

    rung: Rung
    hops: int
    """The longest chain of look-ups for one argument; none means that it takes words literally."""
    acts: bool = True
    remembers: bool = True
    """Whether it knows what was spoken of, asked and changed; without, it takes the first row that fits."""


RUNGS: Final = (
    Skill("S0", hops=0, acts=False, remembers=False),
    Skill("S1", hops=0, remembers=False),
    Skill("S2", hops=1, remembers=False),
    Skill("S3", hops=6, remembers=False),
    Skill("S4", hops=6),
)
"""Null, one literal call, one hop, greedy planner without state tracking, blind solver."""
BLIND: Final = RUNGS[-1]
