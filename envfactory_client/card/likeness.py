"""Likeness over a dataset: what each trajectory does and says in the forms by which another one like it is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from envfactory_client.card.alike import (
    THRESHOLD,
    Groups,
    Shingles,
    chain_shingles,
    join_equal,
    join_near,
    text_shingles,
)
from envfactory_client.card.chains import canonical_chain
from envfactory_client.card.report import Duplicates
from envfactory_client.card.wording import words
from envfactory_client.trajectory import Trajectory, digest


@dataclass
class Likeness:
    """Forms of every trajectory of a dataset, in order, filled one trajectory at a time."""

    ids: list[str] = field(default_factory=list)
    environments: list[frozenset[str]] = field(default_factory=list)
    chains: list[str] = field(default_factory=list)
    """Digests of the canonical chains."""
    chain_sets: list[Shingles] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Digests of the user's words."""
    text_sets: list[Shingles] = field(default_factory=list)
    shapes: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    def add(self, trajectory: Trajectory) -> None:
        """Take the forms of one trajectory."""
        chain = canonical_chain(trajectory)
        said = [words(turn.user) for turn in trajectory.turns]
        self.ids.append(trajectory.id)
        self.environments.append(frozenset(environment.name for environment in trajectory.environments))
        self.chains.append(digest(chain.calls))
        self.chain_sets.append(chain_shingles(chain.calls))
        self.texts.append(digest(said))
        self.text_sets.append(text_shingles(said))
        self.shapes[digest(chain.shape)] += 1
        self.lengths[chain.length] += 1

    def groups(self) -> Groups:
        """Trajectories that share a canonical chain, or whose chains or texts are nearly the same, put together."""
        groups = Groups(len(self.ids))
        join_equal(self.ids, groups)
        join_equal(self.chains, groups)
        join_near(self.chain_sets, groups)
        join_near(self.text_sets, groups)
        return groups

    def figures(self) -> Duplicates:
        """How many trajectories are like another."""
        whole = max(1, len(self.ids))
        return Duplicates(
            threshold=THRESHOLD,
            exact_chains=round(1 - len(set(self.chains)) / whole, 4) if self.ids else 0.0,
            near_chains=self._beyond_first(self.chain_sets),
            exact_text=round(1 - len(set(self.texts)) / whole, 4) if self.ids else 0.0,
            near_text=self._beyond_first(self.text_sets),
            shapes=round(len(self.shapes) / whole, 4),
            commonest_shape=round(max(self.shapes.values(), default=0) / whole, 4),
        )

    def _beyond_first(self, sets: list[Shingles]) -> float:
        """The share of trajectories that aren't the first of their group."""
        if not sets:
            return 0.0
        groups = Groups(len(sets))
        join_near(sets, groups)
        return round(1 - groups.count() / len(sets), 4)
