"""Duplicates and splits: what is alike is found, and nothing alike is on both sides of a split."""

from __future__ import annotations

import json
from itertools import combinations, product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfactory_client import Trajectory
from envfactory_client.card.alike import THRESHOLD, Groups, jaccard, join_equal, join_near
from envfactory_client.card.chains import canonical_chain
from envfactory_client.card.likeness import Likeness
from envfactory_client.card.splits import SIDES, splits, write_splits
from envfactory_client.errors import UsageError
from tests.envfactory_client.card.told import call, found, said, trajectory, turn

SETS = st.lists(st.frozensets(st.integers(0, 12), max_size=10), min_size=1, max_size=12)
NOUNS = ["order", "parcel", "invoice", "refund", "voucher", "basket", "subscription", "delivery", "receipt", "warranty"]
VERBS = ["cancel", "track", "repeat", "postpone", "dispute", "gift", "return", "inspect", "print", "forward"]


def bought(order: str, *, city: str = "Boston") -> Trajectory:
    """Find an order by its city and cancel it; the key differs from world to world."""
    return trajectory(
        turn(f"Cancel my order to {city}.", call("shop.find", city=city), call("shop.cancel", order_id=order)),
        ledger=[said((0, 0), "city", city), found((0, 1), "order_id", 0, "orders[3].order_id")],
    )


def corpus() -> Likeness:
    """A hundred tasks over three environments, among them many that are alike."""
    rng, likeness = Random(5), Likeness()
    for number, (verb, noun) in enumerate(product(VERBS, NOUNS)):
        names = rng.sample(["shop", "bank", "post"], rng.choice([1, 1, 2]))
        tail = " ".join(rng.sample(NOUNS, 6))
        text = f"Could you {verb} the {noun} that I told you of, with {tail}"
        steps = [call(f"{name}.{verb}_{noun}", count=number % 40) for name in names]
        likeness.add(trajectory(turn(text, *steps), environments=names))
        if number % 3 == 0:
            likeness.add(trajectory(turn(f"{text} please", call(f"{names[0]}.ask", number=number)), environments=names))
        if number % 5 == 0:
            other = rng.choice(["shop", "bank", "post"])
            likeness.add(trajectory(turn(f"{tail} {number}", *steps), environments=[other]))
    return likeness


@given(SETS)
def test_near_sets_are_found_as_if_all_were_compared(sets: list[frozenset[int]]) -> None:
    quick, slow = Groups(len(sets)), Groups(len(sets))
    join_near(sets, quick)
    for one, other in combinations(range(len(sets)), 2):
        if jaccard(sets[one], sets[other]) >= THRESHOLD:
            slow.merge(one, other)
    assert [quick.of(place) for place in range(len(sets))] == [slow.of(place) for place in range(len(sets))]


def test_equal_values_are_one_group() -> None:
    groups = Groups(5)
    assert join_equal(["a", "b", "a", "c", "b"], groups) == [0, 1, 3]
    assert [groups.of(place) for place in range(5)] == [0, 1, 0, 3, 1]
    assert groups.count() == 3


def test_keys_that_were_found_do_not_make_a_chain_another() -> None:
    assert canonical_chain(bought("O1")) == canonical_chain(bought("O2"))
    assert canonical_chain(bought("O1")).length == 2


def test_values_that_were_said_make_a_chain_another_of_the_same_shape() -> None:
    here, there = canonical_chain(bought("O1")), canonical_chain(bought("O1", city="Denver"))
    assert here.calls != there.calls
    assert here.shape == there.shape


def test_a_call_between_leaves_the_others_as_they_are() -> None:
    longer = trajectory(
        turn(
            "Cancel my order to Boston.",
            call("shop.find", city="Boston"),
            call("shop.rules"),
            call("shop.cancel", order_id="O1"),
        ),
        ledger=[said((0, 0), "city", "Boston"), found((0, 2), "order_id", 0, "orders[0].order_id")],
    )
    assert set(canonical_chain(bought("O9")).calls) < set(canonical_chain(longer).calls)


def test_duplicates_are_told_as_the_share_beyond_the_first() -> None:
    likeness = Likeness()
    for record in (bought("O1"), bought("O2"), bought("O3", city="Denver"), bought("O4", city="Oslo")):
        likeness.add(record)
    figures = likeness.figures()
    assert (figures.exact_chains, figures.exact_text) == (0.25, 0.25)
    assert (figures.shapes, figures.commonest_shape) == (0.25, 1.0)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_alike_is_on_both_sides_of_a_split(seed: int) -> None:
    likeness = corpus()
    place = {one: number for number, one in enumerate(likeness.ids)}
    assert len(place) == len(likeness.ids)
    assert likeness.figures().near_text > 0
    assert likeness.figures().exact_chains > 0
    for split in splits(likeness, seed=seed, share=0.25).values():
        assert sorted(one for side in SIDES for one in split.sides[side]) == sorted(likeness.ids)
        assert split.sides["train"]
        assert split.sides["held_out"]
        for one, other in product(split.sides["train"], split.sides["held_out"]):
            mine, theirs = place[one], place[other]
            assert likeness.chains[mine] != likeness.chains[theirs]
            assert jaccard(likeness.text_sets[mine], likeness.text_sets[theirs]) < THRESHOLD
            assert jaccard(likeness.chain_sets[mine], likeness.chain_sets[theirs]) < THRESHOLD


def test_an_environment_that_is_held_out_is_in_no_task_to_train_on() -> None:
    likeness = corpus()
    split = splits(likeness, seed=1, share=0.3)["environments"]
    place = {one: number for number, one in enumerate(likeness.ids)}
    (held_out,) = split.held_out
    assert all(held_out not in likeness.environments[place[one]] for one in split.sides["train"])
    assert all(likeness.environments[place[one]] == {held_out} for one in split.sides["held_out"])


def test_a_split_by_tasks_holds_out_about_the_share() -> None:
    likeness = corpus()
    split = splits(likeness, seed=0, share=0.25)["tasks"]
    assert len(split.sides["held_out"]) == pytest.approx(0.25 * len(likeness.ids), abs=5)
    assert not split.sides["left_out"]


def test_splits_depend_on_the_seed_alone() -> None:
    assert splits(corpus(), seed=2, share=0.2) == splits(corpus(), seed=2, share=0.2)
    assert splits(corpus(), seed=2, share=0.2) != splits(corpus(), seed=3, share=0.2)


def test_one_environment_alone_is_never_held_out() -> None:
    likeness = Likeness()
    likeness.add(bought("O1"))
    split = splits(likeness, seed=0, share=0.5)["environments"]
    assert split.held_out == ()
    assert split.sides["train"] == tuple(likeness.ids)


def test_a_share_that_is_no_share_is_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        splits(corpus(), seed=0, share=1.0)


def test_the_lists_and_the_manifest_tell_the_same(tmp_path: Path) -> None:
    parted = splits(corpus(), seed=0, share=0.25)
    written = write_splits(parted, tmp_path, dataset="shops", seed=0)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "manifest.json",
        *(f"{name}/{side}.txt" for name in ("environments", "tasks") for side in SIDES),
    }
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["format"], manifest["dataset"], manifest["seed"]) == ("envfactory.splits/1", "shops", 0)
    for name, split in parted.items():
        for side in SIDES:
            assert tuple((tmp_path / name / f"{side}.txt").read_text().split()) == split.sides[side]
            assert manifest["splits"][name]["trajectories"][side] == len(split.sides[side])
