"""Measuring: one pass over a dataset that fills everything a report card is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from envfactory_client.card.coverage import Exercised, Reach
from envfactory_client.card.hidden import HiddenCount
from envfactory_client.card.likeness import Likeness
from envfactory_client.card.proof import ProofCount
from envfactory_client.card.report import Card, Contamination
from envfactory_client.card.speech import Speech
from envfactory_client.card.tally import Tally
from envfactory_client.card.toolset import Parameters, kept_parameters
from envfactory_client.card.variety import ValueCount
from envfactory_client.trajectory import Trajectory


@dataclass
class Measure:
    """The counts behind a card, filled one trajectory at a time."""

    seed: int = 0
    """Seed of the messages that are drawn."""
    embed: bool = False
    """Whether the drawn messages are compared by their meaning too."""
    tally: Tally = field(default_factory=Tally)
    exercised: Exercised = field(default_factory=Exercised)
    hidden: HiddenCount = field(default_factory=HiddenCount)
    values: ValueCount = field(default_factory=ValueCount)
    likeness: Likeness = field(default_factory=Likeness)
    proof: ProofCount = field(default_factory=ProofCount)
    speech: Speech = field(init=False)

    def __post_init__(self) -> None:
        self.speech = Speech(self.seed, embed=self.embed)

    def add(self, trajectory: Trajectory) -> None:
        """Count one trajectory."""
        for part in (
            self.tally, self.exercised, self.hidden, self.values, self.likeness, self.proof, self.speech
        ):  # fmt: skip
            part.add(trajectory)

    def card(
        self,
        name: str,
        parameters: Parameters,
        *,
        reach: Reach | None = None,
        contamination: Iterable[Contamination] = (),
        said: Mapping[str, float] | None = None,
    ) -> Card:
        """The card of a dataset of that name, whose tools take these parameters."""
        return Card(
            dataset=name,
            determinism=blake2b("\n".join(self.likeness.ids).encode(), digest_size=16).hexdigest(),
            size=self.tally.size(parameters),
            environments=self.tally.environments(parameters),
            coverage=self.exercised.figures(reach),
            histograms=self.tally.histograms(self.likeness.lengths),
            mix=self.tally.mix(),
            hidden=self.hidden.figures(),
            wording=self.speech.figures(),
            variety=self.values.figures(),
            duplicates=self.likeness.figures(),
            proof=self.proof.figures(said or {}),
            contamination=tuple(contamination),
        )

    def parameters(self, folder: Path) -> dict[str, frozenset[str]]:
        """The parameters of the tools that were offered, as far as the dataset's folder keeps them."""
        return kept_parameters(folder, self.tally.lists)
