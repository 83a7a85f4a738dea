"""Retelling: other words for a row say the same of it, and what can't be retold stays as it is."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from synthesis.catalogue import Catalogue
from synthesis.draft import Mention
from synthesis.language.retelling import Retold, Teller

LOAN = Mention(
    environment="library",
    table="loans",
    column="loan_id",
    value="L0001",
    text="my loan that is due March 6",
    short="my loan that is due March 6",
    kind="description",
    sql="SELECT 1",
    properties=({"column": "due_on", "value": "2026-03-06", "text": "that is due March 6"},),
)


def ways(catalogue: Catalogue, mention: Mention) -> list[Retold]:
    teller = Teller({"library": catalogue}, Random(4))
    return [teller.retell(mention, Random(seed)) for seed in range(80)]


def test_a_day_is_said_in_many_ways_and_the_ledger_knows_of_each(library_catalogue: Catalogue) -> None:
    found = ways(library_catalogue, LOAN)
    assert len({one.mention.text for one in found}) >= 6
    for one in found:
        ((old, new),) = one.says
        assert old == "March 6"
        assert new in one.mention.text
        assert one.mention.properties[0]["value"] == "2026-03-06"
        assert one.mention.properties[0]["text"] in one.mention.text


def test_what_is_said_too_shortly_on_purpose_stays(library_catalogue: Catalogue) -> None:
    short = replace(LOAN, text="my loan")
    assert {one.mention.text for one in ways(library_catalogue, short)} == {"my loan"}


def test_it_stays_it(library_catalogue: Catalogue) -> None:
    it = replace(LOAN, text="it", short="it", kind="anaphora", properties=())
    assert {one.mention.text for one in ways(library_catalogue, it)} == {"it"}


def test_a_superlative_keeps_its_end(library_catalogue: Catalogue) -> None:
    extreme = replace(
        LOAN,
        text="my first loan",
        kind="superlative",
        properties=({"column": "due_on", "text": "first"},),
    )
    assert {one.mention.text for one in ways(library_catalogue, extreme)} == {"my first loan"}
