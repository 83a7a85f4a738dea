"""How the user's messages of a dataset read: `python -m bench.text out/run/trajectories.jsonl [seed]`.

Five hundred messages are drawn by the seed. Their skeletons are made from the spans that trajectories carry: every
argument, every whole reference to a row, every fact of the card and every side fact is replaced by its type.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from envfactory_client import Dataset, Turn
from envfactory_client.card.wording import SMOOTHING, TOKENIZER, distinct, self_bleu, words
from synthesis.language.script import skeleton

SAMPLED = 500


@dataclass(frozen=True)
class Figures:
    """How much some messages repeat each other, and their skeletons."""

    messages: int
    self_bleu: float
    distinct_2: float
    skeletons: float
    """The share of different skeletons."""
    commonest: float
    """The share of the skeleton that is met most often."""
    masked_self_bleu: float
    masked_distinct_2: float

    @property
    def holds(self) -> bool:
        """Whether the figures reach the bars."""
        return self.self_bleu <= 0.40 and self.distinct_2 >= 0.40 and self.skeletons >= 0.80 and self.commonest <= 0.01


def figures(turns: Sequence[Turn]) -> Figures:
    """Give the figures of some messages."""
    texts = [words(turn.user) for turn in turns]
    masked = [words(skeleton(turn.user, turn.spans)) for turn in turns]
    counts = Counter(masked)
    return Figures(
        messages=len(turns),
        self_bleu=round(self_bleu(texts), 3),
        distinct_2=round(distinct(texts, 2), 3),
        skeletons=round(len(counts) / len(masked), 3),
        commonest=round(max(counts.values()) / len(masked), 4),
        masked_self_bleu=round(self_bleu(masked), 3),
        masked_distinct_2=round(distinct(masked, 2), 3),
    )


def drawn(turns: Sequence[Turn], seed: int, size: int = SAMPLED) -> list[Turn]:
    """Give some turns drawn by a seed, all where there are no more."""
    return Random(seed).sample(list(turns), min(size, len(turns)))


def main(arguments: Sequence[str]) -> int:
    """Print the figures of a dataset's messages; 1 when they miss a bar."""
    dataset, seed = Dataset(Path(arguments[0])), int(arguments[1]) if len(arguments) > 1 else 0
    found = figures(drawn([turn for line in dataset.read() for turn in line.trajectory.turns], seed))
    table = Table(title=f"{found.messages} messages of {dataset.path}, drawn by seed {seed}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("bar", justify="right")
    table.add_row("self-BLEU-4", f"{found.self_bleu:.3f}", "≤ 0.40")
    table.add_row("distinct-2", f"{found.distinct_2:.3f}", "≥ 0.40")
    table.add_row("different skeletons", f"{found.skeletons:.1%}", "≥ 80%")
    table.add_row("commonest skeleton", f"{found.commonest:.2%}", "≤ 1%")
    table.add_row("self-BLEU-4 of skeletons", f"{found.masked_self_bleu:.3f}", "")
    table.add_row("distinct-2 of skeletons", f"{found.masked_distinct_2:.3f}", "")
    console = Console()
    console.print(table)
    console.print(f"Words: {TOKENIZER}. Smoothing: {SMOOTHING}.", highlight=False, markup=False)
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
