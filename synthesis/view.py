"""A view: what a job sees of the data made before it, which grows by news from round to round."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from synthesis.goals import GoalKind
from synthesis.language.novelty import Heard, Said


@dataclass(frozen=True)
class News:
    """What was added to the data since the last news."""

    counts: Counter[GoalKind]
    """How often each kind of goal occurs, or was tried in vain."""
    taken: frozenset[str]
    """Keys of the trajectories."""
    said: Said
    """The messages of their users."""


@dataclass
class View:
    """What is seen of the data: of all of it how often each kind of goal occurs and its keys, and the last messages."""

    counts: Counter[GoalKind] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)
    heard: Heard = field(default_factory=Heard)

    def learn(self, news: News) -> None:
        """Take news in."""
        self.counts.update(news.counts)
        self.taken |= news.taken
        self.heard.hear(news.said)
