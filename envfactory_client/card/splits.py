"""Splits: a dataset in two sides, to train on and to hold out, so that nothing of one side is known from the other.

One split holds out whole environments, the other tasks. Trajectories that are alike, by canonical chain, chain or
text, always stay together. In the split by environments a trajectory that mixes both sides, or is alike to one of
the other side, is left out of both.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from envfactory_client.card.likeness import Likeness
from envfactory_client.errors import UsageError

FORMAT: Final = "envfactory.splits/1"
Side = Literal["train", "held_out", "left_out"]
SIDES: Final[tuple[Side, ...]] = ("train", "held_out", "left_out")


@dataclass(frozen=True)
class Split:
    """One way to part a dataset: what decides it, and the ids of each side in the dataset's order."""

    held_out: tuple[str, ...]
    """The environments that are held out; none in a split by tasks."""
    sides: Mapping[Side, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """The split's entry in the manifest."""
        counts = {side: len(ids) for side, ids in self.sides.items()}
        return {"environments_held_out": list(self.held_out), "trajectories": counts}


def splits(found: Likeness, *, seed: int, share: float) -> dict[str, Split]:
    """Both splits of a dataset, of which about that share is held out."""
    if not 0 < share < 1:
        raise UsageError(f"A share of {share} can't be held out; give one between 0 and 1, such as 0.2.")
    groups = found.groups()
    members = defaultdict(list)
    for place in range(len(found.ids)):
        members[groups.of(place)].append(place)
    alike = list(members.values())
    return {
        "environments": _by_environments(found, alike, seed=seed, share=share),
        "tasks": _by_tasks(found, alike, seed=seed, share=share),
    }


def write_splits(parted: Mapping[str, Split], folder: Path, *, dataset: str, seed: int) -> list[Path]:
    """Write the lists of ids and a manifest, and give their paths."""
    files = {
        folder / name / f"{side}.txt": "".join(f"{one}\n" for one in split.sides[side])
        for name, split in parted.items()
        for side in SIDES
    }
    manifest = {
        "format": FORMAT,
        "dataset": dataset,
        "seed": seed,
        "splits": {name: split.to_json() for name, split in parted.items()},
    }
    files[folder / "manifest.json"] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def _by_environments(found: Likeness, alike: Sequence[Sequence[int]], *, seed: int, share: float) -> Split:
    names = sorted(frozenset[str]().union(*found.environments))
    if len(names) < 2:
        return _split(found, {place: "train" for group in alike for place in group})
    drawn = sorted(names, key=lambda name: _rank(seed, "environment", name))
    held_out = frozenset(drawn[: max(1, min(len(names) - 1, round(share * len(names))))])
    sides: dict[int, Side] = {}
    for group in alike:
        own: list[Side] = [_side(found.environments[place], held_out) for place in group]
        torn = {"train", "held_out"} <= set(own)
        sides |= {
            place: "left_out" if torn and side == "train" else side for place, side in zip(group, own, strict=True)
        }
    return _split(found, sides, tuple(sorted(held_out)))


def _side(environments: frozenset[str], held_out: frozenset[str]) -> Side:
    if environments <= held_out:
        return "held_out"
    return "left_out" if environments & held_out else "train"


def _by_tasks(found: Likeness, alike: Sequence[Sequence[int]], *, seed: int, share: float) -> Split:
    """Hold groups out in the order of their digests, as long as the side has room for them."""
    room = round(share * len(found.ids))
    sides: dict[int, Side] = {}
    for group in sorted(alike, key=lambda group: _rank(seed, "task", min(found.ids[place] for place in group))):
        side: Side = "held_out" if len(group) <= room else "train"
        room -= len(group) if side == "held_out" else 0
        sides |= dict.fromkeys(group, side)
    return _split(found, sides)


def _split(found: Likeness, sides: Mapping[int, Side], held_out: tuple[str, ...] = ()) -> Split:
    def ids(side: Side) -> Iterable[str]:
        return (found.ids[place] for place in sorted(sides) if sides[place] == side)

    return Split(held_out, {side: tuple(ids(side)) for side in SIDES})


def _rank(seed: int, kind: str, name: str) -> bytes:
    return blake2b(f"{seed}/{kind}/{name}".encode(), digest_size=8).digest()
