"""The trace score pairs calls in the best way there is, and knows which arguments don't matter."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

import envfactory_client as ef
from envfactory_client.score.assignment import best_pairs
from envfactory_client.score.trace import trace_score
from tests.envfactory_client.score.conftest import with_turn


def _total(weights: list[list[float]], pairs: list[tuple[int, int]]) -> float:
    return sum(weights[row][column] for row, column in pairs)


@pytest.mark.parametrize("seed", range(60))
def test_the_pairing_is_the_best_of_all(seed: int) -> None:
    rng = Random(seed)
    height, width = rng.randint(1, 5), rng.randint(1, 6)
    weights = [[rng.choice((0.0, 0.5, 1.0, rng.random())) for _ in range(width)] for _ in range(height)]
    pairs = best_pairs(weights)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    short, long = sorted((height, width))
    best = max(
        sum(weights[one][other] if height <= width else weights[other][one] for one, other in enumerate(chosen))
        for chosen in permutations(range(long), short)
    )
    assert _total(weights, pairs) == pytest.approx(best)


def test_a_greedy_pairing_would_be_worse() -> None:
    assert best_pairs([[1.0, 0.9], [0.9, 0.0]]) == [(0, 1), (1, 0)]


def test_nothing_pairs_with_nothing() -> None:
    assert best_pairs([]) == []
    assert best_pairs([[0.0]]) == []


@pytest.mark.anyio
async def test_masked_arguments_are_not_compared(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    member, search = perfect.turns[0].calls
    other = with_turn(perfect, 0, calls=(member, search.model_copy(update={"arguments": {"limit": 49}})))
    assert trace_score(task, other) == pytest.approx(3 / 4)
    masks = (ef.StepArgument(step=1, name="limit"),)
    lenient = task.model_copy(update={"reward": task.reward.model_copy(update={"masks": masks})})
    assert trace_score(lenient, other) == 1.0


@pytest.mark.anyio
async def test_a_call_before_the_one_it_stands_on_doesnt_count(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    entry = ef.LedgerEntry(
        turn=1, step=2, argument="member_id", source="earlier", origin={"step": 0, "path": "member_id"}
    )
    bound = task.model_copy(update={"ledger": (entry,)})
    assert trace_score(bound, perfect) == 1.0
    member, search = perfect.turns[0].calls
    late = with_turn(with_turn(perfect, 0, calls=(search,)), 3, calls=(member,))
    assert trace_score(bound, late) == pytest.approx(3 / 4)
