"""An outcome: how one intent ended for the solver, and what can stop it on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from synthesis.errors import SynthesisError

OutcomeKind = Literal["done", "answer", "ask", "refuse", "left", "stuck"]


@dataclass(frozen=True)
class Outcome:
    """What the solver came to: something done or left undone, an answer, a question, a refusal, or no way on."""

    kind: OutcomeKind
    what: str = ""
    """The parameter asked for, the refusal's code, or why there was no way on."""
    value: Any = None
    """The answer."""


class Stuck(SynthesisError):
    """The solver sees no way on."""


class Unsettled(SynthesisError):
    """Several rows fit a description, or none of the rows spoken of is the one meant: the user has to say which."""


class Missing(SynthesisError):
    """A parameter is neither said nor to be found out; `parameter` is the one to ask for."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter
