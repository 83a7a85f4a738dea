"""The mutation gate: small changes to an environment's code, and who notices them."""

from synthesis.battery.mutation.gate import GateError, Killer, Verdict, run_gate
from synthesis.battery.mutation.load import Stillborn, load_mutant
from synthesis.battery.mutation.mutant import Mutant
from synthesis.battery.mutation.sample import mutants, sample
from synthesis.battery.mutation.score import Score, Survivor, score, survivors

__all__ = [
    "GateError",
    "Killer",
    "Mutant",
    "Score",
    "Stillborn",
    "Survivor",
    "Verdict",
    "load_mutant",
    "mutants",
    "run_gate",
    "sample",
    "score",
    "survivors",
]
