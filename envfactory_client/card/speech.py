"""Speech: how the user and the assistant of a dataset word what they say, on messages drawn by a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from envfactory_client.card.embedding import nearest_cosine
from envfactory_client.card.mask import masked
from envfactory_client.card.report import Repetition, Skeletons, Wording
from envfactory_client.card.sample import Sample
from envfactory_client.card.wording import SMOOTHING, TOKENIZER, Words, distinct, self_bleu, words
from envfactory_client.trajectory import Trajectory

SAMPLED = 500
"""Messages that are compared with each other."""


class Speech:
    """Draws messages from trajectories as they pass; a trajectory is only kept while a message of it is drawn."""

    def __init__(self, seed: int, size: int = SAMPLED, *, embed: bool = False) -> None:
        self._seed, self._embed = seed, embed
        self._drawn: Sample[tuple[Trajectory, int]] = Sample(seed, size)

    def add(self, trajectory: Trajectory) -> None:
        """Consider the messages of one trajectory."""
        for number in range(len(trajectory.turns)):
            self._drawn.offer(f"{trajectory.id}/{number}", (trajectory, number))

    def figures(self) -> Wording:
        """How the drawn messages repeat each other."""
        drawn = self._drawn.drawn()
        turns = [trajectory.turns[number] for trajectory, number in drawn]
        skeletons = [words(masked(trajectory, number)) for trajectory, number in drawn]
        return Wording(
            sampled=len(drawn),
            seed=self._seed,
            tokenizer=TOKENIZER,
            smoothing=SMOOTHING,
            user=_repetition([words(turn.user) for turn in turns]),
            masked=_repetition(skeletons),
            skeletons=_skeletons(skeletons),
            assistant=_repetition([words(turn.assistant) for turn in turns]),
            nearest_cosine=round(nearest_cosine([turn.user for turn in turns]), 3) if self._embed else None,
        )


def _repetition(texts: Sequence[Words]) -> Repetition:
    first, second, third = (round(distinct(texts, order), 4) for order in (1, 2, 3))
    return Repetition(distinct_1=first, distinct_2=second, distinct_3=third, self_bleu_4=round(self_bleu(texts), 4))


def _skeletons(texts: Sequence[Words]) -> Skeletons:
    counts = Counter(texts)
    if not counts:
        return Skeletons(distinct=0.0, commonest=0.0, commonest_text="")
    commonest, times = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return Skeletons(
        distinct=round(len(counts) / len(texts), 4),
        commonest=round(times / len(texts), 4),
        commonest_text=" ".join(commonest),
    )
