"""The mutation score: which share of an environment's mutants its killers notice, and what nobody noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthesis.battery.mutation.gate import Verdict
from synthesis.battery.mutation.mutant import Mutant


@dataclass(frozen=True)
class KindScore:
    """How many mutants of one kind there were, and how many were noticed."""

    mutants: int
    contracts: int
    killed: int


@dataclass(frozen=True)
class Score:
    """How many mutants were judged, how many the contracts noticed, and how many contracts or tests did."""

    mutants: int
    contracts: int
    killed: int
    kinds: Mapping[str, KindScore]


@dataclass(frozen=True)
class Survivor:
    """A mutant that nobody noticed."""

    mutant: Mutant
    diff: str
    sentence: str


def score(verdicts: Sequence[Verdict]) -> Score:
    """Give the score of some verdicts."""
    mutants = Counter(verdict.mutant.kind for verdict in verdicts)
    contracts = Counter(verdict.mutant.kind for verdict in verdicts if verdict.contracts)
    killed = Counter(verdict.mutant.kind for verdict in verdicts if verdict.killed_by)
    kinds = {kind: KindScore(mutants[kind], contracts[kind], killed[kind]) for kind in sorted(mutants)}
    return Score(mutants.total(), contracts.total(), killed.total(), kinds)


def survivors(folder: Path, verdicts: Sequence[Verdict]) -> list[Survivor]:
    """Give the mutants that nobody noticed, with their diffs and what to test about each."""
    texts = {file: (folder / file).read_text(encoding="utf-8") for file in ("server.py", "schema.sql")}
    return [
        Survivor(verdict.mutant, verdict.mutant.diff(texts[verdict.mutant.file]), untested(verdict.mutant))
        for verdict in verdicts
        if verdict.killed_by is None
    ]


def untested(mutant: Mutant) -> str:
    """Give the sentence that says what nobody looks at."""
    return (
        f"No contract, invariant or test notices when {mutant.change('becomes', 'is')}"
        f" in {mutant.where} ({mutant.file}:{mutant.line})."
    )
